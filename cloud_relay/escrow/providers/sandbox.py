"""The sandbox provider over real HTTP: everything a real one does, with no real money. It is the default."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from cloud_relay.escrow.providers.base import (
    BadWebhookError,
    Charge,
    HowToPay,
    Method,
    Movement,
    Outcome,
    OutcomeState,
    PayOut,
    ProviderEvent,
    ProviderUnknownError,
    Refund,
)
from cloud_relay.escrow.providers.json_peer import JsonPeer, PeerError
from wire.plan import Text

NAME = "sandbox"
SIGNATURE_HEADER = "sandbox-signature"
TOLERANCE_S = 300
"""How far a webhook's own time may be from ours; an older one is a replay."""

METHODS = (
    Method(
        method="sandbox:ok", title=Text(en="Sandbox card", zh="沙盒银行卡"), hint=Text(en="Pays at once", zh="立即付款")
    ),
    Method(method="sandbox:decline", title=Text(en="Sandbox card that is declined", zh="会被拒绝的沙盒卡")),
    Method(method="sandbox:slow", title=Text(en="Sandbox bank that answers slowly", zh="答复缓慢的沙盒银行")),
    Method(
        method="sandbox:timeout_charged",
        title=Text(en="Sandbox bank that charges and falls silent", zh="扣款后不再答复的沙盒银行"),
    ),
)


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Return the signature header: HMAC-SHA256 over time, a dot and the raw bytes."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class SandboxProvider:
    """Speaks to sandbox_server at `url`; `timeout_s` bounds each answer, after which nobody knows what happened."""

    name = NAME
    methods = METHODS
    reconciled = frozenset({"charge", "refund", "payout", "charge_back"})

    def __init__(self, url: str, secret: str, webhook_secret: str, timeout_s: float) -> None:
        if not secret or not webhook_secret:
            raise ValueError("sandbox provider: VITRINE_PAYMENT_SECRET and VITRINE_PAYMENT_WEBHOOK_SECRET must be set")
        self._webhook_secret = webhook_secret
        self._peer = JsonPeer(url, timeout_s, {"Authorization": f"Bearer {secret}"})

    async def charge(self, charge: Charge) -> Outcome:
        body = {
            "id": charge.payment_id, "order_id": charge.order_id, "amount_minor": charge.amount_minor,
            "currency": charge.currency, "method": charge.method,
        }  # fmt: skip
        return _outcome(await self._ask("POST", "/charges", body))

    async def refund(self, refund: Refund) -> Outcome:
        body = {
            "id": refund.payment_id, "charge_id": refund.charge_id, "amount_minor": refund.amount_minor,
            "currency": refund.currency,
        }  # fmt: skip
        return _outcome(await self._ask("POST", "/refunds", body))

    async def pay_out(self, payout: PayOut) -> Outcome:
        body = {
            "id": payout.payout_id, "merchant_id": payout.merchant_id, "amount_minor": payout.amount_minor,
            "currency": payout.currency,
        }  # fmt: skip
        return _outcome(await self._ask("POST", "/payouts", body))

    async def find(self, payment_id: str) -> Outcome | None:
        answer = await self._ask("GET", f"/payments/{payment_id}")
        return None if answer is None else _outcome(answer)

    async def held(self, currency: str) -> int:
        answer = await self._ask("GET", f"/balance/{currency}")
        return int(answer["held_minor"]) if answer else 0

    async def how_to_pay(self, payment_id: str, provider_reference: str) -> HowToPay | None:
        """A card is charged at once; there is nothing to do but wait."""
        return None

    async def movements(self, first: datetime, after: datetime) -> list[Movement]:
        answer = await self._ask("GET", f"/movements?first={first.timestamp()}&after={after.timestamp()}")
        try:
            return [_movement(one) for one in answer["movements"]] if answer else []
        except (KeyError, TypeError, ValueError) as error:
            raise ProviderUnknownError(f"sandbox: a list that says nothing ({error})") from error

    def read_event(self, headers: Mapping[str, str], body: bytes, now: datetime) -> ProviderEvent:
        parts = dict(part.partition("=")[::2] for part in headers.get(SIGNATURE_HEADER, "").split(","))
        timestamp = parts.get("t", "")
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            raise BadWebhookError("webhook: no signature")
        expected = sign(self._webhook_secret, int(timestamp), body)
        if not hmac.compare_digest(expected.encode(), f"t={timestamp},v1={parts.get('v1', '')}".encode()):
            raise BadWebhookError("webhook: the signature does not fit")
        if abs(now.timestamp() - int(timestamp)) > TOLERANCE_S:
            raise BadWebhookError("webhook: signed too long ago")
        return _event(body)

    async def close(self) -> None:
        await self._peer.close()

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Return the JSON of an answer, None for 404; whatever says nothing certain is ProviderUnknownError."""
        try:
            status, answer = await self._peer.ask(method, path, body)
        except PeerError as error:
            raise ProviderUnknownError(f"sandbox: {error}") from error
        if status == HTTPStatus.NOT_FOUND:
            return None
        if status != HTTPStatus.OK or not isinstance(answer, dict):
            raise ProviderUnknownError(f"sandbox: HTTP {status} for {method} {path}")
        return answer


def _outcome(answer: dict[str, Any] | None) -> Outcome:
    try:
        if answer is None:
            raise KeyError("404")
        return Outcome(
            state=OutcomeState(answer["state"]),
            amount_minor=int(answer["amount_minor"]),
            currency=str(answer["currency"]),
            provider_reference=str(answer["reference"]),
            reason=str(answer.get("reason", ""))[:200],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProviderUnknownError(f"sandbox: an answer that says nothing ({error})") from error


def _movement(one: dict[str, Any]) -> Movement:
    return Movement(
        kind=str(one["kind"]), payment_id=str(one["payment_id"]), amount_minor=int(one["amount_minor"]),
        currency=str(one["currency"]), at=datetime.fromtimestamp(float(one["at"]), UTC),
        provider_reference=str(one["reference"]),
    )  # fmt: skip


def _event(body: bytes) -> ProviderEvent:
    try:
        data = json.loads(body)
        event = ProviderEvent(event_id=str(data["id"])[:120], type=str(data["type"])[:80])
        if not event.type.startswith("payment."):
            return event
        payment_id = str(data["payment"]["id"])[:64]
        outcome = None if event.type == "payment.charged_back" else _outcome(data["payment"])
        return ProviderEvent(event_id=event.event_id, type=event.type, payment_id=payment_id, outcome=outcome)
    except (KeyError, TypeError, ValueError, ProviderUnknownError) as error:
        raise BadWebhookError(f"webhook: signed, but not readable ({type(error).__name__})") from error
