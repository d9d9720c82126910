"""Beginning a group order, coming in by its link, and on site: who may, until when, how many."""

from datetime import timedelta

import pytest

from cloud_relay import tables
from cloud_relay.groups import rules, service
from cloud_relay.refusals import RefusedError

pytestmark = pytest.mark.both_stores
MS = timedelta(milliseconds=1)


def test_a_group_begins_with_its_first_member_and_keeps_the_promotion_as_it_was(groups):
    promotion_id = groups.promotion()
    group_id = groups.start(promotion_id=promotion_id)
    groups.run(lambda connection: connection.execute(
        tables.promotion.update().values(price_minor=1, ended_at=groups.now, version=2)
    ))  # fmt: skip
    row = groups.group(group_id)
    assert (row["state"], row["place"], row["terms"]["price_minor"]) == ("open", "online", 8000)
    assert row["close_until"] == groups.now + timedelta(hours=24)
    groups.join(group_id, "bob")
    (ann, bob) = groups.world.rows(tables.group_member)
    assert {ann["nickname"], bob["nickname"]} == {"Ann", "Bob"}
    assert groups.notices("ann") == ["group_joined"]
    assert groups.notices("bob") == []


def test_joining_twice_is_joining_once(groups):
    group_id = groups.start()
    assert groups.join(group_id, "bob") == groups.join(group_id, "bob")
    assert len(groups.world.rows(tables.group_member)) == 2


@pytest.mark.parametrize(("seconds", "is_taken"), [(3599, False), (3600, True), (7 * 86400, True), (604_801, False)])
def test_a_deadline_is_an_hour_to_seven_days_away(groups, seconds, is_taken):
    if is_taken:
        group_id = groups.start(close_after_s=seconds)
        assert groups.group(group_id)["close_until"] == groups.now + timedelta(seconds=seconds)
    else:
        with pytest.raises(RefusedError, match="bad_deadline"):
            groups.start(close_after_s=seconds)


def test_no_group_outlasts_its_promotion(groups):
    until = groups.now + timedelta(hours=3)
    group_id = groups.start(promotion_id=groups.promotion(until_at=until))
    assert groups.group(group_id)["close_until"] == until


@pytest.mark.parametrize(("early", "is_open"), [(MS, True), (0 * MS, False), (-MS, False)])
def test_nobody_comes_in_from_the_deadline_on(groups, early, is_open):
    group_id = groups.start()
    groups.world.now = groups.group(group_id)["close_until"] - early
    if is_open:
        groups.join(group_id, "bob")
    else:
        with pytest.raises(RefusedError, match="group_over"):
            groups.join(group_id, "bob")


@pytest.mark.parametrize(
    "values",
    [{"from_at": timedelta(milliseconds=1)}, {"until_at": timedelta(0)}, {"ended_at": timedelta(0)}],
    ids=["not yet", "over", "ended"],
)
def test_a_promotion_that_does_not_run_begins_no_group(groups, values):
    promotion_id = groups.promotion(**{name: groups.now + after for name, after in values.items()})
    with pytest.raises(RefusedError, match="promotion_over"):
        groups.start(promotion_id=promotion_id)


@pytest.mark.parametrize("values", [{"deleted_at": timedelta(0)}, {"is_online": False}])
def test_a_promotion_that_is_deleted_or_not_online_is_not_there(groups, values):
    given = {name: groups.now + one if isinstance(one, timedelta) else one for name, one in values.items()}
    with pytest.raises(RefusedError, match="not_found"):
        groups.start(promotion_id=groups.promotion(**given))


def test_only_goods_of_the_promotion_begin_a_group(groups):
    promotion_id = groups.promotion(listing_ids=["lis_2"])
    with pytest.raises(RefusedError, match="not_of_promotion"):
        groups.start(promotion_id=promotion_id, listing_id="lis_1")
    groups.start(promotion_id=promotion_id, listing_id="lis_2")
    with pytest.raises(RefusedError, match="not_of_promotion"):
        groups.start(listing_id="lis_unknown")


def test_the_shops_own_people_are_in_none_of_its_groups(groups):
    with pytest.raises(RefusedError, match="own_shop"):
        groups.start("owner_mer_1")
    group_id = groups.start()
    with pytest.raises(RefusedError, match="own_shop"):
        groups.join(group_id, "owner_mer_1")
    with pytest.raises(RefusedError, match="own_shop"):
        groups.run(service.start_on_site, groups.promotion(), ["ann", "owner_mer_1"], groups.now)


def test_fifty_are_in_a_group_and_the_next_is_not(groups, monkeypatch):
    monkeypatch.setattr(rules, "MEMBERS_MAX", 3)
    group_id = groups.start()
    groups.join(group_id, "bob", "cem")
    with pytest.raises(RefusedError, match="group_full"):
        groups.join(group_id, "dan")
    groups.join(group_id, "bob")


def test_nobody_is_in_more_open_groups_than_are_allowed(groups, monkeypatch):
    monkeypatch.setattr(rules, "OPEN_GROUPS_MAX", 2)
    groups.start()
    groups.start()
    with pytest.raises(RefusedError, match="too_many_groups"):
        groups.start()


def test_an_unknown_group_is_not_there(groups):
    with pytest.raises(RefusedError, match="not_found"):
        groups.join("grp_unknown", "bob")


def on_site(groups, *people):
    promotion_id = groups.promotion("spend_over")
    return promotion_id, groups.run(service.start_on_site, promotion_id, people, groups.now)


def paid(groups, promotion_id, *people, joint_id="joint_1"):
    return groups.run(service.paid_at_counter, joint_id, promotion_id, people, groups.now)


def test_who_is_in_the_shop_together_succeeds_when_all_have_paid_there(groups):
    promotion_id, group_id = on_site(groups, "ann", "bob")
    assert groups.group(group_id)["close_until"] == groups.now + timedelta(hours=2)
    assert paid(groups, promotion_id, "ann") is None
    assert paid(groups, promotion_id, "cem", "dan") is None
    assert groups.group(group_id)["state"] == "open"
    assert paid(groups, promotion_id, "ann", "bob", "cem") == group_id
    assert groups.group(group_id)["state"] == "succeeded"
    assert groups.notices("ann") == ["group_complete"]
    assert paid(groups, promotion_id, "ann", "bob", "cem") == group_id
    assert groups.notices("ann") == ["group_complete"]
    assert paid(groups, promotion_id, "ann", "bob", joint_id="joint_2") is None


def test_another_promotion_of_the_same_people_is_another_group(groups):
    _, group_id = on_site(groups, "ann", "bob")
    assert paid(groups, groups.promotion("n_for"), "ann", "bob") is None
    assert groups.group(group_id)["state"] == "open"


def test_nobody_pledges_or_comes_in_by_link_on_site(groups):
    _, group_id = on_site(groups, "ann", "bob")
    with pytest.raises(RefusedError, match="at_the_shop_only"):
        groups.join(group_id, "cem")
