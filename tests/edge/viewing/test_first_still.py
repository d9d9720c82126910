"""Never black: the newest frame that was kept is shown at once, with its age, before the camera gives another."""

import time

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
