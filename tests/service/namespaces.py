"""Runs a program of this folder in a network namespace of its own, and says when this machine cannot."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
NEEDS = ("nft", "ip", "ss", "unshare")

NEEDS_NAMESPACES = [
    pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces: needs root"),
    pytest.mark.skipif(any(shutil.which(name, path=PATH) is None for name in NEEDS), reason=f"needs {NEEDS}"),
]


def facts_of(program: str, folder: Path, timeout_s: float) -> dict:
    """Return what the program found: its last line of standard output, as JSON."""
    told = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", f"tests.service.{program}", str(folder)], cwd=ROOT,
        env={**os.environ, "PATH": PATH}, capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout.splitlines()[-1])
