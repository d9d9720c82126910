"""Who may be asked: consent, three at least, five at most, the same all day; three questions a day; one refusal."""

from datetime import timedelta

import pytest

from cloud_relay import muting, tables
from cloud_relay.owners import asking, rules, store
from cloud_relay.records import consent
from cloud_relay.refusals import RefusedError
from tests.cloud_relay.owners.owner_world import MOMENT, Owners


@pytest.fixture
def owners(world):
    return Owners(world)


@pytest.mark.both_stores
@pytest.mark.parametrize(("count", "shown"), [(0, 0), (2, 0), (3, 3), (4, 4), (5, 5), (9, 5)])
def test_three_at_least_and_five_at_most(owners, count, shown):
    owners.crowd(count)
    found = owners.list()
    assert len(found["owners"]) == shown
    assert set(found) == {"list_id", "listing_id", "days", "list_until", "owners"}


@pytest.mark.both_stores
def test_who_is_not_listed(owners):
    owners.crowd(3)
    owners.buy("silent", yes=False)
    owners.buy("gave_back", given_back_at=owners.world.now)
    owners.buy("ann")
    owners.buy("owner_mer_1")
    owners.buy("closed")
    owners.buy("elsewhere", listing_id="lis_9")
    owners.run(
        lambda c: c.execute(
            tables.account.update().where(tables.account.c.account_id == "closed").values(is_closed=True)
        )
    )
    listed = {owners.who(one["owner_id"]) for one in owners.list()["owners"]}
    assert listed == {"owner0", "owner1", "owner2"}


@pytest.mark.both_stores
def test_who_bought_twice_stands_once_and_kept_one(owners):
    owners.crowd(2)
    owners.buy("twice", given_back_at=owners.world.now)
    owners.buy("twice")
    owners.buy("twice")
    assert len(owners.list()["owners"]) == 3


@pytest.mark.parametrize("days", rules.DAYS)
@pytest.mark.parametrize(("more", "shown"), [(-MOMENT, 3), (0 * MOMENT, 3), (MOMENT, 0)])
def test_within_so_many_days(owners, days, more, shown):
    owners.crowd(2)
    owners.buy("late", ago=timedelta(days=days) + more)
    assert len(owners.list(days=days)["owners"]) == shown


@pytest.mark.parametrize(("more", "is_same"), [(-MOMENT, True), (0 * MOMENT, False), (MOMENT, False)])
def test_the_same_list_until_midnight(owners, more, is_same):
    owners.crowd(9)
    first = owners.list()
    owners.buy("new")
    owners.at(rules.day_end(owners.world.now) + more)
    again = owners.list()
    assert (again == first) is is_same
    ids = {one["owner_id"] for one in first["owners"]} & {one["owner_id"] for one in again["owners"]}
    assert bool(ids) is is_same, "no handle is used on two days"
    assert bool(owners.world.rows(tables.owner_list, tables.owner_list.c.list_id == first["list_id"])) is is_same


def test_nobody_today_stays_nobody_today(owners):
    owners.crowd(2)
    assert owners.list()["owners"] == []
    owners.buy("third")
    assert owners.list()["owners"] == [], "who looks again and again does not see when somebody buys"
    owners.world.later(86_400)
    assert len(owners.list()["owners"]) == 3


def test_handles_and_nicknames_of_two_lists_have_nothing_in_common(owners):
    owners.crowd(3)
    of_week, of_month = owners.list(days=7), owners.list(days=30)
    assert not {one["owner_id"] for one in of_week["owners"]} & {one["owner_id"] for one in of_month["owners"]}
    shown = repr([of_week, of_month])
    assert "nick-" not in shown
    assert "owner0" not in shown
    assert not {one["nickname"]["en"] for one in of_week["owners"]} & {"nick-owner0", "nick-owner1", "nick-owner2"}


@pytest.mark.parametrize("taken", ["consent", "goods", "account", "job"])
def test_who_goes_leaves_the_list_and_below_three_it_is_empty(owners, taken):
    owners.crowd(4)
    first = owners.list()["owners"]

    def leave(who):
        run, now = owners.run, owners.world.now
        if taken == "consent":
            run(consent.withdraw, who, consent.Use.ASK_OWNERS, now)
        elif taken == "goods":
            mine = tables.purchase.c.account_id == who
            run(lambda c: c.execute(tables.purchase.update().where(mine).values(given_back_at=now)))
        elif taken == "account":
            mine = tables.account.c.account_id == who
            run(lambda c: c.execute(tables.account.update().where(mine).values(is_closed=True)))
        else:
            owners.world.add(tables.member, merchant_id="mer_1", account_id=who, role="seller")

    leave(owners.who(first[1]["owner_id"]))
    assert owners.list()["owners"] == [first[0], *first[2:]]
    leave(owners.who(first[0]["owner_id"]))
    assert owners.list()["owners"] == []
    for one in first:
        with pytest.raises(RefusedError, match="cannot_be_asked"):
            owners.ask(one["owner_id"])


@pytest.mark.both_stores
def test_three_questions_a_day(owners):
    owners.crowd(5)
    names = [one["owner_id"] for one in owners.list()["owners"]]
    talks = [owners.ask(name) for name in names[:3]]
    assert len(set(talks)) == 3
    assert owners.ask(names[0]) == talks[0], "asked again it is the same talk, not a fourth one"
    with pytest.raises(RefusedError, match="asked_enough"):
        owners.ask(names[3])
    with pytest.raises(RefusedError, match="asked_enough"):
        owners.ask("own_none")
    owners.crowd(0)
    assert owners.ask(owners.list("bob")["owners"][0]["owner_id"], "bob")


@pytest.mark.parametrize(("more", "is_open"), [(-MOMENT, False), (0 * MOMENT, True), (MOMENT, True)])
def test_the_fourth_question_the_next_day(owners, more, is_open):
    owners.crowd(5)
    for one in owners.list()["owners"][:3]:
        owners.ask(one["owner_id"])
    owners.at(rules.day_end(owners.world.now) + more)
    fresh = owners.list()["owners"][4]["owner_id"]
    if is_open:
        assert owners.ask(fresh)
    else:
        with pytest.raises(RefusedError, match="asked_enough"):
            owners.ask(fresh)


@pytest.mark.parametrize(("more", "is_open"), [(-MOMENT, True), (0 * MOMENT, False), (MOMENT, False)])
def test_a_list_is_for_its_day(owners, more, is_open):
    owners.crowd(3)
    owner_id = owners.list()["owners"][0]["owner_id"]
    owners.at(rules.day_end(owners.world.now) + more)
    if is_open:
        assert owners.ask(owner_id)
    else:
        with pytest.raises(RefusedError, match="cannot_be_asked"):
            owners.ask(owner_id)


def test_what_cannot_be_asked_is_refused_alike(owners):
    owners.crowd(4)
    mine, theirs = owners.list()["owners"], owners.list("bob")["owners"]
    gone = owners.who(mine[0]["owner_id"])
    owners.run(consent.withdraw, gone, consent.Use.ASK_OWNERS, owners.world.now)
    said = []
    for owner_id in (mine[0]["owner_id"], theirs[0]["owner_id"], "own_none"):
        with pytest.raises(RefusedError) as refused:
            owners.ask(owner_id)
        error = refused.value
        said.append((error.type, error.status, error.text_en, error.text_zh, error.extra))
    assert len({repr(one) for one in said}) == 1
    assert owners.world.rows(tables.owner_talk) == []


@pytest.mark.parametrize("who", ["asker", "asked"])
def test_the_muted_are_asked_in_vain_and_nothing_shows_it(owners, who):
    owners.crowd(3)
    plain = owners.list()["owners"]
    other = owners.who(plain[0]["owner_id"])
    pair = ("ann", other) if who == "asker" else (other, "ann")
    owners.run(muting.mute, *pair, owners.world.now)
    assert owners.list()["owners"] == plain
    talk_id = owners.ask(plain[0]["owner_id"])
    assert owners.read(talk_id)["state"] == "waiting"
    assert owners.told(other) == owners.events(other) == 0
    with pytest.raises(RefusedError, match="not_found"):
        owners.read(talk_id, other)


@pytest.mark.parametrize(("more", "heard"), [(-MOMENT, 1), (0 * MOMENT, 2), (MOMENT, 2)])
def test_nobody_hears_twice_from_the_same_asker_within_its_days(owners, more, heard):
    owners.crowd(3)
    _, asked = owners.asked()
    owners.world.now += timedelta(days=rules.AGAIN_DAYS) + more
    again = next(one for one in owners.list(days=90)["owners"] if owners.who(one["owner_id"]) == asked)
    assert owners.read(owners.ask(again["owner_id"]))["state"] == "waiting"
    assert owners.told(asked) == heard


def test_nobody_hears_more_than_five_questions_a_day(owners):
    owners.crowd(3)
    askers = [owners.world.account(f"asker{number}") for number in range(rules.HEARD_A_DAY + 1)]
    for asker in askers:
        one = next(one for one in owners.list(asker)["owners"] if owners.who(one["owner_id"]) == "owner0")
        assert owners.read(owners.ask(one["owner_id"], asker), asker)["state"] == "waiting"
    assert owners.told("owner0") == rules.HEARD_A_DAY


def test_what_lists_are_refused(owners):
    for asker, listing_id, match in (
        ("owner_mer_1", "lis_1", "own_goods"), ("ann", "lis_none", "not_found"), ("ann", "lis_2", "not_found"),
    ):  # fmt: skip
        if listing_id == "lis_2" and not owners.world.rows(tables.listing, tables.listing.c.listing_id == "lis_2"):
            owners.world.listing(listing_id="lis_2", state="draft")
        with pytest.raises(RefusedError, match=match):
            owners.run(asking.list_owners, asker, listing_id, 30, owners.world.now, owners.random)
    for number in range(rules.LISTS_A_DAY):
        owners.world.listing(listing_id=f"more{number}")
        owners.run(asking.list_owners, "ann", f"more{number}", 30, owners.world.now, owners.random)
    with pytest.raises(RefusedError, match="too_many_lists"):
        owners.list()
    owners.run(asking.list_owners, "ann", "more0", 30, owners.world.now, owners.random)


def test_of_very_many_the_list_is_drawn_from_the_newest(owners, monkeypatch):
    monkeypatch.setattr(rules, "POOL_MAX", 3)
    owners.buy("oldest", ago=timedelta(days=9))
    owners.crowd(3)
    assert {owners.who(one["owner_id"]) for one in owners.list()["owners"]} == {"owner0", "owner1", "owner2"}


def test_a_contact_in_the_question_is_not_passed_on(owners):
    owners.crowd(3)
    owner_id = owners.list()["owners"][0]["owner_id"]
    with pytest.raises(RefusedError, match="contact_data"):
        owners.ask(owner_id, text="微信: teaman_88")
    assert owners.run(store.count_asks, "ann", rules.day_of(owners.world.now)) == 0
