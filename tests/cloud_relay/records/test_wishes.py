"""Wishes and profile: what can be wished for, until when, how many, and taking a deletion back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cloud_relay import tables
from cloud_relay.records import profile, rules, wishes
from cloud_relay.records.wishes import Wished
from cloud_relay.refusals import RefusedError
from tests.cloud_relay.trade_world import START
from wire.values import BadValueError

pytestmark = pytest.mark.both_stores

TEA = Wished(category="Tea", budget_minor=5000, currency="CNY", wished_until=START + timedelta(days=7))
MS = timedelta(milliseconds=1)


@pytest.fixture
def ann(world):
    class Ann:
        def wish(self, wished=TEA, who="ann"):
            return world.database.run_now(wishes.wish_for, who, wished, world.now)

        def delete(self, wish_id, who="ann"):
            return world.database.run_now(wishes.delete_wish, who, wish_id, world.now)

        def restore(self, wish_id, who="ann"):
            return world.database.run_now(wishes.restore_wish, who, wish_id, world.now)

        def all(self, who="ann"):
            found = world.database.read_now(wishes.wishes_of, who, world.now)
            return {name: [one["wish_id"] for one in rows] for name, rows in found.items()}

    return Ann()


def refused(call, *args):
    with pytest.raises(RefusedError) as caught:
        call(*args)
    assert caught.value.text_en
    assert caught.value.text_zh
    return caught.value.type


def test_a_wish_stands_until_its_moment_and_not_longer(world, ann):
    made = ann.wish(replace(TEA, category="  Green   TEA ", wished_until=world.now + MS))
    assert (made["category"], made["budget_minor"]) == ("green tea", 5000)
    assert ann.all()["open"] == [made["wish_id"]]
    world.now += MS
    assert (ann.all()["open"], ann.all()["over"]) == ([], [made["wish_id"]])
    assert ann.all("bob") == {"open": [], "over": [], "deleted": []}


@pytest.mark.parametrize(("days", "more", "is_possible"), [
    (0, -MS, False), (0, timedelta(), False), (0, MS, True),
    (180, -MS, True), (180, timedelta(), True), (180, MS, False),
])  # fmt: skip
def test_a_wish_ends_within_half_a_year(world, ann, days, more, is_possible):
    wished = replace(TEA, wished_until=world.now + timedelta(days=days) + more)
    if is_possible:
        assert ann.wish(wished)["wish_id"]
    else:
        assert refused(ann.wish, wished) == "bad_wish_day"


def test_what_cannot_be_wished_for_is_refused_with_a_sentence(world, ann):
    assert refused(ann.wish, replace(TEA, listing_id="lis_1")) == "wish_for_one"
    assert refused(ann.wish, replace(TEA, category="  ")) == "wish_for_one"
    assert refused(ann.wish, replace(TEA, budget_minor=0)) == "bad_budget"
    assert refused(ann.wish, replace(TEA, budget_minor=rules.BUDGET_MAX_MINOR + 1)) == "bad_budget"
    pot = replace(TEA, category="", listing_id="lis_1")
    assert refused(ann.wish, replace(pot, listing_id="lis_none")) == "no_such_listing"
    assert refused(ann.wish, replace(pot, currency="EUR")) == "other_currency"
    world.listing(listing_id="lis_draft", state="draft")
    assert refused(ann.wish, replace(pot, listing_id="lis_draft")) == "no_such_listing"
    assert refused(ann.wish, replace(pot, pickup_point_id="pnt_none")) == "no_such_point"
    for point_id, deleted_at in (("pnt_1", None), ("pnt_2", world.now)):
        world.add(
            tables.pickup_point, point_id=point_id, shop_id="teahouse", name_en="Gate", name_zh="门口", address={},
            created_at=world.now, deleted_at=deleted_at,
        )  # fmt: skip
    assert refused(ann.wish, replace(pot, pickup_point_id="pnt_2")) == "no_such_point"
    made = ann.wish(replace(pot, pickup_point_id="pnt_1"))
    assert (made["title"], made["point_name"]["en"]) == ({"en": "Teapot", "zh": "紫砂茶壶"}, "Gate")


def test_twenty_wishes_are_open_at_most(world, ann):
    made = [ann.wish()["wish_id"] for _ in range(rules.WISHES_MAX)]
    assert refused(ann.wish) == "too_many_wishes"
    ann.delete(made[0])
    ann.wish()
    assert refused(ann.restore, made[0]) == "too_many_wishes"
    assert ann.all()["deleted"] == [made[0]]
    world.now = TEA.wished_until
    ann.wish(replace(TEA, wished_until=world.now + MS))
    assert len(ann.all()["over"]) == rules.WISHES_MAX


@pytest.mark.parametrize(("more", "is_possible"), [(-MS, True), (timedelta(), False), (MS, False)])
def test_a_deletion_is_undone_within_a_day(world, ann, more, is_possible):
    wish_id = ann.wish()["wish_id"]
    ann.delete(wish_id)
    assert (ann.all()["open"], ann.all()["deleted"]) == ([], [wish_id])
    assert refused(ann.delete, wish_id) == "not_found"
    world.now += rules.WISH_UNDO + more
    if is_possible:
        ann.restore(wish_id)
        assert ann.all() == {"open": [wish_id], "over": [], "deleted": []}
    else:
        assert refused(ann.restore, wish_id) == "not_found"
        ann.delete(ann.wish()["wish_id"])
        assert wish_id not in {row["wish_id"] for row in world.rows(tables.wish)}, "forgotten for good"


def test_nobody_touches_anothers_wish(world, ann):
    wish_id = ann.wish()["wish_id"]
    assert refused(ann.delete, wish_id, "bob") == "not_found"
    ann.delete(wish_id)
    assert refused(ann.restore, wish_id, "bob") == "not_found"


def test_the_profile_says_only_what_the_shopper_says(world):
    db = world.database
    assert db.read_now(profile.of, "ann") == {"country": "", "area": ""}
    assert db.run_now(profile.change, "ann", " cn ", "  静安  区 ", world.now) == {"country": "CN", "area": "静安 区"}
    assert db.run_now(profile.change, "ann", "", "", world.now) == {"country": "", "area": ""}
    assert db.read_now(profile.of, "bob") == {"country": "", "area": ""}
    assert refused(db.run_now, profile.change, "ann", "China", "", world.now) == "bad_country"
    for area in ("x" * 41, "Jing\x07an"):
        with pytest.raises(BadValueError, match="area"):
            db.run_now(profile.change, "ann", "", area, world.now)


def test_the_rooms_above_hear_of_every_change(world, ann, monkeypatch):
    heard = []
    hear = [lambda _, who, at: heard.append((who, at))]
    for room in (profile, wishes):
        monkeypatch.setattr(room, "CHANGED", hear)
    wish_id = ann.wish()["wish_id"]
    ann.delete(wish_id)
    ann.restore(wish_id)
    world.database.run_now(profile.change, "bob", "CN", "", world.now)
    assert heard == [("ann", world.now)] * 3 + [("bob", world.now)]
