"""A place's tag is scanned: what lies there is said, and the piece scanned next lies there; orders come first."""

from dataclasses import replace

import pytest

from edge.locations import shelves
from edge.locations.placing import PLACE_S, Placing, place_of
from tests.edge.bench.fake_shop import PLAN
from wire.plan import ListingPlan, PlacePlan, Text

CODE = "7k2qx9mhd4"


@pytest.fixture
def placing(shop):
    """The scans of places of the sorting shop, with a clock of its own."""
    shop.plan = replace(shop.plan, places=(PlacePlan(tag_id=CODE, location="c-03-1"),))
    shop.now_s = 0.0
    made = Placing(shop.journal, lambda: shop.plan, lambda: shop.now_s)
    shop.bench.take_place, shop.bench.take_placed = made.take_place, made.take_piece
    return made


@pytest.mark.parametrize("text", ["https://v.example/t/" + CODE, "7K2QX-9MHD4", "c-3-01", "C-3-1"])
async def test_a_place_says_what_lies_there(shop, placing, text):
    assert "nothing lies here" in (await shop.bench.on_scan(text)).text.en
    await shop.journal.write(lambda tx: shelves.put(tx, "piece_1", "C-3-1"))
    found = await shop.bench.on_scan(text)
    assert found.accepted and "C-3-1: 4701 Teapot 1" in found.text.en and "4701 茶壶 1" in found.text.zh
    assert (await placing.look(text)).en == "C-3-1: 4701 Teapot 1."


@pytest.mark.parametrize("text", ["https://evil.example/t/" + CODE, "https://v.example/l/x", "x" * 400, "", "http://["])
def test_what_is_no_place_of_ours_is_none(text):
    plan = replace(PLAN, places=(PlacePlan(tag_id=CODE, location="A-1-1"),))
    assert place_of(plan, text) == "" and place_of(None, text) == ""


def test_goods_whose_code_looks_like_a_location_are_meant():
    listing = ListingPlan(listing_id="l", title=Text(en="x"), price_minor=1, currency="CNY", sku="1-2-3")
    assert place_of(replace(PLAN, listings=(listing,)), "1-2-3") == ""
    assert place_of(PLAN, "1-2-3") == "A-2-3"


async def test_pieces_scanned_after_a_place_lie_there_and_nowhere_else(shop, placing):
    await shop.bench.on_scan(CODE)
    for code in ("4701", "4702"):
        assert (await shop.bench.on_scan(code)).accepted
    assert (await shop.shelf("C-3-1")).pieces == ("piece_1", "piece_2")
    assert (await shop.shelf("A-1-1")).pieces == ()
    changed = [data for kind, data in await shop.reports() if kind == "LocationChanged" and data["reason"] == "scanned"]
    assert {one["location"] for one in changed} == {"C-3-1", "A-1-1", "A-1-2"}


async def test_a_place_is_forgotten_after_a_while(shop, placing):
    await shop.bench.on_scan(CODE)
    shop.now_s = PLACE_S + 1
    assert not (await shop.bench.on_scan("4701")).accepted
    assert (await shop.shelf("C-3-1")).pieces == ()


async def test_a_piece_that_is_asked_for_is_that_tasks_and_one_in_work_stays(shop, placing):
    await shop.prepare()
    await shop.until("picking")
    await shop.bench.on_scan(CODE)
    found = await shop.bench.on_scan("4701")
    assert found.accepted and "Right piece" in found.text.en
    await shop.until("waiting_for_label")
    refused = await shop.bench.on_scan("4701")
    assert not refused.accepted and "packed for an order" in refused.text.en
    assert (await shop.shelf("C-3-1")).pieces == ()


async def test_a_wrong_piece_is_said_while_one_is_asked_for_whatever_place_was_scanned(shop, placing):
    await shop.prepare()
    await shop.until("picking")
    told = await shop.bench.on_scan(CODE)
    assert (
        told.accepted
        and "nothing lies here" in told.text.en
        and "comes first" in told.text.en
        and "请先" in told.text.zh
    )
    wrong = await shop.bench.on_scan("4702")
    assert not wrong.accepted and "wanted is 4701" in wrong.text.en and "需要的是4701" in wrong.text.zh
    assert (await shop.shelf("C-3-1")).pieces == ()
    assert (await shop.shelf("A-1-2")).pieces == ("piece_2",), "it lies where it lay"


async def test_where_something_is_being_taken_nothing_is_put(shop, placing):
    await shop.journal.write(lambda tx: shelves.put(tx, "piece_1", "C-3-1"))
    await shop.journal.write(lambda tx: shelves.keep(tx, "piece_1", "p9"))
    await shop.bench.on_scan(CODE)
    refused = await shop.bench.on_scan("4702")
    assert not refused.accepted and "being taken" in refused.text.en
