"""A cgroup of its own: so much memory and so much processor for some programs, and what they took of it."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PERIOD_US = 100_000


class NoCgroupError(RuntimeError):
    """This machine lets us make no cgroup; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Cgroup:
    """Folders of one cgroup, of version 2 (one) or version 1 (one a controller); made by `make`."""

    memory: Path
    cpu: Path
    is_v2: bool

    def inside(self, arguments: list[str]) -> list[str]:
        """Return a command line that enters the cgroup and then becomes that program."""
        entrance = 'for box in "$1" "$2"; do echo $$ >"$box/cgroup.procs"; done; shift 2; exec "$@"'
        return ["sh", "-c", entrance, "sh", str(self.memory), str(self.cpu), *arguments]

    def peak_bytes(self) -> int:
        """Return the most memory that it ever held, files it had read included; 0 where the kernel does not say."""
        file = self.memory / ("memory.peak" if self.is_v2 else "memory.max_usage_in_bytes")
        return int(file.read_text()) if file.exists() else 0

    def remove(self) -> None:
        """Take the empty cgroup away."""
        for folder in {self.memory, self.cpu}:
            if folder.exists():
                folder.rmdir()


def make(name: str, memory_bytes: int, processors: float) -> Cgroup:
    """Make a cgroup with these limits; raise NoCgroupError."""
    try:
        if (ROOT / "cgroup.controllers").exists():
            return _make_v2(name, memory_bytes, processors)
        return _make_v1(name, memory_bytes, processors)
    except OSError as error:
        raise NoCgroupError(
            f"no cgroup can be made ({error}); run this as root, or as a service: systemd-run --pty -p Delegate=yes …"
        ) from None


def _make_v2(name: str, memory_bytes: int, processors: float) -> Cgroup:
    (ROOT / "cgroup.subtree_control").write_text("+memory +cpu")
    folder = ROOT / name
    folder.mkdir()
    (folder / "memory.max").write_text(str(memory_bytes))
    (folder / "cpu.max").write_text(f"{int(processors * PERIOD_US)} {PERIOD_US}")
    return Cgroup(folder, folder, is_v2=True)


def _make_v1(name: str, memory_bytes: int, processors: float) -> Cgroup:
    memory, cpu = ROOT / "memory" / name, ROOT / "cpu" / name
    for folder in (memory, cpu):
        folder.mkdir()
    (memory / "memory.limit_in_bytes").write_text(str(memory_bytes))
    (cpu / "cpu.cfs_period_us").write_text(str(PERIOD_US))
    (cpu / "cpu.cfs_quota_us").write_text(str(int(processors * PERIOD_US)))
    return Cgroup(memory, cpu, is_v2=False)


def name_here() -> str:
    """Return a name that no other run has."""
    return f"vitrine-bench-{os.getpid()}"


def resident_mb(pid: int) -> tuple[float, float]:
    """Return (now, at its peak) megabytes of memory that a process holds itself (VmRSS, VmHWM of proc(5))."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return found["VmRSS"] / 1024, found["VmHWM"] / 1024


def processor_s(pid: int) -> float:
    """Return the processor seconds that a process used (utime and stime, fields 14 and 15 of proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
