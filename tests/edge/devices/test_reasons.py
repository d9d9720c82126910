"""Every reason code that a driver or the bench gives has a sentence in both languages for the person who must act."""

import ast
from pathlib import Path

import pytest

from edge.reasons import SENTENCES, sentence_for

ROOT = Path(__file__).parents[3]
ERRORS = {"DeviceOfflineError", "AttendantNeededError", "OutcomeUnknownError", "BadOptionsError"}
SOURCES = [
    path
    for path in (*ROOT.glob("drivers/*/*.py"), *ROOT.glob("drivers/*.py"), *ROOT.glob("edge/bench/acts.py"))
    if "simulators" not in path.parts
]


def codes_of(path: Path) -> set[str]:
    """Return the codes written as second argument of a DeviceError, or as `reason=`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        values = [part.value for part in node.keywords if part.arg == "reason"]
        values += node.args[1:2] if name in ERRORS else []
        found |= {value.value for value in values if isinstance(value, ast.Constant)}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_code_has_its_sentence(path):
    assert codes_of(path) - set(SENTENCES) == set()


def test_the_search_finds_codes_at_all():
    found = set().union(*(codes_of(path) for path in SOURCES))
    assert {"silent", "unplugged", "garbled", "still_failed"} <= found and len(found) > 20


def test_both_languages_speak():
    assert all(text.en and text.zh for code, text in SENTENCES.items() if code)
    unknown = sentence_for("flux_capacitor")
    assert "flux_capacitor" in unknown.en and "flux_capacitor" in unknown.zh
