"""A mall of one shop whose window camera draws the time into its pictures, open and live."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.bench_check import go_live
from demo.goods import DemoShop, teahouse
from demo.mall import ROOT, Mall
from demo.people import SHOPPER, Caller
from demo.ports import free_block
from demo.seed import seed_people, seed_shop, wait_for_shop
from demo.supervisor import Supervisor

CAMERA, WORDS = "front", "朱泥"
"""The piece stands in the window, before a camera that pans."""

RATE_HZ = 29.7
"""No camera's clock is the screen's: at 30.0 all pictures of a run wait for the next refresh equally long, and what is
measured is the luck of the start. At 29.7 they come at every moment between two refreshes, once in 1.7 s.
"""
RAW_PORT_NO = 3
"""Which port of the second world of a block is the raw camera's; the first three are the yardsticks'."""

UPLINK_MBIT_S = 200.0
"""Fifty full pictures are 125 Mbit/s: what is measured is the program, not what a shop may spend."""


class TimedMall(Mall):
    """The demonstration's mall, but for what its camera shows and how often, and for its uplink.

    With `is_raw` the shop reads that camera uncompressed. `stun_urls` are told to shops and browsers.
    """

    is_raw = False
    stun_urls: tuple[str, ...] = ()

    @property
    def raw_address(self) -> str:
        """The camera's port without JPEGs."""
        return f"tcp://127.0.0.1:{self.ports.world(1, RAW_PORT_NO)}"

    def world_text(self, shop: DemoShop) -> str:
        wanted = f"[camera.{CAMERA}]\n"
        more = f"shows_time = true\nrate_hz = {RATE_HZ}\n"
        more += f"raw_port = {self.ports.world(1, RAW_PORT_NO)}\n" if self.is_raw else ""
        return super().world_text(shop).replace(wanted, wanted + more)

    def edge_config(self, shop: DemoShop) -> Path:
        path = super().edge_config(shop)
        text = path.read_text(encoding="utf-8").replace("[webrtc]\n", f"[webrtc]\nuplink_mbit_s = {UPLINK_MBIT_S}\n")
        if self.is_raw:
            camera = f'[device.{CAMERA}]\nkind = "camera"\nmodel = '
            before = f'{camera}"mjpeg"\nurl = "{self.camera_url(shop)}/{CAMERA}/stream"'
            after = f'{camera}"y4m"\naddress = "{self.raw_address}"'
            if before not in text:
                raise RuntimeError(f"{path}: its camera {CAMERA} is written otherwise than this benchmark knows")
            text = text.replace(before, after)
        path.write_text(text, encoding="utf-8")
        return path

    async def open_relay(self) -> None:
        if self.stun_urls:
            await self._make_relay()
            listed = ", ".join(f'{{ urls = ["{url}"] }}' for url in self.stun_urls)
            settings = self.relay_folder / "relay.toml"
            with settings.open("a", encoding="utf-8") as file:
                file.write(f"\n[viewing]\nice_servers = [{listed}]\n")
        await super().open_relay()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMall:
    """What is open: `listing` has the piece that is looked at."""

    mall: TimedMall
    supervisor: Supervisor
    listing: dict[str, Any]

    @property
    def shop(self) -> DemoShop:
        """The only shop."""
        return self.mall.shops[0]

    @property
    def listing_id(self) -> str:
        """The page from which a shopper goes to look."""
        return str(self.listing["listing_id"])

    @property
    def piece_id(self) -> str:
        """The piece in the window."""
        return str(self.listing["pieces"][0]["piece_id"])

    @property
    def is_raw(self) -> bool:
        """Whether everybody reads the camera uncompressed."""
        return self.mall.is_raw

    @property
    def camera_url(self) -> str:
        """The port that every system reads."""
        if self.is_raw:
            return self.mall.raw_address
        return f"{self.mall.camera_url(self.shop)}/{CAMERA}/stream"

    def pid(self, name: str) -> int:
        """Return the process of a program that runs."""
        process = self.supervisor.program(name).process
        assert process is not None
        return process.pid

    @property
    def edge_pid(self) -> int:
        """The shop box."""
        return self.pid(f"edge of {self.shop.name}")


@asynccontextmanager
async def timed_mall(folder: Path, *, is_raw: bool = False, stun_urls: tuple[str, ...] = ()) -> AsyncIterator[OpenMall]:
    """Open it, and close it with everything that was started in it since."""
    supervisor, shop = Supervisor(print, ROOT), teahouse("BENCH1")
    mall = TimedMall(folder, free_block(), (shop,), supervisor)
    mall.is_raw, mall.stun_urls = is_raw, stun_urls
    mall.check()
    try:
        await asyncio.gather(mall.open_relay(), mall.open_world(shop))
        await seed_people(mall)
        await mall.enrol(shop, await seed_shop(mall, shop, lambda _line: None))
        await mall.open_edge(shop)
        await wait_for_shop(mall, shop)
        await go_live(mall, shop, print)
        yield OpenMall(mall=mall, supervisor=supervisor, listing=await _find(mall))
    finally:
        await supervisor.stop()


async def _find(mall: Mall) -> dict[str, Any]:
    caller = Caller(mall.relay_url)
    try:
        await caller.sign_in(SHOPPER)
        found = await caller.call("GET", "/api/search", params={"q": WORDS})
        listing: dict[str, Any] = await caller.call("GET", f"/api/listings/{found['hits'][0]['listing_id']}")
        return listing
    finally:
        await caller.close()
