"""A serial port made of a pseudo-terminal at a stable path; what is sent while nobody has it open is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import random
import select
import termios
import tty
from pathlib import Path

from drivers.simulators.faults import FaultBoard
from drivers.simulators.port import Port, SessionMaker

# how often a port that nobody has open is looked at; well below the time a person needs to plug a cable
LOOK_S = 0.03


class PtyPort(Port):
    """A pty behind the symlink `path`. The machine's one session lasts as long as the port."""

    def __init__(
        self, device: str, path: Path, faults: FaultBoard, make_session: SessionMaker, chance: random.Random
    ) -> None:
        super().__init__(device, faults, chance)
        self._path = path
        self._master = -1
        self._is_reading = False
        self._look: asyncio.TimerHandle | None = None
        self._session = make_session(lambda data: self._leaving(data, self._write))

    @property
    def address(self) -> str:
        return str(self._path)

    async def open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self.plug()

    async def close(self) -> None:
        self.unplug()

    def plug(self) -> None:
        if self._master >= 0:
            return
        self._master, slave = pty.openpty()
        os.set_blocking(self._master, False)
        beside = self._path.with_name(self._path.name + ".new")
        beside.unlink(missing_ok=True)
        beside.symlink_to(os.ttyname(slave))
        beside.replace(self._path)
        os.close(slave)
        self._wait_for_opener()

    def unplug(self) -> None:
        if self._master < 0:
            return
        self._stop_reading()
        if self._look:
            self._look.cancel()
        os.close(self._master)
        self._master = -1
        self._path.unlink(missing_ok=True)

    def _wait_for_opener(self) -> None:
        """Look again and again until the far end is open; then be a raw line."""
        if not self._is_hung_up():
            # Linux applies this to the far end; without it the terminal would echo and cook until the opener sets raw
            tty.setraw(self._master, termios.TCSANOW)
            self._is_reading = True
            asyncio.get_running_loop().add_reader(self._master, self._read)
            return
        self._look = asyncio.get_running_loop().call_later(LOOK_S, self._wait_for_opener)

    def _is_hung_up(self) -> bool:
        """Whether nobody has the far end open."""
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        return any(event & select.POLLHUP for _fd, event in poll.poll(0))

    def _read(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except BlockingIOError:
            return
        except OSError:
            # Linux answers EIO when the last opener of the far end has closed it
            self._far_end_closed()
            return
        self._arrived(data, self._session, self.break_off)

    def _far_end_closed(self) -> None:
        self._stop_reading()
        self._session.lost()
        self._wait_for_opener()

    def break_off(self) -> None:
        """As another terminal behind the same path."""
        self._stop_reading()
        if self._look:
            self._look.cancel()
        before, self._master = self._master, -1
        self._session.lost()
        self.plug()
        if before >= 0:
            os.close(before)

    def _stop_reading(self) -> None:
        if self._is_reading:
            asyncio.get_running_loop().remove_reader(self._master)
            self._is_reading = False

    def _write(self, data: bytes) -> None:
        if self._is_reading:
            # a reader that is gone, or that leaves its buffer full, loses bytes as a line without flow control does
            with contextlib.suppress(OSError):
                os.write(self._master, data)
