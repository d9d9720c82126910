"""What every driver is, and the errors named by who must act."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar


class DeviceError(Exception):
    """Expected trouble with a device; the message says what, where and what to do next, in English.

    `reason` is a stable code (`paper_out`, `cover_open`, `silent` …) for which the attendant's page has a sentence in
    both languages.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class DeviceOfflineError(DeviceError):
    """The device cannot be reached (cable, power, hang-up before anything was sent): its host tries again."""


class AttendantNeededError(DeviceError):
    """A person at the bench must act first: paper, cover, jam, door, emergency stop. Nothing was actuated."""


class OutcomeUnknownError(DeviceError):
    """The device may or may not have acted (silence or hang-up after sending began): a scan or a person decides."""


class BadOptionsError(DeviceError):
    """The technician wrote something the driver cannot work with; the message names file, key and device."""


class Condition(StrEnum):
    """How a device is; the same words for every kind."""

    ONLINE = "online"
    BUSY = "busy"
    NEEDS_ATTENDANT = "needs_attendant"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStatus:
    """What a device says of itself; `reason` is the same code as in DeviceError, `raw` what it answered."""

    condition: Condition
    reason: str = ""
    raw: str = ""


class Driver(ABC):
    """One device of one model. Made from its options, opened once, used by one task at a time, closed, never reopened.

    `by_hand` is True for the model `none`: there is no device, the bench asks the attendant to do the act instead.
    `scale` is how far the driver is proved: simulated, bench (device and firmware in the docstring) or field.
    """

    Options: ClassVar[type[Any]]
    by_hand: ClassVar[bool] = False
    scale: ClassVar[str] = "simulated"

    @abstractmethod
    async def open(self) -> None:
        """Reach the device and make it safe (no motion); raise DeviceOfflineError or BadOptionsError."""

    @abstractmethod
    async def close(self) -> None:
        """Stop any motion and let go of the port; never raises DeviceError."""

    @abstractmethod
    async def status(self) -> DeviceStatus:
        """Ask the device how it is, without moving anything; raise DeviceOfflineError when it does not answer."""
