"""coturn from Debian with the shipped file, at globally routable numbers of a namespace that leads nowhere."""

import re
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from tests.service.networks import run

SHIPPED = Path(__file__).parents[2] / "config" / "coturn" / "turnserver.conf"
SECRET = "not for long"
TURN4, TURN6 = "20.0.0.10", "2a00::10"
"""Numbers of the open internet: coturn refuses those that are meant for tests. The namespace keeps them to itself."""

PORT = 3478
RELAY_PORTS = (61000, 61999)


def give_addresses() -> None:
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", f"{TURN4}/32", "dev", "lo")
    run("ip", "-6", "address", "add", f"{TURN6}/128", "dev", "lo", "nodad")


def edited(shipped: str) -> str:
    """Return the shipped file as an operator edits it, bound to the addresses of here."""
    changes = {
        "static-auth-secret": SECRET,
        "realm": "turn.test",
        "min-port": RELAY_PORTS[0],
        "max-port": RELAY_PORTS[1],
    }
    for key, value in changes.items():
        shipped, count = re.subn(rf"^{key}=.*$", f"{key}={value}", shipped, flags=re.MULTILINE)
        assert count == 1, key
    bound = [f"{key}={address}" for key in ("listening-ip", "relay-ip") for address in (TURN4, TURN6)]
    return "\n".join([shipped, *bound, ""])


@contextmanager
def running_coturn(folder: Path):
    """Start it and wait until it answers; its log is left in the folder."""
    file = folder / "turnserver.conf"
    file.write_text(edited(SHIPPED.read_text(encoding="utf-8")), encoding="utf-8")
    program = shutil.which("turnserver", path="/usr/bin:/usr/sbin")
    with (folder / "coturn.log").open("w") as log:
        words = [program, "-c", str(file), "--log-file", "stdout", "--pidfile", str(folder / "pid"), "--userdb",
                 str(folder / "turndb")]  # fmt: skip
        process = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder)
        try:
            wait_for_port(process)
            yield process
        finally:
            process.terminate()
            process.wait(20)


def wait_for_port(process: subprocess.Popen) -> None:
    until_s = time.monotonic() + 30
    while True:
        assert process.poll() is None, "coturn ended by itself"
        try:
            socket.create_connection((TURN4, PORT), 1).close()
        except OSError:
            assert time.monotonic() < until_s, "coturn does not listen"
            time.sleep(0.1)
        else:
            return
