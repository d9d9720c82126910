"""The shipped firewall: what it lets through and what not, in network namespaces made for it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.strangers import QUESTIONS

ROOT = Path(__file__).parents[2]
NEEDS = ("nft", "ip", "tc", "unshare")


def path():
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces: needs root"),
    pytest.mark.skipif(any(shutil.which(name, path=path()) is None for name in NEEDS), reason=f"needs {NEEDS}"),
]


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    told = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", "tests.service.strangers", str(tmp_path_factory.mktemp("wall"))],
        cwd=ROOT, env={**os.environ, "PATH": path()}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def test_without_the_firewall_everything_gets_through(facts):
    assert facts["before"] == dict.fromkeys(QUESTIONS, True)


@pytest.mark.parametrize("name", [name for name, question in QUESTIONS.items() if question[-1]])
def test_the_box_reaches(facts, name):
    assert facts["behind"][name]


@pytest.mark.parametrize("name", [name for name, question in QUESTIONS.items() if not question[-1]])
def test_nobody_reaches(facts, name):
    assert not facts["behind"][name]


def test_what_was_turned_away_is_counted(facts):
    refused = [question[0] for question in QUESTIONS.values() if not question[-1]]
    assert facts["in"] >= refused.count("outside")
    assert facts["out"] >= refused.count("shop")
