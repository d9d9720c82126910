"""The launcher, in a miniature checkout whose requirements are empty, so that nothing is fetched."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.house.sources import ROOT

PROGRAM = "import sys; print('started', *sys.argv[1:])"


def make_checkout(folder):
    root = folder / "a checkout"
    (root / "requirements").mkdir(parents=True)
    shutil.copy(ROOT / "vitrine", root)
    for name in ("relay", "demo", "dev", "edge"):
        (root / "requirements" / f"{name}.txt").write_text("# nothing\n", encoding="utf-8")
    (root / "cloud_relay").mkdir()
    (root / "cloud_relay" / "__init__.py").touch()
    (root / "cloud_relay" / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    return root


@pytest.fixture
def checkout(tmp_path):
    return make_checkout(tmp_path)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A checkout that was started once; what its tests change does not disturb the next."""
    root = make_checkout(tmp_path_factory.mktemp("installed"))
    code, out, err = run(root, "relay", "serve", "two words")
    assert (code, out) == (0, "started serve two words\n")
    assert "installing Python packages (relay)" in err
    return root


@pytest.fixture(scope="module")
def quick_python(installed, tmp_path_factory):
    """Return a Python that makes an environment by copying the one that was made in earnest: pip takes seconds."""
    folder = tmp_path_factory.mktemp("quick")
    shutil.copytree(installed / ".venv", folder / "made", symlinks=True, ignore=shutil.ignore_patterns(".vitrine"))
    python = folder / "python"
    made = f'[ "$1 $2" = "-m venv" ] && exec cp -a {folder}/made "$3"'
    python.write_text(f'#!/bin/sh\n{made}\nexec {sys.executable} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return str(python)


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VITRINE_HOME", "PYTHON"}}
    return kept | more


def start(checkout, *words, **more):
    return subprocess.Popen(
        [checkout / "vitrine", *words],
        cwd=checkout.parent,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(checkout, *words, **more):
    process = start(checkout, *words, **more)
    out, err = process.communicate(timeout=100)
    return process.returncode, out, err


def test_help_teaches_and_installs_nothing(checkout):
    for words in ((), ("--help",), ("help",)):
        code, out, _ = run(checkout, *words)
        assert code == 0
        assert "./vitrine demo" in out
        assert "./vitrine test" in out
    assert not (checkout / ".venv").exists()


def test_the_second_start_installs_nothing(installed):
    began = time.monotonic()
    code, out, err = run(installed, "relay", "serve")
    assert time.monotonic() - began < 3  # a second for the launcher, the rest for a busy machine's Python
    assert (code, out, err) == (0, "started serve\n", "")


def test_new_requirements_are_installed(installed):
    (installed / "requirements" / "relay.txt").write_text("# another\n", encoding="utf-8")
    assert "installing" in run(installed, "relay")[2]
    assert run(installed, "relay")[2] == ""


def test_what_pip_could_not_do_is_said(installed):
    wrong = "no-such-thing==1 --hash=sha256:" + "0" * 64
    (installed / "requirements" / "relay.txt").write_text(wrong + "\n", encoding="utf-8")
    code, out, err = run(installed, "relay", PIP_NO_INDEX="1")
    assert (code, out) == (1, "")
    assert "pip.log" in err.splitlines()[-1]
    (installed / "requirements" / "relay.txt").write_text("# mended\n", encoding="utf-8")
    assert run(installed, "relay")[0] == 0


def test_a_folder_of_the_same_name_is_not_taken_for_ours(installed):
    other = installed.parent / "cloud_relay"
    other.mkdir()
    (other / "__main__.py").write_text("print('not ours')", encoding="utf-8")
    assert run(installed, "relay")[1] == "started\n"


def test_an_interrupted_installation_is_made_anew(installed, quick_python):
    half = installed / ".venv" / "half-unpacked"
    half.touch()
    (installed / ".venv.lock").write_text("installing\n", encoding="utf-8")
    (installed / "requirements" / "relay.txt").write_text("# newer\n", encoding="utf-8")
    code, out, err = run(installed, "relay", PYTHON=quick_python)
    assert (code, out) == (0, "started\n")
    assert "interrupted" in err
    assert not half.exists()


def test_a_broken_environment_is_made_anew(checkout, quick_python):
    home = checkout.parent / "elsewhere"
    (home / "bin").mkdir(parents=True)
    code, out, err = run(checkout, "relay", VITRINE_HOME=str(home), PYTHON=quick_python)
    assert (code, out) == (0, "started\n"), err
    assert not (checkout / ".venv").exists()


def test_two_at_once_do_not_disturb_each_other(checkout, quick_python):
    both = [start(checkout, "relay", name, PYTHON=quick_python) for name in ("first", "second")]
    ended = [(*process.communicate(timeout=100), process.returncode) for process in both]
    assert [(out, code) for out, _, code in ended] == [("started first\n", 0), ("started second\n", 0)]
    assert sum("making the Python environment" in err for _, err, _ in ended) == 1


def test_without_python_one_line_says_what_to_do(checkout, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "readlink", "dirname", "cat", "cksum", "mkdir", "flock", "sort", "tr", "id", "basename"):
        (tools / name).symlink_to(shutil.which(name))
    code, _, err = run(checkout, "relay", PATH=str(tools))
    assert code == 1
    assert err.count("\n") == 1
    assert "Python 3.11" in err


def test_what_makes_the_tests_quicker_is_asked_for_once(installed, tmp_path):
    """It is not to be had here; that stops nothing, and nothing is removed for it."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for program in Path("/usr/bin").iterdir():
        if program.name != "chromium-headless-shell":
            (tools / program.name).symlink_to(program)
    for name, does in {"apt-get": f'echo "$@" >>{tmp_path}/asked; exit 100', "sudo": 'shift; exec "$@"'}.items():
        (tools / name).unlink(missing_ok=True)
        (tools / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    said = [run(installed, "test", PATH=str(tools))[2] for _ in range(2)]
    asked = (tmp_path / "asked").read_text(encoding="utf-8").splitlines()
    assert len(asked) == 1
    assert "--no-remove chromium-headless-shell" in asked[0]
    assert ["does without" in words for words in said] == [True, False]
    assert all("No module named pytest" in words for words in said), said
