"""Choosing style and number without looking at one piece: any free pieces of a variant are kept, all or none."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from cloud_relay.orders import reservations, stock
from cloud_relay.orders.reservations import Reservation
from cloud_relay.orders.trade import Trade
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import piece, variant

SAMPLE = "sample"
_ANY_VARIANT = (
    select(variant.c.variant_id).where(variant.c.listing_id == bindparam("key"), variant.c.is_offered).limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`quantity` pieces of one variant of a listing; no `variant_id` for a listing that has none."""

    listing_id: str
    variant_id: str = ""
    quantity: int = 1


def require_variant(connection: Connection, listing_id: str, variant_id: str) -> None:
    """Refuse a choice without a style of a listing that comes in several."""
    if variant_id:
        return
    if connection.execute(_ANY_VARIANT, {"key": listing_id}).first() is not None:
        raise RefusedError("variant_missing", "Please choose a style first", "请先选择款式", 422)


def confirm_seen(
    connection: Connection, account_id: str, piece_id: str, session_id: str | None, now: datetime, trade: Trade
) -> Reservation:
    """Reserve the piece that the shopper looks at; looking at a sample, one like it from the stock.

    The still of one like it is taken when it is picked, because nobody has seen it yet.
    """
    query = select(piece.c.listing_id, piece.c.variant_id).where(piece.c.piece_id == piece_id, piece.c.state == SAMPLE)
    sample = connection.execute(query).one_or_none()
    if sample is None:
        return reservations.confirm_piece(connection, account_id, piece_id, session_id, now, trade)
    choice = Choice(listing_id=sample.listing_id, variant_id=sample.variant_id or "")
    return choose(connection, account_id, choice, now, trade)[0]


def choose(connection: Connection, account_id: str, choice: Choice, now: datetime, trade: Trade) -> list[Reservation]:
    """Reserve as many pieces as were chosen; each becomes a parcel, and all are paid together under the first one.

    RefusedError when fewer are left (with how many), when the variant is not offered, or for more than one may keep.
    """
    require_variant(connection, choice.listing_id, choice.variant_id)
    sale = reservations.sale_of(connection, choice.listing_id, now, choice.variant_id)
    reservations.require_live(sale)
    if choice.variant_id and not sale.is_offered:
        raise reservations.not_for_sale()
    _require_enough(connection, choice)
    reservations.check_bound(connection, account_id, trade, choice.quantity)
    kept: list[Reservation] = []
    for _ in range(choice.quantity):
        piece_id = stock.reserve_any(connection, choice.listing_id, choice.variant_id)
        first = kept[0].parcel_id if kept else None
        kept.append(reservations.keep(connection, account_id, sale, piece_id, now, trade, with_parcel_id=first))
    return kept


def _require_enough(connection: Connection, choice: Choice) -> None:
    """Say how many are left; what keeps two shoppers apart is the conditional update of each piece."""
    where = [piece.c.listing_id == choice.listing_id, piece.c.state == "free"]
    if choice.variant_id:
        where.append(piece.c.variant_id == choice.variant_id)
    left = int(connection.scalar(select(func.count()).select_from(piece).where(*where)) or 0)
    if left == 0:
        raise stock.out_of_stock()
    if left < choice.quantity:
        raise RefusedError("too_few", f"Only {left} left", f"只剩 {left} 件", in_stock=left)
