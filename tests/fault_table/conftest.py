"""Which cells run: one for each device and fault, and with `--sweep full` every one."""

from collections.abc import Iterator

import pytest

from tests.fault_table.runs import Worlds


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    made = Worlds(tmp_path_factory.mktemp("fault_table"))
    yield made
    made.stop()
