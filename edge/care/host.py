"""The machine under the daemon: Python, disk, memory, load."""

import os
import shutil
import sys
from pathlib import Path

from edge.care.lines import Finding, Verdict, line, ok

PYTHON_LEAST = (3, 11)
"""`requires-python` of pyproject.toml."""

MB = 1_000_000
DISK_BAD_MB, DISK_WARN_MB = 200, 1000
"""A day of a busy shop writes some 100 MB of pictures and journal; below two days of it nothing should begin."""

MEMORY_BAD_MB, MEMORY_WARN_MB = 64, 150
"""A full-resolution still takes some 30 MB while it is read; below twice that the system may kill the daemon."""

LOAD_WARN = 1.5
"""Five-minute load per processor above which steering is felt to be late."""


def look_at_python() -> Finding:
    """Whether this Python is one that Vitrine is made for."""
    have = sys.version_info[:3]
    text = ".".join(map(str, have))
    if have[:2] >= PYTHON_LEAST:
        return ok("python", f"Python {text}", f"Python {text}")
    return line(
        "python", Verdict.BAD, (f"Python {text} is too old", f"Python {text} 版本过低"),
        ("install Python 3.11 or newer, then install Vitrine again", "请安装 Python 3.11 或更新版本，再重新安装"),
    )  # fmt: skip


def look_at_disk(data_dir: Path) -> Finding:
    """Room on the disk of the data directory, in bytes and in files."""
    place = next(part for part in (data_dir, *data_dir.parents) if part.exists())
    free_mb = shutil.disk_usage(place).free // MB
    counts = os.statvfs(place)
    has_files = counts.f_files == 0 or counts.f_favail > 1000
    says = (f"{free_mb} MB free", f"剩余 {free_mb} MB")
    if free_mb >= DISK_WARN_MB and has_files:
        return ok("disk", *says, where=str(data_dir), facts={"free_mb": free_mb})
    verdict = Verdict.BAD if free_mb < DISK_BAD_MB or not has_files else Verdict.WARN
    todo = (
        "make room: old logs (journalctl --vacuum-size=200M), packages (apt clean), other programs' files",
        "请清理磁盘：旧日志（journalctl --vacuum-size=200M）、安装包缓存（apt clean）、其他程序的文件",
    )
    return line("disk", verdict, says, todo, where=str(data_dir), facts={"free_mb": free_mb})


def look_at_memory(meminfo: Path = Path("/proc/meminfo")) -> Finding:
    """Memory that programs could still get (`MemAvailable` of proc(5), in kB of 1024 bytes)."""
    rows = dict(row.split(":", 1) for row in meminfo.read_text().splitlines() if ":" in row)
    free_mb = int(rows["MemAvailable"].split()[0]) * 1024 // MB
    says = (f"{free_mb} MB free", f"可用 {free_mb} MB")
    if free_mb >= MEMORY_WARN_MB:
        return ok("memory", *says, facts={"free_mb": free_mb})
    verdict = Verdict.BAD if free_mb < MEMORY_BAD_MB else Verdict.WARN
    todo = (
        "end other programs on this box; if there are none, restart the service and send a support bundle",
        "请结束本机其他程序；若没有，请重启服务并发送支持包",
    )
    return line("memory", verdict, says, todo, facts={"free_mb": free_mb})


def look_at_load() -> Finding:
    """How busy the processors were over five minutes."""
    per_cpu = os.getloadavg()[1] / (os.cpu_count() or 1)
    says = (f"load {per_cpu:.1f} per processor", f"每核负载 {per_cpu:.1f}")
    if per_cpu <= LOAD_WARN:
        return ok("load", *says, facts={"per_cpu": round(per_cpu, 2)})
    todo = ("see with `top` what runs beside the daemon", "请用 top 查看还有什么程序在运行")
    return line("load", Verdict.WARN, says, todo, facts={"per_cpu": round(per_cpu, 2)})


def look_at_host(data_dir: Path) -> list[Finding]:
    """Everything that needs no configuration beyond the data directory."""
    return [look_at_python(), look_at_disk(data_dir), look_at_memory(), look_at_load()]
