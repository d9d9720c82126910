"""The sentences for the attendant and what each answer means. Pure."""

from dataclasses import dataclass, replace
from enum import StrEnum

from edge.bench.tasks import Answer, TaskKind
from edge.flows.fulfilment import Effect, Event, Stage
from edge.reasons import sentence_for
from wire.plan import PiecePlan, Text

X = Effect

EVENTS = {
    "gone": Event.GONE,
    "no_label": Event.VOIDED,
    "labelled": Event.ON_PARCEL,
    "packed": Event.PACKED,
    "not_packed": Event.NOT_PACKED,
    "set_aside": Event.SET_ASIDE,
    "still_here": Event.STILL_HERE,
    "stuck": Event.APPLIED,
    "on_parcel": Event.APPLIED,
    "at_printer": Event.FOUND_AT_PRINTER,
    "not_printed": Event.NOT_PRINTED,
    "destroyed": Event.VOIDED,
    "wrong_label": Event.LABEL_WRONG,
    "spoiled": Event.SPOILED,
    "again": Event.RETRY,
    "unpacked": Event.UNPACKED,
    "handed_over": Event.HAND_OVER,
    "collected": Event.HAND_OVER,
}
"""What an answer says to the flow."""

SCAN_FIRST = frozenset({"at_printer", "handed_over", "collected", "labelled"})
"""Answers that count only after the label itself was scanned for this task."""

BUTTONS = {
    "gone": Text(en="It is not there", zh="找不到这件"),
    "packed": Text(en="Packed", zh="已包好"),
    "not_packed": Text(en="Not packed", zh="没有包好"),
    "no_label": Text(en="Packed, no label on it; loose ones torn up", zh="已包好，没有标签；散落的标签已撕毁"),
    "labelled": Text(en="Packed, its label is on it (scan it)", zh="已包好，标签已贴上（请扫码）"),
    "set_aside": Text(en="Put aside", zh="已放到一旁"),
    "still_here": Text(en="Leave it here", zh="留在台上"),
    "stuck": Text(en="Stuck on", zh="已贴好"),
    "on_parcel": Text(en="It is on the parcel", zh="在包裹上"),
    "at_printer": Text(en="It is at the printer, whole (scan it)", zh="在打印机出口，完好（请扫码）"),
    "not_printed": Text(en="Nothing came out", zh="什么都没打出来"),
    "destroyed": Text(en="Torn up", zh="已撕毁"),
    "wrong_label": Text(en="A wrong label is on it", zh="贴的是别的标签"),
    "spoiled": Text(en="The label is spoiled", zh="标签坏了"),
    "again": Text(en="Done, go on", zh="处理好了，继续"),
    "unpacked": Text(en="Unpacked", zh="已拆开"),
    "handed_over": Text(en="Handed over", zh="已交给快递"),
    "collected": Text(en="The shopper has it", zh="已交给顾客"),
    "shown": Text(en="The courier has it", zh="快递员已扫"),
    "seen": Text(en="Seen", zh="知道了"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """A task before it is asked: what kind, which sentence, which buttons."""

    kind: TaskKind
    text: Text
    buttons: tuple[str, ...] = ()
    needs_scan: bool = False

    def answers(self) -> tuple[Answer, ...]:
        """Return the buttons with what stands on them."""
        return tuple(Answer(answer=code, text=BUTTONS[code]) for code in self.buttons)


_QUESTIONS = {
    X.ASK_FETCH: Question(
        TaskKind.FETCH_PIECE,
        Text(
            en="Bring {piece} from {place} to the bench and scan its tag", zh="请从{place}取{piece}到工作台并扫它的吊牌"
        ),
        ("gone",),
        needs_scan=True,
    ),
    X.ASK_TAKEN_OVER: Question(
        TaskKind.TAKEN_OVER,
        Text(
            en="The box was replaced while it worked on {piece}. Look at bench, machines and shelf: how is it now?",
            zh="处理{piece}时更换了主机。请查看工作台、设备和货架：它现在怎样？",
        ),
        ("labelled", "no_label", "not_packed", "gone"),
    ),
    X.ASK_SHOW_LABEL: Question(
        TaskKind.READ_LABEL,
        Text(
            en="Bring the parcel with {piece} to the bench, its label to the camera; then go on, or scan the label",
            zh="请把{piece}的包裹放到工作台，标签朝向摄像头，然后继续；也可以扫标签",
        ),
        ("again", "wrong_label", "spoiled"),
        needs_scan=True,
    ),
    X.PACK: Question(TaskKind.PACK_BY_HAND, Text(en="Pack {piece}", zh="请包装{piece}"), ("packed",)),
    X.APPLY: Question(
        TaskKind.STICK_LABEL,
        Text(
            en="Take label {serial} from the printer and stick it on the parcel with {piece}",
            zh="请取下标签 {serial}，贴到装有{piece}的包裹上",
        ),
        ("stuck", "spoiled"),
    ),
    X.ASK_PACK_DOUBT: Question(
        TaskKind.PACK_IN_DOUBT,
        Text(en="Is {piece} packed? Look at the machine", zh="{piece}包好了吗？请看一下包装机"),
        ("packed", "not_packed"),
    ),
    X.ASK_READ: Question(
        TaskKind.READ_LABEL,
        Text(
            en="The label on the parcel with {piece} cannot be read: turn it to the camera, or scan it",
            zh="读不出{piece}包裹上的标签：请把标签朝向摄像头，或扫码",
        ),
        ("again", "wrong_label", "spoiled"),
        needs_scan=True,
    ),
    X.ASK_SET_ASIDE: Question(
        TaskKind.SET_ASIDE,
        Text(
            en="Put the parcel with {piece} aside, its tag on top: a paid one needs the bench",
            zh="请把{piece}的包裹放到一旁，吊牌放在上面：有已付款的要用工作台",
        ),
        ("set_aside", "still_here"),
    ),
    X.ASK_BRING_BACK: Question(
        TaskKind.BRING_BACK,
        Text(en="Bring the parcel with {piece} back and scan its tag", zh="请把{piece}的包裹拿回来并扫它的吊牌"),
        needs_scan=True,
    ),
    X.ASK_DESTROY: Question(
        TaskKind.DESTROY_LABEL,
        Text(
            en="Take every label off the parcel with {piece} and out of the printer, and tear them up",
            zh="请撕下{piece}包裹上和打印机出口的所有标签并撕毁",
        ),
        ("destroyed",),
    ),
    X.ASK_DESTROY_SCANNED: Question(
        TaskKind.DESTROY_LABEL,
        Text(
            en="Bring the parcel with {piece} back, scan its label {serial}, then tear the label up. {objection}",
            zh="请把{piece}的包裹拿回来，先扫标签 {serial}，再撕毁标签。{objection}",
        ),
        ("destroyed",),
        needs_scan=True,
    ),
    X.ASK_UNPACK: Question(
        TaskKind.UNPACK,
        Text(en="Unpack {piece} (if it is packed)", zh="请拆开{piece}的包裹（如已包好）"),
        ("unpacked",),
    ),
    X.ASK_PUT_BACK: Question(
        TaskKind.PUT_BACK,
        Text(en="Scan the tag of {piece} and put it back to {place}", zh="请扫{piece}的吊牌，放回{place}"),
        ("gone",),
        needs_scan=True,
    ),
    X.ASK_HAND_OVER: Question(
        TaskKind.HAND_OVER,
        Text(
            en="Ready for the courier: {piece}. Scan label {serial}, then hand it over",
            zh="可以交寄：{piece}。请扫标签 {serial}，然后交给快递员",
        ),
        ("handed_over",),
        needs_scan=True,
    ),
    X.SHOW_COURIER_LINK: Question(
        TaskKind.SHOW_COURIER_LINK,
        Text(en="Let the courier scan this code for {piece}", zh="请快递员扫这个码（{piece}）"),
        ("shown",),
    ),
}


class Fetching(StrEnum):
    """How a piece comes to the bench: a person fetches it, the sorter brings it, or has brought it."""

    BY_HAND = "by_hand"
    BY_SORTER = "by_sorter"
    AT_BENCH = "at_bench"


_FETCHING = {
    Fetching.BY_HAND: _QUESTIONS[X.ASK_FETCH].text,
    Fetching.BY_SORTER: Text(
        en="The sorter brings {piece} from {place}: scan its tag when it lies at the bench",
        zh="分拣机正从{place}送来{piece}：到工作台后请扫它的吊牌",
    ),
    Fetching.AT_BENCH: Text(
        en="The sorter has brought {piece}: scan its tag at the bench", zh="分拣机已送来{piece}：请在工作台扫它的吊牌"
    ),
}

COLLECTING = Question(
    TaskKind.COLLECT,
    Text(
        en="Waits to be collected: {piece}. Scan the shopper's code, then label {serial}, then hand it over",
        zh="等待自取：{piece}。请先扫顾客的取货码，再扫标签 {serial}，然后交给顾客",
    ),
    ("collected",),
    needs_scan=True,
)
"""What is asked instead of handing over to the courier when the shopper comes for it."""

_LABEL_DOUBT = Text(
    en="Where is label {serial} for {piece}? Look at printer, robot and parcel",
    zh="{piece}的标签 {serial} 在哪里？请看打印机、机械手和包裹",
)
_TEND = Text(en="{piece} waits. {reason}", zh="{piece}在等待。{reason}")
_READ_BLIND = Text(
    en="The label on the parcel with {piece} waits to be read. {reason}",
    zh="{piece}包裹上的标签等待核对。{reason}",
)


def question(effect: Effect, stage: Stage, reason: str = "") -> Question:
    """Return what an ASK effect asks at this stage, for this reason."""
    if effect is X.ASK_READ and reason and not reason.startswith("label_"):
        return replace(_QUESTIONS[effect], text=_READ_BLIND)  # the camera is in trouble, not the label
    if effect is X.ASK_LABEL_DOUBT:
        first = "not_printed" if stage is Stage.PRINTING_IN_DOUBT else "on_parcel"
        return Question(TaskKind.LABEL_IN_DOUBT, _LABEL_DOUBT, (first, "at_printer", "destroyed"))
    if effect is X.ASK_TEND:
        has_label = stage in (Stage.APPLYING_BLOCKED, Stage.PHOTO_BLOCKED)
        return Question(TaskKind.TEND_DEVICE, _TEND, ("again", "spoiled") if has_label else ("again",))
    return _QUESTIONS[effect]


def fetch_text(how: Fetching, piece: PiecePlan | None, place: str) -> Text:
    """Return what the attendant reads while a piece is fetched from `place`."""
    return fill(_FETCHING[how], piece, place=place)


def fill(
    text: Text, piece: PiecePlan | None, *, serial: str = "", reason: str = "", objection: str = "", place: str = ""
) -> Text:
    """Return the sentence with names in it; what people typed is put in as it is, never as a pattern.

    `place` is where the shop knows the piece to lie; without it stands what the plan says.
    """
    why = sentence_for(reason)
    values = {"serial": serial, "objection": objection}
    return Text(
        en=_filled(text.en, piece, "en", place, {**values, "reason": why.en}),
        zh=_filled(text.zh, piece, "zh", place, {**values, "reason": why.zh}),
    )


def _filled(text: str, piece: PiecePlan | None, language: str, place: str, values: dict[str, str]) -> str:
    name = f"{piece.code} {piece.title[language]}" if piece else {"en": "the piece", "zh": "货品"}[language]
    place = place or (piece.location if piece else "") or {"en": "its place", "zh": "原位"}[language]
    return text.format_map({**values, "piece": name, "place": place}).strip()
