"""The files of one demonstration shop: its simulated world, and the configuration of its box."""

import json
from pathlib import Path

from demo.goods import DemoShop
from demo.ports import Ports

PIN = "2468"
"""The PIN of the demonstration's attendants; it is printed at the start."""

TILL_PIN = "2580"
"""The PIN of the demonstration's merchants at their till."""


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
                f"engraving = {text(piece.engraving)}", f"location = {text(piece.location)}",
            ]  # fmt: skip
    printer = f"port = {ports.world(shop_no, 2)}\nlabel_width_mm = 100.0\nlabel_length_mm = 150.0"
    if is_full:
        lines.append(FULL_WORLD.format(printer=printer, packer=ports.world(shop_no, 3),
                                       sorter=ports.world(shop_no, 4), terminal=ports.world(shop_no, 5)))  # fmt: skip
    else:
        lines.append(SMALL_WORLD.format(printer=printer))
    return "\n".join(lines) + "\n"


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
[sorter.sorter]
port = {sorter}
[scanner.scanner]
[terminal.terminal]
port = {terminal}
currency_no = 156
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
        "sorter": f"tcp://127.0.0.1:{ports.world(shop_no, 4)}",
        "terminal": f"tcp://127.0.0.1:{ports.world(shop_no, 5)}",
        "bench_sorter": 'sorter = "sorter"' if "table" in shop.cameras else "",
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
[bench]
camera = "bench"
printer = "printer"
labeller = "labeller"
packer = "packer"
{bench_sorter}
scanner = "scanner"
"""

EDGE_FULL = """\
[viewing.front]
head = "front_head"
[viewing.table]
head = "table_head"
turntable = "turntable"
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
[device.sorter]
kind = "sorter"
model = "modbus"
address = "{sorter}"
[counter]
payment = ["drawer", "terminal", "wallet"]
[device.drawer]
kind = "payment_terminal"
model = "cash"
[device.terminal]
kind = "payment_terminal"
model = "zvt"
address = "{terminal}"
currency = "CNY"
[device.wallet]
kind = "payment_terminal"
model = "qr"
text = "https://wallet.example/pay?to=teahouse&amount={{amount}}&note={{reference}}"
"""

EDGE_SMALL = """\
[viewing.front]
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
