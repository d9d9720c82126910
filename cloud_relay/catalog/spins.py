"""A piece photographed all round by its shop: which views there are, and who may see them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select

from cloud_relay.catalog import store
from cloud_relay.catalog.faces import face_title
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import picture, piece, piece_view
from cloud_relay.web.pages import page_event
from wire.reports import SpinTaken, SpinView
from wire.values import BadValueError, check_id, format_time

VIEWS_MAX = 72
"""One in five degrees: a finger turns no finer."""

FACES_MAX = 24
"""As many as a spot may have taught."""

SHOWN_MIN = 12
"""With fewer a piece does not turn, it jumps; the rest of the pictures is still on its way."""


def _check(view: SpinView) -> None:
    if not 0 <= view.angle_deg < 360 or len(view.picture_sha256) != 64:
        raise BadValueError("views: angles from 0 to 360 degrees, pictures by their SHA-256")
    if view.face:
        check_id(view.face, "views.face")


def take_spin(connection: Connection, shop_id: str, report: SpinTaken, now: datetime) -> None:
    """Keep which pictures show the piece from where; they replace those of an earlier time."""
    round_views = sorted((view for view in report.views if not view.face), key=lambda one: one.angle_deg)
    faces = [view for view in report.views if view.face]
    if not 0 < len(round_views) <= VIEWS_MAX or len(faces) > FACES_MAX:
        raise BadValueError(f"views: 1 to {VIEWS_MAX} round it, at most {FACES_MAX} faces")
    for view in report.views:
        _check(view)
    if not has_piece(connection, shop_id, report.piece_id):
        raise RefusedError("unknown_piece", "This shop has no such piece", "本店没有这件货品", 422)
    connection.execute(delete(piece_view).where(piece_view.c.piece_id == report.piece_id))
    rows = [
        {"piece_id": report.piece_id, "view_no": number, "angle_deg": view.angle_deg, "face": view.face,
         "picture_sha256": view.picture_sha256, "taken_at": view.taken_at}
        for number, view in enumerate([*round_views, *faces])
    ]  # fmt: skip
    connection.execute(insert(piece_view), rows)
    page_event(connection, f"shop:{shop_id}", "spin_taken", {"piece_id": report.piece_id}, now)


def has_piece(connection: Connection, shop_id: str, piece_id: str) -> bool:
    """Tell whether this piece is one of the shop's."""
    query = select(piece.c.piece_id).where(piece.c.piece_id == piece_id, piece.c.shop_id == shop_id)
    return connection.execute(query).first() is not None


def _views(connection: Connection, piece_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the views whose pictures have arrived, by piece, the round first and then the faces."""
    query = (
        select(piece_view)
        .join(picture, picture.c.picture_sha256 == piece_view.c.picture_sha256)
        .where(piece_view.c.piece_id.in_(piece_ids), picture.c.stored_at.is_not(None))
        .order_by(piece_view.c.piece_id, piece_view.c.view_no)
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(query):
        one = {"picture": row.picture_sha256, "angle_deg": row.angle_deg, "taken_at": format_time(row.taken_at)}
        found.setdefault(row.piece_id, []).append({**one, "face": row.face})
    return {piece_id: views for piece_id, views in found.items() if sum(not one["face"] for one in views) >= SHOWN_MIN}


def _faces(views: list[dict[str, Any]], spot: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    titles = {face["name"]: face.get("title") for face in (spot or {}).get("faces", ())}
    return [{**one, "title": face_title(one["face"], titles.get(one["face"]))} for one in views if one["face"]]


def spins_of(connection: Connection, pieces: Iterable[RowMapping | dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what a page needs of each piece that can be turned: the first view and when it was taken, how many there
    are, what its faces are called.

    The views themselves are asked for by whoever turns it (`views_of`): a page that nobody turns stays light.
    """
    spots = {row["piece_id"]: row["spot"] for row in pieces}
    return {
        piece_id: {
            **views[0],
            "count": sum(not one["face"] for one in views),
            "faces": [{name: one[name] for name in ("face", "title")} for one in _faces(views, spots[piece_id])],
        }
        for piece_id, views in _views(connection, list(spots)).items()
    }


def views_of(connection: Connection, piece_id: str) -> dict[str, Any]:
    """Return every view of a piece: `views` all round by their angle, and `faces` with their titles."""
    views = _views(connection, [piece_id]).get(piece_id, [])
    row = store.find_piece(connection, piece_id)
    return {
        "piece_id": piece_id,
        "views": [one for one in views if not one["face"]],
        "faces": _faces(views, row["spot"] if row is not None else None),
    }
