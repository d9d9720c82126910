"""Each patch here breaks one guard of money or goods; the test that it names must go red, or it proves nothing."""

import os
import re
import shutil
import subprocess
import sys
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


def run(tests: list[str], root: Path) -> subprocess.CompletedProcess[str]:
    """Run these tests on the code in `root`."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:schemathesis", *tests]
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "VITRINE_MACHINE_NO_SHRINK": "1",
    }
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300, check=False)


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
def test_the_healthy_code_is_green(house):
    tests = sorted({test for path in PATCHES for test in killers(path.read_text(encoding="utf-8"))})
    answer = run(tests, house)
    assert answer.returncode == 0, answer.stdout[-3000:]


def mutants():
    """Each patch; in a short run only the first one of each room that is broken."""
    seen = set()
    for path in PATCHES:
        file = re.search(r"^--- a/(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)[1]
        room = file.rpartition("/")[0]
        yield pytest.param(path, id=path.stem, marks=[pytest.mark.full] if room in seen else [pytest.mark.slow])
        seen.add(room)


@pytest.mark.parametrize("path", [*mutants()])
def test_the_mutant_is_killed(house, path):
    patch = path.read_text(encoding="utf-8")
    broken = {
        name: (house / name).read_text(encoding="utf-8") for name in re.findall(r"^--- a/(\S+)", patch, re.MULTILINE)
    }
    apply(patch, house)
    try:
        answer = run(killers(patch), house)
    finally:
        for name, text in broken.items():
            (house / name).write_text(text, encoding="utf-8")
    assert answer.returncode == 1, (
        f"survived, or the test could not run:\n{answer.stdout[-3000:]}{answer.stderr[-1000:]}"
    )
    assert str(house) in answer.stdout or "FAILED" in answer.stdout
