"""A motion controller that speaks GRBL 1.1: lines, real-time bytes, planner, hold, jog, alarm.

Grbl 1.1 documents "interface" and "commands": `ok`/`error:n` per line, `ALARM:n` pushed, `<…>` on `?`.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass

from drivers.simulators.forever import forever
from drivers.simulators.port import Reply

BANNER = "\r\nGrbl 1.1h ['$' for help]\r\n"
# Grbl's line buffer is 80 characters (config.h LINE_BUFFER_SIZE); longer ones are error:14
LINE_MAX = 80
# Grbl plans 16 blocks ahead, one of which it keeps for itself
PLANNED_MAX = 15
WORD = re.compile(r"([A-Z])\s*([-+]?\d*\.?\d+)")
Point = tuple[float, float, float]


class GrblError(Exception):
    """A line that is answered `error:n`."""

    def __init__(self, number: int) -> None:
        super().__init__(f"error:{number}")
        self.number = number


@dataclass(frozen=True, slots=True)
class Block:
    """One planned straight move, in mm (or degrees) and units a minute."""

    target: Point
    rate: float
    is_jog: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a move that is under way."""

    start: Point
    end: Point
    since_s: float
    lasts_s: float

    def at(self, now_s: float) -> Point:
        """Where the machine is on it."""
        share = 1.0 if self.lasts_s <= 0 else min(max((now_s - self.since_s) / self.lasts_s, 0.0), 1.0)
        return between(self.start, self.end, share)


def between(start: Point, end: Point, share: float) -> Point:
    """The point that lies `share` of the way from start to end."""
    x, y, z = (a + (b - a) * share for a, b in zip(start, end, strict=True))
    return (x, y, z)


class GrblMachine(ABC):
    """The controller. A machine built on it says its rates, limits, homing and what its outputs do."""

    letters = "XYZ"

    def __init__(self, name: str, reply: Reply, start: Point, *, is_locked: bool) -> None:
        self.name = name
        self._reply = reply
        self._stretch = Stretch(start, start, 0.0, 0.0)
        self._state = "Alarm" if is_locked else "Idle"
        self._is_held = False
        self._is_absolute = True
        self._is_rapid = True
        self._feed = 0.0
        self._planned_end = start
        self._blocks: deque[Block] = deque()
        self._has_block = asyncio.Event()
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._running: Block | None = None
        self._wake = asyncio.Event()
        self._line = bytearray()
        self._tasks: list[asyncio.Task[None]] = []

    # what a machine built on this controller decides

    @abstractmethod
    def rapid_rate(self, start: Point, end: Point) -> float:
        """Fastest rate along this move, units a minute."""

    @abstractmethod
    def check_target(self, target: Point, *, is_jog: bool) -> int:
        """0 when the target may be reached, else the number of an error (jog) or alarm (G-code)."""

    @abstractmethod
    async def home(self) -> int:
        """`$H`: seek the switches, return 0 or the number of an alarm."""

    def obstacle(self, start: Point, end: Point) -> float | None:
        """The share of this move after which the machine hits something; None when the way is free."""
        return None

    def arrived(self, block: Block) -> None:  # noqa: B027  # a hook: doing nothing is right for most machines
        """A move has ended at its target."""

    def output(self, code: int) -> None:
        """M3…M9 was reached, all motion before it has ended."""
        raise GrblError(20)

    def accessories(self) -> str:
        """What stands at the end of a status report."""
        return ""

    def reset_outputs(self) -> None:  # noqa: B027  # a hook: doing nothing is right for most machines
        """A soft reset switches every output off."""

    # life

    def start(self) -> None:
        """Power up."""
        self._tasks = [forever(self._move_for_ever()), forever(self._obey_for_ever())]

    async def shut_down(self) -> None:
        """Power off."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def position(self, now_s: float) -> Point:
        """Where the machine is."""
        return self._stretch.at(now_s)

    @property
    def is_moving(self) -> bool:
        """Whether a move is under way (also while it is held)."""
        return self._running is not None or bool(self._blocks) or self._state == "Home"

    def picture(self) -> dict[str, object]:
        """How it is, for people."""
        here = [round(value, 3) for value in self.position(time.monotonic())]
        return {"state": self._shown_state(), "at": here, "blocks": len(self._blocks)}

    # bytes

    def received(self, data: bytes) -> None:
        for byte in data:
            if not self._real_time(byte):
                self._character(byte)

    def lost(self) -> None:  # noqa: B027  # a hook: doing nothing is right for most machines
        """The machine goes on with what it has: it does not know that nobody listens."""

    def _real_time(self, byte: int) -> bool:
        """Act on a real-time byte at once; whether it was one (0x80…0xFF never reach a line)."""
        if byte == ord("?"):
            self._say(self._report())
        elif byte == ord("!"):
            self._hold()
        elif byte == ord("~"):
            self._is_held = False
            self._wake.set()
        elif byte == 0x18:
            self.reset()
        elif byte == 0x85:
            self._cancel_jog()
        elif byte < 0x80:
            return False
        return True

    def _character(self, byte: int) -> None:
        if byte in b"\r\n":
            line = self._line.decode("ascii", "replace")
            self._line.clear()
            self._lines.put_nowait(line)
        elif len(self._line) <= LINE_MAX:
            self._line.append(byte)

    def _say(self, text: str) -> None:
        self._reply(text.encode("ascii") + b"\r\n")

    def _report(self) -> str:
        x, y, z = self.position(time.monotonic())
        rate = self._running.rate if self._running and not self._is_held else 0
        return f"<{self._shown_state()}|MPos:{x:.3f},{y:.3f},{z:.3f}|FS:{rate:.0f},0{self.accessories()}>"

    def _shown_state(self) -> str:
        if self._state in {"Alarm", "Home"}:
            return self._state
        block = self._running or (self._blocks[0] if self._blocks else None)
        if block is None:
            return "Idle"
        if self._is_held:
            return "Hold:0"
        return "Jog" if block.is_jog else "Run"

    def _hold(self) -> None:
        if self._running:
            if self._running.is_jog:
                self._cancel_jog()
                return
            self._is_held = True
            self._wake.set()

    def _cancel_jog(self) -> None:
        if self._running and self._running.is_jog:
            self._drop_plan()

    def _drop_plan(self) -> None:
        """Stand still here and forget every planned move."""
        here = self.position(time.monotonic())
        self._stretch = Stretch(here, here, 0.0, 0.0)
        self._planned_end = here
        self._running = None
        self._blocks.clear()
        self._wake.set()

    def reset(self) -> None:
        """0x18: in motion the position is lost (ALARM:3); outputs go off."""
        was_moving = self._running is not None and not self._is_held
        self._drop_plan()
        self._is_held, self._is_absolute, self._is_rapid = False, True, True
        while not self._lines.empty():
            self._lines.get_nowait()
        self.reset_outputs()
        if was_moving or self._state == "Home":
            self._alarm(3)
        self._reply(BANNER.encode())
        if self._state == "Alarm":
            self._say("[MSG:'$H'|'$X' to unlock]")

    def _alarm(self, number: int) -> None:
        self._drop_plan()
        self._state = "Alarm"
        self._say(f"ALARM:{number}")

    # motion

    async def _move_for_ever(self) -> None:
        while True:
            self._has_block.clear()
            if not self._blocks:
                await self._has_block.wait()
                continue
            self._running = self._blocks.popleft()
            await self._move(self._running)

    async def _move(self, block: Block) -> None:
        """Run one block, through holds, to its end, an obstacle or until it is dropped."""
        while self._running is block:
            if self._is_held:
                self._wake.clear()
                await self._wake.wait()
                continue
            here = self.position(time.monotonic())
            share = self.obstacle(here, block.target)
            end = block.target if share is None else between(here, block.target, share)
            rate = min(block.rate, self.rapid_rate(here, end))
            lasts_s = math.dist(here, end) / rate * 60
            self._stretch = Stretch(here, end, time.monotonic(), lasts_s)
            self.moving(block)
            if await self._slept(lasts_s):
                if self._running is block and self._is_held:
                    stopped = self.position(time.monotonic())
                    self._stretch = Stretch(stopped, stopped, 0.0, 0.0)
                continue
            self._running = None
            if share is not None:
                self._alarm(1)
            else:
                self.arrived(block)
            self._wake.set()

    def moving(self, block: Block) -> None:  # noqa: B027  # a hook: doing nothing is right for most machines
        """A move begins or goes on."""

    async def _slept(self, lasts_s: float) -> bool:
        """Wait for the end of a stretch; True when something woke the machine before."""
        ends_s = time.monotonic() + lasts_s
        block = self._running
        while (left_s := ends_s - time.monotonic()) > 0:
            self._wake.clear()
            try:
                async with asyncio.timeout(left_s):
                    await self._wake.wait()
            except TimeoutError:
                return False
            if self._is_held or self._running is not block:
                return True
        return False

    async def _motion_ends(self) -> None:
        """Wait until nothing is planned or under way."""
        while self.is_moving:
            self._wake.clear()
            try:
                async with asyncio.timeout(0.02):
                    await self._wake.wait()
            except TimeoutError:
                continue

    # lines

    async def _obey_for_ever(self) -> None:
        while True:
            line = await self._lines.get()
            try:
                await self._obey(line)
            except GrblError as error:
                self._say(f"error:{error.number}")

    async def _obey(self, raw: str) -> None:
        line = re.sub(r"\([^)]*\)|;.*|\s", "", raw).upper()
        if len(raw) > LINE_MAX:
            raise GrblError(14)
        if line.startswith("$"):
            await self._system(line)
            return
        if line:
            is_jogging = self._running is not None and self._running.is_jog
            if self._state != "Idle" or is_jogging:
                raise GrblError(9)
            await self._gcode(line)
        self._say("ok")

    async def _system(self, line: str) -> None:
        if line.startswith("$J="):
            await self._jog(line[3:])
        elif line == "$H":
            await self._seek_home()
        elif line == "$X":
            self._unlock()
        elif line in {"$", "$$", "$#", "$G", "$I", "$N"}:
            for answer in self._answers(line):
                self._say(answer)
        else:
            raise GrblError(3)
        self._say("ok")

    def _answers(self, line: str) -> list[str]:
        if line == "$I":
            return [f"[VER:1.1h.20190830:{self.name}]", "[OPT:VHZ,15,128]"]
        if line == "$G":
            distance = "G90" if self._is_absolute else "G91"
            return [f"[GC:{'G0' if self._is_rapid else 'G1'} G54 G17 G21 {distance} G94 M5 M9 T0 F{self._feed:.0f} S0]"]
        if line == "$$":
            return self.settings()
        if line == "$#":
            return ["[G54:0.000,0.000,0.000]", "[G92:0.000,0.000,0.000]", "[TLO:0.000]", "[PRB:0.000,0.000,0.000:0]"]
        return ["[HLP:$$ $# $G $I $N $x=val $Nx=line $J=line $SLP $C $X $H ~ ! ? ctrl-x]"] if line == "$" else []

    def settings(self) -> list[str]:
        """What `$$` lists."""
        return ["$10=1", "$13=0"]

    def _unlock(self) -> None:
        if self._state == "Alarm":
            self._state = "Idle"
            self._say("[MSG:Caution: Unlocked]")

    async def _seek_home(self) -> None:
        if self.is_moving:
            raise GrblError(8)
        self._state = "Home"
        alarm = await self.home()
        if self._state != "Home":
            return
        if alarm:
            self._alarm(alarm)
            raise GrblError(9)
        self._state = "Idle"
        self._planned_end = self.position(time.monotonic())

    async def _jog(self, text: str) -> None:
        if self._state != "Idle" or (self._running and not self._running.is_jog):
            raise GrblError(9 if self._state != "Idle" else 8)
        words = _words(text)
        is_relative = ("G", 91.0) in words
        feeds = [value for letter, value in words if letter == "F"]
        if not feeds or feeds[0] <= 0:
            raise GrblError(22)
        if any(letter == "G" and value not in {20.0, 21.0, 53.0, 90.0, 91.0} for letter, value in words):
            raise GrblError(16)
        target = self._target(words, is_absolute=not is_relative)
        if self.check_target(target, is_jog=True):
            raise GrblError(15)
        await self._plan(Block(target, feeds[0], is_jog=True))

    async def _gcode(self, line: str) -> None:
        words = _words(line)
        has_move = any(letter in self.letters for letter, _value in words)
        is_dwell = False
        for letter, value in words:
            if letter == "G":
                is_dwell = self._group(value) or is_dwell
            elif letter == "F":
                self._feed = value
            elif letter == "M":
                await self._m_code(int(value))
            elif letter not in self.letters + "PNS":
                raise GrblError(20)
        if is_dwell:
            await self._motion_ends()
            seconds = [value for letter, value in words if letter == "P"]
            if not seconds:
                raise GrblError(28)
            await asyncio.sleep(seconds[0])
        elif has_move:
            await self._straight(words)

    def _group(self, value: float) -> bool:
        """Set a mode; True for the dwell."""
        if value in {0.0, 1.0}:
            self._is_rapid = value == 0.0
        elif value in {90.0, 91.0}:
            self._is_absolute = value == 90.0
        elif value == 4.0:
            return True
        elif value not in {17.0, 21.0, 40.0, 49.0, 53.0, 54.0, 80.0, 94.0}:
            raise GrblError(20)
        return False

    async def _m_code(self, code: int) -> None:
        if code in {0, 1, 2, 30}:
            await self._motion_ends()
        elif code in {3, 4, 5, 7, 8, 9}:
            await self._motion_ends()
            self.output(code)
        else:
            raise GrblError(20)

    async def _straight(self, words: list[tuple[str, float]]) -> None:
        target = self._target(words, is_absolute=self._is_absolute)
        if not self._is_rapid and self._feed <= 0:
            raise GrblError(22)
        alarm = self.check_target(target, is_jog=False)
        if alarm:
            self._alarm(alarm)
            raise GrblError(9)
        rate = self.rapid_rate(self._planned_end, target) if self._is_rapid else self._feed
        await self._plan(Block(target, rate, is_jog=False))

    def _target(self, words: list[tuple[str, float]], *, is_absolute: bool) -> Point:
        asked = {letter: value for letter, value in words if letter in self.letters}
        if any(letter in "ABCUVW" for letter, _value in words):
            raise GrblError(20)
        if not asked:
            raise GrblError(26)
        here = dict(zip("XYZ", self._planned_end, strict=True))
        for letter, value in asked.items():
            here[letter] = value if is_absolute else here[letter] + value
        return (here["X"], here["Y"], here["Z"])

    async def _plan(self, block: Block) -> None:
        while len(self._blocks) >= PLANNED_MAX:  # noqa: ASYNC110  # a planner empties by time, not by an event
            await asyncio.sleep(0.01)
        if self._state != "Idle":
            raise GrblError(9)
        self._planned_end = block.target
        self._blocks.append(block)
        self._has_block.set()


def _words(line: str) -> list[tuple[str, float]]:
    """Split a block into its words; raise error:1 or error:2 as Grbl does."""
    found = WORD.findall(line)
    if "".join(letter + number for letter, number in found) != line:
        raise GrblError(1 if not line[:1].isalpha() else 2)
    return [(letter, float(number)) for letter, number in found]
