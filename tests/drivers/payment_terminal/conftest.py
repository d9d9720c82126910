"""A simulated card terminal on a real port, its truth log, and a driver that talks to it."""

import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drivers.payment_terminal.zvt import ZvtOptions, ZvtTerminal
from drivers.simulators import zvt_terminal
from drivers.simulators.faults import FaultBoard
from drivers.simulators.plan import TerminalPlan
from drivers.simulators.tcp_port import TcpPort
from drivers.simulators.truth import TruthLog


@dataclass
class Counter:
    """The terminal's world as a test sees it."""

    port: TcpPort
    faults: FaultBoard
    machine: zvt_terminal.ZvtTerminal
    truth_file: Path

    def driver(self, **options: object) -> ZvtTerminal:
        settings = {"address": self.port.address, "currency": "CNY", "timeout_s": 2.0, "pay_s": 5.0, **options}
        return ZvtTerminal(ZvtOptions(**settings))

    def events(self, event: str = "") -> list[dict]:
        lines = [json.loads(line) for line in self.truth_file.read_text().splitlines()]
        return [line for line in lines if not event or line["event"] == event]


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    truth = TruthLog(tmp_path / "truth.jsonl", lambda: datetime.now(UTC))
    faults = FaultBoard({"terminal": "terminal"})
    machine = zvt_terminal.ZvtTerminal("terminal", TerminalPlan(card_s=0.05), truth, faults)
    port = TcpPort("terminal", 0, faults, machine.session, random.Random(1), is_exclusive=True)
    await port.open()
    yield Counter(port, faults, machine, tmp_path / "truth.jsonl")
    await port.close()
    truth.close()


@pytest.fixture
async def terminal(counter: Counter) -> AsyncIterator[ZvtTerminal]:
    driver = counter.driver()
    await driver.open()
    yield driver
    await driver.close()
