"""No labelling robot: the attendant sticks the label on, and the bench asks them to."""

from drivers.by_hand import ByHand
from drivers.labeller import Labeller, LabelPlace


class HandLabeller(ByHand, Labeller):
    """Nothing but the kind's own acts."""

    async def home(self) -> None:
        raise NotImplementedError("by hand: ask the attendant")

    async def apply(self, place: LabelPlace | None = None) -> None:
        raise NotImplementedError("by hand: ask the attendant")

    async def hover(self, place: LabelPlace) -> None:
        raise NotImplementedError("by hand: nothing to move")

    async def hold(self) -> None:
        pass


DRIVER = HandLabeller
