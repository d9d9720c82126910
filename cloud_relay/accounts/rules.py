"""What an account may look like, and when guessing is stopped. Pure."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from cloud_relay.refusals import RefusedError
from wire.plan import Address
from wire.values import BadValueError, clean_text

EMAIL_PATTERN = re.compile(r"[^\s@<>\"(),:;\\\[\]]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
"""Enough to send mail to; whether the address exists only a mail can tell."""
PASSWORD_LENGTH_MIN, PASSWORD_LENGTH_MAX = 8, 200
NICKNAME_LENGTH_MAX = 40
ADDRESSES_MAX = 20
COMMON_PASSWORDS = frozenset({
    "password", "password1", "12345678", "123456789", "1234567890", "qwertyui", "iloveyou", "11111111", "88888888",
    "00000000", "a1234567", "abc12345",
})  # fmt: skip


class MerchantState:
    """States of a merchant, the same in SQL and on pages."""

    PENDING, VERIFIED, REFUSED, SUSPENDED = "pending", "verified", "refused", "suspended"


MERCHANT_DECISIONS = {
    MerchantState.PENDING: {MerchantState.VERIFIED, MerchantState.REFUSED},
    MerchantState.REFUSED: {MerchantState.VERIFIED},
    MerchantState.VERIFIED: {MerchantState.SUSPENDED},
    MerchantState.SUSPENDED: {MerchantState.VERIFIED},
}
"""From which state an operator may decide what."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """What is remembered of failed sign-ins under one key."""

    failures: int
    last_at: datetime
    blocked_until: datetime | None


def clean_email(text: str) -> str:
    """Return an e-mail address as it is stored: lower case, trimmed; raise BadValueError for anything else."""
    email = text.strip().lower()
    if len(email) > 254 or not EMAIL_PATTERN.fullmatch(email):
        raise BadValueError("email: this does not look like an e-mail address / 这不像是一个电子邮箱地址")
    return email


def check_password(password: str, email: str) -> None:
    """Raise BadValueError for a password that is too short, too long, common, or the address itself."""
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise BadValueError(f"password: {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters / 密码长度不符")
    if password.lower() in COMMON_PASSWORDS or password.lower() in (email, email.partition("@")[0]):
        raise BadValueError("password: too easy to guess / 密码过于简单")


def clean_nickname(text: str) -> str:
    """Return a nickname that may be shown to others."""
    return clean_text(text, "nickname", NICKNAME_LENGTH_MAX)


def clean_address(address: Address) -> Address:
    """Return an address that fits a label; raise BadValueError naming the field."""
    lines = tuple(clean_text(line, "lines") for line in address.lines if line.strip())
    if not 1 <= len(lines) <= 4:
        raise BadValueError("lines: one to four lines / 地址需一至四行")
    country = address.country.strip().upper()
    if not re.fullmatch(r"[A-Z]{2}", country):
        raise BadValueError("country: two letters, as CN or DE / 国家代码为两个字母")
    return Address(
        name=clean_text(address.name, "name", 100),
        lines=lines,
        postal_code=clean_text(address.postal_code, "postal_code", 20) if address.postal_code.strip() else "",
        city=clean_text(address.city, "city", 100),
        country=country,
        phone=clean_text(address.phone, "phone", 40) if address.phone.strip() else "",
    )


def attempt_keys(email: str, network_address: str) -> tuple[str, str]:
    """Return the keys under which a failed sign-in counts: this account from this address, and this address alone.

    The account alone is no key: guessing from one network must not lock its owner out on another.
    """
    digest = hashlib.sha256(f"{email}|{network_address}".encode()).hexdigest()
    return f"pair:{digest}", f"address:{network_address[:100]}"


def failures_allowed(key: str, failures_max: int) -> int:
    """Return how many failures one key may have in a window: many people share an address, nobody shares a pair."""
    return failures_max if key.startswith("pair:") else failures_max * 10


def after_failure(before: Attempts | None, now: datetime, allowed: int, window: timedelta) -> Attempts:
    """Return the attempts after one more failure; blocked for a window once the allowed number is reached."""
    is_fresh = before is None or now - before.last_at > window
    failures = 1 if before is None or is_fresh else before.failures + 1
    return Attempts(failures, now, now + window if failures >= allowed else None)


def check_decision(state: str, decision: str) -> None:
    """Raise RefusedError unless an operator may decide so in this state."""
    if decision not in MERCHANT_DECISIONS.get(state, set()):
        raise RefusedError(
            "decision_refused",
            f"A {state} merchant cannot become {decision}",
            f"当前状态（{state}）不能改为 {decision}",
        )
