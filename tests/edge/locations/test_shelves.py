"""Locations in the journal: one word of the merchant, then the shop's own; counts with the version they saw."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from edge.journal import Journal
from edge.locations import shelves
from edge.locations.counting import Locations, UnknownCodesError
from edge.locations.shelves import LocationRefusedError, spelled
from tests.edge.locations.conftest import SORTED_PLAN
from wire.commands import CorrectLocation, encode_command
from wire.envelope import Envelope, decode_envelope, encode_envelope

SHOP = "teahouse"


@pytest.fixture
async def journal(tmp_path):
    made = Journal(tmp_path / "journal.db", SHOP, now=lambda: datetime.now(UTC))
    await made.open()
    await made.write(lambda tx: shelves.learn(tx, SORTED_PLAN))
    yield made
    await made.close()


@pytest.fixture
def locations(journal):
    return Locations(journal, lambda: SORTED_PLAN, lambda: None)


async def told(journal) -> list[dict]:
    unsent = await journal.unsent_reports(limit=1000)
    envelopes = [decode_envelope(one.payload) for one in unsent]
    return [one.data for one in envelopes if one.type == "LocationChanged"]


async def load(journal, location: str) -> shelves.Shelf:
    return await journal.read(lambda tx: shelves.load(tx, location))


@pytest.mark.parametrize(
    ("text", "stored"), [("a-03-12", "A-3-12"), (" B-1-1 ", "B-1-1"), ("window,  place 1", "window, place 1")]
)
def test_one_location_has_one_spelling(text, stored):
    assert spelled(text) == stored


async def test_a_plan_says_where_a_piece_lies_only_once(journal):
    assert (await load(journal, "A-1-1")).pieces == ("piece_1",)
    await journal.write(lambda tx: shelves.correct(tx, "B-2-2", ["piece_1"], 0, "moved"))
    moved = replace(SORTED_PLAN.pieces[0], location="C-3-3")
    newer = replace(SORTED_PLAN, version=2, pieces=(moved, *SORTED_PLAN.pieces[1:]))
    before = len(await told(journal))
    await journal.write(lambda tx: shelves.learn(tx, newer))
    assert (await load(journal, "B-2-2")).pieces == ("piece_1",)
    assert (await load(journal, "C-3-3")).version == 0
    assert len(await told(journal)) == before, "a plan that says nothing new tells nothing"


async def test_a_correction_of_an_older_version_changes_nothing_and_shows_the_newer(journal):
    seen = await load(journal, "A-1-1")
    await journal.write(lambda tx: shelves.correct(tx, "A-1-1", ["piece_1", "piece_9"], seen.version, "found"))
    with pytest.raises(LocationRefusedError) as caught:
        await journal.write(lambda tx: shelves.correct(tx, "A-1-1", [], seen.version, "empty"))
    assert caught.value.reason == "stale"
    assert caught.value.shelf.pieces == ("piece_1", "piece_9")
    assert (await load(journal, "A-1-1")).pieces == ("piece_1", "piece_9")
    assert (await load(journal, "A-1-9")).pieces == ()


async def test_every_change_is_told_with_a_rising_version(journal):
    seen = await load(journal, "A-1-1")
    await journal.write(lambda tx: shelves.correct(tx, "A-1-1", ["piece_1", "piece_2"], seen.version, "tidied"))
    changes = [one for one in await told(journal) if one["location"] in ("A-1-1", "A-1-2")]
    assert [(one["location"], one["version"], one["pieces"]) for one in changes[-2:]] == [
        ("A-1-1", 2, ["piece_1", "piece_2"]),
        ("A-1-2", 2, []),
    ]
    assert changes[-1]["reason"] == "tidied"


async def test_two_pickers_never_take_from_the_same_location(journal):
    await journal.write(lambda tx: shelves.keep(tx, "piece_1", "p1"))
    assert await journal.read(lambda tx: shelves.is_kept_for_other(tx, "piece_1", "p2"))
    assert not await journal.read(lambda tx: shelves.is_kept_for_other(tx, "piece_1", "p1"))
    with pytest.raises(AssertionError, match="kept for p1"):
        await journal.write(lambda tx: shelves.keep(tx, "piece_1", "p2"))
    seen = await load(journal, "A-1-1")
    with pytest.raises(LocationRefusedError) as caught:
        await journal.write(lambda tx: shelves.correct(tx, "A-1-1", [], seen.version))
    assert caught.value.reason == "kept"
    with pytest.raises(LocationRefusedError):
        await journal.write(lambda tx: shelves.correct(tx, "D-1-1", ["piece_1"], 0))
    await journal.write(lambda tx: shelves.let_go(tx, "p1"))
    await journal.write(lambda tx: shelves.keep(tx, "piece_1", "p2"))
    assert (await load(journal, "A-1-1")).kept_for == "p2"


async def test_a_piece_leaves_comes_back_and_leaves_for_good(journal):
    await journal.write(lambda tx: shelves.leave(tx, "piece_1"))
    assert (await load(journal, "A-1-1")).away == ("piece_1",)
    await journal.write(lambda tx: shelves.back(tx, "piece_1"))
    await journal.write(lambda tx: shelves.back(tx, "piece_1"))
    shelf = await load(journal, "A-1-1")
    assert (shelf.pieces, shelf.version) == (("piece_1",), 3)
    await journal.write(lambda tx: shelves.forget(tx, "piece_1"))
    assert (await load(journal, "A-1-1")) == shelves.Shelf(location="A-1-1", version=4)


async def test_people_count_by_the_codes_on_tags(journal, locations):
    found = next(one for one in await locations.list() if one["location"] == "A-1-1")
    assert [piece["code"] for piece in found["pieces"]] == ["4701"]
    after = await locations.correct("a-1-1", ["4701", "4702"], found["version"], "found")
    assert [piece["code"] for piece in after["pieces"]] == ["4701", "4702"]
    with pytest.raises(UnknownCodesError):
        await locations.correct("A-1-1", ["9999"], after["version"], "")


async def test_the_merchants_correction_is_done_or_refused_with_its_reason(journal, locations):
    async def send(number: int, version: int, *pieces: str) -> tuple[str, str]:
        command = CorrectLocation(location="A-1-1", version=version, pieces=pieces, reason="counted")
        envelope = Envelope(
            id=f"c{number}", source="relay", type="CorrectLocation", time=datetime.now(UTC), shop_id=SHOP,
            data=encode_command(command), sequence=number,
        )  # fmt: skip
        await journal.receive(envelope, encode_envelope(envelope), None)
        await locations.handle(envelope, command)
        row = await journal.read(lambda tx: tx.run("select payload from acks where command_id = ?", (f"c{number}",)))
        payload = row[0][0].decode()
        return payload, (await load(journal, "A-1-1")).pieces

    payload, pieces = await send(1, 1, "piece_1", "piece_5")
    assert '"done"' in payload and pieces == ("piece_1", "piece_5")
    payload, pieces = await send(2, 1)
    assert '"refused"' in payload and "stale" in payload and pieces == ("piece_1", "piece_5")
    payload, _ = await send(3, 2, "piece_of_another_shop")
    assert "unknown_piece" in payload


async def test_a_journal_of_an_older_release_opens_and_learns(tmp_path):
    path = tmp_path / "old.db"
    old = Journal(path, SHOP, now=lambda: datetime.now(UTC))
    await old.open()
    await old.write(lambda tx: [tx.run(f"drop table {name}") for name in ("locations", "lying", "carries", "counters")])
    await old.close()
    again = Journal(path, SHOP, now=lambda: datetime.now(UTC))
    await again.open()
    await again.write(lambda tx: shelves.learn(tx, SORTED_PLAN))
    assert (await load(again, "A-1-3")).pieces == ("piece_3",)
    await again.close()
