"""What the relay asks a shop to do for a parcel, always by the outbox in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, and_, bindparam, insert, select, update

from cloud_relay.catalog.variant_rules import titled
from cloud_relay.orders.trade import Trade
from cloud_relay.outbox import send_command
from cloud_relay.parcels import codes
from cloud_relay.pickup import points
from cloud_relay.tables import listing, order_line, orders, parcel, piece, shop, variant
from wire.codec import from_json
from wire.commands import LabelParcel, PreparePiece, ReleasePiece
from wire.plan import Address, LabelContent, LabelLine, Text
from wire.values import Sscc, new_id

WAITING, PREPARING, RELEASING, ENDED = "waiting", "preparing", "releasing", "cancelled"
"""Parcel states that the relay's own asking sets; all others are the fold of what the shop reports."""


class ForParcel(Protocol):
    """An order, as far as its parcel is concerned."""

    @property
    def order_id(self) -> str: ...
    @property
    def account_id(self) -> str: ...
    @property
    def shop_id(self) -> str: ...
    @property
    def merchant_id(self) -> str: ...
    @property
    def piece_id(self) -> str: ...
    @property
    def parcel_id(self) -> str: ...
    @property
    def trace(self) -> str: ...


def create(
    connection: Connection, shop_id: str, piece_id: str, account_id: str, now: datetime, *, order_id: str | None = None
) -> str:
    """Write a parcel that nobody works on yet and return its id."""
    parcel_id = new_id("par")
    row = {
        "parcel_id": parcel_id, "shop_id": shop_id, "piece_id": piece_id, "account_id": account_id,
        "order_id": order_id, "state": WAITING, "created_at": now, "changed_at": now,
    }  # fmt: skip
    connection.execute(_INSERT, row)
    return parcel_id


def _set_state(connection: Connection, parcel_id: str, state: str, now: datetime) -> None:
    connection.execute(_SAVE, {"state": state, "changed_at": now, "key": parcel_id})


def state_of(connection: Connection, parcel_id: str) -> str:
    """Return the parcel's state."""
    return str(connection.scalar(_STATE, {"key": parcel_id}))


def photo_of(connection: Connection, parcel_id: str) -> str:
    """Return the SHA-256 of the photo that the shopper was asked about, or nothing."""
    return connection.scalar(select(parcel.c.photo_sha256).where(parcel.c.parcel_id == parcel_id)) or ""


def prepare(
    connection: Connection, shop_id: str, parcel_id: str, piece_id: str, now: datetime,
    *, session_id: str = "", reserved_until: datetime | None = None, trace: str = "",
) -> None:  # fmt: skip
    """Ask the shop for the still, and to fetch and pack the piece."""
    command = PreparePiece(parcel_id=parcel_id, piece_id=piece_id, session_id=session_id, reserved_until=reserved_until)
    send_command(connection, shop_id, command, now, trace, parcel_id)
    _set_state(connection, parcel_id, PREPARING, now)


def release(connection: Connection, shop_id: str, parcel_id: str, reason: str, now: datetime, trace: str = "") -> None:
    """Have an unpaid piece unpacked and put back; if the shop never heard of it, only note that it ended."""
    if parcel_id in _drop_unheard(connection, [parcel_id], now):
        return
    send_command(connection, shop_id, ReleasePiece(parcel_id=parcel_id, reason=reason), now, trace, parcel_id)
    _set_state(connection, parcel_id, RELEASING, now)


def _drop_unheard(connection: Connection, parcel_ids: list[str], now: datetime) -> set[str]:
    """End those parcels that the shop never heard of; return them."""
    values = {"keys": parcel_ids, "before": WAITING, "state": ENDED, "changed_at": now}
    return set(connection.scalars(_DROP, values))


def release_piece(connection: Connection, order: ForParcel, reason: str, now: datetime) -> None:
    """As `release`, for an order."""
    release(connection, order.shop_id, order.parcel_id, reason, now, order.trace)


def release_pieces(connection: Connection, asked: Sequence[tuple[ForParcel, str]], now: datetime) -> None:
    """As `release`, for several orders, each with its reason."""
    dropped = _drop_unheard(connection, [order.parcel_id for order, _ in asked], now)
    for order, reason in asked:
        if order.parcel_id not in dropped:
            release_piece(connection, order, reason, now)


def begin_again(connection: Connection, order: ForParcel, now: datetime) -> None:
    """Give an order whose parcel was released a new one: a late payment found the piece free again."""
    parcel_id = create(connection, order.shop_id, order.piece_id, order.account_id, now, order_id=order.order_id)
    where = (order_line.c.order_id == order.order_id, order_line.c.parcel_id == order.parcel_id)
    connection.execute(update(order_line).where(*where).values(parcel_id=parcel_id))


def order_label(connection: Connection, order: ForParcel, now: datetime, trade: Trade) -> None:
    """Ask the shop to label the parcel: the next label number and, with a GS1 prefix, a new SSCC.

    A parcel that the shop never heard of (bought unseen) is asked for first.
    """
    row = connection.execute(_FOR_LABEL, {"piece": order.piece_id, "order": order.order_id}).one()
    sscc, is_new = _next_sscc(connection, order.shop_id, row.gs1_prefix), row.parcel_state == WAITING
    values = {
        "label_no": row.label_no + 1, "sscc": sscc, "order_id": order.order_id, "changed_at": now,
        "state": PREPARING if is_new else row.parcel_state,
    }  # fmt: skip
    connection.execute(_SAVE, {**values, "key": order.parcel_id})
    if is_new:
        first = PreparePiece(parcel_id=order.parcel_id, piece_id=order.piece_id)
        send_command(connection, order.shop_id, first, now, order.trace, order.parcel_id)
    content = _label(order, row, sscc, trade, points.code_sha256(connection, order.order_id, order.parcel_id))
    command = LabelParcel(parcel_id=order.parcel_id, piece_id=order.piece_id, order_id=order.order_id, label=content)
    send_command(connection, order.shop_id, command, now, order.trace, order.parcel_id)


_INSERT = insert(parcel)
_STATE = select(parcel.c.state).where(parcel.c.parcel_id == bindparam("key"))
_SAVE = update(parcel).where(parcel.c.parcel_id == bindparam("key"))
_DROP = (
    update(parcel)
    .where(parcel.c.parcel_id.in_(bindparam("keys", expanding=True)), parcel.c.state == bindparam("before"))
    .returning(parcel.c.parcel_id)
)
_FOR_LABEL = (
    select(
        piece.c.serial, piece.c.code, listing.c.listing_id, listing.c.gtin, listing.c.sku, listing.c.title_en,
        listing.c.title_zh, shop.c.gs1_prefix, shop.c.sender_lines, orders.c.address, parcel.c.label_no,
        parcel.c.state.label("parcel_state"), variant.c.choices, variant.c.sku.label("variant_sku"),
        variant.c.gtin.label("variant_gtin"),
    )
    .join(listing, listing.c.listing_id == piece.c.listing_id)
    .outerjoin(variant, variant.c.variant_id == piece.c.variant_id)
    .join(shop, shop.c.shop_id == piece.c.shop_id)
    .join(orders, orders.c.order_id == bindparam("order"))
    .join(order_line, and_(order_line.c.order_id == orders.c.order_id, order_line.c.piece_id == piece.c.piece_id))
    .join(parcel, parcel.c.parcel_id == order_line.c.parcel_id)
    .where(piece.c.piece_id == bindparam("piece"))
)  # fmt: skip
_NEXT_SSCC = (
    update(shop)
    .where(shop.c.shop_id == bindparam("key"))
    .values(next_sscc=shop.c.next_sscc + 1)
    .returning(shop.c.next_sscc)
)


def _label(order: ForParcel, row: Any, sscc: str, trade: Trade, pickup_sha256: str) -> LabelContent:
    serial = row.serial or row.code
    title = titled({"en": row.title_en, "zh": row.title_zh}, row.choices)
    sku, gtin = row.variant_sku or row.sku, row.variant_gtin or row.gtin
    line = LabelLine(title=Text(**title), sku=sku, gtin=gtin, serial=serial)
    return LabelContent(
        order_id=order.order_id,
        label_no=row.label_no + 1,
        to=from_json(Address, row.address),
        sender_lines=tuple(row.sender_lines),
        goods_code=codes.goods_code(trade.resolver_url, gtin, serial, row.listing_id),
        merchant_code=codes.merchant_code(trade.resolver_url, order.merchant_id),
        resolver_url=codes.parcel_code(trade.resolver_url, order.parcel_id, sscc),
        sscc=sscc,
        lines=(line,),
        service="PICK-UP 自提" if pickup_sha256 else "",
        pickup_sha256=pickup_sha256,
    )


def _next_sscc(connection: Connection, shop_id: str, gs1_prefix: str) -> str:
    """Return an SSCC that was never given before (GS1: not again within a year), or nothing without a prefix."""
    if not gs1_prefix:
        return ""
    serial = connection.execute(_NEXT_SSCC, {"key": shop_id}).scalar()
    return str(Sscc.build(gs1_prefix, int(serial or 0) - 1))
