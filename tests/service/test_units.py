"""The units, the users and the udev rules: systemd's own judgement of them, and what they promise each other."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "systemd").glob("*.service"))
EXPOSURE_MAX = 2.5
"""`systemd-analyze security`: 0 is no exposure, 10 all of it; up to 2.5 an attacker in the service gets little."""

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def keys(unit):
    """Return (key, value) of each line of a unit, comments left out."""
    return [tuple(line.split("=", 1)) for line in unit.read_text().splitlines() if re.match(r"[A-Za-z]+=", line)]


def value(unit, wanted):
    return next(value for key, value in keys(unit) if key == wanted)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_finds_little_exposure(unit):
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", told.stdout)
    assert float(found[1]) <= EXPOSURE_MAX, told.stdout


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_understands_every_line(unit, tmp_path):
    """Verified with a program that is there: where Vitrine is not installed, its Python would be the complaint."""
    copy = tmp_path / unit.name
    copy.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE))
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, timeout=60, check=False
    )
    assert [line for line in told.stderr.splitlines() if copy.name in line] == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_each_service_says_when_it_is_ready_and_keeps_its_own_state(unit):
    assert value(unit, "Type") == "notify"
    assert value(unit, "StateDirectoryMode") == "0700"
    assert value(unit, "User") == value(unit, "StateDirectory")
    assert value(unit, "Restart") == "on-failure"


@pytest.mark.parametrize("name", ["vitrine-edge", "vitrine-relay"])
def test_our_own_programs_are_watched_and_let_a_person_mend_the_configuration(name):
    unit = ROOT / "systemd" / f"{name}.service"
    assert 0 < int(value(unit, "WatchdogSec")) <= 30
    assert "78" in value(unit, "RestartPreventExitStatus").split()


@pytest.mark.parametrize("name", ["vitrine-edge", "vitrine-relay"])
def test_the_user_of_each_service_is_made(name, tmp_path):
    """systemd-sysusers makes it in an empty system."""
    (tmp_path / "etc").mkdir()
    config = ROOT / "systemd" / "sysusers.d" / f"{name}.conf"
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", str(config)], check=True, timeout=60, capture_output=True)
    users = [line.split(":") for line in (tmp_path / "etc/passwd").read_text().splitlines()]
    (user,) = [user for user in users if user[0] == name]
    assert user[5] == f"/var/lib/{name}"
    assert user[6] == "/usr/sbin/nologin"
    groups = {line.split(":")[0]: line.split(":")[3] for line in (tmp_path / "etc/group").read_text().splitlines()}
    for group in value(ROOT / "systemd" / f"{name}.service", "SupplementaryGroups").split() if "edge" in name else ():
        assert name in groups[group].split(",")


def test_every_path_that_the_units_name_is_made_by_the_installer():
    installer = (ROOT / "install" / "service").read_text()
    for unit in UNITS:
        for found in re.findall(r"/(?:opt|etc|var/lib)/[\w./-]*vitrine[\w./-]*", unit.read_text()):
            document = found.removeprefix("/opt/vitrine/")
            if document.startswith("docs/"):
                assert (ROOT / document).is_file(), f"{unit.name} names {found}"
    assert "/opt/vitrine" in installer
    assert "/etc/vitrine" in installer


def udev_lines():
    text = (ROOT / "config" / "udev" / "70-vitrine.rules").read_text()
    return [line.removeprefix("#") for line in text.splitlines() if re.match(r"#?[A-Z]+==", line)]


@pytest.mark.parametrize("line", udev_lines())
def test_udev_rules_are_made_of_known_words(line):
    """udevadm of Debian 12 cannot verify a file (since 254 it can), so the form is checked against udev(7)."""
    known = r"(ACTION|SUBSYSTEM|SUBSYSTEMS|KERNEL|ENV\{\w+\}|ATTR\{[\w/]+\}|TEST|IMPORT\{builtin\}|GROUP|MODE|SYMLINK)"
    for word in line.split(", "):
        assert re.fullmatch(known + r'(==|!=|\+=|=)"[^"]*"', word), word
    assert re.search(r'(\+=|[^=!]=)"', line), f"a rule that does nothing: {line}"
