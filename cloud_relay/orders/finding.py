"""An order by any code that somebody reads out: of order, parcel, label, piece or payment, or an address of ours."""

import re
from typing import Any

from sqlalchemy import Connection, or_, select

from cloud_relay.orders import reading
from cloud_relay.tables import label, order_line, orders, parcel, payment, piece
from wire.values import BadValueError, Sscc

SHORT_ID = re.compile(r"[0-9a-z]{6}")
"""Pages show the last six signs of an order's id."""


def said_code(text: str) -> str:
    """Return the code itself: of an address its last part, without query, courier's key or brackets."""
    tail = text.strip().partition("?")[0].partition("#")[0].rstrip("/").rsplit("/", 1)[-1]
    tail = tail.removeprefix("(00)").replace(" ", "")
    return tail.partition(".")[0] if tail.startswith("par_") else tail


def _as_sscc(code: str) -> str:
    digits = code[2:] if len(code) == 20 and code.startswith("00") else code
    try:
        return str(Sscc(digits))
    except BadValueError:
        return ""


def find_orders(connection: Connection, text: str) -> list[dict[str, Any]]:
    """Return the orders that a code belongs to, newest first; a piece that was sold twice has two."""
    code = said_code(text)
    if not code:
        return []
    sscc = _as_sscc(code)
    low = code.lower()
    is_it = [
        orders.c.order_id == low, order_line.c.parcel_id == low, order_line.c.piece_id == low,
        order_line.c.listing_id == low, payment.c.payment_id == low, payment.c.provider_reference == code,
        piece.c.code == code, piece.c.serial == code, label.c.label_serial == code.upper(),
    ]  # fmt: skip
    if sscc:
        is_it += [label.c.sscc == sscc, parcel.c.sscc == sscc]
    if SHORT_ID.fullmatch(low):
        is_it.append(orders.c.order_id.like(f"%{low}"))
    query = (
        select(orders.c.order_id)
        .join(order_line, order_line.c.order_id == orders.c.order_id)
        .join(piece, piece.c.piece_id == order_line.c.piece_id)
        .outerjoin(parcel, parcel.c.order_id == orders.c.order_id)
        .outerjoin(label, label.c.parcel_id == parcel.c.parcel_id)
        .outerjoin(payment, payment.c.order_id == orders.c.order_id)
        .where(or_(*is_it))
        .distinct()
        .limit(reading.LATEST)
    )
    return reading.orders_by_id(connection, list(connection.scalars(query)))
