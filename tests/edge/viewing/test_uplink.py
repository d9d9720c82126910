"""The shop's uplink: the one who steers and those who wait keep the full picture, spectators share what is left."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.viewing import rungs
from edge.viewing.rungs import FULL_BPS, SMALL_BPS, Rung
from edge.viewing.uplink import UPLINK_MBIT_S, VIEWERS_MAX, Rank, Uplink
from tests.edge.viewing.conftest import RefusedError, Shop, running
from wire.commands import CreditFrame, HandTurn, LeaveViewing, OpenStills

PATIENCE_S = 40.0
"""What is waited for comes within a second, but on a machine that many share it may take its time."""


def ranks():
    return st.sampled_from(list(Rank))


@st.composite
def happenings(draw):
    """Coming, going and changing rank, in any order."""
    steps = st.tuples(st.sampled_from(["come", "come", "come", "go", "change"]), st.integers(0, 60), ranks())
    return draw(st.floats(0.7, 60)), draw(st.lists(steps, max_size=80))


class Shopful:
    """Plays happenings on an uplink and knows who is in."""

    def __init__(self, uplink_mbit_s):
        self.uplink, self.uplink_bps = Uplink(uplink_mbit_s), uplink_mbit_s * 1e6
        self.ranks = {}

    def rungs(self):
        return {name: self.uplink.ceiling(name) for name in self.ranks}

    def used_bps(self):
        return sum(FULL_BPS if rung is Rung.FULL else SMALL_BPS for rung in self.rungs().values())

    def step(self, what, number, rank):
        """Do one thing; return the name of a newcomer who was let in."""
        name = f"str_{number}"
        if what == "come" and name not in self.ranks:
            if not self.uplink.let_in(name, rank):
                return ""
            self.ranks[name] = rank
            return name
        if what == "go":
            self.uplink.leave(name)
            self.ranks.pop(name, None)
        elif what == "change" and name in self.ranks:
            self.uplink.rank(name, rank)
            self.ranks[name] = rank
        return ""


@given(happenings())
def test_who_steers_has_the_full_picture_and_no_more_is_given_out_than_there_is(case):
    shop = Shopful(case[0])
    for step in case[1]:
        shop.step(*step)
        rungs = shop.rungs()
        steerers = [name for name, rank in shop.ranks.items() if rank is Rank.STEERS]
        assert all(rungs[name] is Rung.FULL for name in steerers)
        least_bps = SMALL_BPS * (len(rungs) - len(steerers)) + FULL_BPS * len(steerers)
        assert shop.used_bps() <= max(shop.uplink_bps, least_bps)


@given(happenings())
def test_a_newcomer_takes_nothing_from_who_steers_or_waits(case):
    shop = Shopful(case[0])
    for step in case[1]:
        before = shop.rungs()
        newcomer = shop.step(*step)
        if newcomer and shop.ranks[newcomer] is not Rank.STEERS:
            kept = {name for name, rank in shop.ranks.items() if rank is not Rank.WATCHES and name != newcomer}
            assert all(shop.rungs()[name] is Rung.FULL for name in kept if before[name] is Rung.FULL)


@given(happenings())
def test_whoever_watches_has_less_only_while_there_is_no_room(case):
    shop = Shopful(case[0])
    for step in case[1]:
        shop.step(*step)
    if Rung.SMALL in shop.rungs().values():
        assert shop.used_bps() + FULL_BPS - SMALL_BPS > shop.uplink_bps


@given(happenings(), ranks())
def test_who_is_turned_away_would_not_have_fitted(case, rank):
    shop = Shopful(case[0])
    for step in case[1]:
        shop.step(*step)
    if not shop.uplink.let_in("str_late", rank):
        assert rank is not Rank.STEERS
        kept = [name for name, one in shop.ranks.items() if one is not Rank.WATCHES]
        full = [name for name in kept if shop.rungs()[name] is Rung.FULL]
        assert FULL_BPS * len(full) + SMALL_BPS * (len(shop.ranks) - len(full) + 1) > shop.uplink_bps


def test_the_default_carries_ten_full_pictures_and_many_more_small_ones():
    uplink = Uplink(UPLINK_MBIT_S)
    for number in range(10):
        assert uplink.let_in(f"str_{number}", Rank.STEERS if number == 0 else Rank.WATCHES)
    assert {uplink.ceiling(f"str_{number}") for number in range(10)} == {Rung.FULL}
    admitted = sum(uplink.let_in(f"str_{number}", Rank.WATCHES) for number in range(10, VIEWERS_MAX))
    assert admitted == 27
    assert uplink.ceiling("str_0") is Rung.FULL
    assert uplink.ceiling("str_36") is Rung.SMALL


def test_those_who_came_first_keep_the_full_picture_longest():
    uplink = Uplink(4 * 2.5)
    for name in ("a", "b", "c", "d", "e"):
        assert uplink.let_in(name, Rank.WATCHES)
    assert [uplink.ceiling(name) for name in "abcde"] == [Rung.FULL] * 3 + [Rung.SMALL] * 2
    uplink.leave("a")
    assert [uplink.ceiling(name) for name in "bcde"] == [Rung.FULL] * 4


@pytest.fixture(autouse=True)
def good_networks(monkeypatch):
    """Here only the shop's uplink decides: a busy machine's browsers would ask for the small picture themselves."""
    monkeypatch.setattr(rungs, "DOWN_S", 1e9)
    monkeypatch.setattr(rungs, "DOWN_DELAY_S", 1e9)


async def watching(shop, session_id, **asked):
    await shop.ask(session_id, **asked)
    viewer = shop.viewer(session_id)
    await viewer.open()
    await viewer.first_frame(PATIENCE_S)
    return viewer


async def test_over_the_budget_spectators_get_the_small_picture_then_a_clear_no(eventually):
    shop = Shop()
    shop.cameras["front"].scene = shop.cameras["front"].scene.repeat(2, axis=0).repeat(2, axis=1)  # 640 × 480
    async with running(shop, uplink_mbit_s=3.8) as shop:
        steers = await watching(shop, "s1")
        assert steers.newest.shape[:2] == (480, 640)
        for number in (2, 3):
            small = await watching(shop, f"s{number}", may_steer=False)
            assert small.newest.shape[:2] == (360, 480)
        await shop.ask("s4", may_steer=False)
        with pytest.raises(RefusedError, match="full"):
            await shop.viewer("s4").open()
        frames = steers.frames
        await eventually(lambda: steers.frames > frames + 10, timeout_s=PATIENCE_S)
        assert steers.newest.shape[:2] == (480, 640)
        # the one who steers goes: the first of those who watched has room now
        await shop.desk.handle(LeaveViewing(session_id="s1"))
        grown = shop.viewers[1]
        await eventually(
            lambda: grown.newest is not None and grown.newest.shape[:2] == (480, 640), timeout_s=PATIENCE_S
        )


async def test_who_is_handed_the_turn_is_given_the_full_picture(eventually):
    shop = Shop()
    shop.cameras["front"].scene = shop.cameras["front"].scene.repeat(2, axis=0).repeat(2, axis=1)
    async with running(shop, uplink_mbit_s=3.2) as shop:
        one = await watching(shop, "s1")
        two = await watching(shop, "s2", waits=False)
        assert (one.newest.shape[0], two.newest.shape[0]) == (480, 360)
        turn_no = await one.wait_turn()
        await shop.desk.handle(HandTurn(session_id="s1", to_session_id="s2", turn_no=turn_no))
        await eventually(lambda: (one.newest.shape[0], two.newest.shape[0]) == (360, 480), timeout_s=PATIENCE_S)


async def test_the_uplink_is_one_for_all_cameras():
    async with running(Shop(), uplink_mbit_s=3.2) as shop:
        await watching(shop, "s1")
        await shop.ask("s2", "bowl", may_steer=False)
        await shop.viewer("s2", camera="table").open()
        (stream,) = shop.desk.places["table"].streams._streams.values()
        assert stream.rung is Rung.SMALL
        await shop.ask("s3", "bowl", may_steer=False)
        with pytest.raises(RefusedError, match="full"):
            await shop.viewer("s3", camera="table").open()


async def test_who_found_no_room_gets_a_still_a_second_and_the_others_keep_their_film(eventually):
    async with running(Shop(), uplink_mbit_s=3.2) as shop:
        await watching(shop, "s1")
        await watching(shop, "s2", may_steer=False)
        await shop.ask("s3", may_steer=False)
        await shop.desk.handle(OpenStills(session_id="s3", ticket=shop.ticket("s3", "none")))
        times = []
        while len(times) < 3:
            await eventually(lambda: len(shop.frames) > len(times), timeout_s=PATIENCE_S)
            times.append(time.monotonic())
            await shop.desk.handle(CreditFrame(session_id="s3", frame_no=len(times)))
        assert min(after - before for before, after in pairwise(times)) > 0.5  # without it, 0.1
        await shop.desk.handle(LeaveViewing(session_id="s2"))
        await eventually(lambda: not shop.desk._uplink.is_full, timeout_s=PATIENCE_S)
        times, begun_s = [], time.monotonic()
        while len(times) < 2 or min(after - before for before, after in pairwise(times)) > 0.5:
            seen = len(shop.frames)
            await shop.desk.handle(CreditFrame(session_id="s3", frame_no=seen))
            await eventually(lambda seen=seen: len(shop.frames) > seen, timeout_s=PATIENCE_S)
            times.append(time.monotonic())
            assert times[-1] - begun_s < PATIENCE_S, "no two came faster than while it was full"
