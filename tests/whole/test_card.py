"""The shape that was fixed for the project: its top level, and packages that are really used."""

import ast
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOP = ("edge", "cloud_relay", "drivers", "config", "systemd", "tests", "pyproject.toml")
PACKAGES = {
    "aiomqtt": "edge/relay_link.py", "paho": "edge/relay_link.py", "cv2": "drivers/camera/opencv.py",
    "picamera2": "drivers/camera/picamera2.py", "serial": "drivers/transport.py",
    "escpos": "drivers/label_printer/escpos.py", "pyzbar": "edge/reading.py", "sqlite_utils": "edge/journal",
    "typer": "edge/cli",
}  # fmt: skip
"""asyncio-mqtt is today's aiomqtt (DECISIONS 1); where each package does its work."""


def imported(path: Path) -> set[str]:
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.import_module":
                found |= {str(part.value) for part in node.args if isinstance(part, ast.Constant)}
    return found


def test_the_top_level_is_as_fixed():
    command = [str(ROOT / "vitrine"), "--help"]
    assert "demo" in subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert [name for name in TOP if not (ROOT / name).exists()] == []


def test_every_package_of_the_card_does_its_work():
    unused = {name: place for name, place in PACKAGES.items() if name not in imported(ROOT / place)}
    assert unused == {}


def test_check_config_loads_every_driver_of_the_full_bench(tmp_path):
    example = (ROOT / "config" / "edge" / "teahouse.toml").read_text(encoding="utf-8")
    config = tmp_path / "edge.toml"
    config.write_text(example, encoding="utf-8")
    command = [sys.executable, "-m", "edge", "check-config", "--config", str(config), "--json"]
    told = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout)
    assert told["ok"] is True
    kinds = {device["kind"] for device in told["devices"]}
    assert kinds == {
        "camera",
        "pan_tilt",
        "turntable",
        "label_printer",
        "labeller",
        "packer",
        "payment_terminal",
        "scanner",
        "sorter",
    }
    assert sum(device["kind"] == "camera" for device in told["devices"]) >= 3
