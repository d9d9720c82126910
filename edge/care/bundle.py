"""A support bundle: one .tar.gz that tells how the box is, and nothing of anybody who bought, sold or works there."""

import importlib.metadata
import io
import json
import os
import platform
import re
import tarfile
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from edge.care import log_lines, shape
from edge.care.doctor import ask_daemon, examine
from edge.care.lines import Finding
from edge.care.words import Sieve, own_words
from edge.config import BadConfigError, EdgeConfig, load_config
from edge.journal_view import JournalAbsentError, read_file
from wire.values import format_time

ABOUT = """\
What this is: the state of one Vitrine shop box, for whoever helps its technician.
In it: versions, configuration (numbers, kinds and models only), the last log lines, counts of the journal,
device states, doctor's findings.
Not in it: names, addresses, telephone numbers, PINs, passwords, keys, tokens, network addresses, pictures, labels,
what anybody typed. A text stands here only if it stands in Vitrine's own source; anything else reads (removed).
Devices are named by kind and number, in the order of the configuration.

内容：一台 Vitrine 店内主机的状态，供协助技术员的人查看。
含：版本、配置（仅数字、类别和型号）、最近日志、流水数量、设备状态、doctor 结果。
不含：姓名、地址、电话、PIN、密码、密钥、令牌、网络地址、图片、标签以及任何人输入的内容。
只有 Vitrine 源代码里已有的文字才会出现，其余均显示为 (removed)。设备按类别和序号命名。
"""

CONFIG_TEXTS = frozenset({"kind", "model", "language", "label_end", "proof", "angle_axis"})
"""Keys whose texts are choices out of a list; every other text of a configuration may be an address or a secret."""


@dataclass(slots=True)
class Parts:
    """What a bundle is made of, as it grows: file name → content."""

    files: dict[str, bytes] = field(default_factory=dict)

    def put(self, name: str, value: Any) -> None:
        """Add a JSON file."""
        self.files[name] = json.dumps(value, ensure_ascii=False, indent=1, default=str).encode() + b"\n"


def make_bundle(
    config_path: Path, log: Sequence[str], now: Callable[[], datetime], tell: Callable[[str], None]
) -> dict[str, bytes]:
    """Return the bundle's files; `tell` hears what is being gathered. Nothing is written and nothing is sent."""
    config = _load(config_path)
    tell("words")
    sieve = Sieve(own_words(), _aliases(config), _secret_numbers(config_path, config))
    parts = Parts({"about.txt": ABOUT.encode()})
    tell("versions")
    parts.put("versions.json", _versions(now()))
    parts.put("config.json", _shown_config(config_path, sieve))
    tell("doctor")
    parts.put("doctor.json", [_shown_line(line, sieve) for line in examine(config_path, now)])
    if config is not None:
        tell("devices")
        status = ask_daemon(config.shop.data_dir).status
        states = status["devices"] if status else []
        parts.put("devices.json", [sieve.facts(_without(state, "text")) for state in states])
        tell("journal")
        parts.put("journal.json", _journal(config, sieve))
    tell("log")
    lines = [json.dumps(line, ensure_ascii=False) for line in log_lines.sieved(log, sieve)]
    parts.files["log.jsonl"] = "\n".join([*lines, ""]).encode()
    return parts.files


def write_bundle(files: dict[str, bytes], path: Path, now: datetime) -> None:
    """Write the files as one .tar.gz that only its owner may read; it names neither machine nor person."""
    folder = f"vitrine-support-{now:%Y%m%d-%H%M%S}"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as raw, tarfile.open(fileobj=raw, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mode, member.mtime = len(content), 0o600, int(now.timestamp())
            archive.addfile(member, io.BytesIO(content))


def _load(config_path: Path) -> EdgeConfig | None:
    try:
        return load_config(config_path)
    except BadConfigError:
        return None


def _aliases(config: EdgeConfig | None) -> dict[str, str]:
    counts: dict[str, int] = {}
    aliases = {}
    for device in config.devices.values() if config else ():
        counts[device.kind] = counts.get(device.kind, 0) + 1
        aliases[device.name] = f"{device.kind}-{counts[device.kind]}"
    return aliases


def _secret_numbers(config_path: Path, config: EdgeConfig | None) -> frozenset[int]:
    """The PIN; of a file that cannot be used every number that may be one."""
    if config is not None:
        return frozenset({int(config.attendant.pin)})
    text = config_path.read_text(encoding="utf-8", errors="replace") if config_path.is_file() else ""
    return frozenset(int(digits) for digits in re.findall(r"[0-9]{4,12}", text))


def _without(facts: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key != name}


def _shown_line(line: Finding, sieve: Sieve) -> dict[str, Any]:
    """The sentences are ours with numbers in them; only a device's name and the address must go."""
    shown = line.as_json(with_address=False)
    kind, mark, name = line.check.partition(" ")
    if kind == "device":  # its sentence came from the daemon
        shown |= {part: {key: sieve.text(text) for key, text in shown[part].items()} for part in ("says", "todo")}
    return {**shown, "check": f"{kind}{mark}{sieve.text(name)}", "facts": sieve.facts_by_number(line.facts)}


def _versions(now: datetime) -> dict[str, Any]:
    system = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    packages = {part.metadata["Name"]: part.version for part in importlib.metadata.distributions()}
    return {
        "made_at": format_time(now), "uptime_s": round(time.clock_gettime(time.CLOCK_BOOTTIME)),
        "vitrine": packages.pop("vitrine", "source"), "python": platform.python_version(),
        "system": system.get("PRETTY_NAME", ""), "kernel": platform.release(), "machine": platform.machine(),
        "processors": os.cpu_count(), "packages": dict(sorted(packages.items())),
    }  # fmt: skip


def _shown_config(config_path: Path, sieve: Sieve) -> dict[str, Any]:
    try:
        tables = tomllib.loads(config_path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {"is_readable": False}
    return {"is_readable": True, **dict(_shown_tables(tables, sieve))}


def _shown_tables(tables: dict[str, Any], sieve: Sieve) -> Iterator[tuple[str, Any]]:
    for key, value in tables.items():
        shown = sieve.text(key)
        if key == "pin":
            continue
        if isinstance(value, dict):
            yield shown, dict(_shown_tables(value, sieve))
        elif isinstance(value, str):
            is_shown = key in CONFIG_TEXTS or value in sieve.aliases
            yield shown, sieve.text(value) if is_shown else _kind_of_text(value)
        else:
            yield shown, sieve.value(value)


def _kind_of_text(value: str) -> str:
    for start in ("tcp://", "http://", "https://", "rtsp://", "/dev/serial/by-id/", "/dev/v4l/by-id/", "/dev/"):
        if value.startswith(start):
            return f"{start}(removed)"
    return "(removed)" if value else ""


def _journal(config: EdgeConfig, sieve: Sieve) -> dict[str, Any]:
    path = config.shop.data_dir / "journal.db"
    files = {name: _size(path.with_name(name)) for name in ("journal.db", "journal.db-wal", "journal.mark")}
    try:
        return {"bytes": files, **read_file(path, lambda run: shape.of_journal(run, sieve))}
    except JournalAbsentError:
        return {"bytes": files, "is_readable": False}


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.exists() else None
