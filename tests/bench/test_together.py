"""The benchmark of suggestions at a three-hundredth of its size: what it fills is what the room itself writes."""

import pytest
from sqlalchemy import select

from bench import together, together_people
from bench.together_people import NOW
from cloud_relay.suggestions import index, wanting
from cloud_relay.tables import suggestion_want

PEOPLE, PROMOTIONS, PURCHASES = 300, 9, 4


@pytest.fixture
def town(tmp_path):
    with together.sqlite_town(tmp_path, PEOPLE, PROMOTIONS) as town:
        yield town


def test_its_index_is_what_the_room_makes_of_the_same_people(town):
    def kept(connection):
        return {tuple(row) for row in connection.execute(select(suggestion_want))}

    before = town.database.read_now(kept)
    people = [f"acc_{number:07}" for number in range(PEOPLE)]

    def again(connection):
        for account_id, reasons in wanting.reasons_of(connection, people, NOW).items():
            index.index_wants(connection, account_id, reasons)

    town.database.run_now(again)
    assert town.database.read_now(kept) == before
    assert len(before) > 3 * PEOPLE


def test_it_measures_both_stores_and_leaves_out_what_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(together, "_group_ends", lambda report, _folder: report.left_out.update(group_expiry_s="small"))
    monkeypatch.setattr(together, "GROUPS", 6)
    monkeypatch.setattr(together_people, "AREAS", 3)
    report = together.measure(tmp_path, PEOPLE, PROMOTIONS, PURCHASES)
    assert report.values["sqlite_suggestions_sent"] > 0
    assert report.values["group_quality"] > 0.9
    together.write(report, tmp_path / "out")
    assert "purchase to suggestions" in (tmp_path / "out" / "together.md").read_text(encoding="utf-8")
