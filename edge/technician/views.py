"""Views of a piece, as taught: its spot and its faces go into the plan in force and to the relay in one transaction."""

import dataclasses
import json
import math
from dataclasses import replace
from typing import Any

from edge.control_socket import VerbRefusedError
from edge.journal.outbox import append_report
from edge.journal.shop import plan as plan_in_force
from edge.journal.transaction import Transaction
from edge.technician.ports import Around
from edge.viewing.steering import clamp_head
from wire.codec import from_json, to_json
from wire.plan import Face, PiecePlan, Position, ShopPlan, Spot, SpotKind, Text
from wire.reports import FacesTaught
from wire.values import BadValueError, check_id

FACES_MAX = 24


async def keep_view(around: Around, asked: dict[str, Any]) -> dict[str, Any]:
    """Keep the view of a piece: `face` empty is its spot (the view to start with), else that face.

    `position` is where to look; without it, where the camera's place stands now. `camera` may be left out when the
    piece has its spot already.
    """
    plan, piece = _piece(around, str(asked.get("piece", "")))
    spot = _spot(around, piece, str(asked.get("camera", "")), str(asked.get("kind", "")))
    told = asked.get("position")
    position = position_of(told) if told else await around.place(spot.camera).where()
    _refuse_beyond_limits(around, spot.camera, position)
    spot = _with_view(spot, str(asked.get("face", "")), position, str(asked.get("title", "")))
    await _save(around, piece.piece_id, spot)
    return {"piece_id": piece.piece_id, "code": piece.code, "version": plan.version, "spot": to_json(spot)}


async def spot_of(around: Around, asked: dict[str, Any]) -> dict[str, Any]:
    """Return the camera at which a piece has its spot; refuses a piece without one."""
    _plan, piece = _piece(around, str(asked.get("piece", "")))
    return {"camera": _spot(around, piece, "", "").camera}


def _piece(around: Around, name: str) -> tuple[ShopPlan, PiecePlan]:
    plan = around.plan()
    if plan is None or not plan.pieces:
        raise VerbRefusedError(
            Text(
                en="This shop knows no piece yet: the merchant enters them on the web page; be online once",
                zh="本店还没有货品：请商家先在网页上录入，并确保联网一次",
            ),
            "no_plan",
        )
    found = next((one for one in plan.pieces if name and name in (one.piece_id, one.code)), None)
    if found is None:
        known = ", ".join(one.code or one.piece_id for one in plan.pieces[:20])
        raise LookupError(f"there is no piece {name!r} in the shop plan; there are: {known}")
    return plan, found


def _spot(around: Around, piece: PiecePlan, camera: str, kind: str) -> Spot:
    if piece.spot is not None and camera in ("", piece.spot.camera):
        around.place(piece.spot.camera)
        return replace(piece.spot, kind=_kind(kind)) if kind else piece.spot
    if piece.spot is not None:
        raise VerbRefusedError(
            Text(
                en=f"The piece {piece.code} has its spot at the camera {piece.spot.camera}: the merchant moves it to "
                "another one on the web page",
                zh=f"货品 {piece.code} 的位置在摄像头 {piece.spot.camera} 前：请商家在网页上改换摄像头",
            ),
            "other_camera",
        )
    if not camera:
        raise LookupError(f"the piece {piece.code} has no spot yet: name its camera with --camera")
    place = around.place(camera)
    on_table = SpotKind.TURNTABLE if place.place.turntable is not None else SpotKind.STAYS
    return Spot(camera=camera, kind=_kind(kind) if kind else on_table)


def _kind(kind: str) -> SpotKind:
    try:
        return SpotKind(kind)
    except ValueError:
        raise LookupError(f"kind {kind!r} is none of {', '.join(SpotKind)}") from None


def _refuse_beyond_limits(around: Around, camera: str, position: Position) -> None:
    head = around.place(camera).place.head
    if head is None:
        return
    limits = around.limits(head.name)
    reachable = clamp_head(position, limits)
    if (reachable.pan_deg, reachable.tilt_deg, reachable.zoom) != (position.pan_deg, position.tilt_deg, position.zoom):
        span = (
            f"pan {limits.pan_min_deg:g}…{limits.pan_max_deg:g}°, "
            f"tilt {limits.tilt_min_deg:g}…{limits.tilt_max_deg:g}°, zoom 1…{limits.zoom_max:g}×"
        )
        raise VerbRefusedError(
            Text(
                en=f"That lies beyond the safe limits of {head.name} ({span}); if those are too narrow: teach limits",
                zh=f"超出 {head.name} 的安全范围（{span}）；如范围过窄，请用 teach limits 调整",
            ),
            "beyond_limits",
        )


def _with_view(spot: Spot, face: str, position: Position, title: str) -> Spot:
    if not face:
        return replace(spot, home=position)
    try:
        check_id(face, "face")
    except BadValueError as error:
        raise LookupError(str(error)) from None
    before = next((one for one in spot.faces if one.name == face), None)
    words = Text(en=title, zh=title) if title else before.title if before else Text()
    taught = Face(name=face, position=position, title=words)
    others = tuple(one for one in spot.faces if one.name != face)
    if len(others) >= FACES_MAX:
        raise LookupError(f"a piece has at most {FACES_MAX} faces")
    return replace(spot, faces=(*others, taught))


async def _save(around: Around, piece_id: str, spot: Spot) -> None:
    """Change the plan in force and report it, both or neither; a newer plan from the relay replaces it whole."""

    def save(tx: Transaction) -> ShopPlan | None:
        plan = plan_in_force(tx)
        if plan is None:
            return None
        pieces = tuple(replace(one, spot=spot) if one.piece_id == piece_id else one for one in plan.pieces)
        changed = replace(plan, pieces=pieces)
        body = json.dumps(to_json(changed), ensure_ascii=False, separators=(",", ":"))
        row = {"version": plan.version, "body": body, "saved_at": tx.at}
        tx.put("plans", row, "taught", piece_id=piece_id, camera=spot.camera)
        append_report(tx, FacesTaught(piece_id=piece_id, camera=spot.camera, faces=spot.faces, home=spot.home))
        return changed

    changed = await around.journal.write(save)
    if changed is not None:
        around.take_plan(changed)


def position_of(told: Any) -> Position:
    """Return a position as it was told; LookupError names what is wrong with it."""
    try:
        position: Position = from_json(Position, told, "position")
    except BadValueError as error:
        raise LookupError(str(error)) from None
    if not all(math.isfinite(number) for number in dataclasses.astuple(position)):
        raise LookupError("position: every number must be finite")
    return position
