"""Consent: off until given, once each way, and taken back together with what other rooms made of it."""

import pytest
from sqlalchemy import select

from cloud_relay import tables
from cloud_relay.records import consent, hooks
from cloud_relay.records.uses import Use

pytestmark = pytest.mark.both_stores


def test_every_use_is_off_until_the_shopper_says_yes(world):
    assert not [use for use in Use if world.database.read_now(consent.has, "ann", use)]
    assert set(world.database.read_now(consent.of, "ann").values()) == {None}


@pytest.mark.parametrize("use", Use)
def test_a_yes_is_for_one_use_of_one_shopper_until_it_is_taken_back(world, use):
    db = world.database
    assert db.run_now(consent.give, "ann", use, world.now)
    since = world.now
    world.later(60)
    assert not db.run_now(consent.give, "ann", use, world.now)
    assert [one for one in Use if db.read_now(consent.has, "ann", one)] == [use]
    assert db.read_now(consent.of, "ann")[use] == since
    assert not db.read_now(consent.has, "bob", use)
    assert db.run_now(consent.withdraw, "ann", use, world.now)
    assert not db.run_now(consent.withdraw, "ann", use, world.now)
    assert not db.read_now(consent.has, "ann", use)
    assert db.read_now(consent.of, "ann")[use] is None
    assert db.run_now(consent.give, "ann", use, world.now)
    assert db.read_now(consent.has, "ann", use)


def test_a_query_over_many_people_asks_the_same(world):
    def those(connection):
        account = tables.account.c.account_id
        return set(connection.scalars(select(account).where(consent.is_given_by(account, Use.ON_SITE))))

    for name in ("ann", "bob"):
        world.database.run_now(consent.give, name, Use.ON_SITE, world.now)
    world.database.run_now(consent.give, "olga", Use.SUGGESTIONS, world.now)
    world.database.run_now(consent.withdraw, "bob", Use.ON_SITE, world.now)
    assert world.database.read_now(those) == {"ann"}


def test_taking_back_runs_what_the_rooms_registered_and_tells_the_open_pages(world, monkeypatch):
    seen = []
    for use in Use:
        monkeypatch.setitem(hooks.ON_WITHDRAWN, use, [])
        monkeypatch.setitem(hooks.ON_GIVEN, use, [])
    monkeypatch.setitem(hooks.ON_GIVEN, Use.SUGGESTIONS, [lambda _, who, at: seen.append(("given", who, at))])
    monkeypatch.setitem(hooks.ON_WITHDRAWN, Use.SUGGESTIONS, [lambda _, who, at: seen.append((who, at))])
    world.database.run_now(consent.give, "ann", Use.SUGGESTIONS, world.now)
    world.database.run_now(consent.give, "ann", Use.SUGGESTIONS, world.now)
    assert seen == [("given", "ann", world.now)]
    seen.clear()
    world.later(1)
    world.database.run_now(consent.withdraw, "ann", Use.SUGGESTIONS, world.now)
    world.database.run_now(consent.withdraw, "ann", Use.ON_SITE, world.now)
    assert seen == [("ann", world.now)]
    told = world.rows(tables.page_event, tables.page_event.c.channel == "account:ann")
    assert [one["data"]["is_given"] for one in told if one["kind"] == "consent"] == [True, False]
