"""The sorting machine behind Modbus TCP.

Registers (0-based; README has the same table), beside those of every such machine:

holding 1, 2, 3 aisle, shelf, bin · 4 number of the place (1 bench, 2 pick-up point) · 5 go ·
11 state (2 jam, 4 guard door open, 5 emergency stop) · 12 result of the last job (0 carried, 1 nothing there,
2 the place was taken) · 13 heartbeat.
"""

from __future__ import annotations

from collections.abc import Callable

from drivers.simulators.faults import FaultBoard
from drivers.simulators.modbus_machine import ModbusMachine
from drivers.simulators.world import BENCH, PICKUP, NothingThereError, PlaceTakenError, World

RESULT = 12
CARRIED, NOTHING_THERE, PLACE_TAKEN = 0, 1, 2
PLACES = {1: BENCH, 2: PICKUP}


class ModbusSorter(ModbusMachine):
    """Takes what lies in a location and puts it down at a place, once per job number."""

    go_register, heartbeat_register = 5, 13
    states = {"jam": 2, "door_open": 4, "emergency_stop": 5}  # noqa: RUF012  # never changed

    def __init__(self, name: str, world: World, faults: FaultBoard) -> None:
        self._plan = world.plan.sorters[name]
        self._result = CARRIED
        super().__init__(name, world, faults, self._plan.job_s)

    def _more_registers(self) -> dict[int, Callable[[], int]]:
        return {RESULT: lambda: self._result}

    def _is_sound(self, values: list[int]) -> bool:
        aisle, shelf, bin_no, place = values
        reach = ((aisle, self._plan.aisles), (shelf, self._plan.shelves), (bin_no, self._plan.bins))
        return all(1 <= number <= last for number, last in reach) and place in PLACES

    def _finish(self, values: list[int]) -> None:
        job, aisle, shelf, bin_no, place = values
        location = f"{chr(ord('A') + aisle - 1)}-{shelf}-{bin_no}"
        try:
            self._world.sort(self._name, location, PLACES[place], job)
            self._result = CARRIED
        except NothingThereError:
            self._result = NOTHING_THERE
            self._world.truth.write(self._name, "nothing_there", location=location, job=job)
        except PlaceTakenError as error:
            self._result = PLACE_TAKEN
            self._world.truth.write(self._name, "place_taken", location=location, job=job, why=str(error))
