"""The relay is small: a hundred shops and ten orders a minute in 512 MB and one processor, by the benchmark itself."""

import json
import subprocess
import sys

import pytest

from bench.__main__ import EXIT_NO_BOX

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

HALF_A_MINUTE = ["--shops", "100", "--minutes", "0.5"]


def bench(file, *words):
    command = [sys.executable, "-m", "bench", "relay", *HALF_A_MINUTE, "--json", str(file), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=350, check=False)


def test_a_hundred_shops_in_a_small_machine(tmp_path):
    file = tmp_path / "figures.json"
    ran = bench(file)
    if ran.returncode == EXIT_NO_BOX:
        print(ran.stderr)
        ran = bench(file, "--no-box")
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert " 100 shops: memory at its peak" in ran.stdout
    figures = json.loads(file.read_text())
    assert all(figure["is_kept"] for figure in figures["figures"]), figures
