"""A bare Debian that systemd boots in a container: made once with debootstrap, booted, spoken to, switched off."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = "systemd,systemd-sysv,dbus,udev,iproute2,nftables,ca-certificates"
"""What every Debian has and debootstrap's smallest variant leaves out; Python comes with Vitrine's launcher."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BOOT_S = 120.0


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class Machine:
    """One Debian under `folder`. `boot` may be given words for systemd-nspawn, such as networks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._booted: subprocess.Popen | None = None
        self.leader = 0

    def make(self) -> None:
        """Bootstrap it, unless it is there; what reaches this machine's package sources goes along."""
        if not (self.folder / "usr/bin/systemctl").exists():
            tell("a bare Debian 12 is made with debootstrap …")
            words = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(self.folder)]
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        for file in (
            Path("/etc/ssl/certs/ca-certificates.crt"),
            Path("/etc/pip.conf"),
            Path("/etc/resolv.conf"),
            Path("/etc/hosts"),
            *Path("/etc/apt/apt.conf.d").glob("99*"),
        ):
            if file.exists():
                there = self.folder / str(file)[1:]
                there.parent.mkdir(parents=True, exist_ok=True)
                there.unlink(missing_ok=True)
                shutil.copy(file, there)

    def take_checkout(self) -> None:
        """Put this checkout into /srv/vitrine, as a technician unpacks it."""
        there = self.folder / "srv/vitrine"
        shutil.rmtree(there, ignore_errors=True)
        skip = shutil.ignore_patterns(".git", ".venv*", ".vitrine", "__pycache__", ".*_cache")
        shutil.copytree(ROOT, there, ignore=skip, symlinks=True)

    def boot(self, *words: str) -> None:
        """Boot it, and wait until systemd says that it is up."""
        log = (self.folder.parent / f"{self.folder.name}.boot.log").open("ab")
        arguments = ["systemd-nspawn", "-q", "-D", str(self.folder), "--register=no", "--keep-unit", "-b", *words]
        self._booted = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until_s = time.monotonic() + BOOT_S
        while not (self._find_leader() and self.run("systemctl", "is-system-running", check=False).strip() in (
            "running", "degraded",
        )):  # fmt: skip
            if self._booted.poll() is not None or time.monotonic() > until_s:
                raise RuntimeError(f"the machine does not boot; see {log.name}")
            time.sleep(0.2)

    def _find_leader(self) -> bool:
        """Find the process that is number 1 in there: NSpid of proc(5) ends with 1."""
        waiting = [self._booted.pid]
        while waiting:
            pid = waiting.pop()
            try:
                status = Path(f"/proc/{pid}/status").read_text()
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            except OSError:
                continue
            numbers = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid"))
            if len(numbers) > 1 and numbers[-1] == "1":
                self.leader = pid
                return True
            waiting += map(int, children)
        return False

    def inside(self, _place: str, arguments: list[str]) -> list[str]:
        """Return the command line that runs a program of ours in the machine's network alone."""
        return ["nsenter", f"--net=/proc/{self.leader}/ns/net", "--", *arguments]

    def run(self, *words: str, check: bool = True, timeout_s: float = 1200, **environment: str) -> str:
        """Run a command in the machine as root; return what it printed, both ways together."""
        passed = {name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "SSL_CERT_FILE"))}
        settings = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb", **passed, **environment}
        there = ["nsenter", "-t", str(self.leader), "--all", "--root", "--"]
        done = subprocess.run(
            [*there, "env", "-i", "--chdir=/", *(f"{name}={value}" for name, value in settings.items()), *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout_s,
            check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout[-3000:]}")
        return done.stdout

    def service(self, unit: str, fact: str) -> str:
        """Return one property of a unit."""
        return self.run("systemctl", "show", "-p", fact, "--value", unit).strip()

    def off(self) -> None:
        """Switch it off as a person does; pull the plug if it does not go."""
        if self._booted is None or self._booted.poll() is not None:
            return
        try:
            self.run("systemctl", "poweroff", check=False, timeout_s=30)
            self._booted.wait(60)
        except subprocess.TimeoutExpired:
            self._booted.kill()
            self._booted.wait(30)
