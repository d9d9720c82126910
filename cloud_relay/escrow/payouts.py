"""Payouts to merchants, and shoppers' withdrawals of rebates; the money leaves its ledger account when it starts."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from cloud_relay.accounts.rules import MerchantState
from cloud_relay.db import wake
from cloud_relay.escrow import dues, ledger, rules
from cloud_relay.escrow.payments import FAILED, STARTED, SUCCEEDED
from cloud_relay.escrow.providers.base import Outcome, OutcomeState
from cloud_relay.escrow.rules import Posting
from cloud_relay.notices import service as notices
from cloud_relay.rebates import joining as rebates
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import merchant, payout, posting, transfer
from cloud_relay.web.amounts import money
from cloud_relay.web.pages import page_event
from wire.values import new_id

LATEST = 200
"""Postings and payouts in one answer, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """Money on its way to a merchant's bank; with a `shopper_id` a withdrawal of rebates of `market`."""

    payout_id: str
    merchant_id: str
    amount_minor: int
    currency: str
    state: str
    provider: str
    attempts: int
    shopper_id: str | None = None
    market: str = ""

    @property
    def ledger_account(self) -> str:
        """Where the money came from, and goes back to when the payout fails."""
        return rules.rebate(self.market, self.shopper_id) if self.shopper_id else rules.payable(self.merchant_id)

    @property
    def receiver_id(self) -> str:
        """Whom the provider pays."""
        return self.shopper_id or self.merchant_id


_COLUMNS = [payout.c[name] for name in Payout.__dataclass_fields__]


def start(
    connection: Connection, merchant_id: str, amount_minor: int, currency: str, provider: str, now: datetime
) -> Payout:
    """Take the money out of the merchant's account and start the payout.

    RefusedError when there is not that much, or while the merchant is not verified.
    """
    check_active(connection, merchant_id)
    available = available_minor(connection, merchant_id, currency)
    if not 0 < amount_minor <= available:
        raise not_that_much(available, currency)
    payout_id = new_id("out")
    dues.collect(connection, merchant_id, currency, f"counter_due:{payout_id}", now)
    out = Payout(
        payout_id=payout_id, merchant_id=merchant_id, amount_minor=amount_minor, currency=currency, state=STARTED,
        provider=provider, attempts=0,
    )  # fmt: skip
    return _begin(connection, out, now)


def start_withdrawal(
    connection: Connection, shopper_id: str, market: str, amount_minor: int, currency: str, provider: str, now: datetime
) -> Payout:
    """Take rebates out of a shopper's ledger account and start to pay them; LedgerError when it holds less."""
    out = Payout(
        payout_id=new_id("out"), merchant_id="", amount_minor=amount_minor, currency=currency, state=STARTED,
        provider=provider, attempts=0, shopper_id=shopper_id, market=market,
    )  # fmt: skip
    return _begin(connection, out, now)


def _begin(connection: Connection, out: Payout, now: datetime) -> Payout:
    connection.execute(insert(payout).values(**asdict(out), started_at=now, changed_at=now, next_try_at=now))
    line = Posting(out.ledger_account, rules.psp(out.provider), out.amount_minor)
    ledger.post(connection, f"payout:{out.payout_id}", "payout", [line], now, currency=out.currency)
    wake(connection, "payments")
    return out


def choose_provider(connection: Connection, names: tuple[str, ...], amount_minor: int, currency: str) -> str:
    """Return the first payment provider that holds as much as is to be paid out; without any the first of all."""
    held = (name for name in names if -ledger.balance(connection, rules.psp(name), currency) >= amount_minor)
    return next(held, names[0])


def check_active(connection: Connection, merchant_id: str) -> None:
    """Raise RefusedError while a merchant is not verified: its money stays where it is until its name is known."""
    state = connection.scalar(select(merchant.c.state).where(merchant.c.merchant_id == merchant_id))
    if state != MerchantState.VERIFIED:
        raise RefusedError(
            "not_verified", "Money is paid out to verified merchants only; see your application",
            "仅向通过实名认证的商户提现，请查看认证状态",
        )  # fmt: skip


def available_minor(connection: Connection, merchant_id: str, currency: str) -> int:
    """Return what a merchant has with the market, less what it owes it."""
    has = ledger.balance(connection, rules.payable(merchant_id), currency)
    return has - dues.owed_minor(connection, merchant_id, currency)


def not_that_much(most_minor: int, currency: str) -> RefusedError:
    """Return the refusal for more than a merchant has."""
    most = money(most_minor, currency)
    text = (f"Only {most} can be paid out", f"可提现金额为 {most}")
    return RefusedError("not_that_much", *text, available_minor=most_minor)


def load(connection: Connection, payout_id: str) -> Payout | None:
    """Return the payout, or None."""
    row = connection.execute(select(*_COLUMNS).where(payout.c.payout_id == payout_id)).mappings().one_or_none()
    return None if row is None else Payout(**row)


def settle(connection: Connection, payout_id: str, outcome: Outcome, now: datetime) -> str:
    """Apply a provider's word on a payout, however often it comes; a failed one puts the money back."""
    found = load(connection, payout_id)
    if found is None:
        raise LookupError(f"payout {payout_id}: is not ours")
    same_money = (outcome.amount_minor, outcome.currency) == (found.amount_minor, found.currency)
    if found.state != STARTED or outcome.state is OutcomeState.PENDING or not same_money:
        return found.state
    state = SUCCEEDED if outcome.state is OutcomeState.SUCCEEDED else FAILED
    change = update(payout).where(payout.c.payout_id == payout_id)
    values = {"state": state, "changed_at": now, "next_try_at": None, "reason": outcome.reason}
    connection.execute(change.values(**values, provider_reference=outcome.provider_reference))
    if state == FAILED:
        line = Posting(rules.psp(found.provider), found.ledger_account, found.amount_minor)
        ledger.post(connection, f"payout_failed:{payout_id}", "payout_failed", [line], now, currency=found.currency)
        if found.shopper_id:  # what came back is set against what is owed for purchases given back meanwhile
            why = f"failed:{payout_id}"
            rebates.take_back(connection, found.market, found.currency, found.shopper_id, why, now)
    _tell(connection, found, state, outcome.reason, now)
    return state


def _tell(connection: Connection, out: Payout, state: str, reason: str, now: datetime) -> None:
    words = {"amount": money(out.amount_minor, out.currency), "reason": reason}
    data = {"payout_id": out.payout_id, "state": state}
    if out.shopper_id:
        kind = "withdrawal_done" if state == SUCCEEDED else "withdrawal_failed"
        notices.notify(connection, [out.shopper_id], kind, "/account/rebates", now, **words)
        page_event(connection, f"account:{out.shopper_id}", "rebate", data, now)
        return
    kind = "payout_done" if state == SUCCEEDED else "payout_failed"
    notices.notify(connection, notices.members_of(connection, out.merchant_id), kind, "/merchant/money", now, **words)
    page_event(connection, f"merchant:{out.merchant_id}", "payout", data, now)


def claim(connection: Connection, payout_id: str, now: datetime, again_at: datetime) -> Payout | None:
    """Take a due payout for one try; None when it is settled or another relay process took it."""
    change = (
        update(payout)
        .where(payout.c.payout_id == payout_id, payout.c.state == STARTED, payout.c.next_try_at <= now)
        .values(attempts=payout.c.attempts + 1, next_try_at=again_at)
    )
    return load(connection, payout_id) if connection.execute(change).rowcount == 1 else None


def find_due(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Return payouts whose fate is open and whose next try is due."""
    query = select(payout.c.payout_id).where(payout.c.state == STARTED, payout.c.next_try_at <= now)
    return list(connection.scalars(query.order_by(payout.c.next_try_at).limit(limit)))


def money_of(connection: Connection, merchant_id: str) -> dict[str, Any]:
    """Return a merchant's balances in each currency, the newest postings of its account, and its payouts."""
    account = rules.payable(merchant_id)
    balances = ledger.balances(connection, account)
    query = (
        select(
            transfer.c.reference, transfer.c.kind, transfer.c.order_id, transfer.c.created_at, posting.c.debit,
            posting.c.credit, posting.c.amount_minor, posting.c.currency,
        )
        .join(posting, posting.c.reference == transfer.c.reference)
        .where((posting.c.debit == account) | (posting.c.credit == account))
        .order_by(transfer.c.created_at.desc(), transfer.c.reference)
        .limit(LATEST)
    )  # fmt: skip
    outs = select(payout).where(payout.c.merchant_id == merchant_id).order_by(payout.c.started_at.desc()).limit(LATEST)
    return {
        "balances": [{"currency": currency, "amount_minor": amount} for currency, amount in sorted(balances.items())],
        "postings": [dict(row) for row in connection.execute(query).mappings()],
        "payouts": [dict(row) for row in connection.execute(outs).mappings()],
    }


def again_at(now: datetime, attempts: int) -> datetime:
    """Return when to ask a provider again after so many tries: 10 s, doubling, at most an hour."""
    return now + timedelta(seconds=min(3600.0, 10.0 * 2 ** min(attempts, 9)))
