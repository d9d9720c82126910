"""What a scanned code means, decided from the journal alone. Text from a scanner is data: compared, never opened."""

from dataclasses import replace

from edge.bench import collecting, taking_over
from edge.bench import parcel as rows
from edge.bench.parcel import LabelRow, LabelState, Parcel
from edge.bench.steps import Steps
from edge.bench.tasks import ScanResult, Task, TaskKind, close_task, open_tasks, save_task
from edge.bench.telling import Facts
from edge.flows.fulfilment import Event, Stage
from edge.journal.transaction import Transaction
from edge.reading import LABEL_URL, has_check_digit
from wire.plan import PiecePlan, ShopPlan, Text

CODE_LENGTH_MAX = 300
"""The longest code of ours is a label's address; what is longer is garbage or somebody else's."""

K = TaskKind
TAG_TASKS = (K.FETCH_PIECE, K.BRING_BACK, K.PUT_BACK, K.BRING_PIECE)
"""Tasks that a piece's tag answers, the most pressing first."""

LABEL_TASKS = (K.READ_LABEL, K.TAKEN_OVER, K.LABEL_IN_DOUBT, K.DESTROY_LABEL, K.HAND_OVER, K.COLLECT)
"""Tasks for which a label's code is proof."""

STRANGE = Text(en="This code is not one of this shop's", zh="这个码不是本店的")


def parcel_of_scan(tx: Transaction, plan: ShopPlan | None, text: str) -> str:
    """Return the parcel whose task this code touches, or "" when it changes none."""
    pieces = {piece.piece_id for piece in _pieces(plan, text)}
    label = find(tx, text)
    for task in open_tasks(tx):
        if task.kind in TAG_TASKS and task.piece_id in pieces:
            return task.parcel_id
        if label is not None and task.kind in LABEL_TASKS and task.parcel_id == label.parcel_id:
            return task.parcel_id
    return collecting.parcel_of_code(tx, text)


def take_scan(tx: Transaction, steps: Steps, plan: ShopPlan | None, text: str) -> ScanResult:
    """Do what the code means now; anything unknown, unasked or out of place changes nothing and says why."""
    if not 0 < len(text) <= CODE_LENGTH_MAX or not text.replace("\x1d", "").isprintable():
        return ScanResult(accepted=False, text=STRANGE)
    pieces = _pieces(plan, text)
    if pieces:
        return _take_tag(tx, steps, pieces, text)
    label = find(tx, text) or taking_over.find_stranger(tx, text)
    if label is not None:
        return _take_label(tx, steps, label, text)
    collected = collecting.take_code(tx, text)
    if collected is not None:
        return collected
    return ScanResult(accepted=False, text=STRANGE)


def find(tx: Transaction, text: str) -> LabelRow | None:
    """Return the label that carries this code: its address, its serial as typed, or its SSCC."""
    text = text.lstrip("\x1d")
    address = LABEL_URL.fullmatch(text)
    if address is not None:
        label = rows.load_label(tx, address[1])
        return label if label is not None and label.url == text else None
    if has_check_digit(text):
        return rows.find_label(tx, text[2:])
    serial = text.strip().upper()
    return rows.load_label(tx, serial) if len(serial) == 8 else None


def _pieces(plan: ShopPlan | None, text: str) -> list[PiecePlan]:
    return [piece for piece in (plan.pieces if plan else ()) if piece.code == text]


def _take_tag(tx: Transaction, steps: Steps, pieces: list[PiecePlan], text: str) -> ScanResult:
    ids, tasks = {piece.piece_id for piece in pieces}, open_tasks(tx)
    fitting = [task for task in tasks if task.kind in TAG_TASKS and task.piece_id in ids]
    if not fitting:
        return _unasked(steps, pieces[0], tasks)
    task = min(fitting, key=lambda part: TAG_TASKS.index(part.kind))
    if task.kind is K.BRING_PIECE:
        close_task(tx, task, "brought")
        return ScanResult(accepted=True, text=_named("Brought: {}", "已拿来：{}", pieces[0]), task_id=task.task_id)
    parcel = _parcel(tx, task)
    event = Event.PUT_BACK if task.kind is K.PUT_BACK else Event.PICKED
    steps.feed(parcel, event, Facts(scanned=text))
    words = ("Put it back: {}", "请放回：{}") if event is Event.PUT_BACK else ("Right piece: {}", "正确：{}")
    return ScanResult(accepted=True, text=_named(*words, pieces[0]), task_id=task.task_id)


def _unasked(steps: Steps, piece: PiecePlan, tasks: list[Task]) -> ScanResult:
    wanted = next((task for task in tasks if task.kind in TAG_TASKS), None)
    other = steps.piece(wanted.piece_id) if wanted else None
    if other is None:
        return ScanResult(accepted=False, text=_named("Nobody asked for {} now", "现在不需要{}", piece))
    text = Text(
        en=f"This is {piece.code} {piece.title['en']}; wanted is {other.code} {other.title['en']}",
        zh=f"这是{piece.code} {piece.title['zh']}；需要的是{other.code} {other.title['zh']}",
    )
    return ScanResult(accepted=False, text=text)


def _take_label(tx: Transaction, steps: Steps, label: LabelRow, text: str) -> ScanResult:
    tasks = open_tasks(tx)
    reading = next((task for task in tasks if task.kind is K.READ_LABEL), None)
    if reading is not None and reading.parcel_id != label.parcel_id:
        words = Text(
            en="This label belongs to another parcel. If it is on the parcel at the bench, press so",
            zh="这是别的包裹的标签。如果它贴在台上的包裹上，请按相应按钮",
        )
        return ScanResult(accepted=False, text=words, task_id=reading.task_id)
    parcel = rows.load(tx, label.parcel_id)
    if parcel is None or label.state is LabelState.VOID or label.serial != parcel.serial:
        words = Text(en="This label is void: take it off and tear it up", zh="这张标签已作废：请撕下销毁")
        return ScanResult(accepted=False, text=words)
    task = next((part for part in tasks if part.kind in LABEL_TASKS and part.parcel_id == parcel.parcel_id), None)
    if task is None:
        return ScanResult(accepted=False, text=_not_now(parcel))
    if task.kind is K.READ_LABEL:
        if LABEL_URL.fullmatch(text) is None:
            words = Text(en="Scan the large square code", zh="请扫大的方形码")
            return ScanResult(accepted=False, text=words, task_id=task.task_id)
        steps.feed(parcel, Event.LABEL_READ, Facts(codes=(text,), scanned=text))
        return ScanResult(accepted=True, text=Text(en="Right label", zh="标签正确"), task_id=task.task_id)
    save_task(tx, replace(task, scanned=text), "scanned")
    words = Text(en=f"Label {label.serial}: right one, now answer", zh=f"标签 {label.serial} 正确，请按按钮确认")
    return ScanResult(accepted=True, text=words, task_id=task.task_id)


def _not_now(parcel: Parcel) -> Text:
    if parcel.stage is Stage.PHOTO_OFFERED:
        return Text(
            en="Not yet: the shopper has not confirmed the photo. Do not hand it over",
            zh="还不行：买家尚未确认照片，请勿交寄",
        )
    if parcel.stage is Stage.HANDED_OVER:
        return Text(en="This parcel was handed over already", zh="这个包裹已经交寄")
    return Text(en="Nothing is asked about this parcel now", zh="现在不需要扫这个包裹")


def _named(en: str, zh: str, piece: PiecePlan) -> Text:
    return Text(en=en.format(f"{piece.code} {piece.title['en']}"), zh=zh.format(f"{piece.code} {piece.title['zh']}"))


def _parcel(tx: Transaction, task: Task) -> Parcel:
    parcel = rows.load(tx, task.parcel_id)
    assert parcel is not None, f"task {task.task_id} is about a parcel that is not here"
    return parcel
