"""SQL of basket lines. A removed one stays for a while, so that it can be taken back."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from cloud_relay.announcements.prices import price_at
from cloud_relay.tables import (
    basket_line,
    listing,
    listing_picture,
    merchant,
    orders,
    parcel,
    piece,
    reservation,
    shop,
    variant,
)

UNDO = timedelta(days=1)
"""How long a removed line can be taken back; the next change of the basket forgets it for good."""

_PICTURE = (
    select(listing_picture.c.picture_sha256)
    .where(listing_picture.c.listing_id == listing.c.listing_id)
    .order_by(listing_picture.c.place)
    .limit(1)
    .scalar_subquery()
)
_ABOUT = (
    listing.c.listing_id, listing.c.title_en, listing.c.title_zh, listing.c.currency, listing.c.weight_g,
    listing.c.attributes, listing.c.state.label("listing_state"), shop.c.shop_id, shop.c.name_en, shop.c.name_zh,
    shop.c.shipping_minor, shop.c.is_closed, shop.c.live_reason, shop.c.hours, shop.c.holidays, shop.c.time_zone,
    merchant.c.state.label("merchant_state"), variant.c.choices, variant.c.is_offered, _PICTURE.label("picture"),
)  # fmt: skip


def _priced(now: datetime) -> Any:
    return (price_at(now) + func.coalesce(variant.c.price_difference_minor, 0)).label("price_minor")


def _in_stock() -> Any:
    """Free pieces of the line's listing and variant: what could be bought now."""
    free = select(func.count()).select_from(piece).where(
        piece.c.listing_id == basket_line.c.listing_id, piece.c.state == "free",
        or_(basket_line.c.variant_id.is_(None), piece.c.variant_id == basket_line.c.variant_id),
    )  # fmt: skip
    return free.scalar_subquery().label("in_stock")


def lines_of(connection: Connection, account_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return an account's lines with what pages and prices need, in the order in which they were put in."""
    query = (
        select(
            basket_line.c.line_id, basket_line.c.quantity, basket_line.c.basket_id, basket_line.c.variant_id, *_ABOUT,
            _priced(now), _in_stock(),
        )
        .join(listing, listing.c.listing_id == basket_line.c.listing_id)
        .join(shop, shop.c.shop_id == listing.c.shop_id)
        .join(merchant, merchant.c.merchant_id == shop.c.merchant_id)
        .outerjoin(variant, variant.c.variant_id == basket_line.c.variant_id)
        .where(basket_line.c.account_id == account_id, basket_line.c.removed_at.is_(None))
        .order_by(basket_line.c.added_at, basket_line.c.line_id)
    )  # fmt: skip
    return [dict(row) for row in connection.execute(query).mappings()]


def kept_of(connection: Connection, account_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return the pieces that are kept for an account now, as lines are returned: each a parcel by itself."""
    query = (
        select(
            reservation.c.parcel_id, reservation.c.until, reservation.c.extensions, parcel.c.still_sha256,
            piece.c.variant_id, *_ABOUT, _priced(now),
        )
        .join(parcel, parcel.c.parcel_id == reservation.c.parcel_id)
        .join(piece, piece.c.piece_id == reservation.c.piece_id)
        .join(listing, listing.c.listing_id == reservation.c.listing_id)
        .join(shop, shop.c.shop_id == listing.c.shop_id)
        .join(merchant, merchant.c.merchant_id == shop.c.merchant_id)
        .outerjoin(variant, variant.c.variant_id == piece.c.variant_id)
        .where(reservation.c.account_id == account_id, reservation.c.state == "active", reservation.c.until > now)
        .order_by(reservation.c.created_at, reservation.c.parcel_id)
    )  # fmt: skip
    return [dict(row) for row in connection.execute(query).mappings()]


def orders_of(connection: Connection, basket_ids: Iterable[str]) -> dict[str, list[tuple[str, bool]]]:
    """Return (state, whether ever paid) of the orders that each of these baskets was placed as."""
    query = select(orders.c.basket_id, orders.c.state, orders.c.paid_at).where(orders.c.basket_id.in_(basket_ids))
    found: dict[str, list[tuple[str, bool]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.basket_id, []).append((row.state, row.paid_at is not None))
    return found


def order_ids_of(connection: Connection, account_id: str, basket_id: str) -> list[str]:
    """Return the orders that this account placed as one basket, in a lasting order."""
    own = (orders.c.account_id == account_id, orders.c.basket_id == basket_id)
    return list(connection.scalars(select(orders.c.order_id).where(*own).order_by(orders.c.order_id)))


def unpaid_baskets(connection: Connection, account_id: str) -> list[str]:
    """Return the baskets of which orders still wait for their payment, the oldest first."""
    own = (orders.c.account_id == account_id, orders.c.basket_id.is_not(None), orders.c.state == "unpaid")
    query = select(orders.c.basket_id).where(*own).group_by(orders.c.basket_id).order_by(func.min(orders.c.placed_at))
    return list(connection.scalars(query))


def add(connection: Connection, values: dict[str, Any]) -> None:
    """Put a line in."""
    connection.execute(insert(basket_line).values(values))


def change(connection: Connection, line_ids: Iterable[str], **values: Any) -> int:
    """Change lines; return how many there were."""
    return connection.execute(update(basket_line).where(basket_line.c.line_id.in_(line_ids)).values(values)).rowcount


def restore(connection: Connection, account_id: str, line_id: str, now: datetime) -> bool:
    """Take a removed line back; False when there is none any more."""
    own = (basket_line.c.account_id == account_id, basket_line.c.line_id == line_id)
    back = update(basket_line).where(*own, basket_line.c.removed_at > now - UNDO).values(removed_at=None)
    return connection.execute(back).rowcount == 1


def removed_of(connection: Connection, account_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return lines that can still be taken back, the newest first."""
    query = (
        select(basket_line.c.line_id, listing.c.title_en, listing.c.title_zh)
        .join(listing, listing.c.listing_id == basket_line.c.listing_id)
        .where(basket_line.c.account_id == account_id, basket_line.c.removed_at > now - UNDO)
        .order_by(basket_line.c.removed_at.desc())
        .limit(5)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def forget(connection: Connection, account_id: str, done_ids: Iterable[str], now: datetime) -> None:
    """Delete what was paid, and what was removed longer ago than it can be taken back."""
    old = and_(basket_line.c.removed_at.is_not(None), basket_line.c.removed_at <= now - UNDO)
    own = basket_line.c.account_id == account_id
    connection.execute(delete(basket_line).where(own, or_(old, basket_line.c.line_id.in_(list(done_ids)))))
