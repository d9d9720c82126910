"""Shops, listings, pieces and pictures in SQL."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, RowMapping, Select, bindparam, delete, func, insert, select, update

from cloud_relay.announcements.prices import price_at
from cloud_relay.tables import (
    device_state,
    listing,
    listing_picture,
    merchant,
    orders,
    parcel,
    picture,
    piece,
    piece_view,
    shop,
    shop_link,
)


def some(name: str) -> BindParameter[Any]:
    """Return a parameter for `in_` that takes a list: a statement made once is compiled once, and found faster."""
    return bindparam(name, expanding=True)


def insert_shop(connection: Connection, values: dict[str, Any]) -> None:
    """Make a shop."""
    connection.execute(insert(shop).values(values))


def find_shop(connection: Connection, shop_id: str) -> RowMapping | None:
    """Return a shop with its merchant's state and its link, or None."""
    query = (
        select(
            shop, merchant.c.state.label("merchant_state"), merchant.c.name_en.label("merchant_name_en"),
            merchant.c.name_zh.label("merchant_name_zh"), shop_link.c.is_online, shop_link.c.seen_at,
            shop_link.c.presence, shop_link.c.quarantine_reason,
        )
        .join(merchant, merchant.c.merchant_id == shop.c.merchant_id)
        .outerjoin(shop_link, shop_link.c.shop_id == shop.c.shop_id)
        .where(shop.c.shop_id == shop_id)
    )  # fmt: skip
    return connection.execute(query).mappings().one_or_none()


def update_shop(connection: Connection, shop_id: str, values: dict[str, Any]) -> None:
    """Change a shop."""
    connection.execute(update(shop).where(shop.c.shop_id == shop_id).values(values))


def shops_of(connection: Connection, merchant_id: str) -> list[str]:
    """Return the ids of a merchant's shops."""
    query = select(shop.c.shop_id).where(shop.c.merchant_id == merchant_id).order_by(shop.c.shop_id)
    return list(connection.scalars(query))


def merchant_of_shop(connection: Connection, shop_id: str) -> str | None:
    """Return whose shop this is, or None when there is none."""
    found: str | None = connection.scalar(select(shop.c.merchant_id).where(shop.c.shop_id == shop_id))
    return found


def devices_of(connection: Connection, shop_id: str) -> list[dict[str, Any]]:
    """Return the last state of every device of a shop."""
    query = select(device_state.c.state).where(device_state.c.shop_id == shop_id).order_by(device_state.c.device)
    return list(connection.scalars(query))


def insert_listing(connection: Connection, values: dict[str, Any]) -> None:
    """Make a listing."""
    connection.execute(insert(listing).values(values))


def find_listing(connection: Connection, listing_id: str) -> RowMapping | None:
    """Return a listing with its shop's merchant, or None."""
    query = (
        select(listing, shop.c.merchant_id, shop.c.is_closed)
        .join(shop, shop.c.shop_id == listing.c.shop_id)
        .where(listing.c.listing_id == listing_id)
    )
    return connection.execute(query).mappings().one_or_none()


def update_listing(connection: Connection, listing_id: str, values: dict[str, Any], version: int | None = None) -> bool:
    """Change a listing and raise its version; with `version` only if it is still that one. False when it was not."""
    where = [listing.c.listing_id == listing_id]
    if version is not None:
        where.append(listing.c.version == version)
    changed = {**values, "version": listing.c.version + 1}
    return connection.execute(update(listing).where(*where).values(changed)).rowcount == 1


def listings_of(connection: Connection, shop_ids: Iterable[str]) -> list[RowMapping]:
    """Return every listing of these shops, newest first."""
    query = select(listing).where(listing.c.shop_id.in_(list(shop_ids))).order_by(listing.c.created_at.desc())
    return list(connection.execute(query).mappings())


def insert_piece(connection: Connection, values: dict[str, Any]) -> None:
    """Make a piece."""
    connection.execute(insert(piece).values(values))


def find_piece(connection: Connection, piece_id: str) -> RowMapping | None:
    """Return a piece with its merchant, or None."""
    query = (
        select(piece, shop.c.merchant_id)
        .join(shop, shop.c.shop_id == piece.c.shop_id)
        .where(piece.c.piece_id == piece_id)
    )
    return connection.execute(query).mappings().one_or_none()


def update_piece(connection: Connection, piece_id: str, values: dict[str, Any], version: int | None = None) -> bool:
    """Change a piece and raise its version; with `version` only if it is still that one. False when it was not."""
    where = [piece.c.piece_id == piece_id]
    if version is not None:
        where.append(piece.c.version == version)
    changed = {**values, "version": piece.c.version + 1}
    return connection.execute(update(piece).where(*where).values(changed)).rowcount == 1


PIECES_OF = select(piece).where(piece.c.listing_id.in_(some("listing_ids"))).order_by(piece.c.code)


def pieces_of(connection: Connection, listing_ids: Iterable[str]) -> list[RowMapping]:
    """Return the pieces of these listings in order of their codes."""
    return list(connection.execute(PIECES_OF, {"listing_ids": list(listing_ids)}).mappings())


def count_in_house(connection: Connection, listing_id: str) -> int:
    """Return how many pieces of a listing are free or reserved."""
    query = select(func.count()).where(piece.c.listing_id == listing_id, piece.c.state.in_(("free", "reserved")))
    return connection.execute(query).scalar_one()


PICTURES_OF = (
    select(listing_picture.c.listing_id, listing_picture.c.picture_sha256)
    .where(listing_picture.c.listing_id.in_(some("listing_ids")))
    .order_by(listing_picture.c.listing_id, listing_picture.c.place)
)


def pictures_of(connection: Connection, listing_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return the pictures of these listings, in order, by listing."""
    found: dict[str, list[str]] = {}
    for listing_id, picture_sha256 in connection.execute(PICTURES_OF, {"listing_ids": list(listing_ids)}):
        found.setdefault(listing_id, []).append(picture_sha256)
    return found


def add_listing_picture(connection: Connection, listing_id: str, picture_sha256: str) -> None:
    """Put a picture at the end of a listing's; the same one twice stands once."""
    own = listing_picture.c
    places = connection.execute(select(own.place, own.picture_sha256).where(own.listing_id == listing_id)).all()
    if picture_sha256 not in {row.picture_sha256 for row in places}:
        place = max((row.place for row in places), default=-1) + 1
        values = {"listing_id": listing_id, "place": place, "picture_sha256": picture_sha256}
        connection.execute(insert(listing_picture).values(values))


def remove_listing_picture(connection: Connection, listing_id: str, picture_sha256: str) -> bool:
    """Take a picture off a listing; False when it was not there."""
    own = listing_picture.c
    where = (own.listing_id == listing_id, own.picture_sha256 == picture_sha256)
    return connection.execute(delete(listing_picture).where(*where)).rowcount > 0


def insert_picture_once(connection: Connection, values: dict[str, Any]) -> None:
    """Remember a picture unless it is known."""
    known = select(picture.c.picture_sha256).where(picture.c.picture_sha256 == values["picture_sha256"])
    if connection.execute(known).first() is None:
        connection.execute(insert(picture).values(values))


def picture_rights(connection: Connection, picture_sha256: str) -> tuple[RowMapping | None, bool, RowMapping | None]:
    """Return the picture, whether it is of a listing (public), and who the parties of its parcel are."""
    row = connection.execute(select(picture).where(picture.c.picture_sha256 == picture_sha256)).mappings().one_or_none()
    if row is None:
        return None, False, None
    shown = select(listing_picture.c.listing_id).where(listing_picture.c.picture_sha256 == picture_sha256).limit(1)
    turned = select(piece_view.c.piece_id).where(piece_view.c.picture_sha256 == picture_sha256).limit(1)
    if connection.execute(shown).first() is not None or connection.execute(turned).first() is not None:
        return row, True, None
    parties = connection.execute(
        select(parcel.c.account_id, shop.c.merchant_id, orders.c.state.label("order_state"))
        .join(shop, shop.c.shop_id == parcel.c.shop_id)
        .outerjoin(orders, orders.c.order_id == parcel.c.order_id)
        .where(parcel.c.parcel_id == row["parcel_id"])
    ).mappings().one_or_none()  # fmt: skip
    return row, False, parties


def _with_shops(*columns: Any) -> Select[Any]:
    return (
        select(
            *columns, shop.c.name_en, shop.c.name_zh, shop.c.time_zone, shop.c.hours, shop.c.cameras,
            shop.c.merchant_id, shop.c.is_closed, shop.c.is_live, shop.c.shipping_minor, shop_link.c.is_online,
            shop.c.holidays, price_at().label("price_now_minor"), shop_link.c.quarantine_reason,
        )
        .join(shop, shop.c.shop_id == listing.c.shop_id)
        .outerjoin(shop_link, shop_link.c.shop_id == shop.c.shop_id)
        .where(listing.c.listing_id.in_(some("listing_ids")))
    )  # fmt: skip


WITH_SHOPS = _with_shops(listing)
HITS = _with_shops(
    listing.c.listing_id, listing.c.title_en, listing.c.title_zh, listing.c.price_minor, listing.c.currency,
    listing.c.shop_id, listing.c.on_hand, listing.c.reserved,
)  # fmt: skip
"""What a hit shows: without the descriptions, attributes and search words, which are nine tenths of a listing."""


def listings_with_shops(
    connection: Connection, listing_ids: Iterable[str], now: datetime, query: Select[Any] = WITH_SHOPS
) -> dict[str, RowMapping]:
    """Return listings with their price at `now` and what a hit shows of their shops, by id; with HITS no more."""
    rows = connection.execute(query, {"listing_ids": list(listing_ids), "now": now}).mappings()
    return {row["listing_id"]: row for row in rows}


CAMERA_STATES = select(device_state.c.shop_id, device_state.c.device, device_state.c.state).where(
    device_state.c.shop_id.in_(some("shop_ids"))
)


def camera_states(connection: Connection, shop_ids: Iterable[str]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the camera part of device states by (shop, camera)."""
    rows = connection.execute(CAMERA_STATES, {"shop_ids": list(shop_ids)})
    return {(shop_id, device): state["camera"] for shop_id, device, state in rows if state.get("camera")}
