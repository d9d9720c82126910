"""Keeps each device open: identity, one holder at a time, retry with backoff, health that is told when it changes."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from drivers.base import (
    AttendantNeededError,
    BadOptionsError,
    Condition,
    DeviceError,
    DeviceOfflineError,
    DeviceStatus,
    Driver,
    OutcomeUnknownError,
)
from edge.cancellation import heed_cancellation
from edge.reasons import sentence_for
from wire.reports import CameraState, DeviceState, Health

logger = logging.getLogger(__name__)

RETRY_S_FIRST = 0.5
RETRY_S_MAX = 20.0
"""A printer switched on again is back within this; faster knocking only fills the bus of the devices that work."""

STATUS_S = 5.0
STATUS_S_URGENT = 1.0
"""While a person is at a device (paper, cover) it is asked every second: they wait for the page to agree."""

MENDS_ITSELF = frozenset({"not_homed"})
"""Reasons for which nobody needs to come: a robot that was just switched on is homed before its first label."""

HEALTH = {
    Condition.ONLINE: Health.ONLINE,
    Condition.BUSY: Health.ONLINE,
    Condition.NEEDS_ATTENDANT: Health.NEEDS_ATTENDANT,
    Condition.OFFLINE: Health.OFFLINE,
    Condition.UNKNOWN: Health.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """How a device was found: health, reason code, and the driver's own words for the log and the technician."""

    health: Health
    reason: str = ""
    words: str = ""


def _finding(status: DeviceStatus) -> Finding:
    needs_nobody = status.condition is Condition.NEEDS_ATTENDANT and status.reason in MENDS_ITSELF
    return Finding(Health.ONLINE if needs_nobody else HEALTH[status.condition], status.reason, status.raw)


class DeviceHandle:
    """One device for everybody who needs it: `async with handle.use() as driver`, one holder at a time.

    Entering opens the device when it is closed and raises DeviceOfflineError or BadOptionsError when that fails; what
    the driver raises inside travels on to the holder, and the handle notes the health it tells. Only DeviceError is
    expected trouble; anything else is a bug and ends the daemon.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        model: str,
        make: Callable[[], Driver],
        *,
        by_hand: bool = False,
        on_change: Callable[[str], None] = lambda _name: None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name, self.kind, self.model, self.by_hand = name, kind, model, by_hand
        self.generation = 0
        self.finding = Finding(Health.ONLINE, "by_hand") if by_hand else Finding(Health.UNKNOWN)
        self.answered_s: float | None = None
        self._make = make
        self._on_change = on_change
        self._jitter = jitter
        self._driver: Driver | None = None
        self._lock = asyncio.Lock()
        self._asked = asyncio.Event()

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Any]:
        """Wait for one's turn at the device and hold it; yields the open driver."""
        async with self._lock:
            driver = await self._opened()
            try:
                yield driver
            except DeviceError as error:
                await self._note_error(error)
                self.look_soon()
                raise
            self._note_answer()

    async def run(self) -> None:
        """Open the device, ask how it is, open it again after it was lost; ends only by cancellation."""
        retry_s = RETRY_S_FIRST
        while True:
            is_well = await self._look()
            heed_cancellation()
            retry_s = RETRY_S_FIRST if is_well else min(retry_s * 2, RETRY_S_MAX)
            urgent = self.finding.health is Health.NEEDS_ATTENDANT
            pause_s = (STATUS_S_URGENT if urgent else STATUS_S) if is_well else retry_s * (0.5 + self._jitter() / 2)
            await self._pause(pause_s)

    def look_soon(self) -> None:
        """Ask the device at the next chance rather than at the next round."""
        self._asked.set()

    async def close(self) -> None:
        """Let go of the device; waits for its holder."""
        async with self._lock:
            await self._drop()

    async def _pause(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._asked.wait()
        except TimeoutError:
            pass
        self._asked.clear()

    async def _look(self) -> bool:
        """Ask for the status unless somebody holds the device; True when it answered."""
        if self._lock.locked():
            return self._driver is not None
        async with self._lock:
            try:
                driver = await self._opened()
                status = await driver.status()
            except DeviceError as error:
                await self._note_error(error)
                return not isinstance(error, DeviceOfflineError | BadOptionsError)
            self._note(_finding(status))
            self._note_answer()
            if status.condition is Condition.OFFLINE:
                await self._drop()
            return status.condition is not Condition.OFFLINE

    async def _opened(self) -> Driver:
        if self._driver is not None:
            return self._driver
        driver = self._make()
        try:
            await driver.open()
        except DeviceError as error:
            await driver.close()
            self._note_offline(error)
            raise
        except asyncio.CancelledError:
            await driver.close()
            raise
        self._driver = driver
        self._note_answer()
        self.generation += 1
        self._note(Finding(Health.ONLINE))
        return driver

    @property
    def is_held(self) -> bool:
        """Whether somebody uses the device now."""
        return self._lock.locked()

    def _note_answer(self) -> None:
        """The device answered just now; `answered_s` is in the event loop's seconds."""
        self.answered_s = asyncio.get_running_loop().time()

    async def _note_error(self, error: DeviceError) -> None:
        if isinstance(error, AttendantNeededError):
            self._note(Finding(Health.NEEDS_ATTENDANT, error.reason or "attendant_needed", str(error)))
        elif isinstance(error, OutcomeUnknownError):
            self._note(Finding(Health.UNKNOWN, error.reason or "outcome_unknown", str(error)))
        elif isinstance(error, DeviceOfflineError | BadOptionsError):
            self._note_offline(error)
            await self._drop()

    def _note_offline(self, error: DeviceError) -> None:
        fallback = "bad_options" if isinstance(error, BadOptionsError) else "offline"
        self._note(Finding(Health.OFFLINE, error.reason or fallback, str(error)))

    async def _drop(self) -> None:
        driver, self._driver = self._driver, None
        if driver is not None:
            await driver.close()

    def _note(self, finding: Finding) -> None:
        before, self.finding = self.finding, finding
        if (before.health, before.reason) == (finding.health, finding.reason):
            return
        level = logging.INFO if finding.health is Health.ONLINE else logging.WARNING
        extra = {"device": self.name, "health": finding.health.value, "reason": finding.reason, "words": finding.words}
        logger.log(level, "device health changed", extra=extra)
        self._on_change(self.name)


class DeviceHost:
    """All devices of the shop by name, and the board of their states that the relay and the attendant's page read."""

    def __init__(self, wall: Callable[[], datetime]) -> None:
        self.handles: dict[str, DeviceHandle] = {}
        self._wall = wall
        self._cameras: dict[str, CameraState] = {}
        self._told: dict[str, DeviceState] = {}
        self._listeners: list[Callable[[DeviceState], None]] = []

    def add(
        self, name: str, kind: str, model: str, make: Callable[[], Driver], *, by_hand: bool = False
    ) -> DeviceHandle:
        """Take a device in; its health is told to every listener from now on."""
        handle = DeviceHandle(name, kind, model, make, by_hand=by_hand, on_change=self._tell)
        self.handles[name] = handle
        return handle

    def listen(self, on_state: Callable[[DeviceState], None]) -> None:
        """Call `on_state` in the event loop whenever a device's state changes."""
        self._listeners.append(on_state)

    def set_camera(self, name: str, camera: CameraState) -> None:
        """Take in who is at a viewing camera; it travels inside that device's state."""
        self._cameras[name] = camera
        self._tell(name)

    def state(self, name: str) -> DeviceState:
        """Return the state of one device as it crosses the wire."""
        handle = self.handles[name]
        finding = handle.finding
        return DeviceState(
            device=name,
            kind=handle.kind,
            model=handle.model,
            health=finding.health,
            at=self._wall(),
            text=sentence_for(finding.reason),
            reason=finding.reason,
            camera=self._cameras.get(name),
        )

    def states(self) -> list[DeviceState]:
        """Return the state of every device."""
        return [self.state(name) for name in self.handles]

    def runs(self) -> Iterable[DeviceHandle]:
        """Return the handles that want their `run()` to be started: all but those whose work a person does."""
        return [handle for handle in self.handles.values() if not handle.by_hand]

    async def close(self) -> None:
        """Close every device, each on its own: a stuck one does not keep the others open."""
        await asyncio.gather(*(handle.close() for handle in self.handles.values()))

    def _tell(self, name: str) -> None:
        state, told = self.state(name), self._told.get(name)
        if told is not None and replace(state, at=told.at) == told:
            return
        self._told[name] = state
        for listener in self._listeners:
            listener(state)
