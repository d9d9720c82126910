"""Clock, link, journal and devices: from the daemon's own answer, or the little that can be said without it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from edge.care.lines import Finding, Verdict, line, ok
from edge.config import EdgeConfig
from wire.plan import Text
from wire.values import parse_time

CLOCK_WARN_S = 5.0
"""Deadlines are judged by the measured offset, so the wall clock may be off; records and pictures then look odd."""

CLOCK_BAD_S = 600.0
"""The relay dates its certificates back by this much; farther behind, a new one would still be in the future."""

REPORTS_WARN = 500

_SET_CLOCK = ("set this box's clock: timedatectl set-ntp true", "请校准本机时钟：timedatectl set-ntp true")


def look_at_clock(status: dict[str, Any], now: datetime) -> Finding:
    """This box's wall clock against the relay's time, which came in signed answers on round trips."""
    if status["relay_now"] is None:
        says = ("the relay's time is unknown: no machine may start", "未与平台对时：设备暂不动作")
        todo = ("needs the link: see its line", "需要网络连接：请看 link 一行")
        return line("clock", Verdict.WARN, says, todo)
    offset_s = (now - parse_time(status["relay_now"])).total_seconds()
    return _clock(offset_s, {"round_trip_s": round(status["round_trip_s"] or 0.0, 3)})


def look_at_clock_from_outside(relay_at: datetime | None, asked_at: datetime | None) -> Finding:
    """The same by the time in the door's HTTPS answer: to the second, and not signed, because no daemon asks."""
    if relay_at is None or asked_at is None:
        says = ("cannot be compared: neither daemon nor relay answers", "无法对时：主机程序和平台都没有应答")
        return line("clock", Verdict.UNKNOWN, says, ("see the lines of daemon and relay", "请看 daemon 和 relay 两行"))
    offset_s = (asked_at - relay_at).total_seconds()
    # the header cuts the second off, so half of one belongs to it on average
    return _clock(round(offset_s - 0.5), {})


def _clock(offset_s: float, facts: dict[str, float]) -> Finding:
    facts = {**facts, "offset_s": round(offset_s, 3)}
    says = (f"{abs(offset_s):.1f} s off the relay", f"与平台相差 {abs(offset_s):.1f} 秒")
    if abs(offset_s) <= CLOCK_WARN_S:
        return ok("clock", *says, facts=facts)
    return line("clock", Verdict.BAD if abs(offset_s) > CLOCK_BAD_S else Verdict.WARN, says, _SET_CLOCK, facts=facts)


def look_at_link(status: dict[str, Any]) -> Finding:
    """Whether the daemon's own connection stands, and what it had to drop."""
    dropped = {f"dropped_{code}": float(count) for code, count in status["dropped"].items()}
    if not status["is_relay_near"]:
        says = ("the relay is out of reach; paid work goes on", "平台未连接；已付款的工作照常进行")
        return line(
            "link", Verdict.BAD, says, ("see the lines of broker and relay", "请看 broker 和 relay 两行"), facts=dropped
        )
    if dropped.get("dropped_not_ours"):
        says = ("stands, but commands came that the relay did not sign", "已连接，但收到未经平台签名的指令")
        todo = ("nothing was done with them; tell the operator", "这些指令均未执行；请告知平台")
        return line("link", Verdict.WARN, says, todo, facts=dropped)
    return ok("link", "stands", "已连接", facts=dropped)


def look_at_journal(status: dict[str, Any]) -> Finding:
    """Counts of the daemon's journal: what is in work, what the relay does not know yet."""
    counts = {key: float(value) for key, value in status["journal"].items()}
    return _journal(counts)


def _journal(counts: dict[str, float]) -> Finding:
    waiting, parcels = int(counts["reports_unconfirmed"]), int(counts["parcels_open"])
    says = (
        f"{parcels} parcels in work, {waiting} reports to send", f"{parcels} 个包裹处理中，{waiting} 条报告待发送"
    )  # fmt: skip
    if waiting >= REPORTS_WARN:
        todo = ("they leave when the link stands; see its line", "恢复连接后自动发送；请看 link 一行")
        return line("journal", Verdict.WARN, says, todo, facts=counts)
    return ok("journal", *says, facts=counts)


def look_at_journal_file(path: Path) -> Finding:
    """The journal of a daemon that does not run: present, whole, and not older than its own mark."""
    if not path.exists():
        says = ("is not there yet; the daemon makes it", "尚未建立；首次运行时建立")
        todo = ("after a replacement: see docs/replace-box.md", "更换主机时请看 docs/replace-box.md")
        return line("journal", Verdict.UNKNOWN, says, todo)
    try:
        counts, problem = _read_journal(path)
    except sqlite3.Error:
        counts, problem = {}, "sqlite"
    if problem:
        says = ("is damaged, or an old copy: nothing will move", "已损坏或是旧副本：设备不会动作")
        todo = (
            "do not delete it; make a support bundle and call the technician",
            "请勿删除；请生成支持包并联系技术员",
        )
        return line("journal", Verdict.BAD, says, todo, where=str(path), facts=counts)
    return _journal(counts)


def _read_journal(path: Path) -> tuple[dict[str, float], str]:
    from edge import journal_view  # noqa: PLC0415  # only when no daemon answers

    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        if connection.execute("pragma quick_check").fetchone()[0] != "ok":
            return {}, "quick_check"
        counts = journal_view.summary(lambda sql, values: connection.execute(sql, values).fetchall())
    mark = path.with_suffix(".mark")
    seen = mark.read_text("ascii", "replace").split(" ")[0].strip("\0 \n") if mark.exists() else ""
    facts = {key: float(value) for key, value in counts.items()}
    return facts, "mark" if seen.isdigit() and int(seen) > counts["entries"] else ""


_VERDICTS = {"online": Verdict.OK, "needs_attendant": Verdict.WARN, "offline": Verdict.BAD, "unknown": Verdict.UNKNOWN}
_WORDS = {
    Verdict.OK: Text(en="works", zh="正常"),
    Verdict.WARN: Text(en="needs a person", zh="需要人处理"),
    Verdict.BAD: Text(en="cannot be used", zh="不可用"),
    Verdict.UNKNOWN: Text(en="not known yet", zh="尚不清楚"),
}


def look_at_devices(config: EdgeConfig, status: dict[str, Any]) -> Iterator[Finding]:
    """Each device as the daemon, which alone opens it, found it."""
    for state in status["devices"]:
        verdict = _VERDICTS[state["health"]]
        text = state["text"]
        device = config.devices.get(state["device"])
        says, todo = _WORDS[verdict], Text(en=text.get("en", ""), zh=text.get("zh", ""))
        if verdict is Verdict.OK and todo.en:
            says, todo = todo, Text()
        yield Finding(
            check=f"device {state['device']}", verdict=verdict, says=says, todo=todo,
            where=_address(device.options) if device else "",
        )  # fmt: skip


def look_at_devices_from_outside(config: EdgeConfig) -> Iterator[Finding]:
    """Without the daemon only a local device's file can be looked for: nobody else opens a device."""
    for device in config.devices.values():
        address, check = _address(device.options), f"device {device.name}"
        if device.driver.by_hand:
            yield ok(check, "done by hand", "由店员手工完成")
        elif address.startswith("/") and not Path(address).exists():
            names = "ls /dev/serial/by-id /dev/v4l/by-id"
            todo = (f"plug it in; see its name: {names}", f"请插好；查看名称：{names}")
            yield line(check, Verdict.BAD, ("is not plugged in", "未插入"), todo, where=address)
        else:
            says = ("not asked: only the running daemon opens devices", "未检查：只有运行中的程序才能打开设备")
            yield line(check, Verdict.UNKNOWN, says, ("start the daemon", "请启动主机程序"), where=address)


def _address(options: Any) -> str:
    """Return a device's address without what stands before an @: a password may be part of it."""
    for name in ("address", "url", "source"):
        value = getattr(options, name, "")
        if isinstance(value, str) and value:
            scheme, mark, rest = value.partition("://")
            return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}" if mark else value
    return ""
