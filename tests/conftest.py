"""What every test gets: sockets to this machine only, free ports, deadlines; workers; rows judged last."""

import asyncio
import functools
import ipaddress
import re
import socket
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import ifaddr
import pytest
from xdist.scheduler import LoadScopeScheduling

from tests import ports
from tests.house import rows

hypothesis.settings.register_profile("vitrine", deadline=None)  # machines are busy: time is no property of a rule
hypothesis.settings.load_profile("vitrine")

FIRST = (
    "tests/browser/test_bench_check", "tests/browser/", "tests/faults/", "tests/service/", "tests/fault_table/",
    "tests/whole/", "tests/mutants/", "tests/bench/",
)  # fmt: skip
"""What a run begins with. The browser's two malls and the faults are one worker's work each, minutes long, the others a
minute or two. The bench check wants a bench on which no other test has left a parcel. The rest comes shuffled, always
the same way: devices and shop boxes, which mostly wait, beside pages and databases, which compute.
"""
IS_WHOLE_RUN = pytest.StashKey[bool]()


class ForbiddenAddressError(RuntimeError):
    """A test tried to reach another machine."""


def pytest_addoption(parser: pytest.Parser) -> None:
    words = "short: a few points and short cuts; full: every point, every mutant, two minutes of cut uplink: an hour"
    parser.addoption("--sweep", choices=("short", "full"), default="short", help=words)


def pytest_configure(config: pytest.Config) -> None:
    chosen = config.option
    config.stash[IS_WHOLE_RUN] = config.args == config.getini("testpaths") and not any((
        chosen.ignore, chosen.ignore_glob, chosen.keyword, chosen.markexpr, chosen.deselect,
    ))  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what is marked `full` to runs with --sweep full; have workers begin so that none ends late."""
    if config.getoption("--sweep") != "full":
        items[:] = [item for item in items if item.get_closest_marker("full") is None]
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _place(item.nodeid))


def _place(nodeid: str) -> tuple[int, int]:
    file = nodeid.partition("::")[0]
    rank = next((place for place, begin in enumerate(FIRST) if file.startswith(begin)), len(FIRST))
    return (len(FIRST), zlib.crc32(file.encode())) if rank == len(FIRST) or _is_small_shop(file) else (rank, 0)


@functools.cache
def _is_small_shop(file: str) -> bool:
    """Whether the browser tests of a file open no mall."""
    path = Path(__file__).parents[1] / file
    return file.startswith("tests/browser/") and not re.search(r"def \w+\([^)]*\b(mall|person)\b", path.read_text())


class ByFolder(LoadScopeScheduling):
    """Hands whole files to the workers, and as one what shares an open mall."""

    TOGETHER = (
        re.compile(r"tests/browser/test_(look|loupe|together|true_size|whep)"),
        re.compile(r"tests/browser/"),
        re.compile(r"tests/faults/"),
        re.compile(r"tests/house/(?!test_launcher)"),
    )
    """Live viewing and the rest of the pages have a mall each: in one they were the last to end by minutes. Pages that
    need no more than a small shop open one for each file. The rules of the house read every file of ours, once. A full
    run of the fault table goes stage by stage, as its verdicts are made."""

    def _split_scope(self, nodeid: str) -> str:
        cell = re.match(r"tests/fault_table/test_cells.py::\w+\[\w+-\w+-(\w+)", nodeid)
        if cell and self.config.getoption("--sweep") == "full":
            return f"tests/fault_table/test_cells.py at {cell[1]}"
        file = nodeid.partition("::")[0]
        group = next((group for group in self.TOGETHER if group.match(nodeid)), None)
        return group.pattern if group and not _is_small_shop(file) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    config.option.loadscopereorder = False  # the workers have put them in order, by what they take and wait for
    return ByFolder(config, log)


class Judge:
    """Listens to every outcome, in one process or in many, and adds the rows of the requirements as last results.

    A run of what failed before (--last-failed) goes on with the outcomes of the run before it.
    """

    KEPT = "vitrine/outcomes"

    def __init__(self, config: pytest.Config) -> None:
        self.config, self.outcomes = config, dict[str, str]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        badness = ("passed", "skipped", "failed")
        worst = self.outcomes.get(report.nodeid, "passed")
        self.outcomes[report.nodeid] = max(worst, report.outcome, key=badness.index)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        cache: pytest.Cache | None = getattr(self.config, "cache", None)  # absent with -p no:cacheprovider
        if not self.config.stash[IS_WHOLE_RUN] or not self.outcomes or cache is None:
            return
        before = cache.get(self.KEPT, {}) if self.config.option.lf else {}
        outcomes = {**before, **self.outcomes}
        cache.set(self.KEPT, outcomes)
        for row in rows.ROWS:
            said = rows.judge(row, outcomes, is_whole_run=True)
            self.config.hook.pytest_runtest_logreport(report=_report(row, said))
            if said:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _report(row: Mapping[str, str], said: str) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=f"tests/rows.toml::{rows.name(row)}", location=("tests/rows.toml", None, row["id"]), keywords={},
        outcome="failed" if said else "passed", longrepr=said or None, when="call", duration=0.0,
    )  # fmt: skip


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(Judge(session.config), "rows")


def _own_addresses() -> set[str]:
    """WebRTC pairs every address of this machine with every other, so these count as loopback."""
    return {str(ip.ip[0] if isinstance(ip.ip, tuple) else ip.ip) for card in ifaddr.get_adapters() for ip in card.ips}


def _check(address: object, own: set[str]) -> None:
    if not isinstance(address, tuple):  # a unix socket's path
        return
    host = str(address[0]).split("%", maxsplit=1)[0]
    if host in {"", "localhost", "0.0.0.0", "::"} or host in own:
        return
    try:
        is_near = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_near = False
    if not is_near:
        raise ForbiddenAddressError(f"tests reach this machine only, not {host}")


@pytest.fixture(scope="session", autouse=True)
def _only_this_machine() -> Iterator[None]:
    own = _own_addresses()
    patch = pytest.MonkeyPatch()

    def guarded(name: str, place: int) -> None:
        original = getattr(socket.socket, name)

        def call(self: socket.socket, *arguments: Any) -> Any:
            _check(arguments[place], own)
            return original(self, *arguments)

        patch.setattr(socket.socket, name, call)

    guarded("connect", 0)
    guarded("connect_ex", 0)
    guarded("sendto", -1)
    yield
    patch.undo()


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Return a function that gives a port nobody listens on now, another one each time."""
    return ports.free_port


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    """Return a function that asks `condition` until it answers something true, and fails after `timeout_s`."""

    def wait(condition: Callable[[], Any], timeout_s: float = 30.0, what: str = "") -> Any:
        until = time.monotonic() + timeout_s
        while not (answer := condition()):
            if time.monotonic() > until:
                pytest.fail(f"waited {timeout_s} s in vain for {what or condition}")
            time.sleep(0.02)
        return answer

    return wait


@pytest.fixture
def eventually() -> Callable[..., Awaitable[Any]]:
    """As wait_until, on the event loop; `condition` may be a plain or an async function."""

    async def wait(condition: Callable[[], Any], timeout_s: float = 30.0, what: str = "") -> Any:
        until = time.monotonic() + timeout_s
        while True:
            answer = condition()
            if isinstance(answer, Awaitable):
                answer = await answer
            if answer:
                return answer
            if time.monotonic() > until:
                pytest.fail(f"waited {timeout_s} s in vain for {what or condition}")
            await asyncio.sleep(0.02)

    return wait
