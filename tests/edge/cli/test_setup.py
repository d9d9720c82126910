"""Setup from a bare box to a live shop: a real relay and broker, a simulated world, the commands as processes."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from cloud_relay.bench_checks import store as checks
from cloud_relay.tables import bench_check as card_table
from cloud_relay.tables import shop as shop_table
from demo.hands import Bench, Hands
from edge.config import load_config
from edge.setting_up.answers import Answers, UnansweredError
from edge.setting_up.finding import candidates, plugged_in
from edge.setting_up.notes import Notes
from edge.setting_up.questions import CLAIM, DATA_DIR, LANGUAGE, PIN
from edge.setting_up.roles import BENCH_CAMERA, LABELLER, PACKER, PRINTER, SCANNER, viewing_camera
from edge.setting_up.writing import configuration
from tests.cloud_relay.running import house
from tests.edge.bench.simulated import SimulatedWorld

ROOT = Path(__file__).parents[3]
ANSWERS = """
language = "en"
data_dir = "box"
pin = "2468"
page_port = {port}
label_width_mm = 100
label_length_mm = 100
printer = "{printer}"
bench_camera = "auto"
scanner = "auto"
labeller = "{labeller}"
packer = "{packer}"
mall = "https://mall.example"
start = "background"
"""


class Sitting:
    """`setup` as a process; `said` is what it wrote."""

    def __init__(self, folder: Path, simulated: SimulatedWorld) -> None:
        self.folder, self.simulated = folder, simulated
        self.said = ""

    async def run(self, *, until: str = "") -> int:
        """Run it to its end; with `until` it is broken off with Ctrl-C when it says that."""
        command = [
            sys.executable, "-m", "edge", "setup", "--config", str(self.folder / "edge.toml"),
            "--answers", str(self.folder / "answers.toml"), "--simulators", str(self.simulated.folder),
        ]  # fmt: skip
        made = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "NO_COLOR": "1", "LANG": "C.UTF-8"},
        )  # fmt: skip
        assert made.stdout is not None
        try:
            async with asyncio.timeout(300):
                async for line in made.stdout:
                    self.said += line.decode()
                    if until and until in line.decode():
                        made.send_signal(signal.SIGINT)
                        until = ""
                return await made.wait()
        finally:
            if made.returncode is None:
                made.kill()
                await made.wait()

    async def end_daemon(self) -> None:
        """End the daemon that setup started in the background, if it still runs."""
        for number in re.findall(r"started as process (\d+)", self.said):
            if self._runs(number):
                os.kill(int(number), signal.SIGTERM)
            async with asyncio.timeout(60):
                while self._runs(number):  # noqa: ASYNC110  # it is no child of ours, so nobody tells
                    await asyncio.sleep(0.05)

    def _runs(self, number: str) -> bool:
        try:
            return str(self.folder).encode() in Path(f"/proc/{number}/cmdline").read_bytes()
        except OSError:
            return False


@pytest.fixture
def simulated(tmp_path):
    made = SimulatedWorld(tmp_path / "world")
    yield made
    made.stop()


@pytest.fixture
async def sitting(tmp_path, simulated, free_port):
    folder = tmp_path / "etc"
    folder.mkdir()
    port = free_port()
    ports = simulated.ports
    text = ANSWERS.format(port=port, printer=ports["printer"], labeller=ports["labeller"], packer=ports["packer"])
    (folder / "answers.toml").write_text(text)
    made = Sitting(folder, simulated)
    made.page_url = f"http://127.0.0.1:{port}"
    yield made
    await made.end_daemon()


@pytest.mark.timeout(420)
async def test_from_a_bare_box_to_live_in_one_sitting_with_an_interruption(tmp_path, sitting, simulated, free_port):
    async with house(tmp_path / "relay", free_port) as relay:
        _, shop_id, headers = await relay.merchant("teahouse")
        await relay.db.run(checks.set_live, shop_id, "never_checked")
        assert await sitting.run(until="hold the phone") == 130
        assert "go on with" in sitting.said
        assert not (sitting.folder / "box" / "identity" / "shop_certificate.pem").exists()
        printed = simulated.labels()
        assert [code for label in printed for code in label["codes"] if "/merchant/box?code=" in code]
        bound = load_config(sitting.folder / "edge.toml").devices
        assert {name: device.model for name, device in bound.items()} == {
            "printer": "escpos", "bench_camera": "mjpeg", "scanner": "serial", "labeller": "grbl", "packer": "modbus",
        }  # fmt: skip

        while simulated.post("/hands", {"act": "peel_label", "from": "mouth"}) == 200:
            pass  # the box's own label is taken out of the printer
        (box_code,) = re.findall(r"this box is (\S+)", sitting.said)
        assert [code for label in printed for code in label["codes"] if code.endswith(f"box?code={box_code}")]
        claim = (await relay.post(f"/api/shops/{shop_id}/claim", {"box": box_code}, headers, 201))["claim_text"]
        bench = Bench(sitting.page_url, "2468", simulated.control)
        hands = asyncio.create_task(Hands(bench, lambda _line: None, lambda _link: None, 0.1).run())
        phone = asyncio.create_task(_hold_phone(sitting, simulated, claim))
        try:
            code = await sitting.run()
        finally:
            hands.cancel()
            phone.cancel()
            await asyncio.gather(hands, phone, return_exceptions=True)
            await bench.close()
        assert code == 0, sitting.said
        assert "done before" in sitting.said
        assert f"shop {shop_id} is live" in sitting.said
        row = relay.db.read_now(lambda c: c.execute(shop_table.select()).mappings().one())
        card = relay.db.read_now(lambda c: c.execute(card_table.select()).mappings().one())
        assert (row["is_live"], card["occasion"], card["is_whole"]) == (True, "setup", True)
        await sitting.end_daemon()
        assert "2468" not in sitting.said
        assert claim.partition("@")[0] not in sitting.said


async def _hold_phone(sitting, simulated, claim: str) -> None:
    """Hold the merchant's phone before the scanner as soon as setup waits for it."""
    waits = sitting.said.count("hold the phone")
    while True:
        if sitting.said.count("hold the phone") > waits:
            await asyncio.to_thread(simulated.post, "/hands", {"act": "scan_text", "text": claim})
        await asyncio.sleep(0.5)


def test_notes_survive_every_moment_and_are_the_owners_alone(tmp_path):
    notes = Notes(tmp_path / "state.json")
    notes.keep("pin", "2468")
    notes.finish("devices")
    notes.finish("config")
    again = Notes(tmp_path / "state.json")
    assert (again.answers, again.done) == ({"pin": "2468"}, ["devices", "config"])
    assert (tmp_path / "state.json").stat().st_mode & 0o077 == 0
    again.reopen("config")
    assert Notes(tmp_path / "state.json").done == ["devices"]
    (tmp_path / "state.json").write_text("{")
    assert Notes(tmp_path / "state.json").answers == {}


def answers_of(tmp_path, text: str) -> Answers:
    (tmp_path / "a.toml").write_text(text)
    return Answers(Notes(tmp_path / "state.json"), tmp_path / "a.toml", lambda _line: None)


def test_a_file_answers_with_defaults_and_names_what_is_wrong(tmp_path):
    answers = answers_of(tmp_path, 'pin = "12"')
    assert (answers.ask(LANGUAGE), answers.ask(DATA_DIR)) == ("zh", "/var/lib/vitrine-edge")
    with pytest.raises(UnansweredError, match="pin: 4 to 12 digits"):
        answers.ask(PIN)
    assert answers_of(tmp_path, 'pin = "1234"').ask(PIN) == "1234"
    assert answers_of(tmp_path, "").ask(PIN) == "1234", "an earlier answer is not asked for again"
    with pytest.raises(UnansweredError, match=r"a\.toml"):
        answers_of(tmp_path, "pin =")


def test_a_person_hears_why_and_is_asked_again(tmp_path, monkeypatch, capsys):
    said: list[str] = []
    answers = Answers(Notes(tmp_path / "state.json"), None, said.append)
    typed = iter(["?\n", "x\n", "\n"])
    monkeypatch.setattr(
        sys, "stdin", type("Typed", (), {"readline": lambda _s: next(typed), "isatty": lambda _s: False})()
    )
    assert answers.ask(LANGUAGE) == "zh"
    assert [line.strip() for line in said] == [LANGUAGE.why.en, "en or zh"]
    monkeypatch.setattr(sys.stdin, "readline", lambda: "", raising=False)
    with pytest.raises(KeyboardInterrupt):
        answers.ask(CLAIM)


@pytest.mark.parametrize(
    ("role", "address", "first"),
    [
        (PRINTER, "10.0.0.9", ("escpos", {"address": "tcp://10.0.0.9:9100"})),
        (PRINTER, "/dev/usb/lp0", ("escpos", {"address": "/dev/usb/lp0"})),
        (PACKER, "10.0.0.8", ("modbus", {"address": "tcp://10.0.0.8:502"})),
        (LABELLER, "tcp://10.0.0.7:4001", ("grbl", {"address": "tcp://10.0.0.7:4001"})),
        (BENCH_CAMERA, "rtsp://10.0.0.6/live", ("opencv", {"source": "rtsp://10.0.0.6/live"})),
        (BENCH_CAMERA, "/dev/v4l/by-id/usb-cam", ("opencv", {"source": "/dev/v4l/by-id/usb-cam"})),
        (
            BENCH_CAMERA, "10.0.0.5",
            ("mjpeg", {"url": "http://10.0.0.5/stream", "still_url": "http://10.0.0.5/still"}),
        ),
        (BENCH_CAMERA, "http://10.0.0.5/my/path", ("mjpeg", {"url": "http://10.0.0.5/my/path"})),
    ],
)  # fmt: skip
def test_an_address_as_typed_becomes_what_drivers_take(role, address, first):
    assert candidates(role, address)[0] == first


def test_the_likeliest_simulated_device_comes_first(tmp_path):
    ports = {"front": "http://127.0.0.1:1/front/stream", "bench": "http://127.0.0.1:1/bench/stream",
             "labeller": "/run/dev/labeller", "scanner": "/run/dev/scanner"}  # fmt: skip
    (tmp_path / "ports.json").write_text(__import__("json").dumps({"ports": ports}))
    firsts = [plugged_in(role, tmp_path / "ports.json")[0].address
              for role in (BENCH_CAMERA, viewing_camera("front"), SCANNER, LABELLER)]  # fmt: skip
    assert firsts == [ports["bench"], ports["front"], ports["scanner"], ports["labeller"]]
    assert plugged_in(SCANNER, tmp_path / "none.json") is not None


def test_what_is_written_can_be_read_and_says_what_each_device_is(tmp_path):
    devices = {
        "printer": {"kind": "label_printer", "model": "zpl", "address": "tcp://10.0.0.9:9100", "width_mm": 100.0},
        "bench_camera": {"kind": "camera", "model": "mjpeg", "url": "http://10.0.0.5/stream"},
        "front": {"kind": "camera", "model": "mjpeg", "url": "http://10.0.0.4/stream"},
        "front_head": {"kind": "pan_tilt", "model": "visca", "address": "/dev/serial/by-id/head"},
    }
    text = configuration(
        {"data_dir": "box", "language": "zh"}, {"port": 8321, "pin": '12"4'.replace('"', "3")},
        {"front": {"head": "front_head"}}, devices,
    )  # fmt: skip
    (tmp_path / "edge.toml").write_text(text)
    config = load_config(tmp_path / "edge.toml")
    assert set(config.devices) == set(devices)
    assert (config.bench.camera, config.bench.labeller, config.viewing["front"].head) == (
        "bench_camera", "", "front_head",
    )  # fmt: skip
    assert text.count("\n# ") >= len(devices)
