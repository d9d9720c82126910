"""A market whose rebates may be switched on."""

import pytest

from tests.cloud_relay.rebates.rebate_world import Market
from tests.cloud_relay.trade_world import World


@pytest.fixture
def market(world: World) -> Market:
    """Return the market `cn` of a small world."""
    return Market(world)
