"""The relay's view of locations is what the shop said last; corrections are the shop's to accept."""

import pytest

from cloud_relay import tables
from cloud_relay.locations import service
from cloud_relay.refusals import RefusedError
from wire.locations import LocationChanged
from wire.reports import Ack, AckState

OWNER = frozenset({"mer_1"})


def change(world, version: int, *pieces: str, location: str = "A-1-2", **more) -> None:
    report = LocationChanged(location=location, version=version, pieces=pieces, at=world.now, **more)
    world.database.run_now(service.take_change, "teahouse", report, world.now)


def read(world) -> list[dict]:
    return world.database.read_now(service.of_shop, "teahouse")


def correct(world, version: int, *codes: str, merchant_ids=OWNER, location: str = "A-1-2"):
    return world.database.run_now(
        service.ask_correction, merchant_ids, "teahouse", location, list(codes), version, "counted", world.now
    )


def test_the_newest_word_of_the_shop_is_shown(world):
    change(world, 1, "lis_1_p0")
    change(world, 2, "lis_1_p0", "lis_1_p1", away=("lis_1_p1",))
    found = read(world)
    assert [(one["location"], one["version"]) for one in found] == [("A-1-2", 2)]
    assert [one["code"] for one in found[0]["pieces"]] == ["lis_1_p0-code", "lis_1_p1-code"]
    assert [one["code"] for one in found[0]["away"]] == ["lis_1_p1-code"]


def test_a_box_in_a_dead_ones_place_counts_its_versions_anew(world):
    change(world, 7, "lis_1_p0")
    change(world, 1, "lis_1_p1")
    assert [(one["version"], [piece["code"] for piece in one["pieces"]]) for one in read(world)] == [
        (1, ["lis_1_p1-code"])
    ]


def test_pieces_of_another_shop_are_not_shown(world):
    world.shop("mer_2", "studio")
    world.listing("studio", "lis_2")
    change(world, 1, "lis_2_p0")
    assert read(world)[0]["pieces"] == []


def test_a_correction_goes_to_the_shop_and_changes_nothing_here(world):
    change(world, 3, "lis_1_p0")
    assert correct(world, 3, "lis_1_p0-code", "lis_1_p1-code")["state"] == "asked"
    sent = world.commands("CorrectLocation")[0]["data"]
    assert (sent["version"], sent["pieces"]) == (3, ["lis_1_p0", "lis_1_p1"])
    assert [one["version"] for one in read(world)] == [3]


def test_a_correction_of_an_older_version_is_refused_and_shows_how_it_is(world):
    change(world, 4, "lis_1_p1")
    with pytest.raises(RefusedError) as caught:
        correct(world, 3)
    assert caught.value.type == "stale_version"
    assert caught.value.extra["location"]["version"] == 4
    assert world.commands("CorrectLocation") == []


@pytest.mark.parametrize(("merchant_ids", "codes", "kind"), [
    (frozenset({"mer_9"}), (), "not_found"), (OWNER, ("nobody-knows",), "unknown_code"),
])  # fmt: skip
def test_strangers_and_strange_codes_are_refused(world, merchant_ids, codes, kind):
    with pytest.raises(RefusedError) as caught:
        correct(world, 0, *codes, merchant_ids=merchant_ids)
    assert caught.value.type == kind


@pytest.mark.parametrize(("state", "notices"), [(AckState.DONE, 0), (AckState.REFUSED, 1), (AckState.ACCEPTED, 0)])
def test_a_shop_that_says_no_is_told_to_the_merchant(world, state, notices):
    correct(world, 0, "lis_1_p0-code")
    row = world.commands("CorrectLocation")[0]
    ack = Ack(command_id="c", state=state, at=world.now, journal_sequence=1, journal_hash="", reason="stale")
    world.database.run_now(service.take_answer, "teahouse", row, ack, world.now)
    assert len(world.rows(tables.notice, tables.notice.c.kind == "location_conflict")) == notices
