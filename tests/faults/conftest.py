"""The town for all fault tests, and how much of a sweep is wanted."""

import pytest_asyncio

from tests.faults.town import open_town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory):
    """One open mall per file: real processes, an honest attendant at the bench."""
    async with open_town(tmp_path_factory.mktemp("town")) as town:
        yield town
