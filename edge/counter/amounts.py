"""Amounts for people: minor units as a decimal number with the currency's digits (ISO 4217). Pure."""

DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "BHD": 3, "KWD": 3, "TND": 3}
"""Currencies whose minor unit is not a hundredth; the same as on the relay's pages (a test compares them)."""

AMOUNT_MAX_MINOR = 10**12 - 1
"""Twelve digits: what a card terminal takes (ZVT BMP 04)."""


def digits_of(currency: str) -> int:
    """Return how many digits stand after the point."""
    return DIGITS.get(currency, 2)


def plain(amount_minor: int, currency: str) -> str:
    """Return an amount without its currency, as a receipt shows it."""
    digits = digits_of(currency)
    sign, whole = ("-" if amount_minor < 0 else ""), abs(amount_minor)
    if not digits:
        return f"{sign}{whole}"
    return f"{sign}{whole // 10**digits}.{whole % 10**digits:0{digits}d}"
