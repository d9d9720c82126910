"""A mall whose shop stands in a network of its own, behind the shipped firewall and two uplinks."""

import asyncio
import os
import re
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from demo.bench_check import go_live
from demo.mall import ROOT, Mall
from demo.people import SHOPPER as SHOPPER_PERSON
from demo.ports import Ports
from demo.seed import seed_people, seed_shop, wait_for_shop
from demo.shopper import Look
from demo.supervisor import Program, Supervisor, python_module, run_once
from demo.viewer import Viewer, WhepSignalling, pin_host_addresses
from tests.faults.town import Town, bowl_shop
from tests.service import passage
from tests.service.networks import RELAY, SHOPPER, Networks

BASE_PORT = 18080


def tell(line: str) -> None:
    """Standard output is for what was found."""
    print(line, file=sys.stderr, flush=True)


class WalledMall(Mall):
    """Relay, broker and provider outside; the shop's world and daemon in the shop's namespace."""

    def __init__(self, folder: Path, shop, supervisor: Supervisor, networks: Networks) -> None:
        super().__init__(folder, Ports(BASE_PORT), (shop,), supervisor)
        self.networks = networks

    async def _start(self, name, arguments, is_ready):
        if name == "broker":  # the relay's configuration stands; nothing has read it yet
            await self._tell_public_addresses()
        if name.startswith(("world", "edge")):
            arguments = self.networks.inside(self.networks.shop, arguments)
        await super()._start(name, arguments, is_ready)

    async def _tell_public_addresses(self) -> None:
        path, ports = self.relay_folder / "relay.toml", self.ports
        text = path.read_text()
        for section, lines in {
            "mqtt": f'host = "0.0.0.0"\npublic_host = "{RELAY}"\n',
            "door": f'host = "0.0.0.0"\npublic_url = "https://{RELAY}:{ports.door}"\n',
        }.items():
            text, count = re.subn(rf"^\[{section}\]\n", f"[{section}]\n{lines}", text, flags=re.MULTILINE)
            assert count == 1
        path.write_text(text)
        await run_once(python_module("cloud_relay", "init", "--data", str(self.relay_folder)), ROOT)

    async def enrol(self, shop, claim) -> None:
        arguments = python_module("edge", "enrol", claim, "--config", str(self.edge_config(shop)))
        await run_once(self.networks.inside(self.networks.shop, arguments), ROOT)

    def edge_config(self, shop) -> Path:
        """Every address of the box is offered to browsers, as it ships."""
        path = super().edge_config(shop)
        text, count = re.subn(r"^addresses = .*$", "addresses = []", path.read_text(), flags=re.MULTILINE)
        assert count == 1
        path.write_text(text)
        return path

    @property
    def doors(self) -> list[int]:
        """Ports on the shop's loopback that people use: the attendant's page, the world's hands, its cameras."""
        return [self.ports.attendant(0), self.ports.world(0, 0), self.ports.world(0, 1)]


@asynccontextmanager
async def open_walled_town(folder: Path, bowls: int = 6, mall_class: type[WalledMall] = WalledMall):
    """Open it all: networks, firewall first, then relay, enrolment through the firewall, daemon, attendant."""
    networks = Networks(str(os.getpid()))
    supervisor = Supervisor(tell, ROOT)
    shop = bowl_shop(bowls)
    mall = mall_class(folder, shop, supervisor, networks)
    servers, attendant = [], None
    try:
        networks.make()
        mall.check()
        networks.load_firewall(folder, [mall.ports.broker, mall.ports.door], os.geteuid())
        await _open_passages(mall, supervisor, servers)
        world = asyncio.create_task(mall.open_world(shop))
        await mall.open_relay()
        await world
        await seed_people(mall)
        await mall.enrol(shop, await seed_shop(mall, shop, tell))
        await mall.open_edge(shop)
        await wait_for_shop(mall, shop)
        await go_live(mall, shop, tell)
        town = Town(mall, supervisor)
        await town.shopper.sign_in(SHOPPER_PERSON)
        found = await town.shopper.call("GET", "/api/search", params={"q": "bowl"})
        town.listing_id = found["hits"][0]["listing_id"]
        attendant = asyncio.create_task(town.hands.run())
        yield town
        await town.shopper.close()
        await town.bench.close()
    finally:
        if attendant is not None:
            attendant.cancel()
            await asyncio.gather(attendant, return_exceptions=True)
        await supervisor.stop()
        for server in servers:
            server.close()
        networks.remove()


async def _open_passages(mall: WalledMall, supervisor: Supervisor, servers: list) -> None:
    servers += [await passage.open_outer(mall.folder, port) for port in mall.doors]
    arguments = python_module("tests.service.passage", str(mall.folder), *map(str, mall.doors))
    inner = mall.networks.inside(mall.networks.shop, arguments)

    async def is_open() -> bool:
        return all(passage.socket_of(mall.folder, port).exists() for port in mall.doors)

    await supervisor.start(Program("passage", inner, mall.logs / "passage.log", is_open))


async def open_picture(look: Look) -> float:
    """Open a viewing's picture from the shopper's own address; return milliseconds to the first decoded frame."""
    pin_host_addresses((SHOPPER,))
    grant = await look._caller.call("POST", f"/api/viewing/{look.session_id}/pass", {})
    look.viewer = Viewer(WhepSignalling(look._caller.http, grant["whep_url"], grant["pass"]))
    await look.viewer.open()
    first_ms = await look.viewer.first_frame(30)
    await look.viewer.wait_turn(30)
    return first_ms
