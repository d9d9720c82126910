"""Our own files, as the structure tests read them."""

import ast
import gc
import shutil
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("wire", "drivers", "edge", "cloud_relay", "demo", "bench")


@cache
def tracked() -> tuple[Path, ...]:
    """Return the files under version control and those that would come under it, or all files without git."""
    git = shutil.which("git")
    listing = git and subprocess.run(
        [git, "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    if listing and listing.returncode == 0:
        found = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    else:
        made = {"out", "node_modules"}
        found = [
            path
            for path in ROOT.rglob("*")
            if "/." not in f"/{path.relative_to(ROOT)}" and path.relative_to(ROOT).parts[0] not in made
        ]
    return tuple(sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts))


def python_files(*folders: str) -> list[Path]:
    wanted = folders or (*PACKAGES, "tests")
    return [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in wanted]


@cache
def tree(path: Path) -> ast.Module:
    text, was_on = path.read_text(encoding="utf-8"), gc.isenabled()
    gc.disable()  # a million nodes and no garbage: searching among them takes twice as long as parsing
    try:
        return ast.parse(text, filename=str(path))
    finally:
        gc.freeze()  # nor is it ever searched: the trees are kept
        if was_on:
            gc.enable()


def texts() -> dict[Path, str]:
    """Return every tracked file that is text."""
    found = {}
    for path in tracked():
        try:
            found[path.relative_to(ROOT)] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found
