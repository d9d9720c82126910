"""Kind packer: the machine that closes a parcel around a piece."""

from abc import abstractmethod
from dataclasses import dataclass

from drivers.base import Driver


@dataclass(frozen=True, slots=True, kw_only=True)
class PackJob:
    """`job_no` 1…65535 is the sequence number that the machine echoes when done, so that a job is never done twice."""

    job_no: int
    length_mm: int = 300
    width_mm: int = 200
    height_mm: int = 150


class Packer(Driver):
    """A packing machine."""

    @abstractmethod
    async def pack(self, job: PackJob) -> None:
        """Pack once; returns when the machine's done register shows `job_no`.

        If that register shows it already, returns at once. Raises AttendantNeededError (jam, film out, door),
        OutcomeUnknownError when the machine took the job but its end could not be read.
        """

    @abstractmethod
    async def last_done(self) -> int:
        """The number of the last job that the machine finished: how an unknown outcome is sensed."""
