"""Listings written at a till, PINs, and plans that follow: in a real database and over the API."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cloud_relay import tables
from cloud_relay.catalog import plan as plans
from cloud_relay.counter import codes, drafts, goods, pins, timers
from cloud_relay.counter.routes import code_keys
from cloud_relay.refusals import RefusedError
from wire.counter import ListingWritten
from wire.pins import is_right_pin
from wire.plan import Text
from wire.reports import PictureKind

URL = "http://relay.example"
BOWL = {
    "draft_id": "dft_1", "title": Text(en="Rice bowl", zh="饭碗"), "price_minor": 4200, "currency": "CNY",
    "account_id": "owner_mer_1", "stock": 3, "code": "4720",
}  # fmt: skip


def take(world, shop_id="teahouse", **values):
    written = ListingWritten(**{**BOWL, "at": world.now, **values})
    return world.database.run_now(drafts.take_listing, shop_id, written, world.now, URL)


def listing(world, listing_id):
    return world.rows(tables.listing, tables.listing.c.listing_id == listing_id)[0]


def test_a_listing_from_the_till_is_a_draft_with_its_first_piece(world):
    listing_id = take(world)
    row = listing(world, listing_id)
    assert (row["state"], row["on_hand"], row["title_zh"], row["price_minor"]) == ("draft", 3, "饭碗", 4200)
    pieces = world.rows(tables.piece, tables.piece.c.listing_id == listing_id)
    assert [one["code"] for one in pieces] == ["4720"]
    assert take(world) is None, "the same report again"


def test_a_gtin_is_the_listings_and_the_owner_may_publish_at_once(world):
    listing_id = take(world, code="9521234543213", is_published=True)
    row = listing(world, listing_id)
    assert (row["gtin"], row["state"]) == ("09521234543213", "published")
    assert world.rows(tables.piece, tables.piece.c.listing_id == listing_id) == []


def test_a_packer_writes_drafts_only_and_a_stranger_nothing(world):
    packer = world.account("pat")
    world.add(tables.member, merchant_id="mer_1", account_id=packer, role="packer")
    listing_id = take(world, account_id="pat", is_published=True)
    assert listing(world, listing_id)["state"] == "draft"
    with pytest.raises(RefusedError, match="role_may_not"):
        take(world, draft_id="dft_2", account_id="bob")
    with pytest.raises(RefusedError, match="other_currency"):
        take(world, draft_id="dft_3", currency="EUR")


def test_the_picture_taken_for_a_draft_stands_on_its_listing_and_no_other_does(world):
    listing_id = take(world, picture_sha256="a" * 64)

    def arrive(draft_id, sha256, kind=PictureKind.LISTING):
        world.database.run_now(drafts.take_picture, "teahouse", draft_id, kind, sha256, world.now)

    arrive("dft_1", "b" * 64)
    arrive("dft_2", "a" * 64)
    arrive("dft_1", "a" * 64, PictureKind.STILL)
    assert world.rows(tables.listing_picture) == []
    arrive("dft_1", "a" * 64)
    arrive("dft_1", "a" * 64)
    assert [(row["listing_id"], row["picture_sha256"]) for row in world.rows(tables.listing_picture)] == [
        (listing_id, "a" * 64)
    ]


def test_a_till_that_is_behind_gets_a_plan_and_only_then(world):
    def keep_up():
        return world.database.run_now(timers.keep_up, URL, world.now)

    world.database.run_now(pins.set_pin, "mer_1", "owner_mer_1", "scrypt$x$y", URL, world.now)
    assert keep_up() == []
    world.add(
        tables.announcement, announcement_id="ann_1", merchant_id="mer_1", shop_id="teahouse", listing_id="lis_1",
        price_minor=5000, shown_from=world.now, shown_until=world.now + timedelta(days=1), created_at=world.now,
        account_id="owner_mer_1",
    )  # fmt: skip
    assert keep_up() == ["teahouse"]
    assert keep_up() == []
    (plan,) = [one["data"]["plan"] for one in world.commands("ReplacePlan")[-1:]]
    assert [price["price_minor"] for one in plan["listings"] for price in one["prices"]] == [5000]
    assert [one["account_id"] for one in plan["till_members"]] == ["owner_mer_1"]


def test_a_price_for_which_the_plan_has_no_room_stops_no_other_shops_till(world, monkeypatch):
    """Nobody but this worker sends it: what it cannot send must not end the relay."""
    world.database.run_now(pins.set_pin, "mer_1", "owner_mer_1", "scrypt$x$y", URL, world.now)
    world.add(
        tables.announcement, announcement_id="ann_1", merchant_id="mer_1", shop_id="teahouse", listing_id="lis_1",
        price_minor=5000, shown_from=world.now, shown_until=world.now + timedelta(days=1), created_at=world.now,
        account_id="owner_mer_1",
    )  # fmt: skip
    version = world.rows(tables.shop)[0]["plan_version"]
    monkeypatch.setattr(plans, "PLAN_BYTES_MAX", 100)
    assert world.database.run_now(timers.keep_up, URL, world.now) == []
    assert world.rows(tables.shop)[0]["plan_version"] == version, "a plan that is not sent has no number"
    with pytest.raises(RefusedError, match="second shop"):
        world.database.run_now(plans.require_room, "teahouse")
    monkeypatch.undo()
    assert world.database.run_now(timers.keep_up, URL, world.now) == ["teahouse"]


def test_a_sample_is_nothing_that_the_till_may_sell(world):
    world.add(tables.piece, piece_id="sample_1", listing_id="lis_1", shop_id="teahouse", code="S-1", state="sample")
    world.database.run_now(pins.set_pin, "mer_1", "owner_mer_1", "", URL, world.now)
    plan = world.commands("ReplacePlan")[-1]["data"]["plan"]
    sold_as = {one["piece_id"]: one["listing_id"] for one in plan["pieces"]}
    assert (sold_as["sample_1"], sold_as["lis_1_p0"]) == ("", "lis_1")
    assert plan["till_members"] == []


async def test_an_owner_gives_pins_and_only_the_hash_travels(site):
    merchant_id, _shop_id, headers = await site.merchant("teahouse")
    me = await site.call("GET", "/api/me", headers=headers)
    path = f"/api/merchants/{merchant_id}/members/{me['account_id']}/pin"
    for wrong in ("12a4", "1111", "1234"):
        await site.call("PUT", path, {"pin": wrong}, headers, 422)
    assert (await site.call("PUT", path, {"pin": "2580"}, headers))["has_pin"] is True
    (member,) = site.db.read_now(goods.members_of, merchant_id)
    assert is_right_pin(member.pin_hash, "2580")
    assert not is_right_pin(member.pin_hash, "2581")
    assert "2580" not in member.pin_hash
    page = await site.call("GET", "/merchant/members", headers=headers)
    assert "2580" not in page.text and member.pin_hash not in page.text
    assert (await site.call("DELETE", path, None, headers))["has_pin"] is False
    assert site.db.read_now(goods.members_of, merchant_id) == ()


async def test_a_shoppers_code_page_shows_a_code_that_proves_them(site):
    ann = site.account("ann")
    code = (await site.call("GET", "/api/me/counter-code", headers=ann))["code"]
    me = await site.call("GET", "/api/me", headers=ann)
    assert codes.account_of(code, code_keys(site.relay)) == me["account_id"]
    page = await site.call("GET", "/account/counter?lang=en", headers=ann)
    assert "data:image/svg+xml" in page.text and "Nothing yet." in page.text
    assert (await site.call("GET", "/api/me/counter-sales", headers=ann))["sales"] == []


def test_a_draft_of_another_shop_is_not_found(world):
    world.shop(merchant_id="mer_2", shop_id="studio", gs1_prefix="")
    assert take(world) is not None
    other = replace(ListingWritten(**{**BOWL, "at": world.now}), account_id="owner_mer_2", code="")
    with pytest.raises(RefusedError, match="draft_taken"):
        world.database.run_now(drafts.take_listing, "studio", other, world.now, URL)
