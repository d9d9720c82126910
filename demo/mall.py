"""The mall's folder: what each program is told, and in which order they start."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

from demo.goods import DemoShop
from demo.people import plain_http
from demo.ports import PORTS_PER_MALL, Ports, is_taken
from demo.shop_files import edge_toml, world_toml
from demo.supervisor import Program, Supervisor, port_answers, python_module, run_once

ROOT = Path(__file__).resolve().parent.parent


CHECKED_ELSEWHERE = """
[accounts]
documents_required = false
"""
"""This market's merchants showed their papers in person; anybody else may still apply with documents."""
MAIL = """
[mail]
smtp_host = "127.0.0.1"
smtp_port = {port}
encryption = "none"
sender = "vitrine@vitrine.example"
"""


class MallError(RuntimeError):
    """The mall cannot open; the message says what to do."""


class Mall:
    """One mall on disk and its programs. Made once in `folder`, opened as often as one likes."""

    def __init__(self, folder: Path, ports: Ports, shops: tuple[DemoShop, ...], supervisor: Supervisor) -> None:
        self.folder, self.ports, self.shops, self._supervisor = folder, ports, shops, supervisor
        self.relay_folder = folder / "relay"
        self.relay_url = f"http://127.0.0.1:{ports.relay}"
        self.logs = folder / "logs"

    def shop_folder(self, shop: DemoShop) -> Path:
        """Where a shop's box keeps everything."""
        return self.folder / shop.name

    def run_folder(self, shop: DemoShop) -> Path:
        """Where a shop's simulated world keeps its truth."""
        return self.shop_folder(shop) / "world"

    def attendant_url(self, shop: DemoShop) -> str:
        """The attendant's page of a shop."""
        return f"http://127.0.0.1:{self.ports.attendant(self.shops.index(shop))}"

    def control_url(self, shop: DemoShop) -> str:
        """The hands and eyes of a shop's simulated world."""
        return f"http://127.0.0.1:{self.ports.world(self.shops.index(shop), 0)}"

    def camera_url(self, shop: DemoShop) -> str:
        """The root of a shop's network cameras."""
        return f"http://127.0.0.1:{self.ports.world(self.shops.index(shop), 1)}"

    @property
    def mails_url(self) -> str:
        """The page of the caught mails."""
        return f"http://127.0.0.1:{self.ports.mails}"

    @property
    def database_url(self) -> str:
        """The address of the relay's database."""
        return f"sqlite:///{self.relay_folder.resolve() / 'relay.sqlite3'}"

    def check(self) -> None:
        """Refuse a folder of another port block and ports that somebody else uses."""
        note = self.folder / "mall.json"
        if note.exists():
            port = json.loads(note.read_text())["port"]
            if port != self.ports.base:
                raise MallError(f"{self.folder} belongs to a mall on port {port}: use --port {port}, or --fresh")
        if shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin") is None:
            raise MallError("mosquitto is missing; install it: sudo apt-get install mosquitto")
        for port in range(self.ports.base, self.ports.base + PORTS_PER_MALL):
            if is_taken(port):
                raise MallError(f"port {port} on 127.0.0.1 is in use by another program: choose another with --port")
        self.logs.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"port": self.ports.base}))

    async def open_relay(self) -> None:
        """Make the relay if there is none yet; start broker, mail catcher, payment provider and relay.

        The broker listens long before a relay has loaded, and a relay whose broker is late asks again.
        """
        if not (self.relay_folder / "relay.toml").exists():
            await self._make_relay()
        mosquitto = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        assert mosquitto is not None
        configuration = str(self.relay_folder / "mosquitto" / "mosquitto.conf")
        catcher = python_module(
            "demo.mail_catcher", "--folder", str(self.folder / "mails"), "--smtp-port", str(self.ports.smtp),
            "--page-port", str(self.ports.mails),
        )  # fmt: skip
        provider = python_module(
            "cloud_relay.escrow.providers.sandbox_server", "--port", str(self.ports.provider),
            "--webhook-url", f"{self.relay_url}/webhooks/sandbox", "--data", str(self.folder / "provider"),
        )  # fmt: skip
        relay = python_module("cloud_relay", "run", "--data", str(self.relay_folder))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._start("broker", [mosquitto, "-c", configuration], self._listens(self.ports.broker)))
            tasks.create_task(self._start("mail catcher", catcher, self._listens(self.ports.mails)))
            tasks.create_task(self._start("payment provider", provider, self._listens(self.ports.provider)))
            tasks.create_task(self._start("relay", relay, self._answers(self.relay_url)))

    async def _make_relay(self) -> None:
        await run_once(
            python_module(
                "cloud_relay", "init", "--data", str(self.relay_folder), "--public-url", self.relay_url,
                "--mqtt-port", str(self.ports.broker), "--door-port", str(self.ports.door),
                "--payment-url", f"http://127.0.0.1:{self.ports.provider}",
            ),
            ROOT,
        )  # fmt: skip
        # the relay hands its mails to the catcher, as an operator writes it
        with (self.relay_folder / "relay.toml").open("a", encoding="utf-8") as settings:
            settings.write(MAIL.format(port=self.ports.smtp) + CHECKED_ELSEWHERE)

    def world_text(self, shop: DemoShop) -> str:
        """Return what stands in a shop's simulated world."""
        return world_toml(shop, self.ports, self.shops.index(shop))

    async def open_world(self, shop: DemoShop) -> None:
        """Start a shop's simulated world."""
        folder = self.run_folder(shop)
        folder.mkdir(parents=True, exist_ok=True)
        world = self.shop_folder(shop) / "world.toml"
        world.write_text(self.world_text(shop), encoding="utf-8")
        arguments = python_module("drivers.simulators", "run", str(world), "--dir", str(folder))
        await self._start(f"world of {shop.name}", arguments, self._answers(f"{self.control_url(shop)}/world"))

    async def enrol(self, shop: DemoShop, claim: str) -> None:
        """Enrol a shop's box with the claim code that the relay gave out; once."""
        await run_once(python_module("edge", "enrol", claim, "--config", str(self.edge_config(shop))), ROOT)

    async def open_edge(self, shop: DemoShop) -> None:
        """Start a shop's edge daemon."""
        arguments = python_module("edge", "run", "--config", str(self.edge_config(shop)))
        await self._start(f"edge of {shop.name}", arguments, self._answers(f"{self.attendant_url(shop)}/healthz"))

    def edge_config(self, shop: DemoShop) -> Path:
        """Write a shop box's configuration, as a technician would; return its path."""
        path = self.shop_folder(shop) / "edge.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(edge_toml(shop, self.ports, self.shops.index(shop), self.run_folder(shop)), encoding="utf-8")
        return path

    async def _start(self, name: str, arguments: list[str], is_ready: Callable[[], Awaitable[bool]]) -> None:
        log = self.logs / f"{name.replace(' ', '-')}.log"
        environment = {
            "VITRINE_PAYMENT_SECRET": "demo-payment", "VITRINE_PAYMENT_WEBHOOK_SECRET": "demo-webhook",
            # as the units set it: many threads on two cores need no heap and no buffer each
            "MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1",
        }  # fmt: skip
        await self._supervisor.start(Program(name, arguments, log, is_ready, environment))

    def _listens(self, port: int) -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            return await port_answers(port)

        return look

    def _answers(self, url: str) -> Callable[[], Awaitable[bool]]:
        address = f"{url}/healthz" if url == self.relay_url else url
        port = httpx.URL(address).port or 0

        async def look() -> bool:
            if not await port_answers(port):  # asked fifty times a second: a client would cost more than the program
                return False
            try:
                async with plain_http(timeout=2) as http:
                    return (await http.get(address)).is_success
            except httpx.TransportError:
                return False

        return look
