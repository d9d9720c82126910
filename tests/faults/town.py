"""One shop with a full bench and a shelf of bowls, its relay, broker and provider: real processes, an uplink to cut."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from demo.bench_check import go_live
from demo.goods import DemoListing, DemoPiece, DemoShop, teahouse
from demo.hands import Bench
from demo.mall import ROOT, Mall
from demo.people import SHOPPER, Caller
from demo.ports import Ports, free_block
from demo.seed import seed_people, seed_shop, wait_for_shop
from demo.shop_files import PIN
from demo.supervisor import Program, Supervisor
from tests.faults.honest_hands import HonestHands
from tests.faults.proxy import Uplink

BOWLS = 80
EDGE, RELAY, BROKER = "edge of teahouse", "relay", "broker"


def bowl_shop(count: int = BOWLS) -> DemoShop:
    """A full bench, and one listing whose pieces all stand on the shelf."""
    bowls = DemoListing(
        sku="FC-01", kind="bowl", colour="brown", price_minor=26000, weight_g=210,
        title_en="Everyday bowl", title_zh="家常碗", description_en="Thrown by the dozen.",
        description_zh="成打拉坯。", attributes={},
        pieces=tuple(DemoPiece(piece=f"bowl-{no}", code=str(5000 + no)) for no in range(1, count + 1)),
    )  # fmt: skip
    return replace(teahouse("K7Q4"), listings=(bowls,))


class TownMall(Mall):
    """A mall whose shop reaches broker and shop door through uplinks that can be cut."""

    def __init__(self, folder: Path, ports: Ports, shop: DemoShop, supervisor: Supervisor) -> None:
        super().__init__(folder, ports, (shop,), supervisor)
        self.uplinks = (Uplink(ports.broker), Uplink(ports.door))

    async def _start(self, name: str, arguments: list[str], is_ready: Callable[[], Any]) -> None:
        if name == BROKER:  # the relay's configuration stands; nothing has read it yet
            await self._lay_uplinks()
        await super()._start(name, arguments, is_ready)

    async def _lay_uplinks(self) -> None:
        for uplink in self.uplinks:
            await uplink.start()
        path = self.relay_folder / "relay.toml"
        door = f'[door]\npublic_url = "https://127.0.0.1:{self.uplinks[1].port}"\n'
        text = path.read_text()
        assert "[door]\n" in text
        path.write_text(text.replace("[door]\n", door))

    def edge_config(self, shop: DemoShop) -> Path:
        path = super().edge_config(shop)
        relay = f'[relay]\nmqtt_host = "127.0.0.1"\nmqtt_port = {self.uplinks[0].port}\n'
        path.write_text(path.read_text() + relay)
        return path


class Town:
    """The open mall with its attendant; what tests ask of its programs, books and simulators."""

    def __init__(self, mall: TownMall, supervisor: Supervisor) -> None:
        self.mall, self.supervisor = mall, supervisor
        self.shop = mall.shops[0]
        self.shopper = Caller(mall.relay_url)
        self.bench = Bench(mall.attendant_url(self.shop), PIN, mall.control_url(self.shop))
        self.hands = HonestHands(self.bench)
        self.listing_id = ""

    def program(self, name: str) -> Program:
        """A program of the mall; its restarts count anew, because here dying is the point."""
        program = self.supervisor.program(name)
        program.restarts = 0
        return program

    def cut(self) -> None:
        """Cut the shop's uplink."""
        for uplink in self.mall.uplinks:
            uplink.cut()

    def heal(self) -> None:
        """Mend it."""
        for uplink in self.mall.uplinks:
            uplink.heal()

    @property
    def journal(self) -> Path:
        """The shop box's journal."""
        return next(self.mall.shop_folder(self.shop).rglob("journal.db"))

    @property
    def database(self) -> Path:
        """The relay's database."""
        return Path(self.mall.database_url.removeprefix("sqlite:///"))

    def ask(self, path: Path, query: str, *values: Any) -> list[dict[str, Any]]:
        """Read a program's database from outside."""
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query, values)]

    def write(self, statement: str) -> None:
        """Change the relay's database from outside, where no page or program could."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=20)) as database, database:
            database.execute(statement)

    def violations(self) -> list[dict[str, Any]]:
        """What the relay's books say must never be."""
        return self.ask(self.database, "SELECT * FROM violations")

    def unfinished(self) -> list[dict[str, Any]]:
        """What the shop box still has to do: parcels, intents without outcome, tasks, unconfirmed reports."""
        return [
            *self.ask(self.journal, "select parcel_id, stage from parcels where is_open = 1"),
            *self.ask(self.journal, "select intent_id, act from intents where outcome = ''"),
            *self.ask(self.journal, "select task_id, kind from tasks where is_open = 1"),
            *self.ask(self.journal, "select sequence, type from reports"),
        ]

    def labels(self) -> list[dict[str, Any]]:
        """The printer's own truth."""
        return list(json.loads((self.mall.run_folder(self.shop) / "labels_printed.json").read_text()))

    def truth(self) -> list[dict[str, Any]]:
        """Every physical event."""
        lines = (self.mall.run_folder(self.shop) / "truth.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


@asynccontextmanager
async def open_town(folder: Path, bowls: int = BOWLS, *, has_box: bool = True) -> AsyncIterator[Town]:
    """Open the mall, seed it, put the attendant at the bench; close everything at the end.

    Without its box the shop sells as if its bench check had passed, and nobody works there.
    """
    supervisor = Supervisor(print, ROOT)
    shop = bowl_shop(bowls)
    mall = TownMall(folder, free_block(first=23080), shop, supervisor)
    attendant = None
    try:
        mall.check()
        world = asyncio.create_task(mall.open_world(shop))
        await mall.open_relay()
        await world
        await seed_people(mall)
        claim = await seed_shop(mall, shop, print)
        if has_box:
            await mall.enrol(shop, claim)
            await mall.open_edge(shop)
            await wait_for_shop(mall, shop)
            await go_live(mall, shop, print)
        town = Town(mall, supervisor)
        if not has_box:
            town.write("UPDATE shop SET is_live = 1, live_reason = ''")
        await town.shopper.sign_in(SHOPPER)
        found = await town.shopper.call("GET", "/api/search", params={"q": "bowl"})
        town.listing_id = found["hits"][0]["listing_id"]
        attendant = asyncio.create_task(town.hands.run()) if has_box else None
        yield town
        if attendant is not None and attendant.done():
            attendant.result()
        await town.shopper.close()
        await town.bench.close()
    finally:
        if attendant is not None:
            attendant.cancel()
            await asyncio.gather(attendant, return_exceptions=True)
        await supervisor.stop()
        for uplink in mall.uplinks:
            await uplink.close()
