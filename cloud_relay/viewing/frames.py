"""The fallback rung at the relay: the newest JPEG of each session, for a WebSocket or polling. Nothing is queued."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

FRAME_BYTES_MAX = 64 * 1024
"""Largest fallback picture that crosses (DESIGN section 4); the shop keeps to it, so a larger one is dropped."""

SESSIONS_MAX = 512
"""Sessions whose newest frame is kept: 512 × 64 KiB = 32 MiB of a relay that may use 200 MB."""

FIRST_WAIT_S = 1.0
"""A picture that follows its announcement later than this was lost; another is asked for."""


Key = tuple[str, str]
"""The shop that sends a frame, and the session or loupe that it is for: another shop's frame for it is nobody's."""


@dataclass(slots=True)
class NewestFrame:
    """The newest picture of one session and its number; `changed` wakes those who wait for a newer one.

    `promised`: how old the first picture was when the shop said that it comes, and when it said so (monotonic), both in
    seconds, until it was given out.
    """

    jpeg: bytes = b""
    number: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    promised: tuple[float, float] | None = None


class FrameShelf:
    """Newest frames by shop and session, the longest untouched dropped first."""

    def __init__(self) -> None:
        self._newest: dict[Key, NewestFrame] = {}

    def open(self, key: Key) -> NewestFrame:
        """Have frames of this session taken: what comes for one that was never opened is nobody's."""
        slot = self._newest.setdefault(key, NewestFrame())
        while len(self._newest) > SESSIONS_MAX:
            self._newest.pop(next(iter(self._newest)))
        return slot

    def put(self, key: Key, jpeg: bytes) -> None:
        """Take a frame from the shop; the one before is forgotten whether or not it was shown."""
        slot = self._newest.pop(key, None)
        if slot is None:
            return
        self._newest[key] = slot
        if len(jpeg) > FRAME_BYTES_MAX:
            return
        slot.jpeg, slot.number = jpeg, slot.number + 1
        slot.changed.set()
        slot.changed = asyncio.Event()

    def promise(self, key: Key, age_s: float, now_s: float) -> None:
        """The shop said that a first picture of this age follows its answer."""
        self.open(key).promised = age_s, now_s

    def is_promised(self, key: Key) -> bool:
        """Whether a first picture was announced and not given out."""
        slot = self._newest.get(key)
        return slot is not None and slot.promised is not None

    async def first(self, key: Key, now: Callable[[], float]) -> tuple[bytes, float] | None:
        """Return the promised picture and its age, once; None where none was, or where it does not come."""
        slot = self._newest.get(key)
        if slot is None or slot.promised is None:
            return None
        (age_s, said_s), slot.promised = slot.promised, None
        left_s = FIRST_WAIT_S - (now() - said_s)
        frame = await self.newer_than(key, 0, left_s) if left_s > 0 else None
        return (frame.jpeg, age_s + now() - said_s) if frame is not None else None

    def newest(self, key: Key) -> NewestFrame | None:
        """Return the newest frame of a session, or None before the first."""
        slot = self._newest.get(key)
        return slot if slot is not None and slot.number else None

    async def newer_than(self, key: Key, number: int, timeout_s: float) -> NewestFrame | None:
        """Wait for a frame after `number`; None when none came in time."""
        slot = self.open(key)
        if slot.number > number:
            return slot
        try:
            await asyncio.wait_for(slot.changed.wait(), timeout_s)
        except TimeoutError:
            return None
        return slot

    def forget(self, key: Key) -> None:
        """Drop what is kept of a session that ended."""
        self._newest.pop(key, None)
