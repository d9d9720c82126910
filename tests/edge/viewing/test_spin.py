"""The spin: an idle piece is photographed all round, never while somebody looks, a parcel is there or it is private."""

import asyncio
import io

import pytest
from PIL import Image

from drivers.base import AttendantNeededError
from edge.viewing import spin as spin_module
from edge.viewing.spin import AGAIN_S, IDLE_S, RETRY_S, VIEWS, WIDTH_PX, Outlook, Spin
from tests.edge.viewing.conftest import Shop, Table, make_plan, running
from wire.commands import LeaveViewing


class TurningTable(Table):
    """Is where it was told to go a look later."""

    def __init__(self):
        super().__init__()
        self.at_deg, self.wanted_deg = 0.0, 0.0

    async def turn_to(self, angle_deg):
        await super().turn_to(angle_deg)
        self.wanted_deg = angle_deg

    async def angle_deg(self):
        now_deg, self.at_deg = self.at_deg, self.wanted_deg
        return now_deg


class Around:
    """A shop with a bowl on its turntable, and a spin that the test looks around with."""

    def __init__(self, shop):
        self.shop, self.now_s = shop, 1000.0
        self.is_clear, self.finished = True, []
        self.place = shop.desk.places["table"]
        self.spin = Spin(shop.desk.places.values(), Outlook(
            plan=lambda: shop.plan, take_still=lambda camera: shop.desk.take_still(None, camera),
            is_clear=self._clear, is_checking=lambda: False, finish=self._finish, now=shop.clock.wall,
            monotonic=lambda: self.now_s,
        ))  # fmt: skip

    async def _clear(self):
        return self.is_clear

    async def _finish(self, piece_id, camera, views):
        self.finished.append((piece_id, camera, views))

    async def look(self, after_s=0.0):
        self.now_s += after_s
        await self.spin.look_at(self.place)

    async def idle(self):
        """Two looks with the time between that makes it idle."""
        await self.look()
        await self.look(IDLE_S)


@pytest.fixture
async def around(monkeypatch):
    monkeypatch.setattr(spin_module, "REST_S", 0.0)
    shop = Shop()
    shop.table, shop.plan = TurningTable(), make_plan(is_spin_on=True)
    async with running(shop) as shop:
        around = Around(shop)
        around.place.brought("bowl")
        yield around


async def test_an_idle_piece_is_photographed_all_round_and_not_again_for_a_week(around):
    await around.idle()
    ((piece_id, camera, views),) = around.finished
    assert (piece_id, camera, len(views)) == ("bowl", "table", VIEWS + 1)
    assert [round(one.angle_deg) for one in views if not one.face] == list(range(0, 360, 10))
    assert [one.at for one in views] == sorted(one.at for one in views)
    assert Image.open(io.BytesIO(views[0].jpeg)).width == WIDTH_PX
    await around.look(AGAIN_S / 2)
    assert len(around.finished) == 1
    await around.look(AGAIN_S)
    assert len(around.finished) == 2


async def test_the_faces_are_photographed_too_as_they_were_taught(around):
    await around.idle()
    ((_, _, views),) = around.finished
    face = views[-1]
    assert (face.face, face.angle_deg) == ("back", 180.0)
    assert around.shop.heads["table"].now()[:2] == pytest.approx((30, 5), abs=1), "the head looks as it was taught"
    assert around.shop.table.wanted_deg == 180.0
    assert len(Image.open(io.BytesIO(face.jpeg)).getcolors(1 << 20)) > 100, "a picture, not a field"


async def test_it_waits_until_nobody_looked_for_a_while(around):
    await around.look()
    await around.look(IDLE_S - 1)
    assert around.finished == []
    await around.shop.ask("s1", "bowl")
    await around.look(IDLE_S)
    await around.shop.desk.handle(LeaveViewing(session_id="s1"))
    await around.look(IDLE_S)
    assert around.finished == []
    await around.look(IDLE_S)
    assert len(around.finished) == 1


async def test_whoever_comes_in_the_middle_has_the_table_at_once(around, eventually):
    gate, still = asyncio.Event(), around.shop.desk.take_still

    async def slow(session_id, camera=""):
        if len([call for call in around.shop.table.calls if call[0] == "turn_to"]) == 3:
            await gate.wait()
        return await still(session_id, camera)

    around.shop.desk.take_still = slow
    going = asyncio.create_task(around.idle())
    await eventually(lambda: len(around.shop.table.calls) >= 3)
    await around.shop.ask("s1", "bowl")
    gate.set()
    await going
    assert around.finished == []
    assert len(around.shop.cameras["table"].__dict__) and around.shop.cameras["table"].stills <= 4
    await around.shop.desk.handle(LeaveViewing(session_id="s1"))
    await around.look(IDLE_S)
    await around.look(RETRY_S)
    assert len(around.finished) == 1


@pytest.mark.parametrize("what", ["switch", "bench", "private", "nothing", "other"])
async def test_it_never_begins_while_something_forbids_it(around, what):
    if what == "switch":
        around.shop.plan = make_plan()
    elif what == "bench":
        around.is_clear = False
    elif what == "private":
        await around.shop.desk.set_privacy(True)
    else:
        around.place.brought("" if what == "nothing" else "pot")
    await around.idle()
    assert around.finished == []
    assert around.shop.cameras["table"].stills == 0


async def test_a_camera_that_fails_ends_it_and_it_is_tried_later(around):
    works = around.shop.cameras["table"].still

    async def fails():
        raise AttendantNeededError("camera: black", "black")

    around.shop.cameras["table"].still = fails
    await around.idle()
    assert around.finished == []
    around.shop.cameras["table"].still = works
    await around.look(RETRY_S - 1)
    assert around.finished == []
    await around.look(2)
    assert len(around.finished) == 1
