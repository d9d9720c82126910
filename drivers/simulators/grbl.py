"""A motion controller that speaks GRBL 1.1: lines, real-time bytes, hold, jog, alarm.

Grbl 1.1 documents "interface" and "commands": `ok`/`error:n` per line, `ALARM:n` pushed, `<…>` on `?`.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod

from drivers.simulators.forever import forever
from drivers.simulators.gcode_words import LINE_MAX, GrblError, Words, bare, first, split_words
from drivers.simulators.motion import Block, Motion, Point
from drivers.simulators.port import Reply

BANNER = "\r\nGrbl 1.1h ['$' for help]\r\n"
UNLOCK = "[MSG:'$H'|'$X' to unlock]"
LISTS = {"$", "$$", "$#", "$G", "$I", "$N"}
# modes that this machine is always in
FIXED_MODES = {17.0, 21.0, 40.0, 49.0, 53.0, 54.0, 80.0, 94.0}


class GrblMachine(ABC):
    """The controller. A machine built on it says its rates, limits, homing and what its outputs do."""

    letters = "XYZ"

    def __init__(self, name: str, reply: Reply, start: Point, *, is_locked: bool) -> None:
        self.name = name
        self.motion = Motion(start, self)
        self.state = "Alarm" if is_locked else "Idle"
        self._reply = reply
        self._is_absolute = True
        self._is_rapid = True
        self._feed = 0.0
        self._lines: asyncio.Queue[str] = asyncio.Queue()
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

    @abstractmethod
    def settings(self) -> list[str]:
        """What `$$` lists."""

    @abstractmethod
    def moving(self, block: Block) -> None:
        """A move begins or goes on."""

    @abstractmethod
    def arrived(self, block: Block) -> None:
        """A move has ended at its target."""

    @abstractmethod
    def halted(self) -> None:
        """A move was held or dropped on its way."""

    def obstacle(self, start: Point, end: Point) -> float | None:
        """The share of this move after which the machine hits something; None when the way is free."""
        return None

    def crashed(self) -> None:
        """A hard limit was met."""
        self.alarm(1)

    def output(self, code: int) -> None:
        """M3…M9 was reached, all motion before it has ended."""
        raise GrblError(20)

    def accessories(self) -> str:
        """What stands at the end of a status report."""
        return ""

    def reset_outputs(self) -> None:  # noqa: B027  # a hook: a machine without outputs has nothing to switch off
        """A soft reset switches every output off."""

    # life

    def start(self) -> None:
        """Power up."""
        self._tasks = [forever(self.motion.run()), forever(self._obey_for_ever())]

    async def shut_down(self) -> None:
        """Power off."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def picture(self) -> dict[str, object]:
        """How it is, for people."""
        return {"state": self._shown_state(), "at": self.here(), "blocks": len(self.motion.blocks)}

    def here(self) -> list[float]:
        """Where it is now, rounded for logs."""
        return [round(value, 3) for value in self.motion.position(time.monotonic())]

    def alarm(self, number: int) -> None:
        """Lock, and push the alarm."""
        self.motion.drop()
        self.state = "Alarm"
        self._say(f"ALARM:{number}")

    # bytes

    def received(self, data: bytes) -> None:
        for byte in data:
            if not self._real_time(byte):
                self._character(byte)

    def lost(self) -> None:  # noqa: B027  # the machine goes on with what it has: it does not know that nobody listens
        """The other side went away."""

    def _real_time(self, byte: int) -> bool:
        """Act on a real-time byte at once; whether it was one (0x80…0xFF never reach a line)."""
        if byte == ord("?"):
            self._say(self._report())
        elif byte == ord("!"):
            self._hold()
        elif byte == ord("~"):
            self.motion.resume()
        elif byte == 0x18:
            self._reset()
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
        x, y, z = self.motion.position(time.monotonic())
        running = self.motion.running
        rate = running.rate if running and not self.motion.is_held else 0
        return f"<{self._shown_state()}|MPos:{x:.3f},{y:.3f},{z:.3f}|FS:{rate:.0f},0{self.accessories()}>"

    def _shown_state(self) -> str:
        block = self.motion.next_block
        if self.state != "Idle" or block is None:
            return self.state
        if self.motion.is_held:
            return "Hold:0"
        return "Jog" if block.is_jog else "Run"

    def _hold(self) -> None:
        """`!`: a jog is ended by it, any other move is held."""
        if self.motion.running and self.motion.running.is_jog:
            self.motion.drop()
        else:
            self.motion.hold()

    def _cancel_jog(self) -> None:
        block = self.motion.next_block
        if block and block.is_jog:
            self.motion.drop()

    def _reset(self) -> None:
        """0x18: in motion the position is lost (ALARM:3); outputs go off."""
        was_moving = self.state == "Home" or (self.motion.running is not None and not self.motion.is_held)
        self.motion.drop()
        self.motion.is_held = False
        self._is_absolute = self._is_rapid = True
        while not self._lines.empty():
            self._lines.get_nowait()
        self.reset_outputs()
        if was_moving:
            self.alarm(3)
        self._reply(BANNER.encode())
        if self.state == "Alarm":
            self._say(UNLOCK)

    # lines

    async def _obey_for_ever(self) -> None:
        while True:
            raw = await self._lines.get()
            try:
                line = bare(raw)
                if line.startswith("$"):
                    await self.system(line)
                elif line:
                    await self._gcode(split_words(line))
                self._say("ok")
            except GrblError as error:
                self._say(f"error:{error.number}")

    async def system(self, line: str) -> None:
        """A `$` line; raise GrblError."""
        if line.startswith("$J="):
            await self._jog(line[3:])
        elif line == "$H":
            await self._seek_home()
        elif line == "$X":
            self._unlock()
        elif line in LISTS:
            for answer in self._answers(line):
                self._say(answer)
        else:
            raise GrblError(3)

    def _answers(self, line: str) -> list[str]:
        distance, motion = "G90" if self._is_absolute else "G91", "G0" if self._is_rapid else "G1"
        return {
            "$I": [f"[VER:1.1h.20190830:{self.name}]", "[OPT:VHZ,15,128]"],
            "$G": [f"[GC:{motion} G54 G17 G21 {distance} G94 M5 M9 T0 F{self._feed:.0f} S0]"],
            "$$": self.settings(),
            "$#": ["[G54:0.000,0.000,0.000]", "[G92:0.000,0.000,0.000]", "[TLO:0.000]", "[PRB:0.000,0.000,0.000:0]"],
            "$": ["[HLP:$$ $# $G $I $N $x=val $Nx=line $J=line $SLP $C $X $H ~ ! ? ctrl-x]"],
        }.get(line, [])

    def _unlock(self) -> None:
        if self.state == "Alarm":
            self.state = "Idle"
            self._say("[MSG:Caution: Unlocked]")

    async def _seek_home(self) -> None:
        if self.motion.next_block:
            raise GrblError(8)
        self.state = "Home"
        alarm = await self.home()
        if self.state != "Home":
            raise GrblError(9)  # stopped or reset on the way
        if alarm:
            self.alarm(alarm)
            raise GrblError(9)
        self.state = "Idle"
        self.motion.planned_end = self.motion.position(time.monotonic())

    async def _jog(self, text: str) -> None:
        block = self.motion.next_block
        if self.state != "Idle" or (block and not block.is_jog):
            raise GrblError(9 if self.state != "Idle" else 8)
        words = split_words(text)
        feed = first(words, "F")
        if not feed or feed < 0:
            raise GrblError(22)
        if any(letter == "G" and number not in {20.0, 21.0, 53.0, 90.0, 91.0} for letter, number in words):
            raise GrblError(16)
        target = self._target(words, is_absolute=("G", 91.0) not in words)
        if self.check_target(target, is_jog=True):
            raise GrblError(15)
        await self._plan(Block(target, feed, is_jog=True))

    async def _gcode(self, words: Words) -> None:
        block = self.motion.next_block
        if self.state != "Idle" or (block and block.is_jog):
            raise GrblError(9)
        is_dwell = False
        for letter, number in words:
            if letter == "G":
                is_dwell = self._mode(number) or is_dwell
            elif letter == "F":
                self._feed = number
            elif letter == "M":
                await self._m_code(int(number))
            elif letter not in self.letters + "PNS":
                raise GrblError(20)
        if is_dwell:
            await self._dwell(words)
        elif any(letter in self.letters for letter, _number in words):
            await self._straight(words)

    def _mode(self, code: float) -> bool:
        """Set a mode; True for the dwell."""
        if code in {0.0, 1.0}:
            self._is_rapid = code == 0.0
        elif code in {90.0, 91.0}:
            self._is_absolute = code == 90.0
        elif code != 4.0 and code not in FIXED_MODES:
            raise GrblError(20)
        return code == 4.0

    async def _dwell(self, words: Words) -> None:
        seconds = first(words, "P")
        if seconds is None:
            raise GrblError(28)
        await self.motion.ends()
        await asyncio.sleep(seconds)

    async def _m_code(self, code: int) -> None:
        if code not in {0, 1, 2, 3, 4, 5, 7, 8, 9, 30}:
            raise GrblError(20)
        await self.motion.ends()
        if code in {3, 4, 5, 7, 8, 9}:
            self.output(code)

    async def _straight(self, words: Words) -> None:
        target = self._target(words, is_absolute=self._is_absolute)
        if not self._is_rapid and self._feed <= 0:
            raise GrblError(22)
        alarm = self.check_target(target, is_jog=False)
        if alarm:
            self.alarm(alarm)
            raise GrblError(9)
        rate = self.rapid_rate(self.motion.planned_end, target) if self._is_rapid else self._feed
        await self._plan(Block(target, rate, is_jog=False))

    def _target(self, words: Words, *, is_absolute: bool) -> Point:
        asked = {letter: number for letter, number in words if letter in self.letters}
        if any(letter in "ABCUVW" for letter, _number in words):
            raise GrblError(20)
        if not asked:
            raise GrblError(26)
        end = dict(zip("XYZ", self.motion.planned_end, strict=True))
        for letter, number in asked.items():
            end[letter] = number if is_absolute else end[letter] + number
        return (end["X"], end["Y"], end["Z"])

    async def _plan(self, block: Block) -> None:
        """Take a move into the planner; error:9 when the machine was stopped while the line waited for room."""
        await self.motion.room()
        if self.state != "Idle":
            raise GrblError(9)
        self.motion.plan(block)
