"""The rows of the requirements and the tests that show them (tests/rows.toml): are they there, and did they pass?"""

import ast
import tomllib
from collections.abc import Mapping

from tests.house.sources import ROOT, tree

ROWS_FILE = ROOT / "tests" / "rows.toml"
ROWS = tomllib.loads(ROWS_FILE.read_text(encoding="utf-8"))["row"]


def name(row: Mapping[str, str]) -> str:
    """Return the row's short name in a list of tests."""
    return f"{row['id']}-{row['test'].rsplit('::', maxsplit=1)[-1]}"


def missing(row: Mapping[str, str]) -> str:
    """Return what is missing of the row's test, or an empty text."""
    file, _, function = row["test"].partition("::")
    if not (ROOT / file).is_file():
        return f"{row['id']}: {file} does not exist"
    named = function.rsplit("::", maxsplit=1)[-1].split("[", maxsplit=1)[0]
    there = {one.name for one in ast.walk(tree(ROOT / file)) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
    return "" if named in there else f"{row['id']}: there is no {row['test']}"


def judge(row: Mapping[str, str], outcomes: Mapping[str, str], *, is_whole_run: bool) -> str:
    """Return why the row is not shown by the tests that ran, or an empty text.

    `outcomes` are "passed", "skipped" or "failed" by node id; in a run of some tests the row's need not be among them.
    A test that passed on SQLite shows its row where PostgreSQL is not installed.
    """
    ran = {
        node: outcome for node, outcome in outcomes.items() if node == row["test"] or node.startswith(row["test"] + "[")
    }
    if not ran:
        return f"{row['id']}: {row['test']} did not run" if is_whole_run else ""
    fell_short = {node: outcome for node, outcome in ran.items() if outcome != "passed"}
    if "passed" in ran.values():
        fell_short = {node: out for node, out in fell_short.items() if (out, "postgres" in node) != ("skipped", True)}
    return "; ".join(f"{row['id']}: {node} {outcome}" for node, outcome in fell_short.items())
