"""Simulated shops for these tests: one for a file, or as many as a test starts."""

import pytest

from tests.drivers.simulators.running_shop import MACHINES, ShopThread


@pytest.fixture
def start_shop(tmp_path):
    """Start shops; all are ended afterwards, and each must end well."""
    running = []

    def start(world=MACHINES, name="shop", kind=ShopThread):
        running.append(kind(tmp_path / name, world))
        return running[-1]

    yield start
    codes = [shop.stop() for shop in running]
    assert codes == [0] * len(running)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """One shop without cameras for a file whose tests don't disturb one another."""
    running = ShopThread(tmp_path_factory.mktemp("shop"), MACHINES)
    yield running
    running.stop()
