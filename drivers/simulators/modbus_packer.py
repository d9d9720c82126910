"""The packing machine behind Modbus TCP.

Registers (0-based; README has the same table):

holding 0 job number · 1, 2, 3 length, width, height in mm · 4 go (1 starts, back to 0 when done) ·
10 last job done · 11 state (0 idle, 1 working, 2 jam, 3 film out, 4 door open, 5 emergency stop) · 12 heartbeat.
10…12 can be read as input registers too. Coil 0: acknowledge.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from drivers.simulators.faults import FaultBoard
from drivers.simulators.modbus import (
    BUSY,
    DEVICE_FAILURE,
    ILLEGAL_ADDRESS,
    ILLEGAL_VALUE,
    ModbusError,
    ModbusSession,
)  # fmt: skip
from drivers.simulators.port import Reply
from drivers.simulators.world import ImpossibleError, World

JOB, LENGTH, HEIGHT, GO, DONE, STATE, HEARTBEAT = 0, 1, 3, 4, 10, 11, 12
IDLE, WORKING = 0, 1
STATES = {"jam": 2, "film_out": 3, "door_open": 4, "emergency_stop": 5}
SIZE_MIN_MM, SIZE_MAX_MM = 50, 600


class ModbusPacker:
    """Closes a parcel around whatever stands on the bench, once per job number."""

    def __init__(self, name: str, world: World, faults: FaultBoard) -> None:
        self._name = name
        self._world = world
        self._faults = faults
        self._job_s = world.plan.packers[name].job_s
        self._written = [0] * 5
        self._done = 0
        self._troubles: set[str] = set()
        self._working: asyncio.Task[None] | None = None
        self._may_work = asyncio.Event()
        self._may_work.set()
        self._acknowledged = False
        faults.listen(name, self._fault)

    def session(self, reply: Reply) -> ModbusSession:
        """A connection begins."""
        return ModbusSession(self, reply)

    async def shut_down(self) -> None:
        """Power off."""
        if self._working:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)

    @property
    def state(self) -> int:
        """What register 11 shows."""
        if self._troubles:
            return max(STATES[trouble] for trouble in self._troubles)
        return WORKING if self._working else IDLE

    def picture(self) -> dict[str, object]:
        """How it is, for people."""
        return {"state": self.state, "last_done": self._done, "registers": list(self._written)}

    def read_register(self, address: int, *, is_input: bool) -> int:
        shown: dict[int, Callable[[], int]] = {
            DONE: lambda: self._done,
            STATE: lambda: self.state,
            HEARTBEAT: lambda: int(time.monotonic() * 2) & 0xFFFF,
        }
        if address in shown:
            return shown[address]()
        if address <= GO and not is_input:
            return self._written[address]
        raise ModbusError(ILLEGAL_ADDRESS)

    def write_registers(self, address: int, values: list[int]) -> None:
        if address + len(values) - 1 > GO:
            raise ModbusError(ILLEGAL_ADDRESS)
        asked = self._written.copy()
        asked[address : address + len(values)] = values
        starts = asked[GO] == 1 and address + len(values) > GO
        if starts:
            self._check_start(asked)
        elif self._working:
            raise ModbusError(BUSY)
        self._written = asked
        if starts:
            self._start()
        elif not self._working:
            self._written[GO] = 0

    def read_coil(self, address: int) -> bool:
        if address != 0:
            raise ModbusError(ILLEGAL_ADDRESS)
        return self._acknowledged

    def write_coil(self, address: int, is_on: bool) -> None:
        if address != 0:
            raise ModbusError(ILLEGAL_ADDRESS)
        self._acknowledged = is_on

    def drops_reply(self) -> bool:
        return self._faults.strikes(self._name, "drop_reply") is not None

    def _check_start(self, asked: list[int]) -> None:
        if self._working:
            raise ModbusError(BUSY)
        if self._troubles:
            raise ModbusError(DEVICE_FAILURE)
        sizes = asked[LENGTH : HEIGHT + 1]
        if not asked[JOB] or not all(SIZE_MIN_MM <= size <= SIZE_MAX_MM for size in sizes):
            raise ModbusError(ILLEGAL_VALUE)

    def _start(self) -> None:
        if self._written[JOB] == self._done:
            self._written[GO] = 0
            self._world.truth.write(self._name, "job_done_already", job=self._done)
            return
        self._world.truth.write(self._name, "job_started", job=self._written[JOB])
        self._working = asyncio.get_running_loop().create_task(self._work(*self._written[:GO]))

    async def _work(self, job: int, length_mm: int, width_mm: int, height_mm: int) -> None:
        await asyncio.sleep(self._job_s / 2)
        if self._faults.strikes(self._name, "jam") is not None:
            self._trouble("jam", is_on=True)
        await self._may_work.wait()
        await asyncio.sleep(self._job_s / 2)
        await self._may_work.wait()
        try:
            self._world.pack(self._name, length_mm, width_mm, height_mm, job)
        except ImpossibleError as error:
            self._world.truth.write(self._name, "job_without_effect", job=job, why=str(error))
        self._done, self._working = job, None
        self._written[GO] = 0

    def _trouble(self, name: str, *, is_on: bool) -> None:
        if (name in self._troubles) == is_on:
            return
        (self._troubles.add if is_on else self._troubles.discard)(name)
        self._world.truth.write(self._name, name if is_on else f"{name}_cleared")
        if self._troubles:
            self._may_work.clear()
        else:
            self._may_work.set()

    def _fault(self, fault: str, is_on: bool) -> None:
        # a jam strikes in the middle of the next job; taking it away clears one that is there
        if fault in STATES and not (fault == "jam" and is_on):
            self._trouble(fault, is_on=is_on)

    def clear_jam(self) -> None:
        """A person takes the jammed carton out; the job goes on."""
        self._faults.clear(self._name, "jam")
        self._trouble("jam", is_on=False)
