"""What the packing and the sorting machine have in common behind Modbus TCP: a job by number, done once.

Holding registers from 0: the job number, what belongs to it, go (1 starts, back to 0 when done) · 10 last job ended ·
11 state (0 idle, 1 working, else a trouble). Registers from 10 on can be read as input registers too. Coil 0:
acknowledge.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from drivers.simulators.faults import FaultBoard
from drivers.simulators.modbus import BUSY, DEVICE_FAILURE, ILLEGAL_ADDRESS, ILLEGAL_VALUE, ModbusError, ModbusSession
from drivers.simulators.port import Reply
from drivers.simulators.world import World

JOB, DONE, STATE = 0, 10, 11
IDLE, WORKING = 0, 1


class ModbusMachine:
    """One machine. A subclass says what a job is: `go_register`, `states` of troubles, `_is_sound` and `_finish`."""

    go_register: int
    heartbeat_register: int
    states: Mapping[str, int]

    def __init__(self, name: str, world: World, faults: FaultBoard, job_s: float) -> None:
        self._name = name
        self._world = world
        self._faults = faults
        self._job_s = job_s
        self._written = [0] * (self.go_register + 1)
        self._done = 0
        self._troubles: set[str] = set()
        self._working: asyncio.Task[None] | None = None
        self._may_work = asyncio.Event()
        self._may_work.set()
        self._acknowledged = False
        faults.listen(name, self._fault)

    def _is_sound(self, values: list[int]) -> bool:
        """Whether a job with these values can be begun."""
        raise NotImplementedError

    def _finish(self, values: list[int]) -> None:
        """Do what the job is about, at its end."""
        raise NotImplementedError

    def _more_registers(self) -> dict[int, Callable[[], int]]:
        """What else can be read."""
        return {}

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
            return max(self.states[trouble] for trouble in self._troubles)
        return WORKING if self._working else IDLE

    def picture(self) -> dict[str, object]:
        """How it is, for people."""
        return {"state": self.state, "last_done": self._done, "registers": list(self._written)}

    def read_register(self, address: int, *, is_input: bool) -> int:
        shown: dict[int, Callable[[], int]] = {
            DONE: lambda: self._done,
            STATE: lambda: self.state,
            self.heartbeat_register: lambda: int(time.monotonic() * 2) & 0xFFFF,
            **self._more_registers(),
        }
        if address in shown:
            return shown[address]()
        if address <= self.go_register and not is_input:
            return self._written[address]
        raise ModbusError(ILLEGAL_ADDRESS)

    def write_registers(self, address: int, values: list[int]) -> None:
        go = self.go_register
        if address + len(values) - 1 > go:
            raise ModbusError(ILLEGAL_ADDRESS)
        asked = self._written.copy()
        asked[address : address + len(values)] = values
        starts = asked[go] == 1 and address + len(values) > go
        if starts:
            self._check_start(asked)
        elif self._working:
            raise ModbusError(BUSY)
        self._written = asked
        if starts:
            self._start()
        elif not self._working:
            self._written[go] = 0

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
        if not asked[JOB] or not self._is_sound(asked[JOB + 1 : self.go_register]):
            raise ModbusError(ILLEGAL_VALUE)

    def _start(self) -> None:
        if self._written[JOB] == self._done:
            self._written[self.go_register] = 0
            self._world.truth.write(self._name, "job_done_already", job=self._done)
            return
        self._world.truth.write(self._name, "job_started", job=self._written[JOB])
        self._working = asyncio.get_running_loop().create_task(self._work(self._written[: self.go_register]))

    async def _work(self, values: list[int]) -> None:
        await asyncio.sleep(self._job_s / 2)
        if self._faults.strikes(self._name, "jam") is not None:
            self._trouble("jam", is_on=True)
        await self._may_work.wait()
        await asyncio.sleep(self._job_s / 2)
        await self._may_work.wait()
        self._finish(values)
        self._done, self._working = values[JOB], None
        self._written[self.go_register] = 0

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
        if fault in self.states and not (fault == "jam" and is_on):
            self._trouble(fault, is_on=is_on)

    def clear_jam(self) -> None:
        """A person takes out what is stuck; the job goes on."""
        self._faults.clear(self._name, "jam")
        self._trouble("jam", is_on=False)
