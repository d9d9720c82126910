"""One shop for every command: the simulated world, a small relay and the daemon, as processes; and the commands."""

import fcntl
import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edge.identity import Broker, Enrolled, Identity, RelayKey
from tests.edge.app.conftest import PYCACHE, Daemon, World
from tests.edge.conftest import KEY_ID, SHOP, Authority, Mosquitto, Relay
from tests.ports import free_port
from wire.codec import to_base64url
from wire.commands import ReplacePlan
from wire.plan import CameraPlan, PiecePlan, ShopPlan, Spot, SpotKind, Text

ROOT = Path(__file__).parents[3]
SLOW_S = 150.0
"""Several shops may share this machine."""


def vitrine(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a technician does, in English; its outputs are pipes."""
    clean = {name: text for name, text in os.environ.items() if name not in ("LC_ALL", "LC_MESSAGES", "NO_COLOR")}
    return subprocess.run(
        [sys.executable, "-m", "edge", *words],
        cwd=ROOT,
        env=clean | {"LANG": "C.UTF-8", "PYTHONPYCACHEPREFIX": str(PYCACHE)} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SLOW_S,
        check=False,
    )


def wait_for(is_so: Callable[[], Any], what: str) -> Any:
    until = time.monotonic() + SLOW_S
    while time.monotonic() < until:
        found = is_so()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"not within {SLOW_S:.0f} s: {what}")


def _take_terminal() -> None:
    """In the child: make standard input its controlling terminal, so that Ctrl-C reaches it."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A command at a terminal of its own: what it shows, and keys for it."""

    def __init__(self, *words: str, **environment: str) -> None:
        self.shown = ""
        self.master, slave = pty.openpty()
        clean = {name: text for name, text in os.environ.items() if name not in ("LC_ALL", "LC_MESSAGES", "NO_COLOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edge", *words], cwd=ROOT, stdin=slave, stdout=slave, stderr=slave,
            preexec_fn=_take_terminal,  # noqa: PLW1509  # the test has no other thread that forks
            env=clean | {"LANG": "C.UTF-8", "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30",
                         "PYTHONPYCACHEPREFIX": str(PYCACHE)} | environment,
        )  # fmt: skip
        os.close(slave)

    def see(self, pattern: str) -> str:
        """Read until the pattern is there; what was shown up to its end is used up."""
        until = time.monotonic() + SLOW_S
        while time.monotonic() < until:
            found = re.search(pattern, self.shown)
            if found:
                self.shown = self.shown[found.end() :]
                return found[0]
            if not self._read(0.2) and self.process.poll() is not None and not self._read(0):
                break
        pytest.fail(f"{pattern!r} was not shown, but {self.shown[-600:]!r}")

    def _read(self, timeout_s: float) -> bool:
        if not select.select([self.master], [], [], timeout_s)[0]:
            return False
        try:
            self.shown += os.read(self.master, 65536).decode(errors="replace")
        except OSError:  # the terminal of a process that ended
            return False
        return True

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def end(self) -> int:
        """Wait for the command's own end; everything it showed is read."""
        until = time.monotonic() + SLOW_S
        while self.process.poll() is None and time.monotonic() < until:
            self._read(0.1)
        while self._read(0):
            pass
        if self.process.poll() is None:
            self.process.kill()
        os.close(self.master)
        return self.process.wait(10)


@dataclass
class Shop:
    """The running shop as a technician meets it."""

    config: Path
    world: World
    relay: Relay
    daemon: Daemon

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return vitrine(*words, "--config", str(self.config), **environment)

    def json(self, *words: str) -> Any:
        ended = self.run(*words, "--json")
        assert ended.stdout, ended.stderr
        return json.loads(ended.stdout)


def plan(version: int = 1) -> ShopPlan:
    spots = {
        "4711": Spot(camera="front", kind=SpotKind.STAYS),
        "4712": Spot(camera="table", kind=SpotKind.TURNTABLE),
        "4713": None,
    }
    pieces = tuple(
        PiecePlan(piece_id=f"pie_{code}", code=code, title=Text(en=f"Piece {code}"), spot=spot)
        for code, spot in spots.items()
    )
    return ShopPlan(
        version=version, shop_id=SHOP, shop_name=Text(en="Tea house"), merchant_id="mer_1",
        merchant_name=Text(en="Wang"), cameras=(CameraPlan(camera="front"), CameraPlan(camera="table")), pieces=pieces,
    )  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    broker = Mosquitto(folder / "broker", authority, free_port())
    broker.start()
    relay = Relay(broker, authority)
    relay.start()
    world = World(folder / "world")
    page_port = free_port()
    (folder / "shop.toml").write_text(world.config(page_port))
    enrol(Identity(folder / "box"), authority, relay)
    daemon = Daemon(folder, page_port, folder / "notify")
    daemon.start()
    wait_for(daemon.is_up, "the daemon")
    made = Shop(folder / "shop.toml", world, relay, daemon)
    wait_for(lambda: relay.presences, "the daemon at the relay")
    relay.send(ReplacePlan(plan=plan()))
    wait_for(lambda: "PlanApplied" in relay.types(), "the plan")
    wait_for(lambda: not [row for row in made.json("devices") if _is_away(row)], "every machine online")
    yield made
    daemon.end()
    daemon.page.close()
    world.end()
    relay.stop()
    broker.kill()


def _is_away(row: dict[str, Any]) -> bool:
    """Whether a machine is not there yet; a camera that a busy processor draws late comes and goes."""
    return row["health"] != "online" and not row["driver"].startswith("camera.")


def enrol(identity: Identity, authority: Authority, relay: Relay) -> None:
    public = relay.private_key.public_key().public_bytes_raw()
    answer = Enrolled(
        shop_id=SHOP,
        certificate_pem=authority.issue(SHOP, identity.private_key().public_key()),
        ca_pem=authority.pem,
        relay_keys=(RelayKey(key_id=KEY_ID, public_key_b64url=to_base64url(public)),),
        mqtt=Broker(host="127.0.0.1", port=relay.broker.port),
        resolver_url="https://127.0.0.1:1/",
    )
    identity.save(answer, "https://127.0.0.1:1")
