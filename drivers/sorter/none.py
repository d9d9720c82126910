"""No sorting machine: the attendant fetches things, and the bench asks them to."""

from dataclasses import dataclass

from drivers.base import Condition, DeviceStatus
from drivers.sorter import CarryJob, Sorter


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneOptions:
    """Options of sorter.none: there are none."""


class HandSorter(Sorter):
    """Says only that there is no device; asked to act all the same, it is a bug of the caller."""

    Options = NoneOptions
    by_hand = True

    def __init__(self, options: NoneOptions) -> None:
        self._options = options

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def status(self) -> DeviceStatus:
        return DeviceStatus(condition=Condition.ONLINE)

    async def carry(self, job: CarryJob) -> None:
        raise NotImplementedError("by hand: ask the attendant")

    async def last_carried(self) -> int:
        raise NotImplementedError("by hand: ask the attendant")


DRIVER = HandSorter
