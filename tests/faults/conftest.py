"""The town of the fault tests."""

import pytest_asyncio

from tests.faults.sweep import BOWLS_FULL
from tests.faults.town import BOWLS, open_town


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def town(request, tmp_path_factory):
    """One open mall for all files: real processes, an honest attendant at the bench; each test leaves it as it was."""
    bowls = BOWLS_FULL if request.config.getoption("--sweep") == "full" else BOWLS
    async with open_town(tmp_path_factory.mktemp("town"), bowls) as town:
        yield town
