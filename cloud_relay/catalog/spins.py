"""A piece photographed all round by its shop: which views there are, and who may see them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from cloud_relay.refusals import RefusedError
from cloud_relay.tables import picture, piece, piece_view
from cloud_relay.web.pages import page_event
from wire.reports import SpinTaken
from wire.values import BadValueError, format_time

VIEWS_MAX = 72
"""One in five degrees: a finger turns no finer."""

SHOWN_MIN = 12
"""With fewer a piece does not turn, it jumps; the rest of the pictures is still on its way."""


def take_spin(connection: Connection, shop_id: str, report: SpinTaken, now: datetime) -> None:
    """Keep which pictures show the piece from where; they replace those of an earlier time."""
    if not 0 < len(report.views) <= VIEWS_MAX:
        raise BadValueError(f"views: 1 to {VIEWS_MAX}")
    if any(not 0 <= view.angle_deg < 360 or len(view.picture_sha256) != 64 for view in report.views):
        raise BadValueError("views: angles from 0 to 360 degrees, pictures by their SHA-256")
    if not has_piece(connection, shop_id, report.piece_id):
        raise RefusedError("unknown_piece", "This shop has no such piece", "本店没有这件货品", 422)
    connection.execute(delete(piece_view).where(piece_view.c.piece_id == report.piece_id))
    rows = [
        {"piece_id": report.piece_id, "view_no": number, "angle_deg": view.angle_deg,
         "picture_sha256": view.picture_sha256, "taken_at": view.taken_at}
        for number, view in enumerate(sorted(report.views, key=lambda one: one.angle_deg))
    ]  # fmt: skip
    connection.execute(insert(piece_view), rows)
    page_event(connection, f"shop:{shop_id}", "spin_taken", {"piece_id": report.piece_id}, now)


def has_piece(connection: Connection, shop_id: str, piece_id: str) -> bool:
    """Tell whether this piece is one of the shop's."""
    query = select(piece.c.piece_id).where(piece.c.piece_id == piece_id, piece.c.shop_id == shop_id)
    return connection.execute(query).first() is not None


def views_of(connection: Connection, piece_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the views whose pictures have arrived, by piece, in the order of their angles; none for too few."""
    query = (
        select(piece_view)
        .join(picture, picture.c.picture_sha256 == piece_view.c.picture_sha256)
        .where(piece_view.c.piece_id.in_(piece_ids), picture.c.stored_at.is_not(None))
        .order_by(piece_view.c.piece_id, piece_view.c.view_no)
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(query):
        one = {"picture": row.picture_sha256, "angle_deg": row.angle_deg, "taken_at": format_time(row.taken_at)}
        found.setdefault(row.piece_id, []).append(one)
    return {piece_id: views for piece_id, views in found.items() if len(views) >= SHOWN_MIN}
