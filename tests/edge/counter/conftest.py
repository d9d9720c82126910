"""A till over a real journal and the simulated card terminal; a test may let the journal die after any commit."""

import asyncio
import contextlib
import itertools
import json
import random
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drivers.base import DeviceOfflineError
from drivers.payment_terminal.cash import CashDrawer, CashOptions
from drivers.payment_terminal.qr import QrOptions, QrPayment
from drivers.payment_terminal.zvt import ZvtOptions, ZvtTerminal
from drivers.simulators import zvt_terminal
from drivers.simulators.faults import FaultBoard
from drivers.simulators.plan import TerminalPlan
from drivers.simulators.tcp_port import TcpPort
from drivers.simulators.truth import TruthLog
from edge.clock import Clock
from edge.counter import sale as rows
from edge.counter.till import Till, Way
from edge.device_host import DeviceHost
from edge.journal import Journal, JournalFailedError
from wire.envelope import decode_envelope
from wire.pins import hash_pin
from wire.plan import ListingPlan, PiecePlan, ShopPlan, Text, TillMember, TimedPrice
from wire.reports import decode_report

OVER = TimedPrice(price_minor=2_000, from_at="2020-01-01T00:00:00.000Z", until_at="2020-01-02T00:00:00.000Z")
"""A lower price whose time has passed."""

PLAN = ShopPlan(
    version=1,
    shop_id="teahouse",
    shop_name=Text(en="Tea house", zh="茶馆"),
    merchant_id="mer_1",
    merchant_name=Text(en="Wang", zh="王"),
    currency="CNY",
    listings=(
        ListingPlan(listing_id="lst_pot", title=Text(en="Teapot", zh="茶壶"), price_minor=38_000, currency="CNY"),
        ListingPlan(
            listing_id="lst_cup", title=Text(en="Cup", zh="茶杯"), price_minor=2_500, currency="CNY", sku="CUP-1",
            gtin="09521234543213",
            prices=(OVER,),
        ),
    ),
    pieces=(
        PiecePlan(piece_id="pc_1", code="4701", title=Text(en="Teapot", zh="茶壶"), listing_id="lst_pot"),
        PiecePlan(piece_id="pc_2", code="4702", title=Text(en="Teapot", zh="茶壶"), listing_id="lst_pot"),
    ),
    till_members=(
        TillMember(account_id="acc_1", name="Wang", role="owner", pin_hash=hash_pin("1357", b"0123456789abcdef")),
        TillMember(account_id="acc_2", name="Li", role="packer"),
    ),
)  # fmt: skip


class CounterShop:
    """The counter's world: terminal and journal outlive each life of the till."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan: ShopPlan | None = PLAN
        self.truth = TruthLog(folder / "truth.jsonl", lambda: datetime.now(UTC))
        self.faults = FaultBoard({"terminal": "terminal"})
        self.machine = zvt_terminal.ZvtTerminal("terminal", TerminalPlan(card_s=0.01), self.truth, self.faults)
        self.port = TcpPort("terminal", 0, self.faults, self.machine.session, random.Random(1), is_exclusive=True)
        self.clock = Clock()
        self.journal_name = "journal.db"
        self.numbers = itertools.count(1)
        self.paid: list[str] = []
        self.running: asyncio.Task[None] | None = None

    async def start(self, on_commit: Callable[[int], None] = lambda _sequence: None) -> Till:
        """Begin a life."""
        self.journal = Journal(self.folder / self.journal_name, "teahouse", now=self.clock.now, on_commit=on_commit)
        await self.journal.open()
        self.devices = DeviceHost(self.clock.wall)
        options = ZvtOptions(address=self.port.address, currency="CNY", timeout_s=1.0, pay_s=5.0)
        self.devices.add("terminal", "payment_terminal", "zvt", lambda: ZvtTerminal(options))
        self.devices.add("drawer", "payment_terminal", "cash", lambda: CashDrawer(CashOptions()), by_hand=True)
        wallet = QrOptions(text="pay:{amount}:{reference}")
        self.devices.add("wallet", "payment_terminal", "qr", lambda: QrPayment(wallet), by_hand=True)
        ways = {
            name: Way(name=name, way=way, handle=self.devices.handles[name])
            for name, way in (("terminal", "card"), ("drawer", "cash"), ("wallet", "qr"))
        }
        self.till = Till(
            journal=self.journal,
            plan=lambda: self.plan,
            ways=ways,
            ids=lambda prefix: f"{prefix}_{next(self.numbers)}",
            on_paid=lambda sale: self.paid.append(sale.sale_id),
        )
        self.running = asyncio.create_task(self.till.run())
        return self.till

    async def stop(self) -> None:
        """End a life, however far it is."""
        if self.running is not None:
            self.running.cancel()
            with contextlib.suppress(asyncio.CancelledError, JournalFailedError, ExceptionGroup):
                await self.running
        await self.devices.close()
        await self.journal.close()

    def booked(self) -> list[int]:
        """What the terminal truly booked, in minor units."""
        lines = [json.loads(line) for line in (self.folder / "truth.jsonl").read_text().splitlines()]
        return [line["amount_minor"] for line in lines if line["event"] == "payment_booked"]

    def reversed(self) -> list[int]:
        """What the terminal truly gave back, in minor units."""
        lines = [json.loads(line) for line in (self.folder / "truth.jsonl").read_text().splitlines()]
        return [line["amount_minor"] for line in lines if line["event"] == "reversal_booked"]

    async def ended(self, sale_id: str):
        """Wait until a sale or refund has ended, however; return it."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + 60.0
        while True:
            sale = await self.journal.read(lambda tx: rows.load(tx, sale_id))
            if sale is not None and not sale.is_open:
                return sale
            assert loop.time() < until_s, f"{sale_id} never ends: {sale}"
            await asyncio.sleep(0.01)

    async def sold(self) -> list:
        """Every CounterSold that waits for the relay."""
        envelopes = [decode_envelope(one.payload) for one in await self.journal.unsent_reports()]
        return [decode_report(one.type, one.data) for one in envelopes if one.type == "CounterSold"]

    async def until(self, stage: str, sale_id: str, is_so=lambda _sale: True, deadline_s: float = 60.0):
        """Wait until a sale is in this stage, and `is_so` says yes; return it."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + deadline_s
        while True:
            for sale in [*await self.till.open_sales(), *await self.till.receipts()]:
                if sale.sale_id == sale_id and sale.stage == stage and is_so(sale):
                    return sale
            if self.running is not None and self.running.done():
                self.running.result()
            assert loop.time() < until_s, f"{sale_id} never gets to {stage}: {await self.till.open_sales()}"
            await asyncio.sleep(0.01)

    async def reachable(self) -> None:
        """Wait until the terminal's network is back."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + 10
        while True:
            try:
                async with self.devices.handles["terminal"].use():
                    return
            except DeviceOfflineError:
                assert loop.time() < until_s
                await asyncio.sleep(0.01)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CounterShop]:
    """The counter's world, nobody in it yet."""
    shop = CounterShop(tmp_path)
    await shop.port.open()
    yield shop
    await shop.port.close()
    shop.truth.close()


@pytest.fixture
async def shop(world: CounterShop) -> AsyncIterator[CounterShop]:
    """The same, with a till at work."""
    await world.start()
    yield world
    await world.stop()
