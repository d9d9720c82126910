"""Sorting machine on Modbus TCP with a job number, a done and a result register, so that one job carries once.

Source: MODBUS Application Protocol V1.1b3, spoken by drivers/modbus_jobs.py; the register map is ours and given by the
options, since makers differ. Scale: simulated; passes against libmodbus 3.1 (tests).
"""

from dataclasses import dataclass

from drivers.base import AttendantNeededError
from drivers.modbus_jobs import JobMachine, JobMap
from drivers.sorter import CarryJob, Sorter

REASONS = {2: "jam", 4: "door_open", 5: "emergency_stop"}
"""Values of the state register above 0 idle and 1 working; the numbers are those of packer.modbus."""

PLACES_MAX = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusOptions:
    """Options of sorter.modbus. Register numbers count from 0 (manuals that say 40001 mean 0)."""

    address: str  # tcp://host:502
    unit: int = 1  # Modbus unit, 0…255; machines with their own address mostly ignore it
    timeout_s: float = 2.0  # no answer for this long is silence
    idle_s: float = 60.0  # an earlier job may take this long to end before ours is refused
    work_s: float = 180.0  # from go to done
    look_s: float = 0.1  # how often the done register is read meanwhile
    job_register: int = 0  # holding: job number; aisle, shelf, bin and number of the place follow it
    go_register: int = 5  # holding: 1 starts the job
    done_register: int = 10  # holding: number of the last job ended
    state_register: int = 11  # holding: 0 idle 1 working 2 jam 4 guard door open 5 emergency stop
    result_register: int = 12  # holding: how that job ended: 0 carried 1 nothing in the location 2 the place was taken
    places: tuple[str, ...] = ("bench",)  # names of the places it carries to, in the order of their numbers from 1

    def __post_init__(self) -> None:
        self.job_map()
        if not 1 <= len(self.places) <= PLACES_MAX or len(set(self.places)) != len(self.places) or "" in self.places:
            raise ValueError(f"places must be 1 to {PLACES_MAX} different names")

    def job_map(self) -> JobMap:
        """Return where the machine's registers are; ValueError for numbers that cannot be."""
        return JobMap(
            address=self.address, unit=self.unit, job_register=self.job_register, values=4,
            go_register=self.go_register, done_register=self.done_register, state_register=self.state_register,
            more_registers=(self.result_register,), troubles=REASONS, reason="no_such_location",
            by_hand="fetch this one by hand", name="sorter",
            timeout_s=self.timeout_s, idle_s=self.idle_s, work_s=self.work_s, look_s=self.look_s,
        )  # fmt: skip


def encode_job(job: CarryJob, places: tuple[str, ...]) -> list[int]:
    """Return the five registers of a job; raise ValueError for what does not fit them or a place nobody named."""
    if job.place not in places:
        raise ValueError(f"{job.place!r} is none of the places {', '.join(places)}")
    location = job.location
    values = [job.job_no, location.aisle, location.shelf, location.bin, places.index(job.place) + 1]
    if any(not 1 <= value <= 0xFFFF for value in values):
        raise ValueError(f"{job} does not fit 16-bit registers")
    return values


def _reason(result: int) -> str:
    """Say why the last job moved nothing, by the result register."""
    if result == 1:
        return "nothing_there"
    return "place_taken" if result == 2 else "refused"


class ModbusSorter(JobMachine, Sorter):
    """One machine. A job that a jam interrupts goes on when a person has cleared it."""

    Options = ModbusOptions

    def __init__(self, options: ModbusOptions) -> None:
        super().__init__(options.job_map())
        self._options = options

    async def last_carried(self) -> int:
        machine = await self._jobs.machine()
        return machine.done_no if await self._result() == 0 else 0

    async def carry(self, job: CarryJob) -> None:
        await self._jobs.run(encode_job(job, self._options.places))
        result = await self._result()
        if result != 0:
            reason = _reason(result)
            message = f"{self._options.address}: job {job.job_no} from {job.location} ended with {reason}"
            raise AttendantNeededError(f"{message}; nothing was carried", reason)

    async def _result(self) -> int:
        return (await self._jobs.read(self._options.result_register, 1))[0]


DRIVER = ModbusSorter
