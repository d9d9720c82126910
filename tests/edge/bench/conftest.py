"""Shops in memory for these tests."""

import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.edge.bench.fake_shop import PLAN, Shop
from wire.plan import PackWhen, ShopPlan


@pytest.fixture
def make_shop(tmp_path: Path) -> Callable[..., Shop]:
    counter = itertools.count()

    def make(**more: Any) -> Shop:
        folder = tmp_path / f"shop{next(counter)}"
        folder.mkdir()
        return Shop(folder, **more)

    return make


@pytest.fixture
async def shop(make_shop: Callable[..., Shop]) -> AsyncIterator[Shop]:
    made = make_shop()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def paid_plan() -> ShopPlan:
    return replace(PLAN, version=2, pack_when=PackWhen.PAID)
