"""Stock to promise: each change is one conditional UPDATE, so that nobody sells what another took a moment before."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from cloud_relay.refusals import RefusedError
from cloud_relay.tables import listing, piece
from cloud_relay.web.pages import page_events


class StockError(RuntimeError):
    """The piece is not in the state that its order says: a bug; nothing of the transaction is kept."""


def out_of_stock() -> RefusedError:
    """Return the refusal for the last piece gone."""
    return RefusedError("out_of_stock", "Somebody else was faster: it is taken", "手慢了一步：已被他人选走")


_MOVE = (
    update(piece)
    .where(piece.c.piece_id == bindparam("key"), piece.c.state == bindparam("before"))
    .values(state=bindparam("after"))
    .returning(piece.c.listing_id)
)
_MOVE_ALL = (
    update(piece)
    .where(piece.c.piece_id.in_(bindparam("keys", expanding=True)), piece.c.state == bindparam("before"))
    .values(state=bindparam("after"))
    .returning(piece.c.listing_id)
)
_ON_HAND, _RESERVED = listing.c.on_hand + bindparam("taken_in"), listing.c.reserved + bindparam("promised")
_COUNT = (
    update(listing)
    .where(listing.c.listing_id == bindparam("key"), _RESERVED >= 0, _ON_HAND >= _RESERVED)
    .values(on_hand=_ON_HAND, reserved=_RESERVED, version=listing.c.version + 1)
)
_FIRST_FREE = (
    select(piece.c.piece_id)
    .where(piece.c.listing_id == bindparam("key"), piece.c.state == "free")
    .order_by(piece.c.code)
    .limit(1)
)
_FIRST_FREE_OF = _FIRST_FREE.where(piece.c.variant_id == bindparam("variant"))
"""A sample is never among them: it is on show, and its state says so."""


def _reserve(first_free: Select[Any]) -> ReturningUpdate[Any]:
    return (
        update(piece)
        .where(piece.c.piece_id == first_free.scalar_subquery(), piece.c.state == "free")
        .values(state="reserved")
        .returning(piece.c.piece_id)
    )


_RESERVE_FREE, _RESERVE_FREE_OF = _reserve(_FIRST_FREE), _reserve(_FIRST_FREE_OF)
_IN_STOCK = select(
    listing.c.listing_id, listing.c.shop_id, listing.c.reserved,
    (listing.c.on_hand - listing.c.reserved).label("in_stock"),
).where(listing.c.listing_id.in_(bindparam("keys", expanding=True)))  # fmt: skip


def _move(connection: Connection, piece_id: str, before: str, after: str) -> str | None:
    """Set the piece's state if it is `before`; return its listing, or None when it is not."""
    values = {"key": piece_id, "before": before, "after": after}
    listing_id: str | None = connection.execute(_MOVE, values).scalar()
    return listing_id


def _count(connection: Connection, listing_id: str, on_hand: int, reserved: int) -> bool:
    """Add to the listing's counts unless more would be promised than there is; return whether it was done."""
    values = {"key": listing_id, "taken_in": on_hand, "promised": reserved}
    return connection.execute(_COUNT, values).rowcount == 1


def _must(is_done: object, piece_id: str, what: str) -> None:
    if not is_done:
        raise StockError(f"piece {piece_id}: cannot be {what}; its state or its listing's counts say otherwise")


def reserve(connection: Connection, piece_id: str) -> None:
    """Reserve this very piece; RefusedError when it is not free."""
    listing_id = _move(connection, piece_id, "free", "reserved")
    if listing_id is None or not _count(connection, listing_id, 0, 1):
        raise out_of_stock()


def reserve_any(connection: Connection, listing_id: str, variant_id: str = "") -> str:
    """Reserve any free piece of a listing and return it; RefusedError when none is free.

    With `variant_id` only a piece of that variant will do.
    """
    if not _count(connection, listing_id, 0, 1):
        raise out_of_stock()
    query, values = (_RESERVE_FREE_OF, {"key": listing_id, "variant": variant_id}) if variant_id else (
        _RESERVE_FREE, {"key": listing_id}
    )  # fmt: skip
    piece_id: str | None = connection.execute(query, values).scalar()
    if piece_id is None:
        raise out_of_stock()
    return piece_id


def take(connection: Connection, piece_id: str) -> None:
    """Reserved → sold: it is paid."""
    listing_id = _move(connection, piece_id, "reserved", "sold")
    _must(listing_id and _count(connection, listing_id, -1, -1), piece_id, "sold")


def give_back(connection: Connection, piece_id: str) -> None:
    """Reserved → free: not paid, or given up."""
    listing_id = _move(connection, piece_id, "reserved", "free")
    _must(listing_id and _count(connection, listing_id, 0, -1), piece_id, "given back")


def retake(connection: Connection, piece_id: str) -> bool:
    """Free → sold, for a payment that came after the reservation ended; return False when somebody else has it."""
    listing_id = _move(connection, piece_id, "free", "sold")
    if listing_id is None:
        return False
    if _count(connection, listing_id, -1, 0):
        return True
    _must(_move(connection, piece_id, "sold", "free"), piece_id, "put back")
    return False


def put_back_all(connection: Connection, piece_ids: Iterable[str]) -> None:
    """Sold → free: the shop stopped and the money goes back. A piece that is gone stays gone."""
    keys = list(piece_ids)
    moved = Counter(connection.scalars(_MOVE_ALL, {"keys": keys, "before": "sold", "after": "free"}))
    # one order for everybody: two who put back pieces of the same listings wait for, never at, each other
    rows = [{"key": one, "taken_in": count, "promised": 0} for one, count in sorted(moved.items())]
    _must(not rows or connection.execute(_COUNT, rows).rowcount == len(rows), ", ".join(keys), "put back")


def write_off(connection: Connection, piece_id: str) -> None:
    """The piece is not there any more, whatever it was promised to."""
    for before, on_hand, reserved in (("reserved", -1, -1), ("free", -1, 0), ("sold", 0, 0)):
        listing_id = _move(connection, piece_id, before, "gone")
        if listing_id is not None:
            _must(_count(connection, listing_id, on_hand, reserved), piece_id, "written off")
            return


def tell(connection: Connection, listing_id: str, now: datetime) -> None:
    """Tell open pages how many of a listing can be had now, and how many are kept; anybody may know that."""
    tell_all(connection, [listing_id], now)


def tell_all(connection: Connection, listing_ids: Iterable[str], now: datetime) -> None:
    """As `tell`, of several listings at once."""
    found = {row.listing_id: row for row in connection.execute(_IN_STOCK, {"keys": sorted(set(listing_ids))})}
    page_events(connection, [
        (f"shop:{row.shop_id}", "stock_changed", {"listing_id": key, "in_stock": row.in_stock, "kept": row.reserved})
        for key, row in sorted(found.items())
    ], now)  # fmt: skip
