"""Goods in and counts: several at once, all or none, undone once, never below what is promised."""

import pytest
from sqlalchemy import select

from cloud_relay.tables import piece, shop


class Shelf:
    def __init__(self, site, shop_id, owner, listing_id, pieces):
        self.site, self.shop_id, self.owner, self.listing_id, self.pieces = site, shop_id, owner, listing_id, pieces

    async def take_in(self, *codes, status=201, **values):
        body = {"pieces": [{"code": code, "location": "A1"} for code in codes], **values}
        return await self.site.call("POST", f"/api/listings/{self.listing_id}/goods-in", body, self.owner, status)

    async def count(self, on_hand, *missing, status=201, reason="broken", version=None):
        version = version if version is not None else (await self.listing())["version"]
        body = {"on_hand": on_hand, "version": version, "missing": list(missing), "reason": reason}
        return await self.site.call("POST", f"/api/listings/{self.listing_id}/counts", body, self.owner, status)

    async def undo(self, change_id, status=200):
        return await self.site.call("POST", f"/api/stock-changes/{change_id}/undo", {}, self.owner, status)

    async def reserve(self, piece_id):
        await self.site.call("POST", "/api/reservations", {"piece_id": piece_id}, self.site.account("ann"), 201)

    async def listing(self):
        return await self.site.call("GET", f"/api/listings/{self.listing_id}", headers=self.owner)

    async def stock(self):
        found = await self.listing()
        return found["on_hand"], found["reserved"], sorted(one["state"] for one in found["pieces"])

    def plans(self):
        return self.site.db.read_now(lambda c: c.execute(select(shop.c.plan_version)).scalar_one())


@pytest.fixture
async def shelf(site):
    _, shop_id, owner = await site.merchant("mo")
    listing_id, pieces = await site.listing(shop_id, owner, pieces=2)
    return Shelf(site, shop_id, owner, listing_id, pieces)


async def test_several_come_in_with_one_plan_and_go_again_by_undo(shelf):
    before = shelf.plans()
    made = await shelf.take_in("T-1", "T-2", "T-3", reason="from the kiln")
    assert made["on_hand"] == 5
    assert shelf.plans() == before + 1
    assert await shelf.stock() == (5, 0, ["free"] * 5)
    await shelf.undo(made["change_id"])
    assert await shelf.stock() == (2, 0, ["free"] * 2)
    again = await shelf.undo(made["change_id"], 409)
    assert again["type"].endswith("undone_already")
    await shelf.take_in("T-1")


async def test_all_or_none_come_in_and_the_code_that_is_wrong_is_named(shelf):
    await shelf.take_in("T-1")
    for codes in (("T-2", "T-1"), ("T-3", "T-3")):
        refused = await shelf.take_in(*codes, status=409)
        assert refused["codes"] == [codes[1]]
        assert codes[1] in refused["title_zh"]
    assert await shelf.stock() == (3, 0, ["free"] * 3)
    await shelf.take_in("a\u202eb", status=422)


async def test_what_came_in_and_was_promised_cannot_be_undone(shelf):
    made = await shelf.take_in("T-1")
    await shelf.reserve(made["pieces"][0])
    refused = await shelf.undo(made["change_id"], 409)
    assert refused["type"].endswith("piece_moved")
    assert await shelf.stock() == (3, 1, ["free", "free", "reserved"])


async def test_a_count_says_the_difference_takes_out_and_is_undone(shelf):
    made = await shelf.count(1, shelf.pieces[0])
    assert (made["difference"], made["on_hand"]) == (-1, 1)
    assert await shelf.stock() == (1, 0, ["free", "gone"])
    await shelf.undo(made["change_id"])
    assert await shelf.stock() == (2, 0, ["free", "free"])


async def test_a_count_that_agrees_needs_no_reason_and_one_that_differs_does(shelf):
    assert (await shelf.count(2, reason=""))["difference"] == 0
    refused = await shelf.count(1, shelf.pieces[0], reason=" ", status=422)
    assert refused["type"].endswith("reason_missing")


async def test_a_count_never_falls_below_what_is_promised(shelf):
    await shelf.reserve(shelf.pieces[0])
    assert (await shelf.count(0, shelf.pieces[1], status=409))["type"].endswith("promised")
    gone = await shelf.count(1, shelf.pieces[0], status=409)
    assert gone["type"].endswith("promised")
    assert await shelf.stock() == (2, 1, ["free", "reserved"])
    assert (await shelf.count(1, shelf.pieces[1]))["on_hand"] == 1
    assert (await shelf.count(0, status=409))["reserved"] == 1


@pytest.mark.both_stores
async def test_a_count_of_what_changed_meanwhile_is_refused(shelf):
    version = (await shelf.listing())["version"]
    await shelf.reserve(shelf.pieces[0])
    refused = await shelf.count(2, version=version, status=409)
    assert refused["type"].endswith("stale_version")


async def test_a_lower_count_must_say_which_piece_is_missing(shelf):
    refused = await shelf.count(1, status=409)
    assert refused["type"].endswith("pieces_remain")
    assert (await shelf.count(5))["on_hand"] == 5, "more than have codes may lie there: they come in later"


async def test_another_merchants_piece_and_change_are_out_of_reach(shelf):
    _, other_shop, ned = await shelf.site.merchant("ned")
    _, foreign = await shelf.site.listing(other_shop, ned)
    await shelf.count(1, foreign[0], status=404)
    made = await shelf.take_in("T-1")
    await shelf.site.call("POST", f"/api/stock-changes/{made['change_id']}/undo", {}, ned, 404)
    states = shelf.site.db.read_now(lambda c: c.execute(piece.select()).all())
    assert {one.state for one in states} == {"free"}
