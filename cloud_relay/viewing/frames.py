"""The fallback rung at the relay: the newest JPEG of each session, for a WebSocket or polling. Nothing is queued."""

import asyncio
from dataclasses import dataclass, field

FRAME_BYTES_MAX = 64 * 1024
"""Largest fallback picture that crosses (DESIGN section 4); the shop keeps to it, so a larger one is dropped."""

SESSIONS_MAX = 512
"""Sessions whose newest frame is kept: 512 × 64 KiB = 32 MiB of a relay that may use 200 MB."""


@dataclass(slots=True)
class NewestFrame:
    """The newest picture of one session and its number; `changed` wakes those who wait for a newer one."""

    jpeg: bytes = b""
    number: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class FrameShelf:
    """Newest frames by session, the longest untouched dropped first."""

    def __init__(self) -> None:
        self._newest: dict[str, NewestFrame] = {}

    def put(self, session_id: str, jpeg: bytes) -> None:
        """Take a frame from the shop; the one before is forgotten whether or not it was shown."""
        if len(jpeg) > FRAME_BYTES_MAX:
            return
        slot = self._newest.pop(session_id, None) or NewestFrame()
        self._newest[session_id] = slot
        slot.jpeg, slot.number = jpeg, slot.number + 1
        slot.changed.set()
        slot.changed = asyncio.Event()
        while len(self._newest) > SESSIONS_MAX:
            self._newest.pop(next(iter(self._newest)))

    def newest(self, session_id: str) -> NewestFrame | None:
        """Return the newest frame of a session, or None before the first."""
        slot = self._newest.get(session_id)
        return slot if slot is not None and slot.number else None

    async def newer_than(self, session_id: str, number: int, timeout_s: float) -> NewestFrame | None:
        """Wait for a frame after `number`; None when none came in time."""
        slot = self._newest.setdefault(session_id, NewestFrame())
        if slot.number > number:
            return slot
        try:
            await asyncio.wait_for(slot.changed.wait(), timeout_s)
        except TimeoutError:
            return None
        return slot

    def forget(self, session_id: str) -> None:
        """Drop what is kept of a session that ended."""
        self._newest.pop(session_id, None)
