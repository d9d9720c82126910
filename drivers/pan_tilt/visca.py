"""Pan-tilt-zoom head that speaks VISCA over a serial line (or a serial server: tcp://).

Source: Sony EVI-D70/D70P technical manual, "VISCA/RS-232C Command List"; section names stand beside the bytes. Scale:
simulated; frames are equal to those of the independent encoder visca-over-ip 0.5.2 (tests/captures).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

from drivers.base import AttendantNeededError, BadOptionsError, Condition, DeviceError, DeviceOfflineError, DeviceStatus
from drivers.pan_tilt import HeadLimits, HeadPosition, PanTilt
from drivers.pan_tilt._visca_frames import (
    ADDRESS_SET,
    DRIVE_STOP,
    END,
    EVI_D70_LENS,
    IF_CLEAR,
    POSITION_INQUIRY,
    POWER_INQUIRY,
    ZOOM_INQUIRY,
    ZOOM_STOP,
    Ack,
    Answer,
    Done,
    Refused,
    Reply,
    encode_absolute,
    encode_drive,
    encode_frame,
    encode_limit,
    encode_zoom,
    encode_zoom_direct,
    parse_position,
    parse_reply,
    parse_zoom,
    position_to_zoom,
    zoom_to_position,
)
from drivers.transport import Pipe, PipeSilentError, open_pipe

STANDING_S = 5.0
"""What a head told of where it stands holds for so long: its own remote control, or a hand, may turn it."""
_ERRORS = {
    2: "syntax error",
    3: "both command sockets busy",
    4: "cancelled",
    5: "no such socket",
    0x41: "not executable",
}
_SYNTAX_ERROR, _BUFFER_FULL, _CANCELLED = 2, 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ViscaOptions:
    """Options of pan_tilt.visca."""

    address: str  # /dev/serial/by-id/… or tcp://host:port of a serial server
    baud: int = 9600  # as set on the head; Sony's heads leave the factory with 9600
    head_number: int = 1  # position in the daisy chain, 1…7
    timeout_s: float = 0.5  # an acknowledgement takes one or two video fields; half a second means silence
    pan_min_deg: float = -100.0  # farthest left that shoppers may see (masks: other people, doors, tills)
    pan_max_deg: float = 100.0  # farthest right
    tilt_min_deg: float = -25.0  # lowest
    tilt_max_deg: float = 25.0  # highest
    zoom_max: float = 18.0  # largest magnification
    units_per_deg: float = 40 / 3  # position units of the head per degree (EVI-D70: 0.075° each)
    pan_speed_max: int = 24  # fastest pan speed code, 1…24
    tilt_speed_max: int = 23  # fastest tilt speed code, 1…23
    view_deg: float = 48.0  # how wide the picture is at 1× (EVI-D70: 48°, technical manual p. 54)
    lens: tuple[int, ...] = EVI_D70_LENS  # zoom positions of 1×, 2×, 3× …; rising

    def __post_init__(self) -> None:
        if not 1 <= self.head_number <= 7:
            raise ValueError("head_number must be 1…7")
        if not (self.pan_min_deg < self.pan_max_deg and self.tilt_min_deg < self.tilt_max_deg):
            raise ValueError("pan_min_deg must be below pan_max_deg, tilt_min_deg below tilt_max_deg")
        if len(self.lens) < 2 or any(low >= high for low, high in pairwise(self.lens)):
            raise ValueError("lens must be rising zoom positions of 1×, 2× …")
        if not 1 <= self.zoom_max <= len(self.lens):
            raise ValueError(f"zoom_max must be 1…{len(self.lens)}, as far as lens reaches")
        if not (1 <= self.pan_speed_max <= 24 and 1 <= self.tilt_speed_max <= 23):
            raise ValueError("pan_speed_max must be 1…24, tilt_speed_max 1…23")
        if not 0 < self.view_deg < 180:
            raise ValueError("view_deg must be above 0 and below 180")
        if not self.units_per_deg > 0:
            raise ValueError("units_per_deg must be positive")


class ViscaHead(PanTilt):
    """One head. It is told the limits itself; where it can't keep them, each `move` looks first where it stands, unless
    that was told since its last motion: two questions take 30 ms at 9600 baud, and somebody waits for the picture.

    A head that falls silent is DeviceOfflineError, even after a command: opening it again stops it first.
    """

    Options = ViscaOptions

    def __init__(self, options: ViscaOptions) -> None:
        self._options = options
        self._pipe = Pipe(options.address)
        self._going: set[int] = set()  # sockets in which a way to a position has not ended
        self._driving: bytes | None = None  # what the head was last told; None = unknown
        self._zooming: bytes | None = None
        self._keeps_limits = False
        self._standing: HeadPosition | None = None  # where it told to be, nothing of ours having moved it since
        self._told_s = 0.0

    @property
    def limits(self) -> HeadLimits:
        options = self._options
        return HeadLimits(
            pan_min_deg=options.pan_min_deg,
            pan_max_deg=options.pan_max_deg,
            tilt_min_deg=options.tilt_min_deg,
            tilt_max_deg=options.tilt_max_deg,
            zoom_max=options.zoom_max,
        )

    @property
    def view_deg(self) -> float:
        return self._options.view_deg

    async def open(self) -> None:
        options = self._options
        self._pipe = await open_pipe(options.address, baud=options.baud)
        try:
            await self._pipe.write(ADDRESS_SET, options.timeout_s)
            await self._command(IF_CLEAR)
            await self.stop()
            if await self._ask(POWER_INQUIRY, 1) != b"\x02":
                raise DeviceOfflineError(f"{options.address}: the head is in standby; switch it on", "standby")
            self._keeps_limits = await self._give_limits()
        except DeviceError:
            await self._pipe.close()
            raise

    async def close(self) -> None:
        with suppress(DeviceError):  # gone, or silent: nothing more can be told to it
            await self.stop()
        await self._pipe.close()

    async def status(self) -> DeviceStatus:
        power = await self._ask(POWER_INQUIRY, 1)
        if power == b"\x02":
            return DeviceStatus(condition=Condition.ONLINE, raw=power.hex())
        return DeviceStatus(condition=Condition.NEEDS_ATTENDANT, reason="standby", raw=power.hex())

    async def move(self, pan: float, tilt: float, zoom: float) -> None:
        pan, tilt, zoom = await self._within(pan, tilt, zoom)
        drive = encode_drive(pan, tilt, self._options.pan_speed_max, self._options.tilt_speed_max)
        if drive != self._driving:
            self._driving = self._standing = None
            await self._command(drive)
            self._driving = drive
        zooming = encode_zoom(zoom)
        if zooming != self._zooming:
            self._zooming = self._standing = None
            await self._command(zooming)
            self._zooming = zooming

    async def go_to(self, position: HeadPosition) -> None:
        options = self._options
        pan_deg = min(max(position.pan_deg, options.pan_min_deg), options.pan_max_deg)
        tilt_deg = min(max(position.tilt_deg, options.tilt_min_deg), options.tilt_max_deg)
        zoom = min(max(position.zoom, 1.0), options.zoom_max)
        self._driving = self._zooming = self._standing = None
        await self._free_sockets()
        speeds = options.pan_speed_max, options.tilt_speed_max
        for payload in (
            encode_absolute(self._units(pan_deg), self._units(tilt_deg), *speeds),
            encode_zoom_direct(zoom_to_position(zoom, options.lens)),
        ):
            reply = await self._command(payload)
            if isinstance(reply, Ack):
                self._going.add(reply.socket)

    async def stop(self) -> None:
        self._driving = self._zooming = None
        trouble: DeviceError | None = None
        for payload in (DRIVE_STOP, ZOOM_STOP):  # one that is not answered must not keep the other from being sent
            try:
                await self._command(payload)
            except PipeSilentError as error:
                trouble = error
        await self._free_sockets()
        if trouble is not None:
            raise trouble
        self._driving, self._zooming = DRIVE_STOP, ZOOM_STOP

    async def position(self) -> HeadPosition:
        options = self._options
        try:
            pan, tilt = parse_position(await self._ask(POSITION_INQUIRY, 8))
            zoom = parse_zoom(await self._ask(ZOOM_INQUIRY, 4))
        except ValueError as error:
            raise DeviceOfflineError(f"{options.address}: {error}", "garbled") from None
        told = HeadPosition(
            pan_deg=pan / options.units_per_deg,
            tilt_deg=tilt / options.units_per_deg,
            zoom=position_to_zoom(zoom, options.lens),
        )
        self._standing = told if (self._driving, self._zooming) == (DRIVE_STOP, ZOOM_STOP) else None
        self._told_s = asyncio.get_running_loop().time()
        return told

    async def _within(self, pan: float, tilt: float, zoom: float) -> tuple[float, float, float]:
        """Take off motion that would lead out of the limits, as far as the head does not do so itself."""
        options = self._options
        must_look = (pan != 0 or tilt != 0) and not self._keeps_limits
        if not must_look and (zoom <= 0 or options.zoom_max >= len(options.lens)):
            return pan, tilt, zoom
        wanted, standing = (pan, tilt, zoom), self._remembered()
        if standing is not None and _kept(options, standing, *wanted) == wanted:
            return wanted
        return _kept(options, await self.position(), *wanted)

    def _remembered(self) -> HeadPosition | None:
        is_fresh = asyncio.get_running_loop().time() - self._told_s < STANDING_S
        return self._standing if is_fresh else None

    async def _give_limits(self) -> bool:
        """Tell the head its limits; False when this model knows no such command."""
        options = self._options
        corners = (1, options.pan_max_deg, options.tilt_max_deg), (0, options.pan_min_deg, options.tilt_min_deg)
        for corner, pan_deg, tilt_deg in corners:
            payload = encode_limit(corner, self._units(pan_deg), self._units(tilt_deg))
            if isinstance(await self._exchange(payload, _is_end_of_command), Refused):
                return False
        return True

    def _units(self, degrees: float) -> int:
        return max(-0x8000, min(0x7FFF, round(degrees * self._options.units_per_deg)))

    async def _free_sockets(self) -> None:
        """Cancel what still runs ("CommandCancel")."""
        self._note_old()
        for socket in sorted(self._going):
            await self._exchange(bytes([0x20 | socket]), lambda reply: isinstance(reply, Refused))
            self._going.discard(socket)

    async def _command(self, payload: bytes) -> Reply:
        reply = await self._exchange(payload, _is_end_of_command)
        if reply == Refused(0, _BUFFER_FULL):
            self._going = {1, 2}
            await self._free_sockets()
            reply = await self._exchange(payload, _is_end_of_command)
        if not isinstance(reply, Refused):
            return reply
        where = f"{self._options.address}: the head refused {payload.hex(' ')}"
        if reply.code == _SYNTAX_ERROR:
            raise BadOptionsError(f"{where}: it does not know this command; is it this model?", "not_understood")
        raise AttendantNeededError(f"{where}: {_ERRORS.get(reply.code, hex(reply.code))}", "not_executable")

    async def _ask(self, payload: bytes, length: int) -> bytes:
        reply = await self._exchange(
            payload,
            lambda reply: isinstance(reply, Refused) or (isinstance(reply, Answer) and len(reply.data) == length),
        )
        if isinstance(reply, Answer):
            return reply.data
        raise DeviceOfflineError(f"{self._options.address}: refused the question {payload.hex(' ')}", "garbled")

    async def _exchange(self, payload: bytes, is_wanted: Callable[[Reply], bool]) -> Reply:
        """Send one command and return the reply to it; replies to earlier ones are noted on the way."""
        timeout_s = self._options.timeout_s
        self._note_old()
        await self._pipe.write(encode_frame(self._options.head_number, payload), timeout_s)
        loop = asyncio.get_running_loop()
        until_s = loop.time() + timeout_s
        while True:
            frame = await self._pipe.read_until(END, max(0.0, until_s - loop.time()), limit=64)
            reply = parse_reply(frame, self._options.head_number)
            self._note(reply)
            if reply is not None and is_wanted(reply):
                return reply

    def _note_old(self) -> None:
        """Take in what came since the last exchange: ways that have ended."""
        for frame in self._pipe.drop_input().split(END):
            self._note(parse_reply(frame + END, self._options.head_number))

    def _note(self, reply: Reply | None) -> None:
        if isinstance(reply, Done | Refused):
            self._going.discard(reply.socket)


def _kept(options: ViscaOptions, now: HeadPosition, pan: float, tilt: float, zoom: float) -> tuple[float, float, float]:
    """Return what of these speeds does not lead out of the limits from here."""
    return (
        0.0
        if (pan > 0 and now.pan_deg >= options.pan_max_deg) or (pan < 0 and now.pan_deg <= options.pan_min_deg)
        else pan,
        0.0
        if (tilt > 0 and now.tilt_deg >= options.tilt_max_deg) or (tilt < 0 and now.tilt_deg <= options.tilt_min_deg)
        else tilt,
        0.0 if zoom > 0 and now.zoom >= options.zoom_max else zoom,
    )


def _is_end_of_command(reply: Reply) -> bool:
    """Whether this answers the command just sent: not the end (Done, cancelled) of an earlier one in its socket."""
    if isinstance(reply, Done):
        return reply.socket == 0
    return isinstance(reply, Ack) or (isinstance(reply, Refused) and reply.code != _CANCELLED)


DRIVER = ViscaHead
