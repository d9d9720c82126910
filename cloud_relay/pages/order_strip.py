"""An order's story as a strip of frames: what happened with its picture, where it is now, what comes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CONFIRMED, PAID, PACKED, LABELLED, PHOTO, POSTED, DELIVERED, RECEIVED = range(8)

FRAMES: tuple[tuple[str, str, str, str], ...] = (
    ("confirmed", "Confirmed", "选定", "placed still_taken"),
    ("paid", "Paid, money held", "已付，货款代管",
     ("payment_succeeded payment_retaken payment_failed pay_due charged_back payment_pledged payment_too_late"
     " group_succeeded group_failed pledge_left")),
    ("packed", "Packed", "打包", "piece_carried piece_picked piece_packed packed_picture piece_returned piece_gone"),
    ("labelled", "Labelled", "贴标签", "label_printed label_applied label_read label_voided"),
    ("photo", "Photo check", "确认照片", "photographed photo_confirmed photo_objected photo_due"),
    ("posted", "With the post", "交寄", "handed_over ready_for_pickup ship_due"),
    ("delivered", "Delivered", "送达", "tracking delivered collected arrive_due collect_due"),
    ("received", "Received, shop paid", "收货付款", "receipt release_due refunded"),
)  # fmt: skip
"""Key, English, Chinese, and the kinds of lines of the story that are this frame's evidence."""

COLLECTED = {POSTED: ("At the pick-up point", "到自提点"), DELIVERED: ("Collected", "已自取")}
"""What two of the frames are called when the shopper collects the parcel."""

DONE_UNTIL = {
    "unpaid": CONFIRMED, "expired": CONFIRMED, "pledged": CONFIRMED, "paid": PAID, "photo_offered": LABELLED,
    "confirmed": PHOTO, "handed_over": POSTED, "delivered": DELIVERED, "released": RECEIVED,
}  # fmt: skip
"""The last frame that is certainly over in a state; what the story itself shows counts besides."""

PROOFS = {PACKED: {"piece_packed", "packed_picture"}, LABELLED: {"label_read"}, PHOTO: {"photo_confirmed", "photo_due"},
          POSTED: {"handed_over"}, DELIVERED: {"delivered", "collected"}}  # fmt: skip
ENDED = frozenset({"expired", "cancelled", "refunded", "charged_back", "released"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One step: `state` is done, here or ahead; `events` are the lines of the story that prove it."""

    key: str
    title: dict[str, str]
    state: str
    picture_sha256: str = ""
    at: Any = None
    events: tuple[Mapping[str, Any], ...] = field(default=())


def strip(state: str, timeline: list[dict[str, Any]], *, is_collected: bool = False) -> list[Frame]:
    """Return the frames of an order in this state with this story; an order that ended early shows what was reached.

    What the shopper collects waits at a point instead of going by post.
    """
    by_frame = [[one for one in timeline if one["kind"] in kinds.split()] for _, _, _, kinds in FRAMES]
    reached = max([DONE_UNTIL.get(state, CONFIRMED), *(number for number in PROOFS if _is_proved(number, by_frame))])
    if state not in DONE_UNTIL and any(one["kind"] in ("payment_succeeded", "group_succeeded") for one in timeline):
        reached = max(reached, PAID)
    frames = []
    for number, (key, english, chinese, _) in enumerate(FRAMES):
        events = by_frame[number]
        if is_collected:
            english, chinese = COLLECTED.get(number, (english, chinese))  # noqa: PLW2901  # the other name of this frame
        if state in ENDED and number > reached and not events:
            continue
        is_here = number == reached + 1 and state not in ENDED
        standing = "done" if number <= reached or (events and not is_here) else "here" if is_here else "ahead"
        picture = next((one["picture_sha256"] for one in reversed(events) if one["picture_sha256"]), "")
        frames.append(Frame(key=key, title={"en": english, "zh": chinese}, state=standing, picture_sha256=picture,
                            at=events[-1]["at"] if events else None, events=tuple(events)))  # fmt: skip
    return frames


def _is_proved(number: int, by_frame: list[list[dict[str, Any]]]) -> bool:
    last = [one["kind"] for one in by_frame[number]]
    return bool(set(last) & PROOFS[number]) and last[-1] not in ("label_voided", "photo_objected", "piece_returned")
