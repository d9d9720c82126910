"""Kind scanner: the attendant's bar-code scanner."""

from abc import abstractmethod
from dataclasses import dataclass

from drivers.base import Driver


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One code as the scanner sent it, prefix and suffix taken off: data from outside, never opened or obeyed."""

    text: str
    scanned_s: float


class Scanner(Driver):
    """A scanner. Garbage (too long, control characters, no suffix) is dropped and counted in status, never raised."""

    @abstractmethod
    async def next_scan(self) -> Scan:
        """Wait for the next code; raise DeviceOfflineError when the port goes."""
