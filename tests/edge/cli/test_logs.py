"""`logs` from a file: levels, the newest lines, following; and `simulate`, a shop to practise on."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.cli.simulate import practice_of, to_toml, world_of
from tests.edge.cli.conftest import PYCACHE, ROOT, Terminal, vitrine, wait_for

pytestmark = pytest.mark.timeout(600)


def line(message: str, level: str = "info", **facts: str) -> str:
    return json.dumps(
        {"at": "2026-03-01T09:00:00.000+00:00", "level": level, "room": "edge", "message": message} | facts
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "edge.log"
    lines = [
        line("ready"),
        line("device health changed", "warning", device="printer"),
        line("stopping"),
        "Fatal Python",
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_logs_show_the_newest_lines_of_a_level(log):
    shown = vitrine("logs", "--file", str(log)).stdout.splitlines()
    assert len(shown) == 4 and "ready" in shown[0] and shown[0].startswith("2026-03-01 09:00:00.000Z")
    warnings = vitrine("logs", "--file", str(log), "--level", "warning").stdout.splitlines()
    assert "device=printer" in warnings[0] and warnings[1:] == ["Fatal Python"]
    assert vitrine("logs", "--file", str(log), "--lines", "2", "--json").stdout.splitlines() == [
        line("stopping"),
        "Fatal Python",
    ]
    wrong = vitrine("logs", "--file", str(log), "--level", "loud")
    assert wrong.returncode == 2 and "warning" in wrong.stderr
    missing = vitrine("logs", "--file", str(log.with_name("none")))
    assert missing.returncode == 1 and "--file" in missing.stderr


def test_logs_are_followed_also_into_a_fresh_file(log):
    live = Terminal("logs", "--file", str(log), "--follow")
    live.see("Fatal Python")
    with log.open("a") as file:
        file.write(line("turned on") + "\n")
    live.see("turned on")
    log.rename(log.with_name("edge.log.1"))
    log.write_text(line("a fresh file", "error") + "\n")
    live.see("a fresh file")
    live.press("\x03")
    assert live.end() == 0


def test_a_shop_is_simulated_from_its_configuration(tmp_path):
    config = ROOT / "config/edge/studio.toml"
    command = [sys.executable, "-m", "edge", "simulate", str(tmp_path / "practice"), "--config", str(config)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPYCACHEPREFIX": str(PYCACHE)}
    )
    practice = tmp_path / "practice" / "edge.toml"
    wait_for(lambda: practice.exists() or process.poll() is not None, "the simulators")
    try:
        checked = vitrine("check-config", "--config", str(practice), "--json")
        assert checked.returncode == 0, checked.stderr
        names = {device["device"] for device in json.loads(checked.stdout)["devices"]}
        assert {"front", "bench", "printer", "scanner"} <= names
        assert "127.0.0.1" in practice.read_text() and str(tmp_path) in practice.read_text()
    finally:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert "check-config" in said and process.returncode == 0


def test_a_practice_shop_has_every_device_and_leaves_the_real_ones_alone():
    tables = {
        "shop": {"data_dir": "/var/lib/vitrine-edge", "id": "teahouse"},
        "relay": {"https_url": "https://mall.example"},
        "bench": {"camera": "eye", "printer": "paper", "labeller": "hand"},
        "viewing": {"front": {"head": "neck"}},
        "device": {
            "front": {"kind": "camera", "model": "picamera2"},
            "eye": {"kind": "camera", "model": "opencv", "source": "/dev/video0"},
            "neck": {"kind": "pan_tilt", "model": "visca", "address": "/dev/ttyUSB0", "pan_min_deg": -20.0},
            "paper": {"kind": "label_printer", "model": "zpl", "address": "tcp://10.0.0.31:9100"},
            "hand": {"kind": "labeller", "model": "none"},
        },
    }
    world = world_of(tables)
    assert world["camera.front"] == {"place": "front", "head": "neck"} and world["camera.eye"] == {"place": "bench"}
    assert world["head.neck"] == {"pan_min_deg": -20.0} and world["printer.paper"] == {"language": "zpl"}
    assert "labeller.hand" not in world
    ports = {"front": "http://h/f", "eye": "http://h/e", "neck": "/run/neck", "paper": "tcp://127.0.0.1:1"}
    practice = practice_of(tables, {"ports": ports, "stills": {"front": "http://h/fs", "eye": "http://h/es"}})
    text = to_toml(practice)
    assert not {"/dev/", "10.0.0.31", "mall.example", "/var/lib", "teahouse"} & {part for part in (
        "/dev/", "10.0.0.31", "mall.example", "/var/lib", "teahouse") if part in text}  # fmt: skip
    assert practice["device.front"]["model"] == "mjpeg" and practice["device.hand"]["model"] == "none"
