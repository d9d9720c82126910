"""Turntable moved by a GRBL 1.1 controller whose X axis counts degrees.

Source: Grbl v1.1 wiki, "Jogging" and "Interface". All motion is jogging, because a jog can be cancelled at any moment
without losing position. Scale: simulated; its jog targets, written as G1, pass through LinuxCNC's interpreter `rs274`.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from drivers.base import (
    AttendantNeededError,
    BadOptionsError,
    Condition,
    DeviceError,
    DeviceOfflineError,
    DeviceStatus,
)
from drivers.grbl_link import (
    FEED_HOLD,
    JOG_CANCEL,
    STOPPED,
    GrblAlarmError,
    GrblError,
    GrblLink,
    Report,
    State,
    number,
    open_link,
)
from drivers.transport import PipeClosedError
from drivers.turntable import Turntable

LONGEST_TURN_DEG = 3600.0
"""One steering command turns ten times at most, so that a table whose master died stops some day by itself."""
LOOK_S = 0.02
"""How often the end of a slowing-down is looked for: a tenth of the time that a table needs to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GcodeOptions:
    """Options of turntable.gcode."""

    address: str  # /dev/serial/by-id/… or tcp://host:port of a serial server
    baud: int = 115200  # Grbl's own speed
    timeout_s: float = 1.0  # no answer for this long is offline
    open_s: float = 5.0  # a controller that restarts when its port opens gets this long to answer
    fastest_deg_per_s: float = 60.0  # speed of a full push; the controller's own limit ($110) holds besides
    stop_s: float = 2.0  # slowing down may take this long

    def __post_init__(self) -> None:
        if not 0 < self.fastest_deg_per_s <= 720:
            raise ValueError("fastest_deg_per_s must be above 0 and at most 720")


def encode_turn(speed: float, fastest_deg_per_s: float) -> str:
    """Return the jog that turns on and on with a share −1…1 of the fastest speed (not 0)."""
    way = LONGEST_TURN_DEG if speed > 0 else -LONGEST_TURN_DEG
    feed = max(1.0, min(abs(speed), 1.0) * fastest_deg_per_s * 60)  # degrees a minute
    return f"$J=G91X{number(way)}F{number(feed)}"


def encode_turn_to(now_deg: float, angle_deg: float, fastest_deg_per_s: float) -> str:
    """Return the jog that goes the shorter way from the counter's reading to an angle."""
    way = (angle_deg - now_deg + 180.0) % 360.0 - 180.0
    return f"$J=G90X{number(now_deg + way)}F{number(fastest_deg_per_s * 60)}"


class GcodeTurntable(Turntable):
    """One table. One that falls silent is DeviceOfflineError, even after a command: opening it again stops it first."""

    Options = GcodeOptions

    def __init__(self, options: GcodeOptions) -> None:
        self._options = options
        self._link: GrblLink | None = None
        self._speed: float | None = None  # what it was last told; None = unknown

    async def open(self) -> None:
        options = self._options
        self._link, report = await open_link(options.address, options.baud, options.timeout_s, options.open_s)
        try:
            if report.position is None:
                raise BadOptionsError(
                    f"{options.address}: set $10=1, so that machine positions are reported", "settings"
                )
            if report.state in (State.RUN, State.JOG):
                await self.stop()
        except DeviceError:
            await self._link.pipe.close()
            raise

    async def close(self) -> None:
        if self._link is None:
            return
        with suppress(DeviceError):  # gone, or silent: nothing more can be told to it
            await self._link.realtime(JOG_CANCEL)
            await self.stop()
        await self._link.pipe.close()

    async def status(self) -> DeviceStatus:
        report = await self._report()
        reason = STOPPED.get(report.state, "")
        if reason:
            return DeviceStatus(condition=Condition.NEEDS_ATTENDANT, reason=reason, raw=report.raw)
        is_moving = report.state in (State.RUN, State.JOG, State.HOME)
        return DeviceStatus(condition=Condition.BUSY if is_moving else Condition.ONLINE, raw=report.raw)

    async def turn(self, speed: float) -> None:
        speed = max(-1.0, min(speed, 1.0))
        if speed == self._speed and (speed == 0 or (await self._report()).state == State.JOG):
            return
        await self.stop()
        if speed != 0:
            self._speed = None
            await self._jog(encode_turn(speed, self._options.fastest_deg_per_s))
            self._speed = speed

    async def turn_to(self, angle_deg: float) -> None:
        await self.stop()
        self._speed = None
        report = await self._report()
        await self._jog(encode_turn_to(self._counter(report), angle_deg % 360.0, self._options.fastest_deg_per_s))

    async def stop(self) -> None:
        """Cancel the jog and wait until the table stands; motion that is no jog gets feed hold."""
        self._speed = None
        link = self._opened()
        await link.realtime(JOG_CANCEL)
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._options.stop_s
        while (report := await self._report()).state in (State.JOG, State.RUN):
            if report.state == State.RUN:
                await link.realtime(FEED_HOLD)
            if loop.time() > until_s:
                raise DeviceOfflineError(f"{self._options.address}: does not stop ({report.raw})", "does_not_stop")
            await asyncio.sleep(LOOK_S)
        self._speed = 0.0

    async def angle_deg(self) -> float:
        return self._counter(await self._report()) % 360.0

    async def _jog(self, words: str) -> None:
        link = self._opened()
        try:
            await link.line(words)
        except GrblError as error:
            raise AttendantNeededError(f"{error}; look at the table and release it", self._reason(error)) from error
        except GrblAlarmError as error:
            raise _stopped(error) from error

    async def _report(self) -> Report:
        try:
            return await self._opened().report()
        except GrblAlarmError as error:
            raise _stopped(error) from error

    def _reason(self, error: GrblError) -> str:
        # 9: locked by an alarm; 15: beyond the soft limits, which a table must not have ($20=0)
        return {9: "alarm", 15: "settings"}.get(error.code, "refused")

    def _counter(self, report: Report) -> float:
        if not report.position:
            raise DeviceOfflineError(f"{self._options.address}: reports no position: {report.raw}", "garbled")
        return report.position[0]

    def _opened(self) -> GrblLink:
        if self._link is None:
            raise PipeClosedError(f"{self._options.address}: is not open", "closed")
        return self._link


def _stopped(error: GrblAlarmError) -> DeviceError:
    """A restarted controller is opened again by its host; an alarm waits for a person."""
    if error.reason == "restarted":
        return DeviceOfflineError(str(error), error.reason)
    return AttendantNeededError(str(error), error.reason)


DRIVER = GcodeTurntable
