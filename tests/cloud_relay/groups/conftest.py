"""The small market with five shoppers and goods for group orders."""

import pytest

from tests.cloud_relay.groups.group_world import PEOPLE, GroupWorld


@pytest.fixture
def groups(world):
    for name in PEOPLE[2:]:
        world.account(name, nickname=name.title())
    world.listing(listing_id="lis_2", pieces=12, price_minor=10_000)
    return GroupWorld(world)
