"""Looks at a whole shop box, line by line: with the daemon by its socket, and as far as one can without it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from edge.care.daemon_lines import (
    look_at_clock,
    look_at_clock_from_outside,
    look_at_devices,
    look_at_devices_from_outside,
    look_at_journal,
    look_at_journal_file,
    look_at_link,
)
from edge.care.host import look_at_host
from edge.care.lines import Finding, Verdict, line, ok
from edge.care.network import look_at_broker, look_at_door
from edge.care.papers import look_at_certificate, unreadable
from edge.config import BadConfigError, EdgeConfig, load_config
from edge.control_socket import DaemonDownError, VerbFailedError, ask, socket_path
from edge.identity import Identity


@dataclass(frozen=True, slots=True)
class Daemon:
    """What the running daemon says of itself (the `status` verb), or None, and the line about that."""

    status: dict[str, Any] | None
    line: Finding


def examine(config_path: Path, now: Callable[[], datetime]) -> Iterator[Finding]:
    """Yield every line as soon as it is known; nothing is written, nothing moves, no device is opened."""
    try:
        config = load_config(config_path)
    except BadConfigError as error:
        says = (f"{len(error.problems)} things to mend", f"有 {len(error.problems)} 处需要修改")
        todo = ("see which: vitrine-edge check-config", "请运行 vitrine-edge check-config 查看")
        yield line("config", Verdict.BAD, says, todo, where=str(config_path), facts={"problems": len(error.problems)})
        yield from look_at_host(config_path.parent)
        return
    yield ok("config", "can be used", "可用", where=str(config_path))
    yield from look_at_host(config.shop.data_dir)
    yield from _examine_box(config, now)


def _examine_box(config: EdgeConfig, now: Callable[[], datetime]) -> Iterator[Finding]:
    identity = Identity(config.shop.data_dir)
    yield look_at_certificate(identity, now())
    daemon = ask_daemon(config.shop.data_dir)
    yield daemon.line
    if daemon.status is not None:
        yield look_at_clock(daemon.status, now())
        yield look_at_link(daemon.status)
    yield from _examine_way(config, identity, is_clock_known=daemon.status is not None)
    if daemon.status is not None:
        yield look_at_journal(daemon.status)
        yield from look_at_devices(config, daemon.status)
    else:
        yield look_at_journal_file(config.shop.data_dir / "journal.db")
        yield from look_at_devices_from_outside(config)


def ask_daemon(data_dir: Path) -> Daemon:
    """Ask the daemon how it is; a socket that may not be opened says nothing about it."""
    path = socket_path(data_dir)
    try:
        status = ask(path, "status") if path.exists() else None
    except PermissionError:
        return Daemon(None, unreadable("daemon"))
    except (DaemonDownError, VerbFailedError) as error:
        if "Permission denied" in str(error):
            return Daemon(None, unreadable("daemon"))
        status = None
    if status is None:
        says = ("does not run: nothing in this shop moves", "未运行：店内设备都不会动作")
        todo = (
            "start it: systemctl start vitrine-edge; if it ends again, the log says why: journalctl -u vitrine-edge",
            "请启动：systemctl start vitrine-edge；若又停止，查看日志：journalctl -u vitrine-edge",
        )
        return Daemon(None, line("daemon", Verdict.BAD, says, todo))
    return Daemon(status, ok("daemon", "runs", "正在运行"))


def _examine_way(config: EdgeConfig, identity: Identity, *, is_clock_known: bool) -> Iterator[Finding]:
    """Broker and shop door; without an enrolment nobody knows where they are."""
    try:
        facts = identity.facts() if identity.is_enrolled else None
    except OSError:
        facts = None
    if facts is None:
        says = ("nobody knows where it is before enrolment", "登记之前不知道地址")
        todo = ("enrol first: vitrine-edge enrol CLAIM", "请先登记：vitrine-edge enrol 认领码")
        yield from (line(check, Verdict.UNKNOWN, says, todo) for check in ("broker", "relay"))
        if not is_clock_known:
            yield look_at_clock_from_outside(None, None)
        return
    host = config.relay.mqtt_host or str(facts["mqtt_host"])
    yield look_at_broker(identity, host, config.relay.mqtt_port or int(facts["mqtt_port"]))
    door = look_at_door(identity, config.relay.https_url or str(facts["https_url"]))
    yield door.line
    if not is_clock_known:
        yield look_at_clock_from_outside(door.relay_at, door.asked_at)
