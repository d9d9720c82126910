"""Packing machine on Modbus TCP with a job number and a done register, so that one job packs once.

Source: MODBUS Application Protocol V1.1b3, spoken by drivers/modbus_jobs.py; the register map is ours and given by the
options, since makers differ. Scale: simulated; passes against libmodbus 3.1 (tests).
"""

from dataclasses import dataclass

from drivers.modbus_jobs import JobMachine, JobMap
from drivers.packer import Packer, PackJob

REASONS = {2: "jam", 3: "film_out", 4: "door_open", 5: "emergency_stop"}
"""Values of the state register above 0 idle and 1 working."""


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
        self.job_map()

    def job_map(self) -> JobMap:
        """Return where the machine's registers are; ValueError for numbers that cannot be."""
        return JobMap(
            address=self.address, unit=self.unit, job_register=self.job_register, values=3,
            go_register=self.go_register, done_register=self.done_register, state_register=self.state_register,
            troubles=REASONS, reason="size_out_of_range", by_hand="pack this one by hand", name="packer",
            timeout_s=self.timeout_s, idle_s=self.idle_s, work_s=self.work_s, look_s=self.look_s,
        )  # fmt: skip


def encode_job(job: PackJob) -> list[int]:
    """Return the four registers of a job; raise ValueError for what does not fit them."""
    values = [job.job_no, job.length_mm, job.width_mm, job.height_mm]
    if any(not 1 <= value <= 0xFFFF for value in values):
        raise ValueError(f"{job} does not fit 16-bit registers")
    return values


class ModbusPacker(JobMachine, Packer):
    """One machine. A job that a jam interrupts goes on when a person has cleared it."""

    Options = ModbusOptions

    def __init__(self, options: ModbusOptions) -> None:
        super().__init__(options.job_map())

    async def last_done(self) -> int:
        return (await self._jobs.machine()).done_no

    async def pack(self, job: PackJob) -> None:
        await self._jobs.run(encode_job(job))


DRIVER = ModbusPacker
