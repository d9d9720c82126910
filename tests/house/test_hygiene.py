"""Nothing of the machine it was written on, of a registry, or secret stands in the tree."""

import re
from pathlib import Path

import pytest

from tests.house.sources import ROOT, texts

REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
    )
)
SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE " + r"KEY-----\s+[A-Za-z0-9+/]{40}|\bAKIA[0-9A-Z]{16}\b|\bsk_live_\w+|\bghp_\w{30}"
)
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")


def _lines_with(pattern: re.Pattern[str], suffixes: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:120]}"
        for path, text in texts().items()
        if not suffixes or path.suffix in suffixes
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_path_of_this_machine():
    here = {str(ROOT), str(Path.home())} - {"/", "/root"}
    assert _lines_with(re.compile("|".join(re.escape(place) + r"\b" for place in sorted(here)) + r"|/root/\w")) == []


def test_no_registry_is_named():
    assert _lines_with(re.compile("|".join(re.escape(host) for host in REGISTRY_HOSTS))) == []


def test_no_secret_is_kept():
    assert [str(path) for path, text in texts().items() if SECRET.search(text)] == []


def test_nothing_is_left_for_later():
    assert _lines_with(UNFINISHED, (".py", ".sh", ".toml", ".js", ".html")) == []


@pytest.mark.parametrize("name", ["edge", "relay", "demo", "dev", "pi"])
def test_requirements_are_pinned_with_hashes_and_no_address(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    assert not re.search(
        r"://|^\s*(-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)\b", text, re.MULTILINE
    )
    entries = re.findall(r"^[A-Za-z0-9][^\s#]*(?:.*\\\n)*.*$", text, re.MULTILINE)
    assert entries
    assert [entry.split()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
