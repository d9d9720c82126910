"""Changes of stock in SQL."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, exists, insert, select, update

from cloud_relay.tables import account, listing, order_line, parcel, piece, reservation, stock_change

LATEST = 100


def known_codes(connection: Connection, shop_id: str, codes: Iterable[str]) -> list[str]:
    """Return which of these codes pieces of the shop have already."""
    query = select(piece.c.code).where(piece.c.shop_id == shop_id, piece.c.code.in_(list(codes)))
    return sorted(connection.scalars(query))


def move_piece(connection: Connection, piece_id: str, before: str, after: str) -> bool:
    """Set a piece's state if it is `before`; return whether it was."""
    where = (piece.c.piece_id == piece_id, piece.c.state == before)
    changed = {"state": after, "version": piece.c.version + 1}
    return connection.execute(update(piece).where(*where).values(changed)).rowcount == 1


def delete_fresh_piece(connection: Connection, piece_id: str) -> bool:
    """Delete a piece that nobody ever reserved or bought; return whether it was one."""
    used = [exists().where(table.c.piece_id == piece_id) for table in (reservation, order_line, parcel)]
    where = (piece.c.piece_id == piece_id, piece.c.state == "free", *(~one for one in used))
    return connection.execute(delete(piece).where(*where)).rowcount == 1


def insert_change(connection: Connection, values: dict[str, Any]) -> None:
    """Write a change of stock."""
    connection.execute(insert(stock_change).values(values))


def find(connection: Connection, change_id: str) -> RowMapping | None:
    """Return a change of stock, or None."""
    query = select(stock_change).where(stock_change.c.change_id == change_id)
    return connection.execute(query).mappings().one_or_none()


def mark_undone(connection: Connection, change_id: str, now: datetime) -> None:
    """Note that a change was undone."""
    connection.execute(update(stock_change).where(stock_change.c.change_id == change_id).values(undone_at=now))


def newest(connection: Connection, shop_ids: Iterable[str]) -> list[RowMapping]:
    """Return the newest changes of these shops with titles and names."""
    query = (
        select(stock_change, listing.c.title_en, listing.c.title_zh, account.c.nickname)
        .join(listing, listing.c.listing_id == stock_change.c.listing_id)
        .join(account, account.c.account_id == stock_change.c.account_id)
        .where(stock_change.c.shop_id.in_(list(shop_ids)))
        .order_by(stock_change.c.at.desc(), stock_change.c.change_id.desc())
        .limit(LATEST)
    )
    return list(connection.execute(query).mappings())
