"""The arithmetic of moving and of misbehaving."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.simulators.axis import Axis
from drivers.simulators.faults import FaultBoard, UnknownFaultError

numbers = st.floats(-1000, 1000, allow_nan=False)


@given(start=numbers, target=numbers, speed=st.floats(0.1, 500), after=st.floats(0, 100))
def test_going_ends_at_the_target_and_never_passes_it(start, target, speed, after):
    axis = Axis(position=start).go_to(target, speed, 5.0)
    assert math.isclose(axis.at(axis.arrives_s() + 1), target, abs_tol=1e-6)
    low, high = sorted((start, target))
    assert low - 1e-6 <= axis.at(5.0 + after) <= high + 1e-6
    assert axis.at(5.0) == pytest.approx(start, abs=1e-6)


def test_drive_stops_at_the_hard_stop_or_where_it_is_told():
    axis = Axis(low=-10, high=10).drive(5, 0.0)
    assert axis.at(1.0) == 5 and axis.at(9.0) == 10 and not axis.is_moving(2.0)
    assert axis.stop(1.0).at(50.0) == 5
    assert Axis().drive(-3, 0.0).at(2.0) == -6 and Axis().drive(-3, 0.0).is_moving(1e9)


def test_a_fault_strikes_after_its_units_and_as_often_as_said():
    board = FaultBoard({"printer": "printer"})
    board.set("printer", "hang_up", after=10)
    assert [board.strikes("printer", "hang_up", 4) for _turn in range(4)] == [None, None, 2, None]
    board.set("printer", "double_label", times=2)
    assert [board.strikes("printer", "double_label") for _turn in range(3)] == [0, 0, None]
    board.set("printer", "silent")
    assert board.is_on("printer", "silent")
    board.clear("printer", "silent")
    assert not board.is_on("printer", "silent") and board.standing() == []


def test_listeners_hear_of_changes_only():
    board, heard = FaultBoard({"packer": "packer"}), []
    board.listen("packer", lambda fault, is_on: heard.append((fault, is_on)))
    board.clear("packer", "film_out")
    board.set("packer", "film_out")
    board.clear("packer", "film_out")
    assert heard == [("film_out", True), ("film_out", False)]


@pytest.mark.parametrize(("device", "fault"), [("toaster", "jam"), ("packer", "paper_out")])
def test_unknown_faults_are_named(device, fault):
    with pytest.raises(UnknownFaultError, match=f"{device}"):
        FaultBoard({"packer": "packer"}).set(device, fault)
