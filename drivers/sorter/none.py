"""No sorting machine: the attendant fetches things, and the bench asks them to."""

from drivers.by_hand import ByHand
from drivers.sorter import CarryJob, Sorter


class HandSorter(ByHand, Sorter):
    """Nothing but the kind's own acts."""

    async def carry(self, job: CarryJob) -> None:
        raise NotImplementedError("by hand: ask the attendant")

    async def last_carried(self) -> int:
        raise NotImplementedError("by hand: ask the attendant")


DRIVER = HandSorter
