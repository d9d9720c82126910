"""kill -9 of the shop box at its journal writes of one order: the order ends, once, rightly labelled."""

import pytest

from tests.faults import sweep

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

DEATHS = 3


@pytest.mark.timeout(7200)
async def test_the_order_ends_wherever_the_edge_dies(town, request):
    if request.config.getoption("--sweep") == "full":
        figures = await sweep.full(town, "edge", print)
        assert set(figures.ends) == {"released"}
        return
    figures = await sweep.short(town, "edge", DEATHS)
    print(figures)
    assert figures.ends == {"released": DEATHS + 1}
    assert figures.deaths >= DEATHS - 1, "the spread points were not met"
