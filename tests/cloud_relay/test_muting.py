"""Muting: idempotent, never oneself, by the nickname under which two met, in both directions where it counts."""

import pytest

from cloud_relay import muting, tables
from cloud_relay.refusals import RefusedError


def run(world, use, *args):
    return world.database.run_now(use, *args)


@pytest.mark.both_stores
def test_muted_once_and_taken_back(world):
    first = run(world, muting.mute, "ann", "bob", world.now, "Quiet Otter")
    assert run(world, muting.mute, "ann", "bob", world.now, "Quiet Otter") == first
    assert run(world, muting.muted_by, "ann") == {"bob"}
    assert run(world, muting.muted_by, "bob") == frozenset()
    assert run(world, muting.is_between, "bob", "ann") and run(world, muting.is_between, "ann", "bob")
    assert [one["nickname"] for one in run(world, muting.list_of, "ann")] == ["Quiet Otter"]
    assert run(world, muting.undo, "ann", first, world.now)["is_muted"] is False
    assert not run(world, muting.is_between, "ann", "bob")
    told = world.rows(tables.page_event, tables.page_event.c.kind == "muting")
    assert [one["channel"] for one in told] == ["account:ann", "account:ann"], "the muted one is not told"


def test_one_person_under_two_nicknames_stays_two(world):
    talk = run(world, muting.mute, "ann", "bob", world.now, "Quiet Otter")
    world.later(1)
    run(world, muting.mute, "ann", "bob", world.now, "Bob")
    shown = run(world, muting.list_of, "ann")
    assert [one["nickname"] for one in shown] == ["Bob", "Quiet Otter"]
    assert all(set(one) == {"mute_id", "nickname", "muted_at"} and "bob" not in one.values() for one in shown)
    run(world, muting.unmute, "ann", "bob", world.now, "Bob")
    run(world, muting.unmute, "ann", "bob", world.now, "Bob")
    assert run(world, muting.muted_by, "ann") == {"bob"}, "still muted under the other nickname"
    run(world, muting.undo, "ann", talk, world.now)
    assert run(world, muting.muted_by, "ann") == frozenset()


def test_what_is_refused(world):
    with pytest.raises(RefusedError, match="mute_oneself"):
        run(world, muting.mute, "ann", "ann", world.now)
    theirs = run(world, muting.mute, "bob", "ann", world.now)
    for mute_id in (theirs, "mut_none"):
        with pytest.raises(RefusedError, match="not_found"):
            run(world, muting.undo, "ann", mute_id, world.now)
    assert run(world, muting.muted_by, "bob") == {"ann"}
