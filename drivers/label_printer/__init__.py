"""Kind label_printer: puts a drawn label on paper. Text never reaches it, only pixels."""

from abc import abstractmethod
from dataclasses import dataclass

from PIL import Image

from drivers.base import Driver


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What is loaded: printable width and label length in millimetres, and the head's resolution."""

    width_mm: float
    length_mm: float
    dots_per_mm: int


class LabelPrinter(Driver):
    """A label printer. `status` tells paper, cover and whether anything is left in its buffer.

    `first_byte_s` is the monotonic second when the first byte of the newest label was sent, None before.
    """

    first_byte_s: float | None = None

    @property
    @abstractmethod
    def media(self) -> Media:
        """What is loaded, from the options."""

    @abstractmethod
    async def print_label(self, image: Image.Image) -> None:
        """Print one label: a black-on-white image of `media` size in dots.

        Checks status first (AttendantNeededError: nothing was sent); after the last byte asks the printer again. Raises
        OutcomeUnknownError when it falls silent or hangs up once bytes were sent. Returning means the printer said so,
        not that paper came out: only reading the label back proves that.
        """
