"""Each patch here breaks one guard of money or goods; the test that it names must go red, or it proves nothing."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATCHES = sorted(Path(__file__).parent.glob("*.patch"))
COPIED = (
    "bench", "cloud_relay", "drivers", "edge", "wire", "tests/cloud_relay", "tests/edge", "tests/conftest.py",
    "tests/house", "tests/ports.py", "tests/rows.toml", "pyproject.toml",
)  # fmt: skip


def apply(patch: str, root: Path) -> None:
    """Apply a unified diff: each hunk's old lines must stand exactly once in its file."""
    for part in re.split(r"^--- a/", patch, flags=re.MULTILINE)[1:]:
        file = root / part.split("\n", 1)[0].strip()
        text = file.read_text(encoding="utf-8")
        for hunk in re.split(r"^@@.*@@.*\n", part, flags=re.MULTILINE)[1:]:
            lines = hunk.splitlines(keepends=True)
            old = "".join(line[1:] for line in lines if line[0] in " -")
            new = "".join(line[1:] for line in lines if line[0] in " +")
            assert text.count(old) == 1, f"{file}: the patch does not fit any more; make it again"
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")


class Runner:
    """Runs tests on the code in `root`, each time in a fork of one program: loading libraries took most of a run."""

    # of a test that goes red no more than that is asked: asserts need not be rewritten
    WORDS = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:schemathesis", "--assert=plain")

    def __init__(self, root: Path) -> None:
        self._said = root / "said"
        environment = {
            **os.environ,
            "PYTHONPATH": str(root),
            "PYTHONDONTWRITEBYTECODE": "1",
            "VITRINE_MACHINE_NO_SHRINK": "1",
        }
        self._forks = subprocess.Popen(
            [sys.executable, "-P", str(ROOT / "tests/mutants/forking.py")], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, cwd=root, env=environment, start_new_session=True,
        )  # fmt: skip

    def run(self, tests: list[str]) -> tuple[int, str]:
        """Return pytest's exit code and what it said."""
        assert self._forks.stdin and self._forks.stdout
        self._forks.stdin.write(json.dumps([str(self._said), *self.WORDS, *tests]) + "\n")
        self._forks.stdin.flush()
        try:
            code = self._forks.stdout.readline()
        except BaseException:  # its time is over: a late answer must not be taken for that to the next question
            self.close()
            raise
        return int(code), self._said.read_text(encoding="utf-8")

    def close(self) -> None:
        """End it, and what it runs."""
        if self._forks.poll() is None:
            os.killpg(self._forks.pid, signal.SIGKILL)
        with self._forks:
            pass


@pytest.fixture(scope="module")
def runner(house: Path) -> Iterator[Runner]:
    runner = Runner(house)
    yield runner
    runner.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the code that may be broken."""
    root = tmp_path_factory.mktemp("mutants")
    for name in COPIED:
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    # by content, not by time: a patch is applied and taken back within the second that a time stamp tells
    by_content = ["--invalidation-mode", "checked-hash"]
    subprocess.run([sys.executable, "-m", "compileall", "-q", *by_content, str(root)], check=True)
    return root


def killers(patch: str) -> list[str]:
    return re.findall(r"^Killed-by: (.+)$", patch, flags=re.MULTILINE)


def test_there_are_enough_mutants_and_each_names_its_killer():
    assert len(PATCHES) >= 12
    for path in PATCHES:
        tests = killers(path.read_text(encoding="utf-8"))
        assert tests, path.name
        assert all((ROOT / test.partition("::")[0]).exists() for test in tests), path.name


@pytest.mark.full
@pytest.mark.timeout(600)
def test_the_healthy_code_is_green(runner):
    tests = sorted({test for path in PATCHES for test in killers(path.read_text(encoding="utf-8"))})
    code, said = runner.run(tests)
    assert code == 0, said[-3000:]


def mutants():
    """Each patch; in a short run only the first one of each room that is broken."""
    seen = set()
    for path in PATCHES:
        file = re.search(r"^--- a/(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)[1]
        room = file.rpartition("/")[0]
        yield pytest.param(path, id=path.stem, marks=[pytest.mark.full] if room in seen else [pytest.mark.slow])
        seen.add(room)


@pytest.mark.parametrize("path", [*mutants()])
def test_the_mutant_is_killed(house, runner, path):
    patch = path.read_text(encoding="utf-8")
    broken = {
        name: (house / name).read_text(encoding="utf-8") for name in re.findall(r"^--- a/(\S+)", patch, re.MULTILINE)
    }
    apply(patch, house)
    try:
        code, said = runner.run(killers(patch))
    finally:
        for name, text in broken.items():
            (house / name).write_text(text, encoding="utf-8")
    assert code == 1, f"survived, or the test could not run:\n{said[-3000:]}"
    assert str(house) in said or "FAILED" in said
