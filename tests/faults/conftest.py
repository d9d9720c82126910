"""The town of each file of fault tests."""

import pytest_asyncio

from tests.faults.sweep import BOWLS_FULL
from tests.faults.town import BOWLS, open_town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(request, tmp_path_factory):
    """One open mall per file: real processes, an honest attendant at the bench."""
    bowls = BOWLS_FULL if request.config.getoption("--sweep") == "full" else BOWLS
    async with open_town(tmp_path_factory.mktemp("town"), bowls) as town:
        yield town
