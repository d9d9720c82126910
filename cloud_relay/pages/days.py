"""The day that a page of money is asked for: none to come, and none before there was a market. Pure."""

from datetime import date

FIRST_DAY = date(2000, 1, 1)
"""Older than any ledger; a day at the rim of the calendar has no moment in UTC to ask the database for."""


def chosen_day(day: date | None, today: date) -> date:
    """Return the day that is meant: today without one, and the nearest that there is for one beyond."""
    return max(FIRST_DAY, min(day or today, today))
