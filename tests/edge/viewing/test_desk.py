"""What the shop answers, who is told what, pieces that are brought, and the camera's state for everybody."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from drivers.base import AttendantNeededError, DeviceOfflineError
from edge.device_host import Finding
from edge.viewing import capture
from edge.viewing.desk import ViewingDesk
from tests.edge.viewing.conftest import Journal, Shop, make_plan, running
from wire.commands import COMMANDS, AskPosition, CloseStream, LeaveViewing, TakeCamera
from wire.plan import CameraPlan, OpenHours
from wire.reports import Health, LookAnswer, LookAnswered, PositionTold, ViewingChanged


async def test_the_first_is_answered_now_and_the_next_ones_in_line(shop):
    one, two = await shop.ask("s1"), await shop.ask("s2", "cup")
    assert (one.answer, one.turn_no, one.place, one.camera) == (LookAnswer.NOW, 1, 0, "front")
    assert one.can_pan and one.can_zoom and not one.can_turn
    assert [face.name for face in one.faces] == ["back"]
    assert (two.answer, two.turn_no, two.place) == (LookAnswer.QUEUED, 0, 1)
    assert two.wait_s == pytest.approx(180, abs=1)
    assert shop.bell.looks == ["s1", "s2"]


async def test_who_leaves_frees_the_camera_for_the_next(shop, changed):
    await shop.ask("s1")
    await shop.ask("s2")
    await shop.desk.handle(LeaveViewing(session_id="s1"))
    assert (await changed("s1", state="ended")).reason == "left"
    assert (await changed("s2", state="steering")).turn_no == 2


@pytest.mark.parametrize(
    ("piece", "changes", "answer"),
    [
        ("nothing", {}, LookAnswer.PIECE_GONE),
        ("jar", {}, LookAnswer.NOT_OFFERED),
        ("pot", {"cameras": (CameraPlan(camera="front", is_offered=False),)}, LookAnswer.NOT_OFFERED),
    ],
)
async def test_why_not(shop, piece, changes, answer):
    shop.plan = make_plan(**changes)
    found = await shop.ask("s1", piece)
    assert found.answer is answer
    assert found.text.en
    assert found.text.zh
    assert shop.bell.looks == []


async def test_closed_hours_are_the_shops_own(shop):
    now = datetime.now(UTC)
    weekday = (now.weekday() + 2) % 7
    shop.plan = make_plan(hours=(OpenHours(weekday=weekday, opens="09:00", until="10:00"),), time_zone="Asia/Shanghai")
    answer = await shop.ask("s1")
    assert answer.answer is LookAnswer.CLOSED
    assert answer.opens_at.hour == 1  # 09:00 in Shanghai
    assert answer.opens_at > now


async def test_closing_time_ends_what_is_open(shop, eventually, changed):
    await shop.ask("s1")
    viewer = shop.viewer("s1")
    await viewer.open()
    await viewer.first_frame()
    weekday = (datetime.now(UTC).weekday() + 2) % 7
    shop.plan = make_plan(hours=(OpenHours(weekday=weekday, opens="09:00", until="10:00"),))
    assert (await changed("s1", state="ended")).reason == "closed"
    await eventually(viewer.ended.is_set)
    assert shop.states["front"].can_view is False


async def test_a_piece_the_shop_knows_is_gone(shop):
    shop.desk._outside = replace(shop.desk._outside, is_piece_gone=lambda piece_id: piece_id == "pot")
    assert (await shop.ask("s1")).answer is LookAnswer.PIECE_GONE
    assert (await shop.ask("s1", "cup")).answer is LookAnswer.NOW


async def test_a_camera_that_is_lost_says_so_and_comes_back(shop, eventually, changed):
    await shop.ask("s1")
    handle = shop.desk.places["front"].place.camera
    await eventually(lambda: shop.cameras["front"].is_watched)
    handle.finding = Finding(Health.OFFLINE, "unplugged")
    assert (await changed("s1", state="waiting")).answer is LookAnswer.CAMERA_OFFLINE
    assert (await shop.ask("s2")).answer is LookAnswer.CAMERA_OFFLINE
    assert shop.states["front"].reason == "camera_offline"
    handle.finding = Finding(Health.ONLINE)
    assert (await changed("s1", state="steering")).turn_no == 2
    assert shop.states["front"].can_view


async def test_a_camera_without_pictures_is_found_out_and_forgiven(shop, eventually, monkeypatch):
    monkeypatch.setattr(capture, "STALE_S", 0.4)
    monkeypatch.setattr(capture, "FAULT_S", 1.0)
    monkeypatch.setattr(capture, "LINGER_S", 0.6)
    camera = shop.cameras["front"]
    camera.is_silent = True
    await shop.ask("s1")
    await eventually(lambda: shop.states["front"].reason == "camera_offline")
    camera.is_silent = False
    await eventually(lambda: shop.states["front"].can_view)


async def test_one_place_per_account_in_the_whole_shop(shop, changed):
    await shop.ask("s1", account_id="a")
    answer = await shop.ask("s2", "bowl", account_id="a")
    assert answer.answer is LookAnswer.BEING_BROUGHT
    assert (await changed("s1", state="ended")).reason == "elsewhere"


async def test_the_same_session_may_go_to_the_other_camera(shop):
    await shop.ask("s1", account_id="a")
    answer = await shop.ask("s1", "bowl", account_id="a")
    assert answer.camera == "table"
    assert shop.of_kind(ViewingChanged, "s1") == []
    assert shop.desk.places["front"].line.lookers == ()


async def test_each_camera_has_its_own_line(shop):
    shop.desk.piece_brought("bowl")
    assert (await shop.ask("s1")).answer is LookAnswer.NOW
    assert (await shop.ask("s2", "bowl")).answer is LookAnswer.NOW
    assert (await shop.ask("s3", "bowl")).answer is LookAnswer.QUEUED


async def test_a_visitor_watches_and_never_waits(shop):
    answer = await shop.ask("s1", account_id="s1", may_steer=False)
    assert (answer.answer, answer.turn_no) == (LookAnswer.NOW, 0)
    assert shop.desk.places["front"].line.holder is None
    assert shop.states["front"].spectators == 1


async def test_a_piece_is_brought_and_the_shop_learns_how_long_that_takes(shop, changed, eventually):
    answer = await shop.ask("s1", "bowl")
    assert answer.answer is LookAnswer.BEING_BROUGHT
    assert answer.wait_s == 180.0
    assert answer.can_turn
    assert shop.bell.wanted == [("bowl", "s1")]
    await asyncio.sleep(0.3)
    shop.desk.piece_brought("bowl")
    assert (await changed("s1", state="steering")).turn_no == 1
    await eventually(lambda: ("turn_to", 0.0) in shop.table.calls)
    await shop.desk.handle(LeaveViewing(session_id="s1"))
    shop.desk.piece_brought("pot")  # another camera's piece changes nothing here
    shop.desk.piece_left("bowl")
    again = await shop.ask("s2", "bowl")
    assert again.wait_s == pytest.approx(0.3, abs=0.2)


async def test_a_piece_that_is_wanted_no_more_is_withdrawn(shop):
    await shop.ask("s1", "bowl")
    await shop.desk.handle(LeaveViewing(session_id="s1"))
    assert shop.bell.withdrawn == [("bowl", "s1")]
    await shop.ask("s2", "bowl")
    shop.desk.piece_brought("bowl")
    assert shop.bell.withdrawn == [("bowl", "s1")]


async def test_a_turn_begins_with_the_spots_first_view(shop, eventually):
    await shop.ask("s1")
    await eventually(lambda: "go_to" in [call[1] for call in shop.heads["front"].calls])


async def test_the_merchant_takes_the_camera_and_gives_it_back(shop, changed):
    await shop.ask("s1")
    await shop.desk.handle(TakeCamera(camera="front", reason="a customer is here"))
    told = await changed("s1", state="waiting")
    assert told.reason == "a customer is here"
    assert shop.states["front"].reason == "a customer is here"
    await shop.desk.handle(TakeCamera(camera="front", reason=""))
    assert (await changed("s1", state="steering")).turn_no == 2
    await shop.desk.handle(TakeCamera(camera="nowhere", reason="x"))


async def test_the_cameras_state_is_told_when_it_changes(shop, eventually):
    assert shop.states["front"].can_view
    assert shop.states["front"].can_steer
    await shop.ask("s1")
    await shop.ask("s2")
    state = shop.states["front"]
    assert (state.session_id, state.turn_no, state.waiting, state.piece_id) == ("s1", 1, 1, "pot")


async def test_turn_numbers_go_on_after_a_restart():
    numbers = Journal(start=100)
    for expected in (101, 103):  # one number was reserved ahead: gaps are allowed, repeats are not
        shop = Shop()
        shop.journal = numbers
        async with running(shop):
            assert (await shop.ask("s1")).turn_no == expected


async def test_nobody_waits_for_the_disk(shop):
    real = shop.journal.next_turn_no

    async def slow(camera):
        await asyncio.sleep(0.3)
        return await real(camera)

    shop.journal.next_turn_no = slow
    assert (await shop.ask("s1")).answer is LookAnswer.NOW
    await shop.desk.handle(LeaveViewing(session_id="s1"))
    answer = await shop.ask("s2")
    assert answer.answer is LookAnswer.QUEUED  # the next number is still being written
    assert (await shop.report(ViewingChanged, session_id="s2", state="steering")).turn_no == 2


async def test_an_end_for_a_stream_that_never_was(shop):
    await shop.desk.handle(CloseStream(stream_id="str_none"))
    await shop.desk.handle(LeaveViewing(session_id="nobody"))


def test_the_desk_knows_its_commands():
    assert {cls.__name__ for cls in ViewingDesk.HANDLES} == {
        "AskToLook", "LeaveViewing", "OpenStream", "AddCandidate", "CloseStream", "OpenStills", "CreditFrame",
        "TakeLoupe", "SteerCamera", "TakeCamera", "HandTurn", "AskPosition",
    } <= set(COMMANDS)  # fmt: skip


# the still of an order


async def test_a_still_at_full_resolution_of_what_a_session_sees(shop):
    await shop.ask("s1")
    still = await shop.desk.take_still("s1", "")
    assert (still.width_px, still.height_px) == (1280, 960)
    assert (await shop.desk.take_still("", "table")).jpeg
    assert shop.cameras["front"].stills == shop.cameras["table"].stills == 1


async def test_a_still_of_nothing_asks_the_attendant(shop):
    with pytest.raises(AttendantNeededError) as told:
        await shop.desk.take_still("nobody", "nowhere")
    assert told.value.reason == "no_camera"


async def test_a_still_of_a_lost_camera_is_the_devices_error(shop):
    async def lost():
        raise DeviceOfflineError("front: gone", "unplugged")

    shop.cameras["front"].still = lost
    with pytest.raises(DeviceOfflineError):
        await shop.desk.take_still(None, "front")


async def test_where_a_camera_looks_is_what_a_face_is_taught_from(shop):
    shop.heads["table"]._at = (12.0, 3.0, 2.0)
    at = await shop.desk.position("table")
    assert (at.pan_deg, at.tilt_deg, at.zoom, at.table_deg) == (12.0, 3.0, 2.0, 0.0)


async def test_the_merchant_is_told_where_the_camera_of_their_session_stands(shop, monkeypatch, eventually):
    await shop.ask("s1")
    await eventually(lambda: "go_to" in [call[1] for call in shop.heads["front"].calls])
    shop.heads["front"]._at = (-4.0, 5.0, 3.0)
    await shop.desk.handle(AskPosition(session_id="s1"))
    told = await shop.report(PositionTold, session_id="s1")
    assert (told.position.pan_deg, told.position.tilt_deg, told.position.zoom) == (-4.0, 5.0, 3.0)
    await shop.desk.handle(AskPosition(session_id="nobody"))
    assert (await shop.report(PositionTold, session_id="nobody")).reason == "no_session"

    async def lost():
        raise DeviceOfflineError("front: gone", "unplugged")

    monkeypatch.setattr(shop.heads["front"], "position", lost)
    monkeypatch.setattr("edge.viewing.whereabouts.FRESH_S", 0.0)
    await shop.ask("s2", piece_id="cup")
    await shop.desk.handle(AskPosition(session_id="s2"))
    assert "gone" in (await shop.report(PositionTold, session_id="s2")).reason


async def test_the_end_tells_every_session_and_stops_everything(eventually):
    shop = Shop()
    async with running(shop):
        await shop.ask("s1")
        viewer = shop.viewer("s1")
        await viewer.open()
        await viewer.first_frame()
        await viewer.wait_turn()
        moving = asyncio.create_task(viewer.move(60.0, pan=0.5))
        await eventually(lambda: shop.heads["front"].is_moving)
        await shop.desk.close()
        await eventually(lambda: not shop.heads["front"].is_moving)
        assert moving.done() is False, "it would have moved on"
        moving.cancel()
        assert shop.of_kind(ViewingChanged, "s1")[-1].state == "ended"
    assert not shop.cameras["front"].is_watched


async def test_visitors_without_number_leave_room_for_who_may_steer(shop, monkeypatch):
    monkeypatch.setattr("edge.viewing.place.WATCHERS_MAX", 2)
    for visitor in ("v1", "v2"):
        assert (await shop.ask(visitor, may_steer=False)).answer is LookAnswer.NOW
    assert (await shop.ask("v3", may_steer=False)).answer is LookAnswer.FULL
    assert (await shop.ask("s1")).answer is LookAnswer.NOW


async def test_more_than_the_line_holds_are_told_it_is_full(shop, monkeypatch):
    monkeypatch.setattr("edge.viewing.place.LINE_MAX", 2)
    await shop.ask("s1")
    await shop.ask("s2")
    assert (await shop.ask("s3")).answer is LookAnswer.FULL
    assert (await shop.ask("s2")).answer is LookAnswer.QUEUED
    assert len(shop.of_kind(LookAnswered, "s3")) == 1
