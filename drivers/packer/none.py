"""No packing machine: the attendant packs, and the bench asks them to."""

from drivers.by_hand import ByHand
from drivers.packer import Packer, PackJob


class HandPacker(ByHand, Packer):
    """Nothing but the kind's own acts."""

    async def pack(self, job: PackJob) -> None:
        raise NotImplementedError("by hand: ask the attendant")

    async def last_done(self) -> int:
        raise NotImplementedError("by hand: ask the attendant")


DRIVER = HandPacker
