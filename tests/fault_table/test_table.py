"""The table is whole, speaks both languages, agrees with the flow, and stands in the documents as it is."""

import pytest

from edge.flows.fulfilment import HELD, STEPS, Stage
from edge.reasons import SENTENCES
from tests.fault_table.document import PATH, document
from tests.fault_table.kinds import Device, Fault
from tests.fault_table.table import End, cells, points

CELLS = cells()


def test_every_device_fault_and_stage_has_exactly_one_cell():
    expected = {(device, fault, point) for device in Device for fault in Fault for point in points(device)}
    found = [(cell.device, cell.fault, cell.point) for cell in CELLS]
    assert len(found) == len(expected) and set(found) == expected
    assert all({point.stage for point in points(device)} == set(Stage) for device in Device)


@pytest.mark.parametrize("device", Device)
def test_no_cell_is_empty(device):
    for cell in (cell for cell in CELLS if cell.device is device):
        text = cell.sentence()
        assert text.en.strip() and text.zh.strip(), cell
        assert cell.end is not End.CANNOT or cell.why, f"{cell}: says not why"
        assert "{" not in text.en + text.zh, cell


def test_a_held_cell_is_a_held_stage_that_the_flow_can_reach_and_leave():
    for cell in (cell for cell in CELLS if cell.end is End.HELD):
        assert cell.stage in HELD and cell.asks is not None and cell.reason in SENTENCES, cell
        assert any(end is cell.stage and cell.asks in effects for (_, (end, effects)) in STEPS.items()), cell
        assert any(start is cell.stage and end is not cell.stage for (start, _), (end, _) in STEPS.items()), cell


def test_only_a_held_cell_or_the_next_stage_moves_the_parcel():
    moved = {str(cell) for cell in CELLS if cell.stage is not cell.point.stage and cell.end is not End.HELD}
    assert all(name.startswith("front-") and name.endswith("-still") for name in moved)


def test_every_reason_has_its_sentence():
    assert {cell.reason for cell in CELLS} - set(SENTENCES) == set()


def test_the_document_is_the_table():
    assert PATH.read_text(encoding="utf-8") == document(), "write it anew: python -m tests.fault_table --write"
