"""The town of the fault tests."""

import pytest_asyncio

from demo.seed import wait_for_shop
from tests.faults.sweep import BOWLS_FULL
from tests.faults.town import BOWLS, open_town


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def opened_town(request, tmp_path_factory):
    """One open mall for all files: real processes, an honest attendant at the bench; each test leaves it as it was."""
    bowls = BOWLS_FULL if request.config.getoption("--sweep") == "full" else BOWLS
    async with open_town(tmp_path_factory.mktemp("town"), bowls) as town:
        yield town


@pytest_asyncio.fixture(loop_scope="session")
async def town(opened_town):
    """The town with its shop's box in reach of the relay: a test before may have cut that, or kept it breathless."""
    await wait_for_shop(opened_town.mall, opened_town.mall.shops[0])
    return opened_town
