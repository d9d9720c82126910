"""What the attendant's answer to a task means, inside one journal transaction."""

from typing import Any

from edge.bench import collecting, taking_over
from edge.bench import parcel as rows
from edge.bench.questions import EVENTS, SCAN_FIRST
from edge.bench.steps import Steps
from edge.bench.tasks import ScanResult, TaskKind, close_task, load_task
from edge.bench.telling import Facts
from edge.flows.fulfilment import Event
from edge.journal.transaction import Transaction
from wire.plan import Text


def take_answer(tx: Transaction, steps: Steps, task_id: str, answer: str, facts: Facts) -> ScanResult:
    """Close the task and feed what its answer says; a second answer, an unknown or an unproved one changes nothing."""
    task = load_task(tx, task_id)
    if task is None:
        return no("This was answered already", "已经回答过了")
    if answer not in {part.answer for part in task.answers}:
        return no("That is no answer to this", "没有这个选项")
    must_scan = answer in SCAN_FIRST or (task.kind is TaskKind.DESTROY_LABEL and task.needs_scan)
    if must_scan and not task.scanned:
        return ScanResult(accepted=False, text=Text(en="Scan the label first", zh="请先扫标签"), task_id=task_id)
    if answer in ("handed_over", "collected") and collecting.must_show_code(tx, task.parcel_id):
        words = Text(en="Scan the shopper's code first", zh="请先扫顾客的取货码")
        return ScanResult(accepted=False, text=words, task_id=task_id)
    event = EVENTS.get(answer)
    parcel = rows.load(tx, task.parcel_id) if event is not None and task.parcel_id else None
    close_task(tx, task, answer)
    if parcel is not None and event is not None:
        told = Facts(**{**_fields(facts), "scanned": task.scanned})
        if event is Event.ON_PARCEL:
            taking_over.feed_on_parcel(tx, steps, parcel, told)
        else:
            steps.feed(parcel, event, told)
    return ScanResult(accepted=True, text=Text(en="Noted", zh="已记录"), task_id=task_id)


def _fields(facts: Facts) -> dict[str, Any]:
    return {"answer": facts.answer, "by": facts.by, "picture": facts.picture}


def no(en: str, zh: str) -> ScanResult:
    """Return a refusal that the attendant reads."""
    return ScanResult(accepted=False, text=Text(en=en, zh=zh))
