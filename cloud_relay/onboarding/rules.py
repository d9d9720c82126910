"""States of a merchant and who may change them, what an application holds, and when a verdict ends. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from cloud_relay.accounts.rules import MERCHANT_DECISIONS, MerchantState, clean_address
from cloud_relay.onboarding import identity_numbers
from cloud_relay.refusals import RefusedError
from wire.codec import from_json, to_json
from wire.plan import Address
from wire.values import BadValueError, clean_text


class By(StrEnum):
    """Who changes a merchant's state."""

    MERCHANT = "merchant"
    OPERATOR = "operator"
    CLOCK = "clock"


RENEWED = frozenset({MerchantState.VERIFIED, MerchantState.SUSPENDED})
"""States that an operator may confirm, on a new application: verified anew, or still suspended for a new reason."""
STEPS: dict[By, dict[str, frozenset[str]]] = {
    By.OPERATOR: {state: frozenset(after | ({state} & RENEWED)) for state, after in MERCHANT_DECISIONS.items()},
    By.MERCHANT: {MerchantState.REFUSED: frozenset({MerchantState.PENDING})},
    By.CLOCK: {
        MerchantState.VERIFIED: frozenset({MerchantState.SUSPENDED}),
        MerchantState.SUSPENDED: frozenset({MerchantState.VERIFIED}),
    },
}
"""The one table: pending (applied), verified (active), refused, suspended; whatever is not here does not happen."""

NEEDS_REASON = frozenset({MerchantState.REFUSED, MerchantState.SUSPENDED})


class ApplicationState(StrEnum):
    """Where an application is. A draft that nobody sends is dropped; withdrawn and dropped ones keep no document."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"
    DROPPED = "dropped"


OPEN = (ApplicationState.DRAFT, ApplicationState.SUBMITTED)

VERIFIED_LIFE = timedelta(days=2 * 365)
"""The longest that a look at documents counts: addresses, owners and the documents themselves change."""
REFUSED_LIFE = timedelta(days=7)
"""Until somebody who was refused may apply again, where the operator names no day."""
DRAFT_LIFE = timedelta(days=14)
"""Documents of an application that nobody sends are deleted after this."""
REMIND_BEFORE = (timedelta(days=30), timedelta(days=7))
"""When a verified merchant is told that the verdict ends."""

DOCUMENT_KINDS: dict[str, tuple[str, str]] = {
    "identity_front": ("Identity document, front", "身份证件正面"),
    "identity_back": ("Identity document, back", "身份证件背面"),
    "licence": ("Business licence or register extract", "营业执照或登记证明"),
    "address_proof": ("Proof of address", "地址证明"),
    "other": ("Something else", "其他材料"),
}
NEEDED = {
    identity_numbers.PERSON: ("identity_front", "identity_back"),
    identity_numbers.COMPANY: ("licence", "identity_front"),
}
"""Without these an application cannot be sent; of a company, the identity is that of who signs for it."""
DOCUMENTS_MAX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What an applicant says of itself; sealed in the database."""

    kind: str
    real_name: str
    country: str
    number: str
    address: Mapping[str, Any]
    contact_name: str
    phone: str


def clean_details(values: Mapping[str, Any], today: date) -> Details:
    """Return an application's details, each checked; BadValueError or RefusedError says which one is wrong and why."""
    kind, country = str(values["kind"]), str(values["country"]).strip().upper()
    if kind not in identity_numbers.KINDS:
        raise BadValueError("kind: person or company")
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise BadValueError("country: two letters, as CN / 国家代码为两个字母")
    real_name = clean_text(values["real_name"], "real_name", 120)
    address = clean_address(from_json(Address, {**values["address"], "name": real_name, "country": country}))
    return Details(
        kind=kind, real_name=real_name, country=country,
        number=identity_numbers.clean_number(values["number"], kind, country, today),
        address=to_json(address), contact_name=clean_text(values["contact_name"], "contact_name", 80),
        phone=clean_text(values["phone"], "phone", 30),
    )  # fmt: skip


def check_step(state: str, after: str, by: By) -> None:
    """Raise RefusedError unless the table lets `by` change a merchant from `state` to `after`."""
    if after not in STEPS[by].get(state, frozenset()):
        raise RefusedError(
            "decision_refused", f"A {state} merchant cannot become {after}", f"当前状态（{state}）不能改为 {after}"
        )


def check_apply(state: str, state_until: datetime | None, now: datetime) -> None:
    """Raise RefusedError while a refused merchant may not apply again yet; everybody else may, to renew too."""
    if state == MerchantState.REFUSED and state_until is not None and now < state_until:
        day = f"{state_until:%Y-%m-%d}"
        raise RefusedError("apply_later", f"You may apply again from {day}", f"{day} 起可重新申请", 409)


def missing_documents(kind: str, present: Sequence[str]) -> list[str]:
    """Return the kinds of document that are still needed."""
    return [one for one in NEEDED.get(kind, ()) if one not in present]


def until_of(decision: str, wished: datetime | None, now: datetime) -> datetime | None:
    """Return until when a verdict holds; RefusedError for a time that has passed or is too far.

    A suspension without a time stays until an operator ends it.
    """
    if wished is not None and wished <= now:
        raise RefusedError("until_past", "The day to which it holds must lie ahead", "有效期须晚于现在", 422)
    if decision == MerchantState.VERIFIED:
        longest = now + VERIFIED_LIFE
        if wished is not None and wished > longest:
            raise RefusedError(
                "until_far", f"At most until {longest:%Y-%m-%d}: documents are looked at every two years",
                f"最长至 {longest:%Y-%m-%d}：证件每两年复核一次", 422,
            )  # fmt: skip
        return wished or longest
    if decision == MerchantState.REFUSED:
        return wished or now + REFUSED_LIFE
    return wished


def reminders_due(until: datetime, now: datetime) -> int:
    """Return how many of the reminders before `until` are due by now."""
    return sum(now >= until - before for before in REMIND_BEFORE)
