"""Labelling robot on a GRBL 1.1 controller: three axes, vacuum cup on the coolant output, switch on the probe input.

Source: Grbl v1.1 wiki, "Interface", "Commands", "Settings"; NIST RS274/NGC for the words of a line. Scale: simulated;
its lines pass through LinuxCNC's interpreter `rs274`, which sees the same moves (tests/drivers/peers).
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
    OutcomeUnknownError,
)
from drivers.grbl_link import (
    FEED_HOLD,
    SOFT_RESET,
    GrblAlarmError,
    GrblError,
    GrblLink,
    Report,
    State,
    number,
    open_link,
)
from drivers.labeller import Labeller, LabelPlace
from drivers.transport import PipeClosedError

MODES = "G21G90G94"
"""Millimetres, absolute, feed per minute: a controller that restarted may have been set otherwise by hand."""
VACUUM_ON, VACUUM_OFF = "M8", "M9"
MOTION_END = "G4P0.01"
"""A dwell is answered when all motion before it has ended ("ok" to a move only means that it was planned)."""
VACUUM_PIN = "P"
LOOK_S = 0.05
"""How often the end of a slowing-down is looked for."""
EMERGENCY_STOP_ERROR = 79
"""grblHAL: "emergency stop active"; Grbl itself has no such code and stays in Alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrblOptions:
    """Options of labeller.grbl. Positions are machine positions in millimetres, as taught with the cup on the spot."""

    address: str  # /dev/serial/by-id/… or tcp://host:port of a serial server
    baud: int = 115200  # Grbl's own speed
    timeout_s: float = 2.0  # no answer for this long is silence
    open_s: float = 5.0  # a controller that restarts when its port opens gets this long to answer
    home_s: float = 60.0  # referencing every axis from the far end may take this long
    motion_s: float = 20.0  # one stretch of motion from planning to standstill
    rest_x_mm: float = 0.0  # rest place, out of the bench camera's sight
    rest_y_mm: float = 0.0  # rest place, second axis
    travel_z_mm: float = 0.0  # height at which the cup passes over everything
    mouth_x_mm: float = 60.0  # middle of the label that the printer presents
    mouth_y_mm: float = 200.0  # the same, second axis
    mouth_z_mm: float = -40.0  # height of the cup when it touches that label
    place_x_mm: float = 360.0  # middle of the label on the parcel, unless the bench says otherwise
    place_y_mm: float = 200.0  # the same, second axis
    place_z_mm: float = -100.0  # height of the cup when it touches a parcel of usual height
    place_angle_deg: float = 0.0  # turn of the label, anticlockwise; needs angle_axis
    reach_x_mm: float = 600.0  # travel of the first axis from its home end, sign as the axis counts
    reach_y_mm: float = 400.0  # travel of the second axis
    reach_z_mm: float = -240.0  # travel of the third axis
    press_mm_per_min: float = 1500.0  # speed of the last centimetres down to label or parcel
    approach_mm: float = 20.0  # how far above label or parcel that speed begins
    grip_s: float = 0.3  # vacuum builds up for this long
    press_s: float = 0.4  # the cup presses the label on for this long
    release_s: float = 0.2  # vacuum falls for this long
    angle_axis: str = ""  # letter of an axis that turns the cup (degrees); empty = labels keep the mouth's direction

    def __post_init__(self) -> None:
        if self.angle_axis not in ("", "A", "B", "C"):
            raise ValueError('angle_axis must be "A", "B", "C" or empty')
        if not (self.press_mm_per_min > 0 and self.approach_mm >= 0):
            raise ValueError("press_mm_per_min must be above 0, approach_mm not below")
        places = (self.rest_x_mm, self.rest_y_mm, self.travel_z_mm), (self.mouth_x_mm, self.mouth_y_mm, self.mouth_z_mm)
        if not all(is_in_reach(self, *place) for place in places):
            raise ValueError("rest, travel or mouth position lies beyond reach_x_mm, reach_y_mm, reach_z_mm")


def is_in_reach(options: GrblOptions, x_mm: float, y_mm: float, z_mm: float) -> bool:
    """Whether a position lies inside the travel of every axis; never for NaN."""
    pairs = (x_mm, options.reach_x_mm), (y_mm, options.reach_y_mm), (z_mm, options.reach_z_mm)
    return all(min(0.0, reach) <= value <= max(0.0, reach) for value, reach in pairs)


def encode_pick(options: GrblOptions) -> list[str]:
    """Return the lines from anywhere to the label held at travel height; the last is answered when all have ended."""
    above = _above(options, options.mouth_z_mm)
    return [
        f"G0Z{number(options.travel_z_mm)}",
        f"G0X{number(options.mouth_x_mm)}Y{number(options.mouth_y_mm)}" + _turned(options, 0.0),
        f"G0Z{number(above)}",
        f"G1Z{number(options.mouth_z_mm)}F{number(options.press_mm_per_min)}",
        VACUUM_ON,
        f"G4P{number(options.grip_s)}",
        f"G0Z{number(options.travel_z_mm)}",
        MOTION_END,
    ]


def encode_carry(options: GrblOptions, place: LabelPlace) -> list[str]:
    """Return the lines from the mouth to just above the place."""
    return [
        f"G0X{number(place.x_mm)}Y{number(place.y_mm)}" + _turned(options, place.angle_deg),
        f"G0Z{number(_above(options, place.z_mm))}",
        MOTION_END,
    ]


def encode_press(options: GrblOptions, place: LabelPlace) -> list[str]:
    """Return the lines that press the label on, let go and rise."""
    return [
        f"G1Z{number(place.z_mm)}F{number(options.press_mm_per_min)}",
        f"G4P{number(options.press_s)}",
        VACUUM_OFF,
        f"G4P{number(options.release_s)}",
        f"G0Z{number(options.travel_z_mm)}",
        MOTION_END,
    ]


def encode_rest(options: GrblOptions) -> list[str]:
    """Return the lines from travel height to the rest place."""
    return [f"G0X{number(options.rest_x_mm)}Y{number(options.rest_y_mm)}" + _turned(options, 0.0), MOTION_END]


def _above(options: GrblOptions, z_mm: float) -> float:
    return min(z_mm + options.approach_mm, max(options.travel_z_mm, z_mm))


def _turned(options: GrblOptions, angle_deg: float) -> str:
    return f"{options.angle_axis}{number(angle_deg)}" if options.angle_axis else ""


class GrblLabeller(Labeller):
    """One robot. Unlocking without homing ($X) is never sent: an unreferenced robot asks for the attendant."""

    Options = GrblOptions

    def __init__(self, options: GrblOptions) -> None:
        self._options = options
        self._link: GrblLink | None = None
        self._was_ready = False  # an alarm before the robot was ever ready only means that it was not homed
        self._is_held = False

    async def open(self) -> None:
        """Reach the controller. Nothing moves: motion found under way is put on hold."""
        options = self._options
        self._link, report = await open_link(options.address, options.baud, options.timeout_s, options.open_s)
        try:
            if report.position is None:
                raise BadOptionsError(
                    f"{options.address}: set $10=1, so that machine positions are reported", "settings"
                )
            if report.state in (State.RUN, State.JOG, State.HOME):
                await self._link.realtime(FEED_HOLD)
        except DeviceError:
            await self._link.pipe.close()
            raise

    async def close(self) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        with suppress(DeviceError):  # gone, or silent: nothing more can be told to it
            if (await link.report()).state in (State.RUN, State.JOG, State.HOME):
                await link.realtime(FEED_HOLD)
        await link.pipe.close()

    async def status(self) -> DeviceStatus:
        report = await self._report()
        reason = self._reason(report)
        if reason:
            return DeviceStatus(condition=Condition.NEEDS_ATTENDANT, reason=reason, raw=report.raw)
        condition = Condition.ONLINE if report.state == State.IDLE else Condition.BUSY
        return DeviceStatus(condition=condition, raw=report.raw)

    async def home(self) -> None:
        """Reference every axis. Hold and alarm are ended by a reset first: the robot stands still then."""
        link, where = self._opened(), self._options.address
        report = await self._report()
        if VACUUM_PIN in report.pins:
            raise AttendantNeededError(f"{where}: something is at the cup; take it off first", "cup_not_empty")
        if report.state == State.DOOR:
            raise AttendantNeededError(f"{where}: close the door first", "door_open")
        try:
            if report.state in (State.HOLD, State.ALARM):
                await self._reset(report)
            await link.line("$H", self._options.home_s, watches=False)
            for words in (MODES, f"G0Z{number(self._options.travel_z_mm)}", *encode_rest(self._options)):
                await link.line(words, self._options.motion_s)
        except GrblError as error:
            reason = "emergency_stop" if error.code == EMERGENCY_STOP_ERROR else "not_homed"
            raise AttendantNeededError(
                f"{error}; look at the robot, release its stop and home again", reason
            ) from error
        except GrblAlarmError as error:
            raise AttendantNeededError(f"{error}; look at the robot, then home again", error.reason) from error
        except DeviceOfflineError as error:
            raise OutcomeUnknownError(f"{where}: homing did not end ({error})", error.reason) from error

    async def apply(self, place: LabelPlace | None = None) -> None:
        place = self._checked(place)
        await self._make_ready()
        try:
            await self._apply(place)
        except (GrblError, GrblAlarmError, DeviceOfflineError) as error:
            await self.hold()
            message = f"{self._options.address}: stopped in the middle of labelling ({error}); look where the label is"
            raise OutcomeUnknownError(message, error.reason) from error
        except asyncio.CancelledError:
            await self.hold()
            raise

    async def hover(self, place: LabelPlace) -> None:
        place = self._checked(place)
        await self._make_ready()
        try:
            await self._run([f"G0Z{number(self._options.travel_z_mm)}", *encode_carry(self._options, place)])
        except (GrblError, GrblAlarmError, DeviceOfflineError) as error:
            await self.hold()
            raise OutcomeUnknownError(f"{self._options.address}: stopped on its way ({error})", error.reason) from error
        except asyncio.CancelledError:
            await self.hold()
            raise

    async def _make_ready(self) -> None:
        """See that it may move and that nothing hangs at the cup; raises AttendantNeededError, nothing moved."""
        report = await self._report()
        reason = self._reason(report) or ("busy" if report.state != State.IDLE else "")
        if not reason and VACUUM_PIN in report.pins:
            reason = "cup_not_empty"
        if reason:
            raise AttendantNeededError(f"{self._options.address}: {reason} ({report.raw}); nothing moved", reason)
        await self._set_modes()
        self._is_held = False

    async def hold(self) -> None:
        link, self._is_held = self._link, True
        if link is not None:
            with suppress(DeviceOfflineError):  # a robot that can't be reached has its own emergency stop
                await link.realtime(FEED_HOLD)

    async def _set_modes(self) -> None:
        """The last thing before motion; nothing has moved when it fails."""
        try:
            await self._opened().line(MODES)
        except (GrblError, GrblAlarmError) as error:
            raise AttendantNeededError(f"{error}; nothing moved", error.reason) from error

    async def _apply(self, place: LabelPlace) -> None:
        await self._run(encode_pick(self._options))
        await self._expect(is_holding=True, reason="label_not_picked")
        await self._run(encode_carry(self._options, place))
        await self._expect(is_holding=True, reason="label_lost")
        await self._run(encode_press(self._options, place))
        await self._expect(is_holding=False, reason="label_at_cup")
        await self._run(encode_rest(self._options))

    async def _run(self, lines: list[str]) -> None:
        for words in lines:
            if self._is_held:  # in a dwell the controller may pass over a feed hold
                raise GrblAlarmError(f"{self._options.address}: was put on hold", "on_hold")
            await self._opened().line(words, self._options.motion_s)

    async def _expect(self, *, is_holding: bool, reason: str) -> None:
        """Look at the vacuum switch; if it says otherwise, go to rest with the vacuum off and say so."""
        report = await self._opened().report()
        if (VACUUM_PIN in report.pins) == is_holding:
            return
        options = self._options
        await self._run([f"G0Z{number(options.travel_z_mm)}", *encode_rest(options), VACUUM_OFF])
        raise OutcomeUnknownError(f"{options.address}: {reason} (vacuum switch); look for the label", reason)

    async def _reset(self, report: Report) -> None:
        link, loop = self._opened(), asyncio.get_running_loop()
        until_s = loop.time() + self._options.motion_s
        while report.state == State.HOLD and report.sub_state == 1 and loop.time() < until_s:  # still slowing down
            await asyncio.sleep(LOOK_S)
            report = await link.report()
        await link.realtime(SOFT_RESET)
        await link.first_report(self._options.open_s)

    async def _report(self) -> Report:
        link = self._opened()
        try:
            report = await link.report()
        except GrblAlarmError:  # said since the last question; the state now tells the rest
            report = await link.report()
        self._was_ready = self._was_ready or report.state == State.IDLE
        return report

    def _reason(self, report: Report) -> str:
        link = self._opened()
        if report.state == State.ALARM and not (self._was_ready or link.alarm_reason):
            return "not_homed"
        return link.reason_of(report)

    def _checked(self, place: LabelPlace | None) -> LabelPlace:
        options = self._options
        if place is None:
            place = LabelPlace(
                x_mm=options.place_x_mm,
                y_mm=options.place_y_mm,
                z_mm=options.place_z_mm,
                angle_deg=options.place_angle_deg,
            )
        if not is_in_reach(options, place.x_mm, place.y_mm, place.z_mm):
            raise AttendantNeededError(f"{options.address}: {place} is out of reach; nothing moved", "out_of_reach")
        if place.angle_deg and not options.angle_axis:
            raise AttendantNeededError(
                f"{options.address}: this robot can't turn a label; nothing moved", "out_of_reach"
            )
        return place

    def _opened(self) -> GrblLink:
        if self._link is None:
            raise PipeClosedError(f"{self._options.address}: is not open", "closed")
        return self._link


DRIVER = GrblLabeller
