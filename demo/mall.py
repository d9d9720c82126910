"""The mall's folder: which port is whose, what each program is told, and in which order they start."""

import json
import os
import shutil
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from demo.goods import DemoShop
from demo.supervisor import Program, Supervisor, port_answers, python_module, run_once

PIN = "2468"
"""The PIN of the demonstration's attendants; it is printed at the start."""

ROOT = Path(__file__).resolve().parent.parent
PORTS_PER_MALL, BLOCKS = 24, 200


class MallError(RuntimeError):
    """The mall cannot open; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """One block of loopback ports, counted from the one that shoppers use."""

    base: int

    @property
    def relay(self) -> int:
        """Where the pages are."""
        return self.base

    @property
    def door(self) -> int:
        """Where shop boxes enrol."""
        return self.base + 1

    @property
    def broker(self) -> int:
        """Where mosquitto listens."""
        return self.base + 2

    @property
    def provider(self) -> int:
        """Where the sandbox payment provider answers."""
        return self.base + 3

    def attendant(self, shop_no: int) -> int:
        """The page of a shop's attendant."""
        return self.base + 4 + shop_no

    @property
    def smtp(self) -> int:
        """Where the mail catcher takes mails."""
        return self.base + 6

    @property
    def mails(self) -> int:
        """Where the caught mails are read."""
        return self.base + 7

    def world(self, shop_no: int, device_no: int) -> int:
        """A port of a shop's simulated world: 0 control, 1 cameras, 2 printer, 3 packer."""
        return self.base + 8 + 8 * shop_no + device_no


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
        """Start broker, payment provider and relay."""
        await run_once(
            python_module(
                "cloud_relay", "init", "--data", str(self.relay_folder), "--public-url", self.relay_url,
                "--mqtt-port", str(self.ports.broker), "--door-port", str(self.ports.door),
                "--payment-url", f"http://127.0.0.1:{self.ports.provider}",
            ),
            ROOT,
        )  # fmt: skip
        self._choose_mail()
        mosquitto = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        assert mosquitto is not None
        configuration = str(self.relay_folder / "mosquitto" / "mosquitto.conf")
        await self._start("broker", [mosquitto, "-c", configuration], self._listens(self.ports.broker))
        await self._start(
            "mail catcher",
            python_module(
                "demo.mail_catcher", "--folder", str(self.folder / "mails"), "--smtp-port", str(self.ports.smtp),
                "--page-port", str(self.ports.mails),
            ),
            self._listens(self.ports.mails),
        )  # fmt: skip
        await self._start(
            "payment provider",
            python_module(
                "cloud_relay.escrow.providers.sandbox_server", "--port", str(self.ports.provider),
                "--webhook-url", f"{self.relay_url}/webhooks/sandbox", "--data", str(self.folder / "provider"),
            ),
            self._listens(self.ports.provider),
        )  # fmt: skip
        await self._start(
            "relay",
            python_module("cloud_relay", "run", "--data", str(self.relay_folder)),
            self._answers(self.relay_url),
        )

    def _choose_mail(self) -> None:
        """Have the relay hand its mails to the catcher, as an operator writes it."""
        file = self.relay_folder / "relay.toml"
        settings = file.read_text(encoding="utf-8")
        if "[mail]" not in settings:
            file.write_text(settings + MAIL.format(port=self.ports.smtp), encoding="utf-8")

    async def open_world(self, shop: DemoShop) -> None:
        """Start a shop's simulated world."""
        folder = self.run_folder(shop)
        folder.mkdir(parents=True, exist_ok=True)
        world = self.shop_folder(shop) / "world.toml"
        world.write_text(world_toml(shop, self.ports, self.shops.index(shop)), encoding="utf-8")
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

        async def look() -> bool:
            try:
                async with httpx.AsyncClient(timeout=2) as http:
                    return (await http.get(address)).is_success
            except httpx.TransportError:
                return False

        return look


def is_taken(port: int) -> bool:
    """Return whether a loopback port is in use."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def free_block(first: int = 18080, step: int = PORTS_PER_MALL) -> Ports:
    """Return a block of ports that nobody uses. Each process begins elsewhere, so that two never race for one."""
    for number in range(BLOCKS):
        base = first + (os.getpid() + number) % BLOCKS * step
        if not any(is_taken(port) for port in range(base, base + step)):
            return Ports(base)
    raise MallError(f"no free block of ports on 127.0.0.1 between {first} and {first + BLOCKS * step}")


def text(value: str) -> str:
    """Return a TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(value, ensure_ascii=False)


def world_toml(shop: DemoShop, ports: Ports, shop_no: int) -> str:
    """Return a shop's simulated world: its pieces, and the machines that stand in it."""
    is_full = "table" in shop.cameras
    lines = [
        "[world]", f"name = {text(shop.name)}", f"style = {text(shop.name)}",
        f"control_port = {ports.world(shop_no, 0)}", f"http_port = {ports.world(shop_no, 1)}",
    ]  # fmt: skip
    for listing in shop.listings:
        for piece in listing.pieces:
            lines += [
                "[[piece]]", f"id = {text(piece.piece)}", f"code = {text(piece.code)}", f"spot = {piece.spot}",
                f"title_en = {text(listing.title_en)}", f"title_zh = {text(listing.title_zh)}",
                f"kind = {text(listing.kind)}", f"colour = {text(listing.colour)}",
                f"engraving = {text(piece.engraving)}",
            ]  # fmt: skip
    printer = f"port = {ports.world(shop_no, 2)}\nlabel_width_mm = 100.0\nlabel_length_mm = 150.0"
    if is_full:
        lines.append(FULL_WORLD.format(printer=printer, packer=ports.world(shop_no, 3)))
    else:
        lines.append(SMALL_WORLD.format(printer=printer))
    return "\n".join(lines) + "\n"


MAIL = """
[mail]
smtp_host = "127.0.0.1"
smtp_port = {port}
encryption = "none"
sender = "vitrine@vitrine.example"
"""

FULL_WORLD = """\
[camera.front]
place = "front"
head = "front_head"
[camera.table]
place = "turntable"
head = "table_head"
[camera.bench]
place = "bench"
[head.front_head]
pan_min_deg = -30.0
pan_max_deg = 30.0
[head.table_head]
pan_min_deg = -15.0
pan_max_deg = 15.0
tilt_min_deg = -12.0
tilt_max_deg = 12.0
[turntable.turntable]
[labeller.labeller]
rapid_mm_min = 60000.0
rapid_z_mm_min = 30000.0
[packer.packer]
port = {packer}
[scanner.scanner]
[printer.printer]
language = "escpos"
{printer}
"""

SMALL_WORLD = """\
[camera.front]
place = "front"
[camera.bench]
place = "bench"
[scanner.scanner]
[printer.printer]
language = "zpl"
{printer}
"""


def edge_toml(shop: DemoShop, ports: Ports, shop_no: int, run_folder: Path) -> str:
    """Return the configuration of a shop's box: the devices of its simulated world, by their real ports."""
    cameras = f"http://127.0.0.1:{ports.world(shop_no, 1)}"
    common = f'data_dir = "box"\nlanguage = {text("zh" if shop.country == "CN" else "en")}'
    values = {
        "common": common, "pin": text(PIN), "attendant": ports.attendant(shop_no), "cameras": cameras,
        "dev": (run_folder / "dev").resolve(), "printer": f"tcp://127.0.0.1:{ports.world(shop_no, 2)}",
        "packer": f"tcp://127.0.0.1:{ports.world(shop_no, 3)}",
    }  # fmt: skip
    return (EDGE_COMMON + (EDGE_FULL if "table" in shop.cameras else EDGE_SMALL)).format(**values)


EDGE_COMMON = """\
[shop]
{common}
[attendant]
port = {attendant}
pin = {pin}
[webrtc]
addresses = ["127.0.0.1"]
[device.front]
kind = "camera"
model = "mjpeg"
url = "{cameras}/front/stream"
still_url = "{cameras}/front/still"
[device.scanner]
kind = "scanner"
model = "serial"
address = "{dev}/scanner"
"""

EDGE_FULL = """\
[viewing.front]
head = "front_head"
[viewing.table]
head = "table_head"
turntable = "turntable"
[bench]
camera = "bench"
printer = "printer"
labeller = "labeller"
packer = "packer"
scanner = "scanner"
[device.front_head]
kind = "pan_tilt"
model = "visca"
address = "{dev}/front_head"
pan_min_deg = -30.0
pan_max_deg = 30.0
tilt_min_deg = -15.0
tilt_max_deg = 15.0
zoom_max = 10.0
[device.table]
kind = "camera"
model = "mjpeg"
url = "{cameras}/table/stream"
still_url = "{cameras}/table/still"
[device.table_head]
kind = "pan_tilt"
model = "visca"
address = "{dev}/table_head"
pan_min_deg = -15.0
pan_max_deg = 15.0
tilt_min_deg = -12.0
tilt_max_deg = 12.0
zoom_max = 10.0
[device.turntable]
kind = "turntable"
model = "gcode"
address = "{dev}/turntable"
[device.bench]
kind = "camera"
model = "opencv"
source = "{cameras}/bench/stream"
still_url = "{cameras}/bench/still"
[device.printer]
kind = "label_printer"
model = "escpos"
address = "{printer}"
width_mm = 100.0
length_mm = 150.0
[device.labeller]
kind = "labeller"
model = "grbl"
address = "{dev}/labeller"
press_mm_per_min = 6000.0
[device.packer]
kind = "packer"
model = "modbus"
address = "{packer}"
"""

EDGE_SMALL = """\
[viewing.front]
[bench]
camera = "bench"
printer = "printer"
labeller = "labeller"
packer = "packer"
scanner = "scanner"
[device.labeller]
kind = "labeller"
model = "none"
[device.packer]
kind = "packer"
model = "none"
[device.bench]
kind = "camera"
model = "mjpeg"
url = "{cameras}/bench/stream"
still_url = "{cameras}/bench/still"
[device.printer]
kind = "label_printer"
model = "zpl"
address = "{printer}"
width_mm = 100.0
length_mm = 150.0
"""
