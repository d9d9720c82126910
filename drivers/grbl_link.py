"""The GRBL 1.1 serial interface: lines, answers, status reports and realtime bytes; knows no machine.

Source: Grbl v1.1 wiki, "Interface" and "Commands" (realtime bytes, status report fields, error and alarm codes).
"""

import asyncio
import math
import re
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from drivers.base import DeviceError, DeviceOfflineError
from drivers.transport import Pipe, PipeSilentError, open_pipe

STATUS = b"?"
FEED_HOLD = b"!"
RESUME = b"~"
SOFT_RESET = b"\x18"
JOG_CANCEL = b"\x85"
EMERGENCY_STOP_ALARM = 10
"""grblHAL: "EStop asserted"; Grbl itself has no such code, and tells only that it stands in Alarm."""
POISON = b"@"
"""No word, number or $ command of Grbl contains it (gcode.c: expected command letter; system.c: invalid statement)."""
LINE_LIMIT = 80
"""Grbl's line buffer; a longer line is cut off and obeyed in part, so it is never sent."""
ASK_AGAIN_S = 0.5
"""A controller that resets when its port opens loses what comes in its first second, so it is asked again."""
POLL_S = 0.1
"""How often a wait for motion looks at the state: soon enough to see a door or hold, rare enough for 115200 baud."""


class State(StrEnum):
    """Machine states of a status report."""

    IDLE = "Idle"
    RUN = "Run"
    HOLD = "Hold"
    JOG = "Jog"
    ALARM = "Alarm"
    DOOR = "Door"
    CHECK = "Check"
    HOME = "Home"
    SLEEP = "Sleep"


STOPPED = {
    State.HOLD: "on_hold",
    State.DOOR: "door_open",
    State.ALARM: "alarm",
    State.CHECK: "check_mode",
    State.SLEEP: "asleep",
}
"""States out of which only a person (or a command meant for it) leads, and their reason codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One status report; `position` is the machine position, None when the controller reports work position ($10)."""

    state: State
    sub_state: int = 0
    position: tuple[float, ...] | None = None
    pins: str = ""
    accessories: str = ""
    raw: str = ""


class GrblError(DeviceError):
    """The controller answered a line with `error:n`; the line was not obeyed."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, "refused")
        self.code = code


class GrblAlarmError(DeviceError):
    """The controller stopped by itself (`ALARM:n`, `Alarm` state, door, hold) or restarted."""


def encode_line(words: str) -> bytes:
    """Return one line for the controller; raise ValueError when it could be cut off or hide a second command."""
    if not re.fullmatch(r"[ -~]+", words) or any(sign in words for sign in "?!~") or len(words) > LINE_LIMIT - 1:
        raise ValueError(f"{words!r} is no single G-code line of at most {LINE_LIMIT - 1} plain characters")
    return words.encode("ascii") + b"\n"


def number(value: float) -> str:
    """Return a number as G-code writes it: three decimals at most, no exponent; raise ValueError for NaN, infinity."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no position")
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def parse_report(line: str) -> Report:
    """Return what `<Idle|MPos:0.000,0.000,0.000|FS:0,0|Pn:P|A:F>` says; raise ValueError for anything else."""
    if not (line.startswith("<") and line.endswith(">")):
        raise ValueError(f"{line[:60]!r} is no status report")
    name, *fields = line[1:-1].split("|")
    state, _, sub = name.partition(":")
    values = dict(part.split(":", 1) for part in fields if ":" in part)
    position = tuple(float(axis) for axis in values["MPos"].split(",")) if "MPos" in values else None
    if position is not None and not all(math.isfinite(axis) for axis in position):
        raise ValueError("a position is not finite")
    return Report(
        state=State(state),
        sub_state=int(sub) if sub else 0,
        position=position,
        pins=values.get("Pn", ""),
        accessories=values.get("A", ""),
        raw=line[:120],
    )


@dataclass(slots=True)
class GrblLink:
    """One open controller. Lines go one at a time and wait for `ok`, so that an error names the line that caused it.

    A line may be cancelled; its late answers are dropped before the next one.
    """

    pipe: Pipe
    timeout_s: float
    said: deque[str] = field(default_factory=lambda: deque(maxlen=8))
    alarm_reason: str = ""
    _unanswered: int = 0
    _is_noisy: bool = False

    async def realtime(self, byte: bytes) -> None:
        """Send one realtime byte, obeyed at once and not answered. May be called while a line is waited for."""
        await self.pipe.write(byte, self.timeout_s)

    async def report(self) -> Report:
        """Ask for the state; raise PipeSilentError, or GrblAlarmError when the controller stopped or restarted."""
        await self._drop_old()
        await self._ask()
        until_s = _now_s() + self.timeout_s
        try:
            while not (text := await self._next(until_s)).startswith("<"):
                pass
        except PipeSilentError as error:
            raise self._named(error) from None
        return self._parsed(text)

    async def first_report(self, open_s: float) -> Report:
        """Ask until the controller answers: it may be starting because its port was opened."""
        until_s = _now_s() + open_s
        while True:
            await self._ask()
            try:
                while True:
                    text = await self._read_line(min(until_s, _now_s() + ASK_AGAIN_S))
                    if text.startswith("<"):
                        return self._parsed(text)
            except PipeSilentError as error:
                if _now_s() >= until_s:
                    raise self._named(error) from None

    async def clear_line(self) -> None:
        """Make the controller refuse what an earlier master left half written, without moving anything.

        A line that was cut off by a lost cable waits for its end; the next line would be joined to it and perhaps
        obeyed. No command holds this character, and a line is obeyed whole or not at all.
        """
        await self.pipe.write(POISON + b"\n", self.timeout_s)
        until_s = _now_s() + self.timeout_s
        with suppress(PipeSilentError):  # while it homes or is held it answers later; _drop_old() reads that away
            while not (await self._read_line(until_s)).startswith(("error:", "ok")):
                pass

    async def line(self, words: str, wait_s: float = 0.0, *, watches: bool = True) -> None:
        """Send a line and wait for its `ok`; raise GrblError, GrblAlarmError or PipeSilentError.

        With `wait_s` the line may take that long (homing, a dwell behind motion). The state is then asked for on the
        way: a hold, door or alarm raises GrblAlarmError, silence PipeSilentError. Not with `watches=False`, because
        Grbl answers no question while it homes.
        """
        await self._drop_old()
        self._is_noisy = False
        await self.pipe.write(encode_line(words), self.timeout_s)
        until_s, heard_s = _now_s() + max(wait_s, self.timeout_s), _now_s()
        while True:
            is_polling = wait_s > 0 and watches
            try:
                text = await self._next(min(until_s, _now_s() + POLL_S) if is_polling else until_s)
            except PipeSilentError as error:
                if not is_polling or _now_s() >= until_s or _now_s() - heard_s > self.timeout_s:
                    raise self._named(error) from None
                await self._ask()
                continue
            heard_s = _now_s()
            if text == "ok":
                return
            if text.startswith("error:"):
                raise GrblError(f"{self.pipe.address}: {words!r} was refused: {text[:20]}", _code(text))
            if text.startswith("<"):
                self.refuse_stopped(self._parsed(text))

    def refuse_stopped(self, report: Report) -> None:
        """Raise GrblAlarmError for a state that only a person ends."""
        reason = self.reason_of(report)
        if reason:
            raise GrblAlarmError(f"{self.pipe.address}: the controller says {report.raw}", reason)

    def reason_of(self, report: Report) -> str:
        """Return why only a person leads out of this state, or ""; an alarm that was named keeps its name."""
        return self.alarm_reason or "alarm" if report.state is State.ALARM else STOPPED.get(report.state, "")

    def _named(self, error: PipeSilentError) -> PipeSilentError:
        """Tell noise from silence: the one is the cable or the wrong model, the other a device that is off."""
        if not (self._is_noisy or self.pipe.is_unread):
            return error
        return PipeSilentError(f"{self.pipe.address}: answers what is no Grbl; check cable, speed, model", "garbled")

    async def _ask(self) -> None:
        self._is_noisy = False
        await self.pipe.write(STATUS, self.timeout_s)
        self._unanswered += 1

    async def _next(self, until_s: float) -> str:
        """Return the next line that is an answer; note messages; raise on alarms and restarts."""
        while True:
            text = await self._read_line(until_s)
            self._raise_if_stopped(text)
            if text == "ok" or text.startswith(("<", "error:")):
                return text

    async def _read_line(self, until_s: float) -> str:
        raw = await self.pipe.read_until(b"\n", max(0.0, until_s - _now_s()), limit=1024)
        text = raw.decode("ascii", "replace").strip()
        if text.startswith("<"):
            self._unanswered = max(0, self._unanswered - 1)
        elif text and text != "ok":
            self.said.append(text[:120])
            self._is_noisy = self._is_noisy or not text.isascii()
        return text

    async def _drop_old(self) -> None:
        """Read away answers to earlier questions, so that none is taken for the answer to the next one."""
        until_s = _now_s() + self.timeout_s
        try:
            while self._unanswered:
                self._raise_if_stopped(await self._read_line(until_s))
        except PipeSilentError:
            self._unanswered = 0
        for raw in self.pipe.drop_input().splitlines():
            self._raise_if_stopped(raw.decode("ascii", "replace").strip())

    def _raise_if_stopped(self, text: str) -> None:
        if text.startswith("ALARM:"):
            self.alarm_reason = "emergency_stop" if _code(text) == EMERGENCY_STOP_ALARM else "alarm"
            raise GrblAlarmError(f"{self.pipe.address}: the controller stopped itself: {text[:20]}", self.alarm_reason)
        if text.lower().startswith("grbl"):
            raise GrblAlarmError(f"{self.pipe.address}: the controller has restarted", "restarted")

    def _parsed(self, text: str) -> Report:
        try:
            report = parse_report(text)
        except ValueError as error:
            raise DeviceOfflineError(f"{self.pipe.address}: {error}", "garbled") from None
        if report.state is not State.ALARM:
            self.alarm_reason = ""
        return report


async def open_link(address: str, baud: int, timeout_s: float, open_s: float) -> tuple[GrblLink, Report]:
    """Open the port, wait for the controller and clear its line buffer; moves nothing. Raise DeviceOfflineError."""
    link = GrblLink(await open_pipe(address, baud=baud), timeout_s)
    try:
        report = await link.first_report(open_s)
        await link.clear_line()
        return link, report
    except DeviceOfflineError:
        await link.pipe.close()
        raise


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _code(text: str) -> int:
    digits = text.partition(":")[2]
    return int(digits) if digits.isdigit() else 0
