"""Values that both sides must read alike: GS1 numbers, text typed by people, money, time. Pure."""

import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
"""Ids stand in topics, file names and addresses, so they are lower-case ASCII without a slash, dot or wildcard."""

TEXT_LENGTH_MAX = 300
"""Longest line a person may type: a 300-character address line still fits a 100 mm label at 2 mm type."""


class BadValueError(ValueError):
    """A value from outside that cannot be accepted; the message says which value and why."""


def new_id(prefix: str, random_bytes: bytes | None = None) -> str:
    """Return `prefix_` and 26 base-32 characters (130 bits); 17 `random_bytes` make it repeatable in tests."""
    number = int.from_bytes(random_bytes[:17] if random_bytes else secrets.token_bytes(17), "big")
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    digits = []
    for _ in range(26):
        number, digit = divmod(number, 32)
        digits.append(alphabet[digit])
    return f"{prefix}_{''.join(digits)}"


def check_id(value: str, field: str) -> str:
    """Return `value` if it may stand in a topic, a path and an address; raise BadValueError otherwise."""
    if not ID_PATTERN.fullmatch(value):
        raise BadValueError(f"{field}: {value[:40]!r} is not an id (a-z, 0-9, _ and -, at most 64 characters)")
    return value


def gs1_check_digit(digits: str) -> int:
    """Return the GS1 check digit of `digits` (GS1 General Specifications 7.9.1: weights 3 and 1 from the right)."""
    return -sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))) % 10


def _check_gs1(value: str, lengths: tuple[int, ...], name: str) -> str:
    if not (value.isascii() and value.isdigit()) or len(value) not in lengths:
        raise BadValueError(f"{name}: {value[:40]!r} must be {' or '.join(map(str, lengths))} digits")
    if gs1_check_digit(value[:-1]) != int(value[-1]):
        raise BadValueError(f"{name}: {value} has a wrong check digit; {gs1_check_digit(value[:-1])} would be right")
    return value


@dataclass(frozen=True, slots=True)
class Gtin:
    """A GTIN, kept as 14 digits; 8, 12 and 13 digits are padded (GS1 General Specifications 3.3.2)."""

    digits: str

    def __post_init__(self) -> None:
        _check_gs1(self.digits, (8, 12, 13, 14), "GTIN")
        object.__setattr__(self, "digits", self.digits.zfill(14))

    def __str__(self) -> str:
        return self.digits


@dataclass(frozen=True, slots=True)
class Sscc:
    """A Serial Shipping Container Code, 18 digits (GS1 General Specifications 3.3.1, AI 00)."""

    digits: str

    def __post_init__(self) -> None:
        _check_gs1(self.digits, (18,), "SSCC")

    @classmethod
    def build(cls, company_prefix: str, serial: int, extension: int = 0) -> "Sscc":
        """Make the SSCC of `serial` under a GS1 company prefix of 4 to 12 digits; `extension` is the first digit."""
        width = 16 - len(company_prefix)
        if not (company_prefix.isdigit() and 4 <= len(company_prefix) <= 12):
            raise BadValueError(f"company_prefix: {company_prefix!r} must be 4 to 12 digits")
        if not 0 <= serial < 10**width or not 0 <= extension <= 9:
            raise BadValueError(f"SSCC serial {serial} does not fit {width} digits")
        body = f"{extension}{company_prefix}{serial:0{width}d}"
        return cls(f"{body}{gs1_check_digit(body)}")

    def __str__(self) -> str:
        return self.digits


REFUSED_CHARACTERS = frozenset("\u200b\u200c\u200d\u2060\ufeff\u061c\u200e\u200f\u2028\u2029\u00ad")
"""Zero-width, bidi and line separators: invisible on a screen, so a name that holds them is a trap for its reader."""


def clean_text(value: str, field: str, length_max: int = TEXT_LENGTH_MAX, *, lines: int = 1) -> str:
    """Return text a person typed, NFC and trimmed; raise BadValueError for control, bidi and zero-width characters.

    Emoji and every script are allowed: labels are drawn, so nothing typed can reach a printer as a command.
    `lines` is how many lines may stand; a longer or emptier text is refused with the limit in the message.
    """
    text = unicodedata.normalize("NFC", value).replace("\r\n", "\n").strip()
    for character in text:
        category = unicodedata.category(character)
        bidi_control = "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069"
        refused = category in ("Cc", "Cs") or character in REFUSED_CHARACTERS or bidi_control
        if refused and not (character == "\n" and lines > 1):
            raise BadValueError(f"{field}: the invisible character U+{ord(character):04X} is not allowed")
    if not text:
        raise BadValueError(f"{field}: must not be empty")
    if len(text) > length_max:
        raise BadValueError(f"{field}: {len(text)} characters, at most {length_max} fit")
    if text.count("\n") >= lines:
        raise BadValueError(f"{field}: {text.count(chr(10)) + 1} lines, at most {lines} fit")
    return text


def format_time(moment: datetime) -> str:
    """Return an aware time as RFC 3339 UTC with milliseconds, as every message carries it."""
    if moment.tzinfo is None:
        raise BadValueError("time: must be aware")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str, field: str = "time") -> datetime:
    """Return the aware UTC time that `format_time` wrote; raise BadValueError for anything else or without a zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadValueError(f"{field}: {text[:40]!r} is not an RFC 3339 time") from None
    if moment.tzinfo is None:
        raise BadValueError(f"{field}: {text!r} has no time zone")
    return moment.astimezone(UTC)
