"""Amounts of money as people write them. Pure."""

from cloud_relay.escrow.rules import MINOR_DIGITS

SYMBOLS = {"CNY": "¥", "EUR": "€", "USD": "$", "GBP": "£", "JPY": "JP¥"}


def money(amount_minor: int, currency: str) -> str:
    """Return an amount as people write it: symbol, thousands, minor digits of the currency (ISO 4217)."""
    digits = MINOR_DIGITS.get(currency, 2)
    whole, rest = divmod(abs(amount_minor), 10**digits)
    text = f"{whole:,}" + (f".{rest:0{digits}d}" if digits else "")
    sign = "−" if amount_minor < 0 else ""
    symbol = SYMBOLS.get(currency)
    return f"{sign}{symbol}{text}" if symbol else f"{sign}{text} {currency}"
