"""Stripe Connect, separate charges and transfers: the platform takes the money at once and pays merchants out later.

The shopper pays on Stripe's own page (Checkout), because ours carry no third-party script. A charge is pending until
then; Stripe's webhook is a hint to ask, and what it answers settles. Stripe says it offers no escrow: see DECISIONS.
Sources: docs.stripe.com/connect/separate-charges-and-transfers, /api/checkout/sessions, /api/idempotent_requests,
/webhooks#verify-manually. Unproved: tested against answers written from these pages, never against Stripe itself.
"""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx

from cloud_relay.db import Database
from cloud_relay.escrow import payments
from cloud_relay.escrow.bank.book import payout_account_of
from cloud_relay.escrow.providers import stripe_answers as answers
from cloud_relay.escrow.providers.base import (
    BadWebhookError,
    Charge,
    HowToPay,
    Method,
    Movement,
    Outcome,
    PayOut,
    ProviderEvent,
    ProviderUnknownError,
    Refund,
)
from wire.plan import Text

NAME = "stripe"
API_VERSION = "2026-10-28.endive"
"""Sent with every call, so that Stripe's own upgrades change nothing here (docs.stripe.com/api/versioning)."""
SIGNATURE_HEADER = "stripe-signature"
TOLERANCE_S = 300
"""What Stripe's own libraries allow between a webhook's time and ours."""
PAGE = 100
"""Most rows of one list answer."""
METHODS = (
    Method(
        method="stripe:checkout",
        title=Text(en="Card and more, by Stripe", zh="银行卡等（Stripe）"),
        hint=Text(en="You pay on Stripe's page and come back here", zh="在 Stripe 页面付款后返回本站"),
    ),
)
UNCERTAIN = frozenset({401, 403, 404, 409, 429})
"""Answers that say nothing about this payment: wrong key, too many calls, the same key still at work."""


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Return Stripe's signature header: HMAC-SHA256 over time, a dot and the raw bytes (webhooks#verify-manually)."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class _RefusedByStripeError(Exception):
    """Stripe understood and said no: nothing happened."""


class StripeProvider:
    """Speaks to Stripe at `url`; `timeout_s` bounds each answer, after which nobody knows what happened."""

    name = NAME
    methods = METHODS
    reconciled = frozenset({"charge", "refund", "payout", "charge_back", "provider_fee"})

    def __init__(
        self, url: str, key: str, webhook_secret: str, timeout_s: float, *, public_url: str, db: Database
    ) -> None:
        if not key or not webhook_secret:
            raise ValueError("stripe: VITRINE_STRIPE_KEY and VITRINE_STRIPE_WEBHOOK_SECRET must be set")
        self._webhook_secret, self._public_url, self._db = webhook_secret, public_url, db
        headers = {"Authorization": f"Bearer {key}", "Stripe-Version": API_VERSION}
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout_s)

    async def charge(self, charge: Charge) -> Outcome:
        until = await self._db.read(payments.pay_until, charge.payment_id)
        page = f"{self._public_url}/orders/{charge.order_id}"
        body = {
            "mode": "payment", "client_reference_id": charge.payment_id, "success_url": page, "cancel_url": page,
            "line_items[0][quantity]": "1", "line_items[0][price_data][currency]": charge.currency.lower(),
            "line_items[0][price_data][unit_amount]": str(charge.amount_minor),
            "line_items[0][price_data][product_data][name]": charge.order_id,
            "payment_intent_data[transfer_group]": charge.payment_id,
            "payment_intent_data[metadata][payment_id]": charge.payment_id,
            "payment_intent_data[metadata][order_id]": charge.order_id,
            "metadata[payment_id]": charge.payment_id,
        }  # fmt: skip
        if until is not None:
            body["expires_at"] = str(int(until.timestamp()))
        try:
            session = await self._ask("POST", "/v1/checkout/sessions", body, once=charge.payment_id)
        except _RefusedByStripeError as error:
            return answers.failed(charge.amount_minor, charge.currency, str(error))
        return answers.of_session(session)

    async def refund(self, refund: Refund) -> Outcome:
        charge = answers.paid_one(await self._charges(refund.charge_id))
        if charge is None:
            return answers.failed(refund.amount_minor, refund.currency, "no such charge")
        known = [one async for one in self._all("/v1/refunds", {"charge": answers.name_of(charge)})]
        ours = [one for one in known if answers.our_id(one) == refund.payment_id]
        standing = [one for one in ours if one.get("status") not in answers.REFUND_FAILED]
        if standing:
            return answers.of_refund(standing[0])
        body = {
            "charge": answers.name_of(charge), "amount": str(refund.amount_minor),
            "metadata[payment_id]": refund.payment_id,
        }  # fmt: skip
        once = refund.payment_id if not ours else f"{refund.payment_id}-{len(ours)}"  # after a failed one it is another
        try:
            return answers.of_refund(await self._ask("POST", "/v1/refunds", body, once=once))
        except _RefusedByStripeError as error:
            return answers.failed(refund.amount_minor, refund.currency, str(error))

    async def pay_out(self, payout: PayOut) -> Outcome:
        account = await self._db.read(payout_account_of, payout.merchant_id, NAME)
        if account is None:
            return answers.failed(payout.amount_minor, payout.currency, "no Stripe account is set on the money page")
        known = await self._find_transfer(payout.payout_id)
        if known is not None:
            return known
        body = {
            "amount": str(payout.amount_minor), "currency": payout.currency.lower(),
            "destination": str(account["account"]), "transfer_group": payout.payout_id,
            "metadata[payment_id]": payout.payout_id,
        }  # fmt: skip
        try:
            return answers.of_transfer(await self._ask("POST", "/v1/transfers", body, once=payout.payout_id))
        except _RefusedByStripeError as error:
            return answers.failed(payout.amount_minor, payout.currency, str(error))

    async def find(self, payment_id: str) -> Outcome | None:
        if payment_id.startswith("out"):
            return await self._find_transfer(payment_id)
        if payment_id.startswith("ref"):
            found = [one async for one in self._all("/v1/refunds", {}) if answers.our_id(one) == payment_id]
            return answers.of_refund(found[0]) if found else None
        charges = await self._charges(payment_id)
        paid = answers.paid_one(charges)
        if paid is not None:
            return answers.of_charge(paid)
        if not charges:
            return None
        # A declined card does not end it: Stripe's page lets the shopper try another until it expires.
        query = {"payment_intent": answers.name_of(charges[0], "payment_intent"), "limit": "1"}
        sessions = await self._ask("GET", "/v1/checkout/sessions", query)
        return answers.of_unpaid(charges[0], sessions)

    async def _charges(self, payment_id: str) -> list[dict[str, Any]]:
        query = {"transfer_group": payment_id, "limit": str(PAGE), "expand[]": "data.balance_transaction"}
        return answers.rows(await self._ask("GET", "/v1/charges", query))

    async def _find_transfer(self, payout_id: str) -> Outcome | None:
        found = answers.rows(await self._ask("GET", "/v1/transfers", {"transfer_group": payout_id, "limit": "1"}))
        return answers.of_transfer(found[0]) if found else None

    async def held(self, currency: str) -> int:
        return answers.balance_of(await self._ask("GET", "/v1/balance"), currency)

    async def how_to_pay(self, payment_id: str, provider_reference: str) -> HowToPay | None:
        if not provider_reference.startswith("cs_"):
            return None
        session = await self._ask("GET", f"/v1/checkout/sessions/{provider_reference}")
        url = session.get("url")
        return HowToPay(url=str(url)) if session.get("status") == "open" and url else None

    async def movements(self, first: datetime, after: datetime) -> list[Movement]:
        query = {
            "created[gte]": str(int(first.timestamp())), "created[lt]": str(int(after.timestamp())),
            "expand[]": "data.source",
        }  # fmt: skip
        found: list[Movement] = []
        async for one in self._all("/v1/balance_transactions", query):
            source = one.get("source")
            taken = source if isinstance(source, dict) and source.get("object") == "dispute" else None
            charge = await self._ask("GET", f"/v1/charges/{answers.name_of(taken, 'charge')}") if taken else None
            found += answers.movements_of(one, charge)
        return found

    def read_event(self, headers: Mapping[str, str], body: bytes, now: datetime) -> ProviderEvent:
        parts = [part.partition("=")[::2] for part in headers.get(SIGNATURE_HEADER, "").split(",")]
        timestamp = next((value for name, value in parts if name.strip() == "t"), "")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            raise BadWebhookError("webhook: no signature")
        expected = sign(self._webhook_secret, int(timestamp), body).partition("v1=")[2].encode()
        given = [value.encode() for name, value in parts if name.strip() == "v1"]  # two while the secret is rolled
        if not any(hmac.compare_digest(expected, one) for one in given):
            raise BadWebhookError("webhook: the signature does not fit")
        if abs(now.timestamp() - int(timestamp)) > TOLERANCE_S:
            raise BadWebhookError("webhook: signed too long ago")
        try:
            return answers.of_event(json.loads(body))
        except (*answers.UNSAID, ProviderUnknownError) as error:
            raise BadWebhookError(f"webhook: signed, but not readable ({type(error).__name__})") from error

    async def close(self) -> None:
        await self._http.aclose()

    async def _all(self, path: str, query: dict[str, str]) -> AsyncIterator[dict[str, Any]]:
        """Yield every row of a list, newest first, page by page."""
        after: dict[str, str] = {}
        while True:
            page = await self._ask("GET", path, {**query, **after, "limit": str(PAGE)})
            found = answers.rows(page)
            for one in found:
                yield one
            if not page.get("has_more") or not found:
                return
            after = {"starting_after": answers.name_of(found[-1])}

    async def _ask(
        self, method: str, path: str, values: dict[str, str] | None = None, once: str = ""
    ) -> dict[str, Any]:
        """Return the JSON of an answer; a certain no is _RefusedByStripeError, whatever else ProviderUnknownError."""
        headers = {"Idempotency-Key": once} if once else {}
        sent: dict[str, Any] = {"data": values} if method == "POST" else {"params": values or {}}
        try:
            answer = await self._http.request(method, path, headers=headers, **sent)
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderUnknownError(f"stripe: {method} {path}: {type(error).__name__} {error}".strip()) from error
        if not isinstance(found, dict):
            raise ProviderUnknownError(f"stripe: {method} {path}: an answer that is no object")
        if answer.status_code == HTTPStatus.OK:
            return found
        problem = found.get("error")
        said = problem if isinstance(problem, dict) else {}
        is_certain = 400 <= answer.status_code < 500 and answer.status_code not in UNCERTAIN
        if is_certain and method == "POST" and said.get("type") != "idempotency_error":
            raise _RefusedByStripeError(str(said.get("message") or said.get("code") or "refused")[:200])
        raise ProviderUnknownError(f"stripe: HTTP {answer.status_code} for {method} {path} ({said.get('code', '')})")
