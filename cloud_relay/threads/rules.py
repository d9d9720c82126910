"""What may be written in an order's thread, and when somebody is told of it. Pure."""

from datetime import datetime, timedelta

TEXT_LENGTH_MAX, TEXT_LINES_MAX = 1000, 20
"""A screen of text on a phone; whoever has more to say sends another."""
MESSAGES_MAX = 500
"""Of one order: a talk of weeks has fewer, and the page shows all of them."""
QUIET = timedelta(minutes=15)
"""A talk is many short messages: each side gets one notice, then none for so long; the open page shows all at once."""

SHOPPER, MERCHANT = "shopper", "merchant"


def is_told(told_at: datetime | None, now: datetime) -> bool:
    """Return whether a side gets a notice of a message at `now`: the first time, and once the quiet time is over."""
    return told_at is None or now - told_at >= QUIET
