"""Packing machine on Modbus TCP with a job number and a done register, so that one job packs once.

Source: MODBUS Application Protocol V1.1b3 (function codes 03, 06, 16; exception codes) by pymodbus; the register map
is ours and given by the options, since makers differ. Scale: simulated; passes against libmodbus 3.1 (tests).
"""

import asyncio
import logging
from dataclasses import dataclass
from enum import IntEnum

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
    OutcomeUnknownError,
)
from drivers.packer import Packer, PackJob
from drivers.transport import after_sending, split_tcp

# what it would log is raised here, once, with the device's address
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)


class State(IntEnum):
    """Values of the state register."""

    IDLE = 0
    WORKING = 1
    JAM = 2
    FILM_OUT = 3
    DOOR_OPEN = 4
    EMERGENCY_STOP = 5


REASONS = {
    State.JAM: "jam",
    State.FILM_OUT: "film_out",
    State.DOOR_OPEN: "door_open",
    State.EMERGENCY_STOP: "emergency_stop",
}
EXCEPTION_VALUE, EXCEPTION_FAILURE, EXCEPTION_BUSY = 3, 4, 6
"""Exception codes (specification, section 7): the machine did not do what was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusOptions:
    """Options of packer.modbus. Register numbers count from 0 (manuals that say 40001 mean 0)."""

    address: str  # tcp://host:502
    unit: int = 1  # Modbus unit, 0…255; machines with their own address mostly ignore it
    timeout_s: float = 2.0  # no answer for this long is silence
    idle_s: float = 30.0  # an earlier job may take this long to end before ours is refused
    work_s: float = 60.0  # from go to done
    look_s: float = 0.1  # how often the done register is read meanwhile
    job_register: int = 0  # holding: job number; length, width, height in mm follow it
    go_register: int = 4  # holding: 1 starts the job
    done_register: int = 10  # holding: number of the last job done
    state_register: int = 11  # holding: 0 idle 1 working 2 jam 3 film out 4 door open 5 emergency stop

    def __post_init__(self) -> None:
        if not 0 <= self.unit <= 255:
            raise ValueError("unit must be 0…255")
        registers = (self.job_register, self.go_register, self.done_register, self.state_register)
        if any(not 0 <= register <= 0xFFFF - 3 for register in registers):
            raise ValueError("register numbers must be 0…65532")
        taken = [*range(self.job_register, self.job_register + 4), *registers[1:]]
        if len(set(taken)) != len(taken):
            raise ValueError("two of the registers are the same")


@dataclass(frozen=True, slots=True)
class Machine:
    """What the registers say."""

    job_no: int
    is_going: bool
    done_no: int
    state: State

    @property
    def raw(self) -> str:
        return f"job={self.job_no} go={int(self.is_going)} done={self.done_no} state={self.state.name.lower()}"


class _ExceptionAnswerError(DeviceError):
    """The machine answered with an exception code: it did not do what was asked."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, "refused")
        self.code = code


def encode_job(job: PackJob) -> list[int]:
    """Return the four registers of a job; raise ValueError for what does not fit them."""
    values = [job.job_no, job.length_mm, job.width_mm, job.height_mm]
    if not 1 <= job.job_no <= 0xFFFF or any(not 1 <= value <= 0xFFFF for value in values):
        raise ValueError(f"{job} does not fit 16-bit registers")
    return values


def parse_state(value: int) -> State:
    """Return the state; raise ValueError for a number that the map does not name."""
    return State(value)


class ModbusPacker(Packer):
    """One machine.

    Nothing that could start a job is written twice: after a lost answer the registers are read back instead. A job that
    a jam interrupts goes on when a person has cleared it; `pack` with the same number then waits for its end.
    """

    Options = ModbusOptions

    def __init__(self, options: ModbusOptions) -> None:
        self._options = options
        self._client: AsyncModbusTcpClient | None = None

    async def open(self) -> None:
        host, port = split_tcp(self._options.address)
        self._client = AsyncModbusTcpClient(
            host, port=port, timeout=self._options.timeout_s, retries=0, reconnect_delay=0, name="packer"
        )
        try:
            await self._connect()
            await self._machine()
        except DeviceError:
            self._client.close()
            raise

    async def close(self) -> None:
        """Let go of the machine; a job under way goes on (it is safe: the machine guards itself)."""
        if self._client is not None:
            self._client.close()

    async def status(self) -> DeviceStatus:
        machine = await self._machine()
        reason = REASONS.get(machine.state, "")
        if reason:
            return DeviceStatus(condition=Condition.NEEDS_ATTENDANT, reason=reason, raw=machine.raw)
        condition = Condition.BUSY if machine.state == State.WORKING else Condition.ONLINE
        return DeviceStatus(condition=condition, raw=machine.raw)

    async def last_done(self) -> int:
        return (await self._machine()).done_no

    async def pack(self, job: PackJob) -> None:
        values = encode_job(job)
        machine = await self._idle(job.job_no)
        if machine.done_no == job.job_no:
            return
        if not self._has_taken(machine, job.job_no):
            await self._prepare(values)
            await self._go(job.job_no)
        with after_sending(self._options.address, f"packing job {job.job_no}"):
            await self._until_done(job.job_no)

    def _has_taken(self, machine: Machine, job_no: int) -> bool:
        return machine.is_going and machine.job_no == job_no

    async def _idle(self, job_no: int) -> Machine:
        """Wait for the end of an earlier job; raise AttendantNeededError when the machine can't begin."""
        where, loop = self._options.address, asyncio.get_running_loop()
        until_s = loop.time() + self._options.idle_s
        while True:
            machine = await self._machine()
            if machine.done_no == job_no or self._has_taken(machine, job_no):
                return machine
            self._refuse_stopped(machine, "nothing was started")
            if not machine.is_going and machine.state == State.IDLE:
                return machine
            if loop.time() > until_s:
                raise AttendantNeededError(f"{where}: does not end its earlier job ({machine.raw})", "busy")
            await asyncio.sleep(self._options.look_s)

    async def _prepare(self, values: list[int]) -> None:
        """Write number and size (which starts nothing) and read them back."""
        options = self._options
        try:
            await self._write(options.job_register, values)
            back = await self._read(options.job_register, len(values))
        except _ExceptionAnswerError as error:
            reason = "size_out_of_range" if error.code == EXCEPTION_VALUE else "refused"
            raise AttendantNeededError(f"{error}; pack this one by hand", reason) from error
        if back != values:
            raise DeviceOfflineError(f"{options.address}: reads back {back} instead of {values}", "garbled")

    async def _go(self, job_no: int) -> None:
        """Start the job: the one write that must never be repeated."""
        try:
            await self._write_one(self._options.go_register, 1)
        except _ExceptionAnswerError as error:
            self._refuse_stopped(await self._machine(), "nothing was started")
            reason = {EXCEPTION_BUSY: "busy", EXCEPTION_VALUE: "size_out_of_range"}.get(error.code, "refused")
            raise AttendantNeededError(f"{error}; nothing was started", reason) from error
        except DeviceOfflineError as error:
            await self._sense_go(job_no, error)

    async def _sense_go(self, job_no: int, cause: DeviceOfflineError) -> None:
        """The answer to go was lost: return if the machine shows the job as taken or done, else it is unknown."""
        where = self._options.address
        with after_sending(where, f"starting job {job_no}"):
            await self._connect()
            machine = await self._machine()
        if machine.done_no != job_no and not self._has_taken(machine, job_no):
            message = f"{where}: the answer to go was lost ({cause}) and the machine shows {machine.raw}; look"
            raise OutcomeUnknownError(message, cause.reason) from cause

    async def _until_done(self, job_no: int) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._options.work_s
        while True:
            machine = await self._machine()
            if machine.done_no == job_no:
                return
            if not self._has_taken(machine, job_no):
                raise OutcomeUnknownError(f"{self._options.address}: gave the job up ({machine.raw}); look", "given_up")
            self._refuse_stopped(machine, "the job goes on when it is cleared")
            if loop.time() > until_s:
                raise OutcomeUnknownError(f"{self._options.address}: is not done ({machine.raw}); look", "silent")
            await asyncio.sleep(self._options.look_s)

    def _refuse_stopped(self, machine: Machine, what: str) -> None:
        reason = REASONS.get(machine.state, "")
        if reason:
            raise AttendantNeededError(f"{self._options.address}: {reason} ({machine.raw}); {what}", reason)

    async def _machine(self) -> Machine:
        options = self._options
        try:
            job_no = (await self._read(options.job_register, 1))[0]
            going = (await self._read(options.go_register, 1))[0]
            done_no = (await self._read(options.done_register, 1))[0]
            state = parse_state((await self._read(options.state_register, 1))[0])
        except ValueError as error:
            raise DeviceOfflineError(f"{options.address}: {error}", "garbled") from None
        except _ExceptionAnswerError as error:
            raise BadOptionsError(
                f"{error}; compare the register numbers with the machine's manual", "settings"
            ) from error
        return Machine(job_no, going == 1, done_no, state)

    async def _connect(self) -> None:
        """Connect anew, so that no late answer on the old line is taken for a new one."""
        assert self._client is not None
        self._client.close()
        try:
            is_connected = await self._client.connect()
        except (ModbusException, OSError) as error:
            raise self._offline(error) from error
        if not is_connected:
            raise DeviceOfflineError(f"{self._options.address}: no connection; check power and address", "refused")

    async def _read(self, register: int, count: int) -> list[int]:
        client = self._opened()
        try:
            answer = await client.read_holding_registers(register, count=count, device_id=self._options.unit)
        except (ModbusException, OSError) as error:
            raise self._offline(error) from error
        registers = list(self._checked(answer, f"reading register {register}").registers)
        if len(registers) != count:
            raise DeviceOfflineError(
                f"{self._options.address}: {len(registers)} registers came, not {count}", "garbled"
            )
        return registers

    async def _write(self, register: int, values: list[int]) -> None:
        client = self._opened()
        try:
            answer = await client.write_registers(register, values, device_id=self._options.unit)
        except (ModbusException, OSError) as error:
            raise self._offline(error) from error
        self._checked(answer, f"writing register {register}")

    async def _write_one(self, register: int, value: int) -> None:
        client = self._opened()
        try:
            answer = await client.write_register(register, value, device_id=self._options.unit)
        except (ModbusException, OSError) as error:
            raise self._offline(error) from error
        self._checked(answer, f"writing register {register}")

    def _checked(self, answer: ModbusPDU, act: str) -> ModbusPDU:
        if answer.isError():
            message = f"{self._options.address}: {act} was answered with exception {answer.exception_code}"
            raise _ExceptionAnswerError(message, answer.exception_code)
        return answer

    def _opened(self) -> AsyncModbusTcpClient:
        if self._client is None or not self._client.connected:
            raise DeviceOfflineError(f"{self._options.address}: is not connected; check cable and power", "hang_up")
        return self._client

    def _offline(self, error: Exception) -> DeviceOfflineError:
        is_cut = self._client is not None and not self._client.connected
        reason = "hang_up" if is_cut else "silent"
        return DeviceOfflineError(f"{self._options.address}: {error}; check cable and power", reason)


DRIVER = ModbusPacker
