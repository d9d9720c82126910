"""Asks providers: charges, refunds, payouts, and what became of those without an answer; seals and checks the book."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, select

from cloud_relay import put_back
from cloud_relay.batching import Batches
from cloud_relay.clock import Clock
from cloud_relay.db import Database, keep_trying
from cloud_relay.escrow import ledger, payments, payouts, rules, seals
from cloud_relay.escrow.payments import Payment
from cloud_relay.escrow.providers.base import (
    Charge,
    Outcome,
    OutcomeState,
    PaymentProvider,
    PayOut,
    ProviderUnknownError,
    Refund,
)
from cloud_relay.escrow.settle import settle, settle_all
from cloud_relay.orders.rules import OrderState
from cloud_relay.orders.trade import Trade
from cloud_relay.tables import orders, payment, payout, transfer

log = logging.getLogger(__name__)
T = TypeVar("T")

POLL_S = 2.0
"""How often due payments are looked for; a new one wakes the worker at once."""
CHECK_S = 300.0
"""How often the violations view and the provider's own balance are looked at."""
BATCH = 50


class PaymentWorker:
    """Moves every payment towards an answer; safe to run in several relay processes, because each try is claimed."""

    def __init__(self, db: Database, clock: Clock, providers: Mapping[str, PaymentProvider], trade: Trade) -> None:
        self._db, self._clock, self._providers, self._trade = db, clock, providers, trade
        self._answers: Batches[tuple[str, Outcome], None] = Batches(db, self._settle_all)
        self._wakeup = asyncio.Event()
        self._is_put_back = False

    async def attempt(self, paid: Payment, then: Callable[[Connection, str], T]) -> T | None:
        """Ask the provider for a charge just started; return what `then` makes of it.

        `then(connection, state)` runs in the transaction that settles the payment. None when nobody knows yet.
        """
        (asked,) = await self._db.read(payments.all_as_asked, [paid])
        outcome = await self._outcome_of(asked, is_first=True)
        if outcome is None:
            return None
        now, trade = self._clock.now(), self._trade

        def work(connection: Connection) -> T:
            return then(connection, settle(connection, paid.provider_id, outcome, now, trade))

        return await self._db.run(work)

    async def run(self) -> None:
        """Work for ever."""
        self._db.listen("payments", self._wakeup.set)
        checked_at = sealed_at = float("-inf")
        while True:
            self._wakeup.clear()
            tries = await keep_trying(self.work_once)
            if self._clock.monotonic() - sealed_at > POLL_S:
                sealed_at = self._clock.monotonic()
                await keep_trying(self.seal)
            if self._clock.monotonic() - checked_at > CHECK_S:
                checked_at = self._clock.monotonic()
                await self.check()
            if tries >= BATCH:  # there are more: a thousand groups may end in one second
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):  # wait_for of Python 3.11 may eat a cancellation
                    await self._wakeup.wait()

    async def work_once(self) -> int:
        """Try everything that is due; return how many tries were made."""
        now = self._clock.now()
        due = await self._db.read(payments.find_due, now, BATCH)
        outs = await self._db.read(payouts.find_due, now, BATCH)
        if due or outs:
            self._is_put_back = await self._db.read(put_back.is_marked)
        if self._is_put_back:
            outs = []  # one of them may have left before: the operator looks first
        taken = await self._db.run_in_line(payments.claim_all, due, now, payouts.again_at) if due else []
        asked = await self._db.read(payments.all_as_asked, taken) if taken else []
        tries = (self._try(paid, one) for paid, one in zip(taken, asked, strict=True))
        await asyncio.gather(*tries, *(self._try_payout(name) for name in outs))
        return len(due) + len(outs)

    async def seal(self) -> None:
        """Seal what was posted since the last time."""
        while await self._db.read(_has_unsealed):
            await self._db.run(seals.seal_new, self._clock.now())

    async def _try(self, paid: Payment, asked: Payment) -> None:
        outcome = await self._outcome_of(asked, is_first=False)
        if outcome is None:
            return
        if paid.kind == payments.REFUND:
            await self._answers.do((paid.payment_id, outcome))
        else:
            await self._db.run_in_line(settle, paid.provider_id, outcome, self._clock.now(), self._trade)

    def _settle_all(self, connection: Connection, said: list[tuple[str, Outcome]]) -> list[None]:
        settle_all(connection, said, self._clock.now(), self._trade)
        return [None] * len(said)

    async def _outcome_of(self, asked: Payment, *, is_first: bool) -> Outcome | None:
        """Return what the provider says of a payment under the ids that it knows; None when nobody knows yet."""
        try:
            return await self._ask(asked, is_first=is_first)
        except ProviderUnknownError as error:
            log.info("payment without an answer: %s", error, extra={"payment_id": asked.payment_id})
            return None

    async def _ask(self, paid: Payment, *, is_first: bool) -> Outcome:
        provider = self._providers[paid.provider]
        if paid.kind == payments.REFUND and self._is_put_back:
            raise ProviderUnknownError("refunds wait until the relay that was put back is reconciled")
        if paid.kind == payments.REFUND:
            return await provider.refund(
                Refund(
                    payment_id=paid.payment_id, charge_id=paid.charge_id or "", amount_minor=paid.amount_minor,
                    currency=paid.currency,
                )
            )  # fmt: skip
        found = None if is_first else await provider.find(paid.payment_id)
        if found is not None:
            return found
        is_unwanted = not is_first and (self._is_put_back or not await self._db.read(_is_payable, paid))
        if is_unwanted:
            # The provider never heard of it, and nobody wants it any more, or nobody
            # knows whether they still do. Should it still arrive, settle knows.
            reason = "never reached the provider"
            return Outcome(
                state=OutcomeState.FAILED, amount_minor=paid.amount_minor, currency=paid.currency, reason=reason
            )
        return await provider.charge(
            Charge(
                payment_id=paid.payment_id, order_id=paid.order_id, amount_minor=paid.amount_minor,
                currency=paid.currency, method=paid.method,
            )
        )  # fmt: skip

    async def _try_payout(self, payout_id: str) -> None:
        now = self._clock.now()
        known = await self._db.read(payouts.load, payout_id)
        out = await self._db.run(payouts.claim, payout_id, now, payouts.again_at(now, known.attempts if known else 0))
        if out is None:
            return
        body = PayOut(
            payout_id=payout_id, merchant_id=out.receiver_id, amount_minor=out.amount_minor, currency=out.currency
        )
        try:
            outcome = await self._providers[out.provider].pay_out(body)
        except ProviderUnknownError as error:
            log.info("payout without an answer: %s", error, extra={"payout_id": payout_id})
            return
        await self._db.run(payouts.settle, payout_id, outcome, self._clock.now())

    async def check(self) -> list[str]:
        """Look for violations and for a provider whose book differs from our mirror of it; log and return them."""
        found = [f"{row['rule']}: {row['subject']} {row['detail']}" for row in self._db.violations()]
        broken = await self._db.read(seals.first_broken)
        if broken is not None:
            found.append(f"M2 seal {broken} is broken")
        for name, provider in self._providers.items():
            found += await self._compare(name, provider)
        for text in found:
            log.error("violation: %s", text)
        return found

    async def _compare(self, name: str, provider: PaymentProvider) -> list[str]:
        """Compare balances, but only while no payment is under way, because then they must differ."""
        settled_before = self._clock.now() - timedelta(seconds=10)
        mirror = await self._db.read(_mirror, name, settled_before)
        differing = []
        for currency, ours in (mirror or {}).items():
            try:
                theirs = await provider.held(currency)
            except ProviderUnknownError:
                return []
            if theirs != ours and await self._db.read(_mirror, name, settled_before) == mirror:
                differing.append(f"M11 {name} holds {theirs} {currency}, our book says {ours}")
        return differing


def _has_unsealed(connection: Connection) -> bool:
    query = select(transfer.c.reference).where(transfer.c.sealed_in.is_(None)).limit(1)
    return connection.execute(query).first() is not None


def _is_payable(connection: Connection, asked: Payment) -> bool:
    """Whether every order that a charge is for still waits for it."""
    parts = payments.parts_of(connection, asked.payment_id)
    order_ids = [one.order_id for one in parts] or [asked.order_id]
    states = connection.scalars(select(orders.c.state).where(orders.c.order_id.in_(order_ids)))
    return all(state == OrderState.UNPAID for state in states)


def _mirror(connection: Connection, provider: str, settled_before: datetime) -> dict[str, int] | None:
    """Return what the provider should hold in each currency, or None while anything is under way."""
    for table in (payment, payout):
        is_open = (table.c.state == payments.STARTED) | (table.c.changed_at > settled_before)
        query = select(table.c.provider).where(table.c.provider == provider, is_open)
        if connection.execute(query.limit(1)).first() is not None:
            return None
    return {currency: -amount for currency, amount in ledger.balances(connection, rules.psp(provider)).items()}
