"""Every cell that can meet is run: the bench, real driver bytes, simulated machines, the fault when it is due."""

import asyncio

import pytest

from edge.flows.fulfilment import Stage
from tests.fault_table.runs import (
    ONLY_AT_WORK,
    Verdicts,
    acts,
    machines_for,
    run_acting,
    run_standing,
    stages,
    standing,
)
from tests.fault_table.table import End, cells

IN_SHORT_AT = Stage.PICKING
"""The stage of the normal tests: every device is idle but the scanner, which is asked for."""

CELLS = [cell for cell in cells() if cell.end is not End.CANNOT]
ALONE = [cell for cell in CELLS if acts(cell)]
IN_SHORT = [cell for cell in ALONE if cell.fault in ONLY_AT_WORK][::2]
"""Faults that an idle device cannot have are met at work in the normal tests too: every second one of them."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    is_full = metafunc.config.getoption("--sweep") == "full"
    if "acting" in metafunc.fixturenames:
        metafunc.parametrize("acting", ALONE if is_full else IN_SHORT, ids=str)
    if "still" in metafunc.fixturenames:
        chosen = [cell for stage in stages() for cell in standing(stage) if is_full or stage is IN_SHORT_AT]
        metafunc.parametrize("still", chosen, ids=str)


@pytest.fixture(scope="session")
def stood(worlds):
    """The verdicts of each stage, run when its first cell is asked for."""
    known: dict[Stage, Verdicts] = {}

    def ask(stage: Stage) -> Verdicts:
        if stage not in known:
            known[stage] = asyncio.run(run_standing(worlds.shop(), stage, standing(stage)))
        return known[stage]

    return ask


def test_every_stage_that_is_ever_seen_is_walked_to():
    assert {cell.point.stage for cell in CELLS} == set(stages())


@pytest.mark.timeout(600)
def test_while_the_parcel_stands(stood, still):
    assert stood(still.point.stage)[str(still)] == ""


@pytest.mark.timeout(600)
def test_while_the_device_acts(worlds, acting):
    assert asyncio.run(run_acting(worlds.shop(machines_for(acting)), acting)) == ""
