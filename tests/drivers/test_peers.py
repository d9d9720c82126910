"""Drivers against implementations that are not ours: libmodbus, LinuxCNC, a ZPL renderer, other code readers."""

import itertools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import segno
import zxingcpp
from PIL import Image, ImageChops

from drivers.base import AttendantNeededError, BadOptionsError, Condition
from drivers.label_printer import zpl
from drivers.labeller import LabelPlace, grbl
from drivers.packer import PackJob
from drivers.packer.modbus import DRIVER as PACKER
from drivers.packer.modbus import ModbusOptions
from drivers.sorter import CarryJob, Location
from drivers.sorter.modbus import DRIVER as SORTER
from drivers.sorter.modbus import ModbusOptions as SorterOptions
from drivers.turntable.gcode import encode_turn, encode_turn_to
from tests.drivers.patience import PATIENT_S

REQUIRED = os.environ.get("VITRINE_PEERS") == "required"
"""Set where every peer must be there: then a missing one fails instead of being left out."""


def need(command: str, package: str) -> str:
    """Return the program's path; leave the test out when this machine has none."""
    path = shutil.which(command)
    if path is None:
        (pytest.fail if REQUIRED else pytest.skip)(f"needs {command} (Debian package {package})")
    return path


@pytest.fixture(scope="session")
def job_program(tmp_path_factory, peers_folder) -> Path:
    """A machine that does jobs, in C, compiled against libmodbus."""
    compiler = need("gcc", "gcc")
    program = tmp_path_factory.mktemp("libmodbus") / "job_machine"
    command = [
        compiler,
        "-Wall",
        "-Wextra",
        "-I/usr/include/modbus",
        "-o",
        str(program),
        str(peers_folder / "job_machine.c"),
    ]
    made = subprocess.run([*command, "-lmodbus"], capture_output=True, text=True, timeout=60, check=False)
    if "modbus.h" in made.stderr or "-lmodbus" in made.stderr:
        (pytest.fail if REQUIRED else pytest.skip)("needs libmodbus (Debian package libmodbus-dev)")
    assert made.returncode == 0, made.stderr
    return program


@pytest.fixture
def machine(job_program, request, tmp_path) -> Iterator[tuple[str, Path]]:
    said = tmp_path / "said"
    with said.open("w") as errors:
        arguments = [str(job_program), *getattr(request, "param", ["4"])]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=errors, text=True)
    assert process.stdout is not None
    yield f"tcp://127.0.0.1:{int(process.stdout.readline())}", said
    process.kill()
    process.wait(10)
    process.stdout.close()


async def opened(address: str, **more) -> PACKER:
    driver = PACKER(
        ModbusOptions(address=address, **{"timeout_s": PATIENT_S, "look_s": 0.02, "work_s": 3 * PATIENT_S, **more})
    )
    await driver.open()
    return driver


async def test_libmodbus_packs_once(machine):
    address, said = machine
    driver = await opened(address)
    assert (await driver.status()).condition == Condition.ONLINE
    for number in (1, 2, 2, 65535):
        await driver.pack(PackJob(job_no=number))
        assert await driver.last_done() == number
    assert said.read_text().split("\n")[:-1] == ["start 1", "start 2", "start 65535"]
    await driver.close()


@pytest.mark.parametrize("machine", [["4", "drop-go"]], indirect=True)
async def test_libmodbus_drops_the_line_at_go(machine):
    address, said = machine
    driver = await opened(address, timeout_s=2.0)  # which it waits for the answer that is lost
    await driver.pack(PackJob(job_no=9))
    assert said.read_text() == "start 9\n"
    await driver.close()


async def test_libmodbus_refuses_a_size(machine):
    address, said = machine
    driver = await opened(address)
    with pytest.raises(AttendantNeededError) as caught:
        await driver.pack(PackJob(job_no=1, length_mm=700))
    assert caught.value.reason == "size_out_of_range"
    assert said.read_text() == ""
    await driver.close()


async def test_libmodbus_knows_no_such_register(machine):
    with pytest.raises(BadOptionsError):
        await opened(machine[0], state_register=900)


async def opened_sorter(address: str, timeout_s: float = PATIENT_S) -> SORTER:
    driver = SORTER(SorterOptions(address=address, timeout_s=timeout_s, look_s=0.02, work_s=3 * PATIENT_S))
    await driver.open()
    return driver


@pytest.mark.parametrize("machine", [["5"]], indirect=True)
async def test_libmodbus_carries_once(machine):
    address, said = machine
    driver = await opened_sorter(address)
    assert (await driver.status()).condition == Condition.ONLINE
    for number in (1, 2, 2, 65535):
        await driver.carry(CarryJob(job_no=number, location=Location(1, 2, 3)))
        assert await driver.last_carried() == number
    assert said.read_text().split("\n")[:-1] == ["start 1", "start 2", "start 65535"]
    with pytest.raises(AttendantNeededError) as caught:
        await driver.carry(CarryJob(job_no=7, location=Location(700, 1, 1)))
    assert caught.value.reason == "no_such_location"
    await driver.close()


@pytest.mark.parametrize("machine", [["5", "drop-go"]], indirect=True)
async def test_libmodbus_drops_the_line_when_carrying_begins(machine):
    address, said = machine
    driver = await opened_sorter(address, timeout_s=2.0)
    await driver.carry(CarryJob(job_no=9, location=Location(1, 2, 3)))
    assert said.read_text() == "start 9\n"
    await driver.close()


def canonical(program: str, folder: Path) -> list[tuple[str, list[float]]]:
    """Let LinuxCNC's interpreter read a program; return its canonical calls with their numbers."""
    rs274 = need("rs274", "linuxcnc-uspace")
    path = folder / "program.ngc"
    path.write_text(program + "\nM2\n", encoding="ascii")
    variables = folder / "rs274.var"
    ran = subprocess.run(
        [rs274, "-g", "-v", str(variables), str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=folder,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    calls = re.findall(r"([A-Z_]+)\(([^)]*)\)", ran.stdout)
    return [(name, [float(word) for word in re.findall(r"-?\d+\.?\d*", words)]) for name, words in calls]


OPTIONS = grbl.GrblOptions(address="/dev/null")
PLACE = LabelPlace(x_mm=360.25, y_mm=199.5, z_mm=-100.125)


def test_linuxcnc_reads_the_labellers_moves(tmp_path):
    lines = [
        grbl.MODES,
        *grbl.encode_pick(OPTIONS),
        *grbl.encode_carry(OPTIONS, PLACE),
        *grbl.encode_press(OPTIONS, PLACE),
        *grbl.encode_rest(OPTIONS),
    ]
    calls = canonical("\n".join(lines), tmp_path)
    names = [name for name, _ in calls]
    moves = [(name, numbers[:3]) for name, numbers in calls if name in {"STRAIGHT_TRAVERSE", "STRAIGHT_FEED"}]
    assert moves == [
        ("STRAIGHT_TRAVERSE", [0, 0, 0]),
        ("STRAIGHT_TRAVERSE", [60, 200, 0]),
        ("STRAIGHT_TRAVERSE", [60, 200, -20]),
        ("STRAIGHT_FEED", [60, 200, -40]),
        ("STRAIGHT_TRAVERSE", [60, 200, 0]),
        ("STRAIGHT_TRAVERSE", [360.25, 199.5, 0]),
        ("STRAIGHT_TRAVERSE", [360.25, 199.5, -80.125]),
        ("STRAIGHT_FEED", [360.25, 199.5, -100.125]),
        ("STRAIGHT_TRAVERSE", [360.25, 199.5, 0]),
        ("STRAIGHT_TRAVERSE", [0, 0, 0]),
    ]
    assert names.index("FLOOD_ON") < names.index("FLOOD_OFF")
    dwells = [numbers[0] for name, numbers in calls if name == "DWELL"]
    assert dwells == [0.3, 0.01, 0.01, 0.4, 0.2, 0.01, 0.01]
    assert ("SET_FEED_RATE", [1500.0]) in calls
    assert "USE_LENGTH_UNITS" in names  # G21


def test_the_head_never_goes_sideways_below_travel_height(tmp_path):
    lines = [
        grbl.MODES,
        *grbl.encode_pick(OPTIONS),
        *grbl.encode_carry(OPTIONS, PLACE),
        *grbl.encode_press(OPTIONS, PLACE),
    ]
    places = [numbers[:3] for name, numbers in canonical("\n".join(lines), tmp_path) if name.startswith("STRAIGHT_")]
    for here, there in itertools.pairwise(places):
        if here[:2] != there[:2]:
            assert here[2] == there[2] == OPTIONS.travel_z_mm


def test_linuxcnc_reads_the_turntables_moves(tmp_path):
    """A jog is Grbl's own; its words are those of G1."""
    jogs = [
        encode_turn_to(370, 350, 60),
        encode_turn_to(0, 180, 60),
        encode_turn_to(359.5, 0.25, 60),
        encode_turn(-0.5, 60),
    ]
    program = "G21G94\n" + "\n".join(jog.replace("$J=", "").replace("X", "G1X") for jog in jogs)
    moves = [numbers[0] for name, numbers in canonical(program, tmp_path) if name == "STRAIGHT_FEED"]
    assert moves == [350, -180, 360.25, 360.25 - 3600]


@pytest.fixture(scope="session")
def renderer(tmp_path_factory, peers_folder) -> Path:
    """The npm package zpl-renderer-js, installed as its lock file says."""
    npm = need("npm", "npm")
    need("node", "nodejs")
    folder = tmp_path_factory.mktemp("zpl_renderer")
    for name in ("package.json", "package-lock.json", "render.mjs"):
        shutil.copy(peers_folder / "zpl_renderer" / name, folder)
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110, check=False)
    if ran.returncode != 0:
        (pytest.fail if REQUIRED else pytest.skip)(f"zpl-renderer-js can't be installed: {ran.stderr[-300:]}")
    return folder


def test_another_renderer_draws_the_zpl_label_alike(renderer, tmp_path):
    text = "https://shop.example/00/395012345678901234"
    label = Image.new("1", (400, 560), 1)
    code = segno.make(text, error="m")
    drawn = tmp_path / "code.png"
    code.save(drawn, scale=7, border=4)
    with Image.open(drawn) as picture:
        label.paste(picture.convert("1"), (20, 20))
    source, target = tmp_path / "label.zpl", tmp_path / "label.png"
    source.write_bytes(zpl.encode_label(label))
    job = json.dumps({"source": str(source), "target": str(target), "width_mm": 50, "height_mm": 70, "dots_per_mm": 8})
    ran = subprocess.run(
        [need("node", "nodejs"), "render.mjs", job],
        cwd=renderer,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    with Image.open(target) as picture:
        paper = picture.convert("L")
    assert paper.size == label.size
    difference = ImageChops.difference(paper, label.convert("L"))
    assert difference.getbbox() is None, difference.getbbox()
    assert [found.text for found in zxingcpp.read_barcodes(paper)] == [text]
    read = subprocess.run(
        [need("zbarimg", "zbar-tools"), "--quiet", "--raw", str(target)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert read.stdout.strip() == text
