"""Kind labeller: the robot that takes the printed label and sticks it on the parcel."""

from abc import abstractmethod
from dataclasses import dataclass

from drivers.base import Driver


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPlace:
    """Where on the bench the label's middle goes: millimetres in the labeller's frame, degrees anticlockwise."""

    x_mm: float
    y_mm: float
    z_mm: float
    angle_deg: float = 0.0


class Labeller(Driver):
    """A labelling manipulator. A stop is feed hold, never a reset, so that the robot keeps knowing where it is."""

    @abstractmethod
    async def home(self) -> None:
        """Reference every axis and go to the rest place; the head must be empty."""

    @abstractmethod
    async def apply(self, place: LabelPlace | None = None) -> None:
        """Take the label from the printer's mouth and press it on at `place` (default: the taught one of the options).

        Raises AttendantNeededError before any motion (alarm, door, not homed), OutcomeUnknownError after it began.
        """

    @abstractmethod
    async def hover(self, place: LabelPlace) -> None:
        """Go just above `place` with an empty head, so that a person sees where a label would go.

        Raises AttendantNeededError before any motion, OutcomeUnknownError after it began.
        """

    @abstractmethod
    async def hold(self) -> None:
        """Feed hold: stop motion now, keep position."""
