"""No labelling robot: the attendant sticks the label on, and the bench asks them to."""

from dataclasses import dataclass

from drivers.base import Condition, DeviceStatus
from drivers.labeller import Labeller, LabelPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneOptions:
    """Options of labeller.none: there are none."""


class HandLabeller(Labeller):
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

    async def home(self) -> None:
        raise NotImplementedError("by hand: ask the attendant")

    async def apply(self, place: LabelPlace | None = None) -> None:
        raise NotImplementedError("by hand: ask the attendant")

    async def hover(self, place: LabelPlace) -> None:
        raise NotImplementedError("by hand: nothing to move")

    async def hold(self) -> None:
        pass


DRIVER = HandLabeller
