"""The model `none` of any kind: there is no device, and the bench asks the attendant to do the act instead."""

from dataclasses import dataclass
from typing import Any, ClassVar

from drivers.base import Condition, DeviceStatus, Driver


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneOptions:
    """Options of a model `none`: there are none."""


class ByHand(Driver):
    """Says only that there is no device; asked to act all the same, it is a bug of the caller."""

    Options: ClassVar[type[Any]] = NoneOptions
    by_hand = True

    def __init__(self, options: NoneOptions) -> None:
        self._options = options

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def status(self) -> DeviceStatus:
        return DeviceStatus(condition=Condition.ONLINE)
