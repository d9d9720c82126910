"""The viewing benchmark's own arithmetic: the strip in the picture, and the statistics made of what it says."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.viewing_pace import Seen, Window, count_freezes, moved_ms, moving_again_s, percentile, slope
from drivers.simulators.plan import BadPlanError, load_plan
from drivers.simulators.sensor import Sensor
from drivers.simulators.time_strip import Mark, draw, draw_on_planes, pack, read, unpack

NOW_S = 1_795_000_000.1234


def noisy_picture(width: int = 1280):
    chance = np.random.default_rng(7)
    return chance.integers(0, 255, (width * 9 // 16, width, 3), dtype=np.uint8)


@given(ago_s=st.floats(-60, 200_000), number=st.integers(0, 65535), pan_deg=st.floats(-170, 170))
def test_what_is_packed_comes_back(ago_s, number, pan_deg):
    mark = unpack(pack(Mark(taken_s=NOW_S - ago_s, number=number, pan_deg=pan_deg)), NOW_S)
    assert mark is not None
    assert math.isclose(mark.taken_s, NOW_S - ago_s, abs_tol=0.0002)
    assert mark.number == number
    assert abs(mark.pan_deg - pan_deg) <= 0.0051


@given(st.integers(0, 79))
def test_one_wrong_cell_is_noticed(cell):
    strip = bytearray(pack(Mark(taken_s=NOW_S, number=5, pan_deg=1.5)))
    strip[cell // 8] ^= 0x80 >> cell % 8
    assert unpack(bytes(strip), NOW_S) is None


@pytest.mark.parametrize("width", [640, 1280, 2560])
def test_the_strip_outlives_jpeg_and_another_size(width):
    picture = noisy_picture()
    draw(picture, Mark(taken_s=NOW_S, number=65535, pan_deg=-12.34))
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 40])
    decoded = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    seen = read(cv2.resize(decoded, (width, width * 9 // 16), interpolation=cv2.INTER_AREA), NOW_S + 3)
    assert seen is not None
    assert (seen.number, seen.pan_deg) == (65535, -12.34)
    assert abs(seen.taken_s - NOW_S) <= 0.0002


def test_a_picture_without_strip_says_nothing():
    assert read(noisy_picture(), NOW_S) is None
    assert read(noisy_picture(96), NOW_S) is None


def pictures(times_ms, *, pan=lambda _ms: 0.0, numbers=None):
    numbers = numbers or range(len(times_ms))
    return [
        Seen(seen_ms=at, delay_ms=20.0, number=number % 65536, pan_deg=pan(at), shown_ms=at)
        for at, number in zip(times_ms, numbers, strict=True)
    ]


def test_gaps_freezes_and_missed_pictures():
    window = Window(pictures([0, 40, 80, 480, 520], numbers=[65534, 65535, 0, 10, 11]), offset_ms=1.5)
    assert window.gaps_ms == [40, 40, 400, 40]
    assert window.missed == 9
    assert window.delays_ms == [18.5] * 5
    assert window.rate_hz == pytest.approx(7.69, abs=0.01)
    steady = [40.0] * 99
    assert count_freezes([*steady, 190]) == 0
    assert count_freezes([*steady, 195]) == 1
    assert count_freezes([]) == 0


def test_percentiles_are_values_that_were_measured():
    values = list(range(1, 101))
    assert [percentile(values, share) for share in (0, 50, 99, 100)] == [1, 50, 99, 100]
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 50)


def test_the_cost_of_one_viewer_more_is_the_slope():
    assert slope([(1, 0.14), (5, 0.16), (10, 0.185)]) == pytest.approx(0.005)


def test_control_to_photon_counts_from_the_key_to_the_first_picture_taken_in_motion():
    def pan(at_ms):
        return 3.0 if at_ms < 130 else 3.2

    seen = pictures([0, 40, 80, 120, 160, 200], pan=pan)
    assert moved_ms(seen, 85) == 75
    assert moved_ms(seen, 205) is None, "no picture after the press"
    assert moved_ms(seen, -5) is None, "no picture before the press"
    assert moved_ms(seen, 141) is None, "the head did not rest: one of the two last before the press shows it moving"


def test_recovery_is_when_pictures_keep_coming_not_when_one_does():
    before = list(range(0, 1000, 40))
    lone = [2500]
    again = list(range(4000, 6000, 40))
    assert moving_again_s(pictures([*before, *lone, *again]), 1000, 25) == pytest.approx(3.0)
    assert moving_again_s(pictures([*before, *lone]), 1000, 25) is None


def test_the_strip_is_the_same_in_planes_and_touches_nothing_below_it():
    picture, mark = np.full((720, 1280, 3), (40, 90, 160), np.uint8), Mark(taken_s=NOW_S, number=3, pan_deg=0.5)
    planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    before = planes.copy()
    draw_on_planes(planes, mark)
    back = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)
    assert read(back, NOW_S) == mark
    assert np.ptp(back[:16], axis=2).max() <= 2, "black and white"
    assert (back[16:] == cv2.cvtColor(before, cv2.COLOR_YUV2BGR_I420)[16:]).all()


def test_a_simulated_camera_draws_the_strip_only_when_told(tmp_path):
    sensor, mark = Sensor(1280, 80, 1), Mark(taken_s=NOW_S, number=3, pan_deg=0.5)
    noisy = sensor.noisy(np.full((720, 1280, 3), 90, np.uint8))
    plain = cv2.imdecode(np.frombuffer(sensor.pack(noisy), np.uint8), cv2.IMREAD_COLOR)
    draw(noisy, mark)
    marked = cv2.imdecode(np.frombuffer(sensor.pack(noisy), np.uint8), cv2.IMREAD_COLOR)
    assert read(plain, NOW_S) is None
    assert read(marked, NOW_S).number == 3
    world = tmp_path / "world.toml"
    world.write_text('[world]\nname = "one"\n[camera.front]\nplace = "front"\n')
    assert not load_plan(world).cameras["front"].shows_time
    world.write_text(world.read_text() + "shows_time = true\n")
    assert load_plan(world).cameras["front"].shows_time
    world.write_text(world.read_text().replace("true", "1"))
    with pytest.raises(BadPlanError, match="shows_time"):
        load_plan(world)
