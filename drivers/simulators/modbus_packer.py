"""The packing machine behind Modbus TCP.

Registers (0-based; README has the same table), beside those of every such machine:

holding 1, 2, 3 length, width, height in mm · 4 go · 11 state (2 jam, 3 film out, 4 door open, 5 emergency stop) ·
12 heartbeat.
"""

from __future__ import annotations

from drivers.simulators.faults import FaultBoard
from drivers.simulators.modbus_machine import ModbusMachine
from drivers.simulators.world import ImpossibleError, World

SIZE_MIN_MM, SIZE_MAX_MM = 50, 600


class ModbusPacker(ModbusMachine):
    """Closes a parcel around whatever stands on the bench, once per job number."""

    go_register, heartbeat_register = 4, 12
    states = {"jam": 2, "film_out": 3, "door_open": 4, "emergency_stop": 5}  # noqa: RUF012  # never changed

    def __init__(self, name: str, world: World, faults: FaultBoard) -> None:
        super().__init__(name, world, faults, world.plan.packers[name].job_s)

    def _is_sound(self, values: list[int]) -> bool:
        return all(SIZE_MIN_MM <= size <= SIZE_MAX_MM for size in values)

    def _finish(self, values: list[int]) -> None:
        job, length_mm, width_mm, height_mm = values
        try:
            self._world.pack(self._name, length_mm, width_mm, height_mm, job)
        except ImpossibleError as error:
            self._world.truth.write(self._name, "job_without_effect", job=job, why=str(error))
