"""What every port does whatever carries it: bytes in and out of a machine, and the faults of a line."""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

from drivers.simulators.faults import FaultBoard

Reply = Callable[[bytes], None]
# what was sent before a line breaks is read by the other side first; a terminal that is gone drops it
LAST_BYTES_S = 0.05
TOP_BIT_SET = bytes(byte | 0x80 for byte in range(256))


def noise(chance: random.Random, count: int) -> bytes:
    """Bytes as a line of the wrong speed gives them: the top bit is set, so no text and no answer is among them."""
    return chance.randbytes(count).translate(TOP_BIT_SET)


class Session(Protocol):
    """A machine's side of one connection."""

    def received(self, data: bytes) -> None:
        """Bytes came, in any portions."""

    def lost(self) -> None:
        """The other side went away; the machine keeps its state."""


SessionMaker = Callable[[Reply], Session]


class Port(ABC):
    """A port of one device. `address` is where the other side finds it; faults of the line are applied here."""

    def __init__(self, device: str, faults: FaultBoard, chance: random.Random) -> None:
        self.device = device
        self._faults = faults
        self._chance = chance
        faults.listen(device, self._fault_changed)

    @property
    @abstractmethod
    def address(self) -> str:
        """A path or tcp://host:port; known once the port is open."""

    @abstractmethod
    async def open(self) -> None:
        """Start to serve."""

    @abstractmethod
    async def close(self) -> None:
        """Stop to serve and let go of everything."""

    @abstractmethod
    def unplug(self) -> None:
        """Pull the cable."""

    @abstractmethod
    def plug(self) -> None:
        """Put the cable in again at the same address."""

    def break_off(self) -> None:
        """The cable comes loose and is in again at once."""
        self.unplug()
        self.plug()

    def _fault_changed(self, fault: str, is_on: bool) -> None:
        if fault == "unplugged":
            self.unplug() if is_on else self.plug()

    def _arrived(self, data: bytes, session: Session, hang_up: Callable[[], None]) -> None:
        """Give bytes to the machine as far as the line lets them through."""
        heard = self._faults.strikes(self.device, "silent", len(data))
        if heard is not None:
            if heard:
                session.received(data[:heard])
            return
        passed = self._faults.strikes(self.device, "hang_up", len(data))
        if passed is None:
            session.received(data)
            return
        if passed:
            session.received(data[:passed])
        hang_up()

    def _leaving(self, data: bytes, write: Reply) -> None:
        """Send a machine's bytes as far as the line lets them through."""
        if self._faults.is_on(self.device, "silent"):
            return
        if self._faults.only_talks(self.device):
            passed = self._faults.strikes(self.device, "hang_up", len(data))
            if passed is not None:
                write(data[:passed])
                asyncio.get_running_loop().call_later(LAST_BYTES_S, self.break_off)
                return
        if self._faults.is_on(self.device, "garbage"):
            data = noise(self._chance, len(data))
        delay_s = self._faults.seconds(self.device, "slow")
        if delay_s:
            asyncio.get_running_loop().call_later(delay_s, write, data)
        else:
            write(data)
