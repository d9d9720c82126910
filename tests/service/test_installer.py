"""The installer's own decisions: releases beside each other, a bad one taken back, the way back, removal.

It runs as it is, in a mount namespace with empty folders where it writes; systemctl is a stand-in that notes what it
is told.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="makes a mount namespace: needs root"),
    pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare"),
]

SYSTEMCTL = """#!/bin/sh
case $1 in
    is-active) [ -e /etc/runs ] ;;
    restart) echo "restart $2 of $(cat /opt/vitrine/NAME)" >>/etc/told; if [ -e /opt/vitrine/BROKEN ]; then rm -f /etc/runs; exit 1; fi; : >/etc/runs ;;
esac
"""  # noqa: E501  # a shell's case reads best on one line
LAUNCHER = """#!/bin/sh
mkdir -p .venv/bin .venv/.vitrine
ln -sf /bin/true .venv/bin/python
echo made >>.venv/made
: >.venv/.vitrine/edge
"""
STORY = """set -eu
trap 'cd /; umount /opt /etc /var/lib' EXIT
mount -t tmpfs tmpfs /opt; mount -t tmpfs tmpfs /etc; mount -t tmpfs tmpfs /var/lib
mkdir -p /etc/systemd/system
export PATH="$1/bin:$PATH"
cd "$1/checkout"
in_use() { printf '%s=%s\\n' "$1" "$(cat /opt/vitrine/NAME)"; }
release() { echo "$1" >NAME; install/service edge >/dev/null 2>&1 || echo "refused=$1"; }
release one; in_use fresh
[ -e /etc/vitrine/firewall.nft ] && [ -e /etc/systemd/system/vitrine-edge.service ] && echo files=there
echo mine >/etc/vitrine/edge.toml; mkdir -p /var/lib/vitrine-edge; : >/etc/runs
release two; in_use upgraded
echo environment=$(wc -l </opt/vitrine/.venv/made)
: >BROKEN; release bad; in_use after_bad; [ -e /etc/runs ] && echo running=again; rm BROKEN
install/service back edge >/dev/null; in_use back
install/service back edge >/dev/null; in_use forth
release three; release four; release five
echo kept=$(ls -d /opt/vitrine-releases/*/ | wc -l)
install/service remove edge >/dev/null
[ -e /var/lib/vitrine-edge ] && [ -e /etc/vitrine/edge.toml ] && echo memory=kept
[ -e /opt/vitrine ] || echo program=gone
install/service remove edge --purge >/dev/null; [ -e /var/lib/vitrine-edge ] || [ -e /etc/vitrine ] || echo memory=gone
sed 's/^/told=/' /etc/told
"""


def mount_namespace():
    """In a chroot / is no mount and cannot be made private; the story itself takes away what it mounts."""
    private = ["unshare", "--mount"]
    is_mount = subprocess.run([*private, "true"], capture_output=True, check=False).returncode == 0
    return private if is_mount else [*private, "--propagation", "unchanged"]


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """Walk the whole life of a service once; return what was seen, in order."""
    folder = tmp_path_factory.mktemp("installer")
    checkout, stand_ins = folder / "checkout", folder / "bin"
    for name in ("install", "systemd", "config/udev", "config/nftables", "requirements"):
        shutil.copytree(ROOT / name, checkout / name)
    shutil.copy(ROOT / "pyproject.toml", checkout)
    for name in ("wire", "drivers", "edge", "cloud_relay"):
        (checkout / name).mkdir()
    stand_ins.mkdir()
    programs = {"systemctl": SYSTEMCTL, "systemd-sysusers": "#!/bin/sh\n", "udevadm": "#!/bin/sh\n"}
    for path, text in [(stand_ins / name, text) for name, text in programs.items()] + [
        (checkout / "vitrine", LAUNCHER)
    ]:
        path.write_text(text)
        path.chmod(0o755)
    (stand_ins / "userdel").symlink_to("/bin/true")
    told = subprocess.run(
        [*mount_namespace(), "sh", "-c", STORY, "sh", str(folder)], capture_output=True, text=True, timeout=100,
        check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return told.stdout.splitlines()


def test_a_fresh_machine_gets_program_unit_and_firewall_file(story):
    assert story[:2] == ["fresh=one", "files=there"]


def test_an_upgrade_takes_the_environment_over_when_the_packages_are_the_same(story):
    assert "upgraded=two" in story
    assert "environment=2" in story, "the launcher did not find what the release before had"


def test_a_release_that_does_not_become_ready_is_taken_back_and_the_old_one_started(story):
    assert "refused=bad" in story
    assert "after_bad=two" in story
    assert "running=again" in story
    told = [line for line in story if line.startswith("told=")]
    place = told.index("told=restart vitrine-edge.service of bad")
    assert told[place + 1] == "told=restart vitrine-edge.service of two"


def test_back_goes_to_the_release_before_and_not_to_the_bad_one(story):
    assert "back=one" in story
    assert "forth=two" in story


def test_old_releases_go(story):
    (kept,) = [int(line.removeprefix("kept=")) for line in story if line.startswith("kept=")]
    assert 2 <= kept <= 4


def test_removal_keeps_what_the_box_remembers_unless_told_otherwise(story):
    assert "memory=kept" in story
    assert "program=gone" in story
    assert "memory=gone" in story
