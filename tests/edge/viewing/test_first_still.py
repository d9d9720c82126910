"""Never black: the newest frame that was kept is shown at once, with its age, before the camera gives another."""

import io
import time

from PIL import Image

from edge.viewing import stills
from tests.edge.viewing.conftest import Shop, running
from tests.edge.viewing.test_stills import open_stills
from wire.reports import StillsAnswered


async def test_a_camera_that_rests_shows_its_last_frame_at_once_and_says_how_old_it_is(eventually):
    async with running(Shop()) as shop:
        place, camera = shop.desk.places["front"], shop.cameras["front"]
        await shop.ask("s1")
        await eventually(lambda: place.capture.cached() is not None)
        camera.is_silent = True  # from now on it gives nothing: what comes can only be what was kept
        frame = place.capture.cached()
        kept = (frame.captured_s, frame.pixels.copy())
        await eventually(lambda: place.capture.age_s() > 0.5, timeout_s=10)
        await open_stills(shop, is_single=True)
        told = await shop.report(StillsAnswered, session_id="s1")
        await eventually(lambda: shop.frames)
        assert abs(told.age_s - (time.monotonic() - kept[0])) < 5
        assert told.age_s >= 0.5
        assert len(shop.frames) == 1


async def test_nothing_is_kept_that_is_too_old_to_be_shown(eventually):
    async with running(Shop()) as shop:
        place = shop.desk.places["front"]
        assert place.capture.age_s() == 0.0
        await shop.ask("s1")
        await open_stills(shop, is_single=True)
        await eventually(lambda: shop.frames)
        assert (await shop.report(StillsAnswered, session_id="s1")).age_s < 5


async def test_the_newest_frame_follows_the_answer_unasked(eventually):
    async with running(Shop()) as shop:
        place = shop.desk.places["front"]
        assert (await shop.ask("s0")).still_age_s is None, "nobody asked for one"
        await eventually(lambda: place.capture.cached() is not None)
        answer = await shop.ask("s1", still_width_px=200)
        assert 0 <= answer.still_age_s < 5
        await eventually(lambda: shop.frames)
        assert [session_id for session_id, _ in shop.frames] == ["s1"]
        assert Image.open(io.BytesIO(shop.frames[0][1])).width == 200
        await eventually(lambda: len(place.stills) == 0)


async def test_none_follows_an_answer_that_lets_nobody_look():
    async with running(Shop()) as shop:
        await shop.desk.set_privacy(True)
        assert (await shop.ask("s1", still_width_px=200)).still_age_s is None
        assert len(shop.desk.places["front"].stills) == 0


async def test_who_comes_is_not_kept_waiting_for_the_others_rhythm(eventually, monkeypatch):
    """Somebody gets pictures already, once in PERIOD_S: whoever comes has the kept one before that is over."""
    monkeypatch.setattr(stills, "PERIOD_S", 30.0)
    async with running(Shop()) as shop:
        place = shop.desk.places["front"]
        for session_id in ("s1", "s2"):
            await shop.ask(session_id)
        await eventually(lambda: place.capture.cached() is not None)
        for session_id in ("s1", "s2"):
            place.stills.open(session_id, 200)
            await eventually(lambda who=session_id: who in [one for one, _ in shop.frames], timeout_s=10)
        assert [one for one, _ in shop.frames] == ["s1", "s2"], "and the others get none before their time"


async def test_a_camera_that_slept_gives_its_first_picture_at_once(eventually, monkeypatch):
    monkeypatch.setattr(stills, "PERIOD_S", 30.0)
    async with running(Shop()) as shop:
        place, camera = shop.desk.places["front"], shop.cameras["front"]
        camera.is_silent = True
        await shop.ask("s1")
        place.stills.open("s1", 200, is_single=True)
        await eventually(lambda: not place.stills._wanted.is_set() or not place.stills._came.is_set())
        assert shop.frames == [], "a round found nothing"
        camera.is_silent = False
        await eventually(lambda: shop.frames, timeout_s=10)
