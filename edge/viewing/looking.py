"""Whether and where a piece can be looked at now, and what the shopper reads when it cannot. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from edge.viewing.hours import is_open, opens_at
from wire.plan import PiecePlan, Position, ShopPlan, Spot, SpotKind, Text
from wire.reports import LookAnswer

TEXTS: dict[LookAnswer, Text] = {
    LookAnswer.NOW: Text(),
    LookAnswer.QUEUED: Text(en="Somebody is looking just now: you are in line.", zh="有人正在看货：您已排队。"),
    LookAnswer.BEING_BROUGHT: Text(
        en="The attendant brings this piece to the turntable.", zh="店员正在把这件货品拿到转台上。"
    ),
    LookAnswer.NOT_OFFERED: Text(en="This piece cannot be looked at live.", zh="这件货品不提供实时看货。"),
    LookAnswer.CLOSED: Text(en="The shop is closed now.", zh="店铺现在休息。"),
    LookAnswer.CAMERA_OFFLINE: Text(
        en="The camera is out of order just now. Try again in a few minutes.", zh="摄像头暂时无法使用，请过几分钟再试。"
    ),
    LookAnswer.PIECE_GONE: Text(en="This piece is no longer in the shop.", zh="这件货品已不在店里。"),
    LookAnswer.PRIVATE: Text(
        en="The shop has switched its cameras off for a moment.", zh="店铺暂时关闭了摄像头。"
    ),
    LookAnswer.FULL: Text(
        en="Too many are watching this camera. Try again in a moment.", zh="观看人数已满，请稍后再试。"
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a piece cannot be looked at now; `opens_at` when closed hours are the reason."""

    answer: LookAnswer
    opens_at: datetime | None = None


def piece_of(plan: ShopPlan | None, piece_id: str) -> PiecePlan | None:
    """Return the piece in the plan, or None."""
    return next((one for one in plan.pieces if one.piece_id == piece_id), None) if plan else None


def is_offered(plan: ShopPlan, camera: str) -> bool:
    """Return whether the plan lets shoppers look through this camera; one it does not name is offered."""
    return next((one.is_offered for one in plan.cameras if one.camera == camera), True)


def find_spot(
    plan: ShopPlan | None, piece_id: str, cameras: Collection[str], *, now: datetime, is_gone: bool
) -> Spot | Refusal:
    """Return where a piece stands before a camera of this shop, or why nobody can look at it."""
    if plan is None:
        return Refusal(answer=LookAnswer.NOT_OFFERED)
    piece = piece_of(plan, piece_id)
    if piece is None or is_gone:
        return Refusal(answer=LookAnswer.PIECE_GONE)
    if piece.spot is None or piece.spot.camera not in cameras or not is_offered(plan, piece.spot.camera):
        return Refusal(answer=LookAnswer.NOT_OFFERED)
    if not is_open(plan, now):
        return Refusal(answer=LookAnswer.CLOSED, opens_at=opens_at(plan, now))
    return piece.spot


def must_be_brought(spot: Spot) -> bool:
    """Return whether the attendant carries the piece to its spot."""
    return spot.kind is SpotKind.TURNTABLE


def face_position(piece: PiecePlan | None, name: str) -> Position | None:
    """Return where to look for a taught face of a piece; `home` is its spot's first view."""
    if piece is None or piece.spot is None:
        return None
    if name == "home":
        return piece.spot.home
    return next((face.position for face in piece.spot.faces if face.name == name), None)
