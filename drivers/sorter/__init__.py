"""Kind sorter: the machine that carries a thing from the location where it lies to a place where people work."""

import re
from abc import abstractmethod
from dataclasses import dataclass

from drivers.base import Driver

LOCATION = re.compile(r"(?P<aisle>[A-Za-z]|[0-9]{1,3})-(?P<shelf>[0-9]{1,3})-(?P<bin>[0-9]{1,3})")
"""How a location is written: aisle, shelf, bin. An aisle may be a letter, A being the first."""


@dataclass(frozen=True, slots=True)
class Location:
    """One bin of one shelf in one aisle, each counted from 1."""

    aisle: int
    shelf: int
    bin: int

    def __str__(self) -> str:
        aisle = chr(ord("A") + self.aisle - 1) if self.aisle <= 26 else str(self.aisle)
        return f"{aisle}-{self.shelf}-{self.bin}"


def parse_location(text: str) -> Location | None:
    """Return the location that a text names (`A-3-12`, `a-03-12`, `1-3-12`), None for any other text."""
    found = LOCATION.fullmatch(text.strip())
    if found is None:
        return None
    aisle = found["aisle"]
    number = int(aisle) if aisle.isdigit() else ord(aisle.upper()) - ord("A") + 1
    location = Location(number, int(found["shelf"]), int(found["bin"]))
    return location if min(location.aisle, location.shelf, location.bin) > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryJob:
    """`job_no` 1…65535 is the sequence number that the machine echoes when done, so that nothing is carried twice.

    `place` is one of the places that the driver's options name.
    """

    job_no: int
    location: Location
    place: str = "bench"


class Sorter(Driver):
    """A sorting machine."""

    @abstractmethod
    async def carry(self, job: CarryJob) -> None:
        """Carry once; returns when the machine's done register shows `job_no` and that the thing is at its place.

        If the register shows it already, nothing moves. Raises AttendantNeededError (jam, guard door, nothing in the
        location, the place taken), OutcomeUnknownError when the machine took the job but its end could not be read.
        """

    @abstractmethod
    async def last_carried(self) -> int:
        """The number of the last job if it brought its thing, else 0: how an unknown outcome is sensed."""
