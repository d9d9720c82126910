"""What Stripe's objects mean to us: sessions, charges, refunds, transfers, balances, events. Pure."""

from datetime import UTC, datetime
from typing import Any

from cloud_relay.escrow.providers.base import Movement, Outcome, OutcomeState, ProviderEvent, ProviderUnknownError

REFUND_FAILED = ("failed", "canceled")
CHARGED_BACK = "payment.charged_back"
"""The type by which `escrow.webhooks` knows a charge-back, whoever sends it."""
TAKEN_BACK = "charge.dispute.funds_withdrawn"
"""The event by which the disputed amount has left our balance (docs.stripe.com/api/events/types)."""
UNSAID = (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError)
"""What reading raises of an answer that is not as Stripe documents it; OSError: a time that no calendar has."""
ENDED = frozenset({"checkout.session.expired", "checkout.session.async_payment_failed"})


def failed(amount_minor: int, currency: str, reason: str) -> Outcome:
    """Return that nothing moved, and why."""
    return Outcome(state=OutcomeState.FAILED, amount_minor=amount_minor, currency=currency, reason=reason[:200])


def rows(page: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a list answer; ProviderUnknownError when it is none."""
    found = page.get("data")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ProviderUnknownError("stripe: a list without data")
    return found


def our_id(one: dict[str, Any]) -> str:
    """Return our own id of an object, which we wrote into its metadata."""
    metadata = one.get("metadata")
    return str(metadata.get("payment_id", ""))[:64] if isinstance(metadata, dict) else ""


def name_of(one: dict[str, Any], key: str = "id") -> str:
    """Return Stripe's own name of an object, or of one that it names; ProviderUnknownError when there is none."""
    found = one.get(key)
    if not isinstance(found, str) or not found:
        raise ProviderUnknownError(f"stripe: an object without {key}")
    return found


def paid_one(charges: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the charge among the tries that took the money, or None."""
    return next((one for one in charges if one.get("status") == "succeeded" and one.get("captured", True)), None)


def _outcome(one: dict[str, Any], state: OutcomeState, amount: str, reference: str, **more: Any) -> Outcome:
    try:
        return Outcome(
            state=state, amount_minor=int(one[amount]), currency=str(one["currency"]).upper(),
            provider_reference=reference, **more,
        )  # fmt: skip
    except UNSAID as error:
        raise ProviderUnknownError(f"stripe: an answer that says nothing ({error})") from error


def of_session(session: dict[str, Any]) -> Outcome:
    """Return what a Checkout Session says before anybody paid on it: pending, under the session's own id."""
    return _outcome(session, OutcomeState.PENDING, "amount_total", str(session.get("id", "")))


def of_charge(charge: dict[str, Any]) -> Outcome:
    """Return what a charge that succeeded took; its balance transaction says what Stripe kept."""
    kept = charge.get("balance_transaction")
    reference = str(charge.get("payment_intent") or charge.get("id") or "")
    try:
        fee = int(kept.get("fee", 0)) if isinstance(kept, dict) else 0
    except UNSAID as error:
        raise ProviderUnknownError(f"stripe: a fee that says nothing ({error})") from error
    return _outcome(charge, OutcomeState.SUCCEEDED, "amount", reference, fee_minor=fee)


def of_unpaid(charge: dict[str, Any], sessions: dict[str, Any]) -> Outcome:
    """Return what a declined try means: failed once the payment page has expired, pending while it is open."""
    is_over = any(one.get("status") == "expired" for one in rows(sessions))
    reason = str(charge.get("failure_message") or charge.get("failure_code") or "declined")[:200]
    state = OutcomeState.FAILED if is_over else OutcomeState.PENDING
    return _outcome(charge, state, "amount", "", reason=reason)


def of_refund(refund: dict[str, Any]) -> Outcome:
    """Return what a refund says: it may be pending for days with some banks."""
    status = refund.get("status")
    state = OutcomeState.SUCCEEDED if status == "succeeded" else OutcomeState.PENDING
    state = OutcomeState.FAILED if status in REFUND_FAILED else state
    reason = str(refund.get("failure_reason") or "")[:200]
    return _outcome(refund, state, "amount", str(refund.get("id", "")), reason=reason)


def of_transfer(transfer: dict[str, Any]) -> Outcome:
    """Return what a transfer says: it exists, so the money is with the merchant's Stripe account, unless reversed."""
    if transfer.get("reversed"):
        return _outcome(transfer, OutcomeState.FAILED, "amount", "", reason="reversed at Stripe")
    return _outcome(transfer, OutcomeState.SUCCEEDED, "amount", str(transfer.get("id", "")))


def balance_of(balance: dict[str, Any], currency: str) -> int:
    """Return what the platform's balance holds, available and pending together."""
    try:
        parts = [*balance["available"], *balance["pending"]]
        return sum(int(one["amount"]) for one in parts if str(one["currency"]).upper() == currency)
    except UNSAID as error:
        raise ProviderUnknownError(f"stripe: a balance that says nothing ({error})") from error


def of_event(data: dict[str, Any]) -> ProviderEvent:
    """Return a verified event. A success is a hint to ask; types that we do not know have no effect."""
    event_id, type_ = str(data["id"])[:120], str(data["type"])[:80]
    about = (data.get("data") or {}).get("object") or {}
    if type_ == "payment_intent.succeeded":
        outcome = _outcome(about, OutcomeState.SUCCEEDED, "amount_received", str(about["id"]))
        return ProviderEvent(event_id=event_id, type=type_, payment_id=our_id(about), outcome=outcome, is_hint=True)
    if type_ in ENDED:
        outcome = _outcome(about, OutcomeState.FAILED, "amount_total", "", reason="the payment page was left unpaid")
        return ProviderEvent(event_id=event_id, type=type_, payment_id=our_id(about), outcome=outcome)
    if type_ == TAKEN_BACK:
        return ProviderEvent(event_id=event_id, type=CHARGED_BACK, provider_reference=str(about["payment_intent"]))
    return ProviderEvent(event_id=event_id, type=type_)


_KINDS = {"charge": "charge", "payment": "charge", "refund": "refund", "payment_refund": "refund", "transfer": "payout"}
"""Types of balance transactions (docs.stripe.com/reports/balance-transaction-types) and what our ledger calls them."""


def movements_of(one: dict[str, Any], disputed: dict[str, Any] | None) -> list[Movement]:
    """Return a balance transaction as movements: what moved, and what Stripe kept of it.

    `disputed` is the charge behind a dispute. A type that our ledger knows nothing of stands under its own id: then
    the comparison shows it as missing with us, which it is.
    """
    try:
        source = one.get("source")
        about = source if isinstance(source, dict) else {}
        kind, payment_id = _KINDS.get(str(one["type"]), str(one["type"])), our_id(about)
        if disputed is not None:
            kind, payment_id = "charge_back", our_id(disputed)
        at, currency = datetime.fromtimestamp(int(one["created"]), UTC), str(one["currency"]).upper()
        name, amount, fee = str(one["id"]), int(one["amount"]), int(one.get("fee", 0))
    except UNSAID as error:
        raise ProviderUnknownError(f"stripe: a balance transaction that says nothing ({error})") from error
    whole: dict[str, Any] = {
        "payment_id": payment_id or name, "currency": currency, "at": at, "provider_reference": name,
    }  # fmt: skip
    found = [Movement(kind=kind, amount_minor=amount, **whole)]
    return [*found, Movement(kind="provider_fee", amount_minor=-fee, **whole)] if fee else found
