"""Tags on the shop's own label printer: asked for, stopped, and what the shop tells. One use case, one transaction.

What happens at the printer is the shop's fact; the row here is a fold of what it said.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from cloud_relay.outbox import send_command
from cloud_relay.refusals import RefusedError
from cloud_relay.showroom import service
from cloud_relay.showroom.faces import face_of
from cloud_relay.tables import tag_print
from cloud_relay.web.pages import page_event
from wire.commands import PrintTags, StopTags
from wire.reports import Ack, AckState
from wire.tags import TagsPrinted, TagsState
from wire.values import format_time, new_id

TAGS_MAX = 100
"""In one printing: what a shop takes at once (edge.tags.jobs.TAGS_MAX), and well within one message."""

ASKED, REFUSED = "asked", "refused"
"""States that the relay itself gives: sent and not heard of yet; the shop's box said no."""

OVER = frozenset({TagsState.DONE.value, TagsState.STOPPED.value, REFUSED})

WHY_REFUSED = {
    AckState.UNSUPPORTED: ("The shop's box is too old for this: update it", "店铺主机版本过旧，请先升级"),
    AckState.STALE: ("The shop's box was away for too long: print again", "店铺主机离线过久，请重新打印"),
}
UNKNOWN_JOB = "unknown_job"
"""Why a shop refuses to stop: its box has no such printing, since it was replaced or put back."""

WHY_LOST = (
    "The shop's box has lost this printing; what came out counts, the rest you print again",
    "店铺主机已无此次打印的记录；已打出的有效，其余请重新打印",
)
WHY_ELSE = ("The shop's box refused: too many tags wait there", "店铺主机拒绝：等待打印的标签过多")


def ask(
    connection: Connection, merchant_ids: frozenset[str], account_id: str, sheet_id: str, root: str, now: datetime
) -> dict[str, Any]:
    """Send a sheet's active tags to the shop's printer; RefusedError while the same sheet is being printed."""
    rows = service.sheet_of(connection, merchant_ids, sheet_id)
    if len(rows) > TAGS_MAX:
        raise RefusedError(
            "too_many_tags", f"The label printer takes {TAGS_MAX} at once: print this sheet as PDF",
            f"标签打印机一次最多 {TAGS_MAX} 张，请改打 PDF", 422,
        )  # fmt: skip
    known = newest(connection, [sheet_id]).get(sheet_id)
    if known is not None and known["state"] not in OVER:
        raise RefusedError("being_printed", "These tags are being printed already", "这些标签正在打印")
    job_id, shop_id = new_id("tpj"), str(rows[0]["shop_id"])
    values = {
        "job_id": job_id, "shop_id": shop_id, "sheet_id": sheet_id, "account_id": account_id, "state": ASKED,
        "total": len(rows), "asked_at": now, "changed_at": now,
    }  # fmt: skip
    connection.execute(insert(tag_print).values(values))
    command = PrintTags(job_id=job_id, tags=tuple(face_of(row, root) for row in rows))
    send_command(connection, shop_id, command, now, "", job_id)
    _tell(connection, shop_id, sheet_id, now)
    return {"job_id": job_id, "sheet_id": sheet_id, "state": ASKED, "total": len(rows)}


def ask_stop(connection: Connection, merchant_ids: frozenset[str], sheet_id: str, now: datetime) -> dict[str, Any]:
    """Ask the shop to print no more of a sheet; nothing is sent when its printing is over."""
    service.own_sheet(connection, merchant_ids, sheet_id)
    known = newest(connection, [sheet_id]).get(sheet_id)
    if known is None or known["state"] in OVER:
        raise RefusedError("not_printed", "These tags are not being printed", "这些标签没有在打印")
    send_command(connection, known["shop_id"], StopTags(job_id=known["job_id"]), now, "", known["job_id"])
    return {"job_id": known["job_id"], "sheet_id": sheet_id, "state": known["state"]}


def take_report(connection: Connection, shop_id: str, report: TagsPrinted, now: datetime) -> None:
    """Fold one report: they come once and in order, so the newest word counts."""
    _change(
        connection, shop_id, report.job_id, now, state=report.state.value, printed=max(0, report.printed),
        reason=report.reason[:64], text_en=report.text.en[:300], text_zh=report.text.zh[:300],
    )  # fmt: skip


def take_answer(connection: Connection, shop_id: str, row: dict[str, Any], ack: Ack, now: datetime) -> None:
    """The shop's answer to PrintTags: when it said no, that is the printing's end."""
    if ack.state in (AckState.ACCEPTED, AckState.DONE):
        return
    en, zh = WHY_REFUSED.get(ack.state, WHY_ELSE)
    job_id = str(row["data"].get("job_id", ""))
    _change(connection, shop_id, job_id, now, state=REFUSED, reason=ack.reason[:64], text_en=en, text_zh=zh)


def take_stop_answer(connection: Connection, shop_id: str, row: dict[str, Any], ack: Ack, now: datetime) -> None:
    """The shop's answer to StopTags: a box that never heard of the printing tells no end of it, so it ends here."""
    if (ack.state, ack.reason) != (AckState.REFUSED, UNKNOWN_JOB):
        return
    en, zh = WHY_LOST
    job_id = str(row["data"].get("job_id", ""))
    stopped = TagsState.STOPPED.value
    _change(connection, shop_id, job_id, now, not_in=OVER, state=stopped, reason=UNKNOWN_JOB, text_en=en, text_zh=zh)


def _change(
    connection: Connection, shop_id: str, job_id: str, now: datetime, *,
    not_in: frozenset[str] = frozenset(), **values: Any,
) -> None:  # fmt: skip
    own = (tag_print.c.job_id == job_id[:64], tag_print.c.shop_id == shop_id, tag_print.c.state.not_in(not_in))
    change = update(tag_print).where(*own).values(changed_at=now, **values).returning(tag_print.c.sheet_id)
    sheet_id = connection.scalar(change)
    if sheet_id is not None:
        _tell(connection, shop_id, str(sheet_id), now)


def _tell(connection: Connection, shop_id: str, sheet_id: str, now: datetime) -> None:
    page_event(connection, f"shop:{shop_id}", "tags_printed", {"sheet_id": sheet_id}, now)


def newest(connection: Connection, sheet_ids: list[str]) -> dict[str, RowMapping]:
    """Return the newest printing of each of these sheets, by sheet."""
    query = select(tag_print).where(tag_print.c.sheet_id.in_(sheet_ids)).order_by(tag_print.c.asked_at)
    return {row["sheet_id"]: row for row in connection.execute(query).mappings()}


def shown(row: RowMapping) -> dict[str, Any]:
    """Return how far a printing is, for the merchant's page."""
    return {
        "state": row["state"], "printed": row["printed"], "total": row["total"], "is_over": row["state"] in OVER,
        "text": {"en": row["text_en"], "zh": row["text_zh"]}, "changed_at": format_time(row["changed_at"]),
    }  # fmt: skip
