"""What the collector finds: a forgotten await fails its test, a socket left open is only told (DECISIONS 62)."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEAKS = """
import socket
class Odd:
    def __del__(self): raise ValueError("odd")
async def work(): ...
def test_await(): work()
def test_finalizer(): Odd()
def test_socket(): socket.socket()
def test_file(): open(__file__)
"""


def test_what_is_left_behind_is_told_and_only_what_strangers_may_have_left_fails_nobody(tmp_path):
    test = tmp_path / "test_leaks.py"
    test.write_text(LEAKS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis"]
    answer = subprocess.run(
        [*command, "-c", str(ROOT / "pyproject.toml"), str(test)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert set(re.findall(r"^FAILED .*::(\w+)", answer.stdout, re.MULTILINE)) == {"test_await", "test_finalizer"}
    assert answer.stdout.count("ResourceWarning: unclosed") == 2, answer.stdout
    assert "2 failed, 2 passed" in answer.stdout
