"""Opens the counter that the configuration names, and puts its page beside the attendant's."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from starlette.routing import BaseRoute

from drivers.payment_terminal import PaymentTerminal
from edge.config import EdgeConfig
from edge.counter.counter import Around, Counter
from edge.counter.doors import MemberDoor
from edge.counter.routes import till_routes
from edge.counter.till import Way
from edge.device_host import DeviceHost


def way_of(config: EdgeConfig, name: str) -> str:
    """Return cash, card or qr: what a payment terminal of the configuration takes."""
    driver = config.devices[name].driver
    assert issubclass(driver, PaymentTerminal), "the configuration was checked"
    return driver.way


class Linked(Protocol):
    """Who tells whether the relay is near."""

    def listen(self, on_change: Callable[[bool], None]) -> Any: ...


def open_counter(config: EdgeConfig, devices: DeviceHost, around: Around) -> Counter | None:
    """Return the counter of this configuration; None when it names no way to pay."""
    own = config.counter
    if not own.payment:
        return None
    ways = {name: Way(name=name, way=way_of(config, name), handle=devices.handles[name]) for name in own.payment}
    printer = devices.handles[own.printer] if own.printer else None
    scanner = devices.handles[own.scanner] if own.scanner else None
    return Counter(replace(around, printer=printer, scanner=scanner, language=config.shop.language), ways)


def till_page(counter: Counter | None, data_dir: Path) -> tuple[list[BaseRoute], tuple[str, ...]]:
    """Return the till's addresses and where they begin; none without a counter."""
    if counter is None:
        return [], ()
    door = MemberDoor(counter.around.plan, data_dir / "till_secret", time.time)
    return till_routes(counter, door), ("/till",)


def listen_all(counter: Counter, link: Linked, devices: DeviceHost) -> None:
    """Have the page change with link, devices and what the relay confirms."""
    link.listen(lambda _is_near: counter.changed())
    devices.listen(lambda _state: counter.changed())
    counter.around.journal.listen(lambda table: counter.changed() if table == "reports" else None)
