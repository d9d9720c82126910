"""The fallback rung: JPEGs over MQTT for browsers that no stream reaches. Newest only, one on its way at a time."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import cv2

from drivers.camera import Frame
from drivers.planes import to_bgr
from edge.viewing.capture import Capture
from edge.viewing.privacy import mask_planes
from wire.plan import Mask

FRAME_BYTES_MAX = 64 * 1024
"""What crosses on the frame topic; the relay drops more."""

WIDTH_PX_MIN, WIDTH_PX_MAX = 160, 1280
QUALITIES = (70, 55, 40, 25)
PERIOD_S = 0.1
"""Ten frames a second of 360p are 2.2 Mbit/s: more does not go over MQTT."""

FIRST_S = 0.01
"""Whoever has no picture yet is looked after this often: they wait, and a camera that slept is about to give one."""

CROWDED_S = 1.0
"""When the uplink carries no more streams, who only watches gets one picture in this time: a third of a small one."""

LOST_S = 2.0
"""A frame that was not credited by now was lost on its way: the newest may follow."""

SILENT_S = 10.0
"""No credit for this long: the page is gone. The relay's own wait for a frame is 10 s."""


def draw_jpeg(frame: Frame, masks: tuple[Mask, ...], width_px: int) -> bytes:
    """Return the masked picture as a JPEG of at most `width_px` and FRAME_BYTES_MAX, at the best quality that fits."""
    pixels = to_bgr(mask_planes(frame.planes, masks))
    height_px, full_px = pixels.shape[:2]
    width_px = min(max(width_px, WIDTH_PX_MIN), WIDTH_PX_MAX, full_px)
    while True:
        size = width_px, max(round(height_px * width_px / full_px), 1)
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        for quality in QUALITIES:
            _, packed = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
            if packed.size <= FRAME_BYTES_MAX:
                return packed.tobytes()
        width_px = width_px * 3 // 4


@dataclass(slots=True)
class Taker:
    """One session on this rung. `seen` is the version of the frame it got last."""

    session_id: str
    width_px: int
    heard_s: float
    seen: int = -1
    has_credit: bool = True
    is_single: bool = False


class Stills:
    """The sessions of one camera that get JPEGs; each picture and width is drawn once for all of them."""

    def __init__(
        self,
        capture: Capture,
        masks: Callable[[], tuple[Mask, ...]],
        send_frame: Callable[[str, bytes], object],
        monotonic: Callable[[], float],
        must_stand_back: Callable[[str], bool] = lambda _session_id: False,
    ) -> None:
        self._capture = capture
        self._masks = masks
        self._send_frame = send_frame
        self._monotonic = monotonic
        self._must_stand_back = must_stand_back
        self._takers: dict[str, Taker] = {}
        self._wanted, self._came = asyncio.Event(), asyncio.Event()
        self._sent_s: dict[str, float] = {}  # by session, also of a page that asks for single ones again and again

    def __len__(self) -> int:
        return len(self._takers)

    def open(self, session_id: str, width_px: int, *, is_single: bool = False) -> None:
        """Send frames to this session from now on, the first at once if there is a fresh one.

        `is_single`: send that one and no more, unless the session gets frames already.
        """
        before = self._takers.get(session_id)
        self._takers[session_id] = Taker(
            session_id=session_id,
            width_px=width_px,
            heard_s=self._monotonic(),
            is_single=is_single and (before is None or before.is_single),
        )
        self._capture.need(f"stills:{session_id}")
        self._wanted.set()
        self._came.set()

    def credit(self, session_id: str) -> None:
        """The page showed its frame: the newest may follow. Numbers are the relay's own, so any credit is for one."""
        taker = self._takers.get(session_id)
        if taker is not None:
            taker.has_credit, taker.heard_s = True, self._monotonic()
            self._wanted.set()

    def close(self, session_id: str) -> None:
        """Send nothing more to this session."""
        if self._takers.pop(session_id, None) is not None:
            self._capture.release(f"stills:{session_id}")

    def close_all(self) -> None:
        """Send nothing more to anybody."""
        for session_id in list(self._takers):
            self.close(session_id)

    async def run(self) -> None:
        """Send what is credited, to each at most every PERIOD_S; ends by cancellation."""
        while True:
            if not self._takers:
                self._wanted.clear()
                await self._wanted.wait()
            self._came.clear()
            await self._send_round()
            is_awaited = any(taker.seen < 0 for taker in self._takers.values())
            pause_s = FIRST_S if is_awaited else PERIOD_S
            with suppress(TimeoutError):  # who comes is not kept waiting for the others' rhythm
                async with asyncio.timeout(pause_s):  # wait_for of Python 3.11 may eat a cancellation
                    await self._came.wait()

    async def _send_round(self) -> None:
        now_s = self._monotonic()
        self._sent_s = {who: at_s for who, at_s in self._sent_s.items() if now_s - at_s < max(CROWDED_S, LOST_S)}
        version, frame = self._capture.newest.read()
        if frame is None or self._capture.cached() is None:
            version = -1
        drawn: dict[tuple[int, tuple[Mask, ...]], bytes] = {}
        for taker in list(self._takers.values()):
            if now_s - taker.heard_s >= SILENT_S:
                self.close(taker.session_id)
            sent_ago_s = now_s - self._sent_s.get(taker.session_id, float("-inf"))
            may_send = taker.has_credit or sent_ago_s >= LOST_S
            if sent_ago_s < PERIOD_S or (sent_ago_s < CROWDED_S and self._must_stand_back(taker.session_id)):
                continue
            if frame is None or version <= taker.seen or not may_send:
                continue
            masks = self._masks()
            if (taker.width_px, masks) not in drawn:
                drawn[taker.width_px, masks] = await asyncio.to_thread(draw_jpeg, frame, masks, taker.width_px)
            is_closed, is_masked_anew = self._takers.get(taker.session_id) is not taker, masks != self._masks()
            if not (is_closed or is_masked_anew):  # while it was drawn
                taker.has_credit, taker.seen, self._sent_s[taker.session_id] = False, version, now_s
                self._send_frame(taker.session_id, drawn[taker.width_px, masks])
                if taker.is_single:
                    self.close(taker.session_id)
