"""Each row of the requirements has a page or command where a person does it and a test that shows it.

Runs last. In a run of all tests the named test must have passed; in a run of some it must at least exist.
"""

import ast
import tomllib

import pytest

from tests.house.sources import ROOT, tree

DUE = (*(f"A{number}" for number in (*range(1, 15), 16)), "F1", "F2", "F3", "F4", "F7", "F9", "F10")
ROWS_FILE = ROOT / "tests" / "rows.toml"
ROWS = tomllib.loads(ROWS_FILE.read_text(encoding="utf-8")).get("row", []) if ROWS_FILE.exists() else []


def functions_of(path):
    return {node.name for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_row_that_is_due_is_named():
    named = [row["id"] for row in ROWS]
    assert sorted(set(DUE) - set(named)) == []
    assert len({(row["id"], row["test"]) for row in ROWS}) == len(ROWS), "a row names the same test twice"


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['id']}-{row['test'].rsplit('::', maxsplit=1)[-1]}" for row in ROWS])
def test_row_is_shown(row, outcomes, is_whole_run):
    assert set(row) == {"id", "page", "test"}
    assert row["page"].strip(), f"{row['id']}: names no page or command"
    file, _, name = row["test"].partition("::")
    assert (ROOT / file).is_file(), f"{row['id']}: {file} does not exist"
    assert name.rsplit("::", maxsplit=1)[-1].split("[", maxsplit=1)[0] in functions_of(ROOT / file), f"no {row['test']}"
    ran = {
        node: outcome for node, outcome in outcomes.items() if node == row["test"] or node.startswith(row["test"] + "[")
    }
    if is_whole_run:
        assert ran, f"{row['id']}: {row['test']} did not run"
    assert {node: outcome for node, outcome in ran.items() if outcome != "passed"} == {}
