"""The price of a listing at a moment: the lowest price for a time that holds then, else its usual one."""

from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select

from cloud_relay.tables import Moment, announcement, listing


def price_at(now: Any = None) -> ColumnElement[int]:
    """Return the price column of `listing` at `now` (a time, or the bound parameter `now` when left out).

    A price holds from its first moment up to, not including, its last: what is shown, paid and written is this.
    """
    at = bindparam("now", type_=Moment) if now is None else bindparam(None, now, type_=Moment, unique=True)
    own = announcement.c
    lowest = (
        select(func.min(own.price_minor))
        .where(
            own.listing_id == listing.c.listing_id, own.deleted_at.is_(None), own.price_minor < listing.c.price_minor
        )
        .where(own.shown_from <= at, own.shown_until > at)
        .correlate(listing)
        .scalar_subquery()
    )
    return func.coalesce(lowest, listing.c.price_minor)
