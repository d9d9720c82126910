"""Moves a head and a turntable by what the shopper sends: limits, coalescing, and the dead-man that stops by itself."""

import asyncio
import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from drivers.base import DeviceError
from drivers.pan_tilt import HeadLimits, HeadPosition, PanTilt
from drivers.turntable import Turntable
from edge.viewing.ports import Handle
from wire.codec import from_json, load_bytes
from wire.commands import Steering, SteerKind
from wire.plan import Position
from wire.values import BadValueError

logger = logging.getLogger(__name__)

T = TypeVar("T")

DEAD_MAN_S = 0.5
"""Motion stops this long after the last steering beat, whatever the network, the page or the relay do."""

MESSAGE_BYTES_MAX = 1024
RATE_HZ_MAX = 60
"""Messages a second of one session; a page sends at most one for each picture it shows."""

AGAIN_S = 0.15
"""A motion that lasts is told to the driver again this often: one that keeps limits itself looks where it stands."""

STOP_AGAIN_S = 0.15
STOP_AGAIN_S_MAX = 2.0
"""A stop that failed is tried again, less often with time: the head was perhaps switched off."""

ASK_AGAIN_S = 5.0
"""A head that did not answer is asked again after this long: each question holds the device until it is given up."""

GO_TO_S_MAX = 20.0
"""The longest way of any head, end to end at slow speed: until then it may still be moving."""


@dataclass(frozen=True, slots=True)
class Motion:
    """Speeds as shares −1…1 of the fastest, held until told otherwise."""

    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0
    turn: float = 0.0


@dataclass(frozen=True, slots=True)
class Centre:
    """Bring this point of the picture to its middle: right of it and above it, in halves of the picture's width."""

    right: float
    up: float


Wish = Motion | Position | Centre


def parse_steering(raw: bytes) -> Steering:
    """Return a message of a data channel; raise BadValueError for one too long, malformed or out of this world."""
    if len(raw) > MESSAGE_BYTES_MAX:
        raise BadValueError(f"steering: {len(raw)} bytes, at most {MESSAGE_BYTES_MAX} are read")
    steering: Steering = from_json(Steering, load_bytes(raw))
    return check_steering(steering)


def check_steering(steering: Steering) -> Steering:
    """Return it if every number is one; raise BadValueError (JSON's 1e999 is infinity to Python)."""
    at = steering.position or Position()
    numbers = (steering.pan, steering.tilt, steering.zoom, steering.turn)
    places = (at.pan_deg, at.tilt_deg, at.zoom, at.table_deg)
    if not all(math.isfinite(number) for number in (*numbers, *places)):
        raise BadValueError("steering: every number must be finite")
    if not (0 <= steering.turn_no < 2**53 and 0 <= steering.sequence < 2**53):
        raise BadValueError("steering: turn_no and sequence must be 0 or more")
    return steering


def wish_of(steering: Steering, face: Callable[[str], Position | None]) -> Wish | None:
    """Return what a steering message wants, shares clamped; None for a stop, a beat or an unknown face."""
    if steering.kind is SteerKind.MOVE:
        shares = (steering.pan, steering.tilt, steering.zoom, steering.turn)
        return Motion(*(min(max(share, -1.0), 1.0) for share in shares))
    if steering.kind is SteerKind.GO_TO:
        return steering.position
    if steering.kind is SteerKind.CENTRE:
        return Centre(*(min(max(share, -1.0), 1.0) for share in (steering.pan, steering.tilt)))
    if steering.kind is SteerKind.FACE:
        return face(steering.face)
    return None


class Rate:
    """Lets through so many messages a second, and at once a second's worth or what `burst` says."""

    def __init__(
        self, monotonic: Callable[[], float], rate_hz_max: float = RATE_HZ_MAX, burst: float | None = None
    ) -> None:
        self._monotonic = monotonic
        self._rate_hz_max = rate_hz_max
        self._burst = rate_hz_max if burst is None else burst
        self._left = float(self._burst)
        self._at_s = monotonic()

    def allows(self, share: float = 1.0) -> bool:
        """Take one message's share; False when there is not so much left."""
        now_s = self._monotonic()
        self._left = min(self._left + (now_s - self._at_s) * self._rate_hz_max, self._burst)
        self._at_s = now_s
        if self._left < share:
            return False
        self._left -= share
        return True


class _NewerWishError(Exception):
    """The device was asked something, and before it answered something newer was wanted of it."""


class Axis(ABC):
    """One moving device: takes the newest wish, obeys one call at a time; a stop goes before every wish.

    Begins with a stop: nobody knows what a device did while the daemon was away.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._wish: Wish | None = None
        self._must_stop = True
        self._is_at_rest = False
        self._is_driven = False  # told a speed: it holds until something else is told
        self._is_obeying = False
        self._asking: asyncio.Timeout | None = None
        self._changed = asyncio.Event()
        self._is_still = asyncio.Event()
        self._changed.set()

    def wish(self, wish: Wish) -> None:
        """Move like this; it replaces a wish that was not obeyed yet."""
        self._wish = wish
        self._note_news()

    def stop(self) -> None:
        """Stop; forget what was wished for."""
        self._wish, self._must_stop = None, True
        self._note_news()

    @property
    def is_done(self) -> bool:
        """Nothing is left to obey and no speed holds: what moves still comes to its end by itself."""
        return self._wish is None and not self._is_obeying and not self._is_driven

    def _note_news(self) -> None:
        self._is_still.clear()
        self._changed.set()
        if self._asking is not None and not self._asking.expired():
            self._asking.reschedule(0.0)  # at once

    async def answer(self, question: Callable[[], Awaitable[T]]) -> T:
        """Return what the device answers, unless something newer is wanted of it: nobody who steers waits for it."""
        if self._must_stop or self._wish is not None:
            raise _NewerWishError
        asking = asyncio.timeout(None)
        try:
            async with asking:
                self._asking = asking
                return await question()
        except TimeoutError:
            if not asking.expired():
                raise
            raise _NewerWishError from None
        finally:
            self._asking = None

    async def wait_still(self) -> None:
        """Return when the device took a stop and nothing was wished for since."""
        await self._is_still.wait()

    async def run(self) -> None:
        """Obey until cancelled."""
        again_s, wish = STOP_AGAIN_S, None
        while True:
            try:
                if self._must_stop:
                    wish = None
                    await self._stop_now()
                    again_s = STOP_AGAIN_S
                elif self._wish is not None:
                    wish, self._wish = self._wish, None
                    await self._obey_now(wish)
                elif isinstance(wish, Motion):
                    await self._obey_now(wish)
            except _NewerWishError:
                continue
            except DeviceError as error:
                logger.debug("device did not move", extra={"device": self._handle.name, "reason": error.reason})
                self._must_stop = True
                await asyncio.sleep(again_s)
                again_s = min(again_s * 2, STOP_AGAIN_S_MAX)
                continue
            await self._wait(AGAIN_S if isinstance(wish, Motion) and wish != Motion() else None)

    async def _wait(self, timeout_s: float | None) -> None:
        if self._must_stop or self._wish is not None:
            return
        self._changed.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _stop_now(self) -> None:
        async with self._handle.use() as driver:
            self._must_stop = False
            try:
                await driver.stop()
            except DeviceError:
                self._must_stop = True
                raise
            self._is_at_rest, self._is_driven = True, False
            if self._wish is None:
                self._is_still.set()
                with suppress(DeviceError, _NewerWishError):  # it stands: what it tells besides can wait
                    await self.stopped(driver)

    async def _obey_now(self, wish: Wish) -> None:
        """Tell the device. What is nothing for it stops it: a wish replaces every one before it, whole."""
        if self._is_at_rest and not self.concerns(wish):
            return
        self._is_obeying = True
        try:
            await self._obey_held(wish)
        finally:
            self._is_obeying = False

    async def _obey_held(self, wish: Wish) -> None:
        async with self._handle.use() as driver:
            if self._must_stop:
                return
            is_speed = isinstance(wish, Motion)
            self._is_driven = self._is_driven or is_speed
            does_it = self.concerns(wish) and await self.obey(driver, wish)
            if not does_it:
                await driver.stop()
            self._is_at_rest, self._is_driven = not does_it, does_it and is_speed

    @abstractmethod
    async def stopped(self, driver: Any) -> None:
        """The device took a stop and nothing is wished for."""

    @abstractmethod
    def concerns(self, wish: Wish) -> bool:
        """True when this wish may move this device."""

    @abstractmethod
    async def obey(self, driver: Any, wish: Wish) -> bool:
        """Tell the device; False when this one cannot do it and was told nothing."""


def clamp_head(position: Position, limits: HeadLimits) -> HeadPosition:
    """Return where the head may look of what was asked for."""
    return HeadPosition(
        pan_deg=min(max(position.pan_deg, limits.pan_min_deg), limits.pan_max_deg),
        tilt_deg=min(max(position.tilt_deg, limits.tilt_min_deg), limits.tilt_max_deg),
        zoom=min(max(position.zoom, 1.0), limits.zoom_max),
    )


def aimed_at(point: Centre, now: HeadPosition, view_deg: float) -> Position:
    """Return where a head must look to have this point in its middle.

    The point's ray is turned by the tilt (the pan only adds): x right, y up, z ahead, a pinhole camera.
    """
    half = math.tan(math.radians(view_deg) / 2) / now.zoom
    tilt = math.radians(now.tilt_deg)
    x, y = point.right * half, point.up * half
    ahead, above = math.cos(tilt) - y * math.sin(tilt), math.sin(tilt) + y * math.cos(tilt)
    return Position(
        pan_deg=now.pan_deg + math.degrees(math.atan2(x, ahead)),
        tilt_deg=math.degrees(math.atan2(above, math.hypot(x, ahead))),
        zoom=now.zoom,
    )


class HeadAxis(Axis):
    """A pan-tilt-zoom head. The closer it looks the slower it pans and tilts: what it shows passes by as fast."""

    def __init__(self, handle: Handle) -> None:
        super().__init__(handle)
        self._zoom = 1.0
        self._has_moved = True
        self._ask_from_s = 0.0

    def concerns(self, wish: Wish) -> bool:
        return not isinstance(wish, Motion) or bool(wish.pan or wish.tilt or wish.zoom)

    async def obey(self, driver: PanTilt, wish: Wish) -> bool:
        if isinstance(wish, Motion):
            self._has_moved = True
            await driver.move(wish.pan / self._zoom, wish.tilt / self._zoom, wish.zoom)
            return True
        if isinstance(wish, Centre):
            if driver.view_deg is None:
                return False
            wish = aimed_at(wish, await self.answer(driver.position), driver.view_deg)
        aim = clamp_head(wish, driver.limits)
        self._zoom, self._has_moved = aim.zoom, True  # it may be stopped on its way
        await driver.go_to(aim)
        return True

    async def stopped(self, driver: PanTilt) -> None:
        """Ask where and how close it looks, while nobody waits for a motion: the next one need not ask."""
        now_s = asyncio.get_running_loop().time()
        if not self._has_moved or now_s < self._ask_from_s:
            return
        try:
            self._zoom = max((await self.answer(driver.position)).zoom, 1.0)
        except DeviceError:
            self._ask_from_s = now_s + ASK_AGAIN_S
            raise
        self._has_moved = False


class TableAxis(Axis):
    """A turntable."""

    def concerns(self, wish: Wish) -> bool:
        return bool(wish.turn) if isinstance(wish, Motion) else isinstance(wish, Position)

    async def obey(self, driver: Turntable, wish: Wish) -> bool:
        if isinstance(wish, Motion):
            await driver.turn(wish.turn)
        elif isinstance(wish, Position):
            await driver.turn_to(wish.table_deg % 360.0)
        return True

    async def stopped(self, driver: Turntable) -> None:
        """Where it stands is asked for when somebody wants to know."""


class Steerer:
    """All that moves at one viewing place. The dead-man is armed by every wish of a shopper, and by nothing else."""

    def __init__(self, head: Handle | None, turntable: Handle | None, monotonic: Callable[[], float]) -> None:
        self.dead_man_stops = 0
        self._axes: list[Axis] = []
        if head is not None:
            self._axes.append(HeadAxis(head))
        if turntable is not None:
            self._axes.append(TableAxis(turntable))
        self._monotonic = monotonic
        self._armed_until_s: float | None = None
        self._beat_s = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def steer(self, wish: Wish) -> None:
        """Do what the one who steers wants, until DEAD_MAN_S after their last beat."""
        self._beat_s = self._monotonic()
        lasts_s = math.inf if isinstance(wish, Motion) else GO_TO_S_MAX
        self._armed_until_s = None if wish == Motion() else self._beat_s + lasts_s
        for axis in self._axes:
            axis.wish(wish)
        self._watch()

    def beat(self) -> None:
        """The one who steers is still there."""
        self._beat_s = self._monotonic()

    def aim(self, position: Position) -> None:
        """The shop's own motion, as when a turn begins: it ends by itself, so no dead-man."""
        for axis in self._axes:
            axis.wish(position)

    def stop(self) -> None:
        """Stop everything."""
        self._armed_until_s = None
        for axis in self._axes:
            axis.stop()

    async def run(self) -> None:
        """Move until cancelled, and stop everything then."""
        try:
            async with asyncio.TaskGroup() as group:
                for axis in self._axes:
                    group.create_task(axis.run())
        finally:
            self.stop()
            await self._stop_for_good()

    async def _stop_for_good(self) -> None:
        """One more stop of each device, now that nothing else uses it; a device that is gone cannot be told."""
        for axis in self._axes:
            try:
                async with asyncio.timeout(1.0):
                    await axis._stop_now()  # noqa: SLF001  # an axis is part of its steerer
            except (DeviceError, TimeoutError):
                logger.warning("a device could not be told to stop")

    async def wait_still(self) -> None:
        """Return when every device took a stop."""
        for axis in self._axes:
            await axis.wait_still()

    def _watch(self) -> None:
        if self._timer is None and self._armed_until_s is not None:
            self._timer = asyncio.get_running_loop().call_later(DEAD_MAN_S, self._check)

    def _check(self) -> None:
        """The dead-man: motion and no beat for DEAD_MAN_S means stop."""
        self._timer = None
        now_s = self._monotonic()
        if self._armed_until_s is None:
            return
        if now_s >= self._armed_until_s and all(axis.is_done for axis in self._axes):
            return
        left_s = self._beat_s + DEAD_MAN_S - now_s
        if left_s > 0:
            self._timer = asyncio.get_running_loop().call_later(left_s, self._check)
            return
        self.dead_man_stops += 1
        logger.info("no steering beat: motion stopped")
        self.stop()
