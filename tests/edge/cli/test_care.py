"""doctor and support-bundle as processes: exit codes, JSON, one language at a time, a file only its owner reads."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[3]


def vitrine(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge", *words]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=600, check=False
    )


def test_doctor_and_bundle_of_a_box_before_its_first_day(tmp_path):
    config = tmp_path / "shop.toml"
    config.write_text((ROOT / "config/edge/studio.toml").read_text().replace("/var/lib/vitrine-edge", "box"))
    seen = vitrine("doctor", "--json", "--config", str(config))
    lines = {line["check"]: line for line in json.loads(seen.stdout)}
    assert seen.returncode == 2 and lines["certificate"]["verdict"] == "bad" and lines["config"]["verdict"] == "ok"
    told = vitrine("doctor", "--config", str(config), VITRINE_LANGUAGE="zh")
    assert told.returncode == 2 and "本机尚未登记" in told.stdout and "not enrolled" not in told.stdout
    assert "\x1b" not in told.stdout
    path = tmp_path / "bundle.tar.gz"
    log = tmp_path / "log.jsonl"
    log.write_text('{"level": "info", "room": "edge.app", "message": "ready", "shop_id": "somebody"}\n')
    made = vitrine("support-bundle", "--to", str(path), "--log", str(log), "--config", str(config))
    assert made.returncode == 0 and str(path) in made.stdout and path.stat().st_mode & 0o077 == 0
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"about.txt", "versions.json", "config.json", "doctor.json", "log.jsonl"} <= names
    again = vitrine("support-bundle", "--to", str(path), "--config", str(config))
    assert again.returncode == 1 and "no bundle" in again.stderr, "a file that was there is not written over"
