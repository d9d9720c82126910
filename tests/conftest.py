"""What every test gets: sockets to this machine only, free ports, deadlines, rows judged last."""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import ifaddr
import pytest

OUTCOMES = pytest.StashKey[dict[str, str]]()
"""Node id → "passed", "failed" or "skipped": the worst of set-up, call and tear-down."""
IS_WHOLE_RUN = pytest.StashKey[bool]()


class ForbiddenAddressError(RuntimeError):
    """A test tried to reach another machine."""


def pytest_addoption(parser: pytest.Parser) -> None:
    words = "short: a few points and short cuts; full: every point of every sweep, two minutes of cut uplink"
    parser.addoption("--sweep", choices=("short", "full"), default="short", help=words)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[OUTCOMES] = {}
    config.stash[IS_WHOLE_RUN] = (
        config.args == config.getini("testpaths") and not config.option.ignore and not config.option.ignore_glob
    )


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        item.config.stash[IS_WHOLE_RUN] = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the rows last: they judge the other tests."""
    items.sort(key=lambda item: item.path.name == "test_rows.py")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    report: pytest.TestReport = yield
    outcomes = item.config.stash[OUTCOMES]
    badness = ("passed", "skipped", "failed")
    outcomes[item.nodeid] = max(outcomes.get(item.nodeid, "passed"), report.outcome, key=badness.index)
    return report


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> dict[str, str]:
    return request.config.stash[OUTCOMES]


@pytest.fixture(scope="session")
def is_whole_run(request: pytest.FixtureRequest) -> bool:
    return request.config.stash[IS_WHOLE_RUN]


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
    """Return a port that nobody listens on now; each call gives another."""
    given: set[int] = set()

    def find() -> int:
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            if port not in given:
                given.add(port)
                return port

    return find


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    """Return a function that asks `condition` until it answers something true, and fails after `timeout_s`."""

    def wait(condition: Callable[[], Any], timeout_s: float = 10.0, what: str = "") -> Any:
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

    async def wait(condition: Callable[[], Any], timeout_s: float = 10.0, what: str = "") -> Any:
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
