"""Simulated shops for these tests: one for a file, or as many as a test starts."""

import pytest

from tests.drivers.simulators.running_shop import WORLD, RunningShop


@pytest.fixture
def start_shop(tmp_path):
    """Start shops; all are ended afterwards, and each must end well."""
    running = []

    def start(world=WORLD, name="shop"):
        running.append(RunningShop(tmp_path / name, world))
        return running[-1]

    yield start
    for shop in running:
        if shop.process.poll() is None:
            assert shop.stop() == 0
        if not shop.process.stdout.closed:
            shop.process.stdout.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """One shop for a file whose tests don't disturb one another."""
    running = RunningShop(tmp_path_factory.mktemp("shop"), WORLD)
    yield running
    assert running.stop() == 0
