"""Each row of the requirements has a page or command where a person does it and a test that shows it.

These look whether the named tests exist. Whether they passed is judged at the end of a run, by tests/house/rows.py.
"""

import pytest

from tests.house import rows

DUE = (
    *(f"A{number}" for number in range(1, 21)), *(f"B{number}" for number in range(1, 8)),
    *(f"C{number}" for number in range(1, 8)), *(f"D{number}" for number in range(8)),
    *(f"E{number}" for number in range(1, 10)), *(f"F{number}" for number in range(1, 11)),
)  # fmt: skip


def test_every_row_that_is_due_is_named():
    named = [row["id"] for row in rows.ROWS]
    assert sorted(set(DUE) - set(named)) == []
    assert len({(row["id"], row["test"]) for row in rows.ROWS}) == len(rows.ROWS), "a row names the same test twice"


@pytest.mark.parametrize("row", rows.ROWS, ids=rows.name)
def test_row_names_a_test_that_exists(row):
    assert set(row) == {"id", "page", "test"}
    assert row["page"].strip(), f"{row['id']}: names no page or command"
    assert rows.missing(row) == ""


ROW = {"id": "A0", "page": "/", "test": "tests/x.py::test_y"}


@pytest.mark.parametrize(
    ("outcomes", "is_whole", "says"),
    [
        ({"tests/x.py::test_y": "passed"}, True, ""),
        ({"tests/x.py::test_y[zh]": "passed", "tests/x.py::test_y[en]": "passed"}, True, ""),
        ({"tests/x.py::test_y[zh]": "passed", "tests/x.py::test_y[en]": "skipped"}, True, "skipped"),
        ({"tests/x.py::test_y[sqlite]": "passed", "tests/x.py::test_y[postgres]": "skipped"}, True, ""),
        ({"tests/x.py::test_y[sqlite]": "passed", "tests/x.py::test_y[postgres]": "failed"}, True, "failed"),
        ({"tests/x.py::test_y[postgres]": "skipped"}, True, "skipped"),
        ({"tests/x.py::test_y": "failed"}, False, "failed"),
        ({"tests/x.py::test_yes": "passed"}, True, "did not run"),
        ({}, True, "did not run"),
        ({}, False, ""),
    ],
)
def test_a_row_is_shown_only_by_a_test_that_passed(outcomes, is_whole, says):
    said = rows.judge(ROW, outcomes, is_whole_run=is_whole)
    assert (says in said) if says else said == ""
