"""What the tests of this room share."""

import pytest

from tests.cloud_relay.suggestions.suggestion_world import Together


@pytest.fixture
def together(world):
    """Return a market in which ann, bob and olga (of the test world) have said nothing yet."""
    return Together(world)


@pytest.fixture
def tea(together):
    """Return one where Cai, Dan and Eva of one area wish for tea, two of which cost 80 each instead of 100."""
    together.good("lis_tea")
    for name in ("cai", "dan", "eva"):
        together.shopper(name)
        together.wish(name)
    together.promotion()
    return together
