"""A camera before which nothing moves: cheap for the machine, and still alive for whoever looks at its pictures."""

import itertools

import cv2
import numpy as np
import pytest

from drivers.simulators.sensor import ROUND, Film, Sensor

SCENE = np.full((72, 128, 3), 90, np.uint8)


class CountingSensor(Sensor):
    made = 0

    def jpeg(self, exposed):
        self.made += 1
        return super().jpeg(exposed)


@pytest.fixture
def sensor():
    return CountingSensor(128, 80, seed=3)


def pixels(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def test_a_scene_that_stands_still_is_compressed_a_few_times_only(sensor):
    film = Film(sensor)
    pictures = [film.jpeg(SCENE) for _ in range(5 * ROUND)]
    assert sensor.made == ROUND
    assert len(set(pictures)) == len(pictures)
    for before, after in itertools.pairwise(pictures):
        assert (pixels(before) != pixels(after)).any()
    assert all(np.abs(pixels(one).astype(int) - SCENE).max() < 25 for one in pictures)


def test_another_scene_is_seen_at_once(sensor):
    film = Film(sensor)
    for _ in range(2 * ROUND):
        film.jpeg(SCENE)
    brighter = SCENE + 100
    assert all(pixels(film.jpeg(brighter)).mean() > 180 for _ in range(2 * ROUND))
    assert pixels(film.jpeg(SCENE)).mean() < 110
