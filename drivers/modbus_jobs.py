"""Jobs on a Modbus TCP machine with a job number and a done register, so that one job is done once.

Source: MODBUS Application Protocol V1.1b3 (function codes 03, 06, 16; exception codes) by pymodbus. A machine has a
block of registers that begins with the job number, one that starts the job, one with the number of the last job done
and one with its state; where they are differs by maker and is given.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from drivers.base import (
    AttendantNeededError,
    BadOptionsError,
    Condition,
    DeviceError,
    DeviceOfflineError,
    DeviceStatus,
    Driver,
    OutcomeUnknownError,
)
from drivers.transport import after_sending, split_tcp

# what it would log is raised here, once, with the device's address
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

IDLE, WORKING = 0, 1
"""The two states that every such machine has; the others are troubles, named by the driver."""

EXCEPTION_VALUE, EXCEPTION_FAILURE, EXCEPTION_BUSY = 3, 4, 6
"""Exception codes (specification, section 7): the machine did not do what was asked."""

REGISTER_MAX = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMap:
    """Where a machine's registers are, from 0. `values` follow the job number; `troubles` name the states above 1.

    `reason` is the one when the machine refuses a value; `by_hand` what a person does then.
    """

    address: str
    unit: int
    job_register: int
    values: int
    go_register: int
    done_register: int
    state_register: int
    troubles: Mapping[int, str]
    reason: str
    by_hand: str
    name: str
    timeout_s: float
    idle_s: float
    work_s: float
    look_s: float
    more_registers: tuple[int, ...] = field(default=())

    def __post_init__(self) -> None:
        if not 0 <= self.unit <= 255:
            raise ValueError("unit must be 0…255")
        registers = (self.go_register, self.done_register, self.state_register, *self.more_registers)
        if any(not 0 <= register <= REGISTER_MAX - self.values for register in (self.job_register, *registers)):
            raise ValueError(f"register numbers must be 0…{REGISTER_MAX - self.values}")
        taken = [*range(self.job_register, self.job_register + self.values + 1), *registers]
        if len(set(taken)) != len(taken):
            raise ValueError("two of the registers are the same")


@dataclass(frozen=True, slots=True)
class Machine:
    """What the registers say."""

    job_no: int
    is_going: bool
    done_no: int
    state: int
    trouble: str

    @property
    def raw(self) -> str:
        state = self.trouble or ("working" if self.state == WORKING else "idle")
        return f"job={self.job_no} go={int(self.is_going)} done={self.done_no} state={state}"


class _ExceptionAnswerError(DeviceError):
    """The machine answered with an exception code: it did not do what was asked."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, "refused")
        self.code = code


class ModbusJobs:
    """One machine.

    Nothing that could start a job is written twice: after a lost answer the registers are read back instead. A job that
    a trouble interrupts goes on when a person has cleared it; `run` with the same number then waits for its end.
    """

    def __init__(self, job_map: JobMap) -> None:
        self._map = job_map
        self._client: AsyncModbusTcpClient | None = None

    async def open(self) -> None:
        """Connect and read the registers once; raise DeviceOfflineError or BadOptionsError."""
        host, port = split_tcp(self._map.address)
        self._client = AsyncModbusTcpClient(
            host, port=port, timeout=self._map.timeout_s, retries=0, reconnect_delay=0, name=self._map.name
        )
        try:
            await self._connect()
            await self.machine()
        except DeviceError:
            self._client.close()
            raise

    async def close(self) -> None:
        """Let go of the machine; a job under way goes on (it is safe: the machine guards itself)."""
        if self._client is not None:
            self._client.close()

    async def status(self) -> DeviceStatus:
        """Return how the machine is, by its state register."""
        machine = await self.machine()
        if machine.trouble:
            return DeviceStatus(condition=Condition.NEEDS_ATTENDANT, reason=machine.trouble, raw=machine.raw)
        condition = Condition.BUSY if machine.state == WORKING else Condition.ONLINE
        return DeviceStatus(condition=condition, raw=machine.raw)

    async def run(self, values: list[int]) -> None:
        """Do the job whose number is the first value, once; see the kinds for what is raised."""
        job_no = values[0]
        machine = await self._idle(job_no)
        if machine.done_no == job_no:
            return
        if not self._has_taken(machine, job_no):
            await self._prepare(values)
            await self._go(job_no)
        with after_sending(self._map.address, f"{self._map.name} job {job_no}"):
            await self._until_done(job_no)

    def _has_taken(self, machine: Machine, job_no: int) -> bool:
        return machine.is_going and machine.job_no == job_no

    async def _idle(self, job_no: int) -> Machine:
        """Wait for the end of an earlier job; raise AttendantNeededError when the machine can't begin."""
        where, loop = self._map.address, asyncio.get_running_loop()
        until_s = loop.time() + self._map.idle_s
        while True:
            machine = await self.machine()
            if machine.done_no == job_no or self._has_taken(machine, job_no):
                return machine
            self._refuse_stopped(machine, "nothing was started")
            if not machine.is_going and machine.state == IDLE:
                return machine
            if loop.time() > until_s:
                raise AttendantNeededError(f"{where}: does not end its earlier job ({machine.raw})", "busy")
            await asyncio.sleep(self._map.look_s)

    async def _prepare(self, values: list[int]) -> None:
        """Write number and values (which starts nothing) and read them back."""
        where = self._map
        try:
            await self._write(where.job_register, values)
            back = await self.read(where.job_register, len(values))
        except _ExceptionAnswerError as error:
            reason = where.reason if error.code == EXCEPTION_VALUE else "refused"
            raise AttendantNeededError(f"{error}; {where.by_hand}", reason) from error
        if back != values:
            raise DeviceOfflineError(f"{where.address}: reads back {back} instead of {values}", "garbled")

    async def _go(self, job_no: int) -> None:
        """Start the job: the one write that must never be repeated."""
        try:
            await self._write_one(self._map.go_register, 1)
        except _ExceptionAnswerError as error:
            self._refuse_stopped(await self.machine(), "nothing was started")
            reason = {EXCEPTION_BUSY: "busy", EXCEPTION_VALUE: self._map.reason}.get(error.code, "refused")
            raise AttendantNeededError(f"{error}; nothing was started", reason) from error
        except DeviceOfflineError as error:
            await self._sense_go(job_no, error)

    async def _sense_go(self, job_no: int, cause: DeviceOfflineError) -> None:
        """The answer to go was lost: return if the machine shows the job as taken or done, else it is unknown."""
        where = self._map.address
        with after_sending(where, f"starting job {job_no}"):
            await self._connect()
            machine = await self.machine()
        if machine.done_no != job_no and not self._has_taken(machine, job_no):
            message = f"{where}: the answer to go was lost ({cause}) and the machine shows {machine.raw}; look"
            raise OutcomeUnknownError(message, cause.reason) from cause

    async def _until_done(self, job_no: int) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._map.work_s
        while True:
            machine = await self.machine()
            if machine.done_no == job_no:
                return
            if not self._has_taken(machine, job_no):
                raise OutcomeUnknownError(f"{self._map.address}: gave the job up ({machine.raw}); look", "given_up")
            self._refuse_stopped(machine, "the job goes on when it is cleared")
            if loop.time() > until_s:
                raise OutcomeUnknownError(f"{self._map.address}: is not done ({machine.raw}); look", "silent")
            await asyncio.sleep(self._map.look_s)

    def _refuse_stopped(self, machine: Machine, what: str) -> None:
        if machine.trouble:
            message = f"{self._map.address}: {machine.trouble} ({machine.raw}); {what}"
            raise AttendantNeededError(message, machine.trouble)

    async def machine(self) -> Machine:
        """Return what the registers say now."""
        where = self._map
        try:
            job_no = (await self.read(where.job_register, 1))[0]
            going = (await self.read(where.go_register, 1))[0]
            done_no = (await self.read(where.done_register, 1))[0]
            state = (await self.read(where.state_register, 1))[0]
        except _ExceptionAnswerError as error:
            raise BadOptionsError(
                f"{error}; compare the register numbers with the machine's manual", "settings"
            ) from error
        if state not in (IDLE, WORKING) and state not in where.troubles:
            raise DeviceOfflineError(f"{where.address}: {state} is no state of this machine", "garbled")
        return Machine(job_no, going == 1, done_no, state, where.troubles.get(state, ""))

    async def _connect(self) -> None:
        """Connect anew, so that no late answer on the old line is taken for a new one."""
        assert self._client is not None
        self._client.close()
        try:
            is_connected = await self._client.connect()
        except (ModbusException, OSError) as error:
            raise self._offline(error) from error
        if not is_connected:
            raise DeviceOfflineError(f"{self._map.address}: no connection; check power and address", "refused")

    async def read(self, register: int, count: int) -> list[int]:
        """Return `count` holding registers; raise DeviceError."""
        client = self._opened()
        try:
            answer = await client.read_holding_registers(register, count=count, device_id=self._map.unit)
        except (ModbusException, OSError) as error:
            raise self._offline(error) from error
        registers = list(self._checked(answer, f"reading register {register}").registers)
        if len(registers) != count:
            raise DeviceOfflineError(f"{self._map.address}: {len(registers)} registers came, not {count}", "garbled")
        return registers

    async def _write(self, register: int, values: list[int]) -> None:
        client = self._opened()
        try:
            answer = await client.write_registers(register, values, device_id=self._map.unit)
        except (ModbusException, OSError) as error:
            raise self._offline(error) from error
        self._checked(answer, f"writing register {register}")

    async def _write_one(self, register: int, value: int) -> None:
        client = self._opened()
        try:
            answer = await client.write_register(register, value, device_id=self._map.unit)
        except (ModbusException, OSError) as error:
            raise self._offline(error) from error
        self._checked(answer, f"writing register {register}")

    def _checked(self, answer: ModbusPDU, act: str) -> ModbusPDU:
        if answer.isError():
            message = f"{self._map.address}: {act} was answered with exception {answer.exception_code}"
            raise _ExceptionAnswerError(message, answer.exception_code)
        return answer

    def _opened(self) -> AsyncModbusTcpClient:
        if self._client is None or not self._client.connected:
            raise DeviceOfflineError(f"{self._map.address}: is not connected; check cable and power", "hang_up")
        return self._client

    def _offline(self, error: Exception) -> DeviceOfflineError:
        is_cut = self._client is not None and not self._client.connected
        reason = "hang_up" if is_cut else "silent"
        return DeviceOfflineError(f"{self._map.address}: {error}; check cable and power", reason)


class JobMachine(Driver):
    """A machine whose every act is such a job. Its kind's acts are all that a model adds."""

    def __init__(self, job_map: JobMap) -> None:
        self._jobs = ModbusJobs(job_map)

    async def open(self) -> None:
        await self._jobs.open()

    async def close(self) -> None:
        await self._jobs.close()

    async def status(self) -> DeviceStatus:
        return await self._jobs.status()
