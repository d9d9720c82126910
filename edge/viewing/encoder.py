"""Encodes one camera's newest frame, once for all who watch, in a thread of its own."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from drivers.camera import Frame
from drivers.planes import Blocks, Pixels, resized
from edge.viewing import encoder_models
from edge.viewing.capture import NewestFrame
from edge.viewing.encoder_models import (
    CLOCK_HZ,
    HARDWARE,
    HEIGHT_PX_MAX,
    SOFTWARE,
    WIDTH_PX_MAX,
    Codec,
    Models,
    format_of,
)
from edge.viewing.privacy import mask_planes
from edge.viewing.rungs import Rung
from wire.plan import Mask

logger = logging.getLogger(__name__)

SIZES = {Rung.FULL: (WIDTH_PX_MAX, HEIGHT_PX_MAX), Rung.SMALL: (640, 360)}

IDR_S_MIN = 0.3
"""Fifty viewers who join within a second cost ten such pictures (30 kB each) instead of fifty."""

FAILURES_MAX = 30
"""So many pictures in a row that even software could not encode, about a second of them: then it is a bug, and the
daemon starts anew.
"""

SILENT_MAX = 10
"""Hardware that took so many pictures and gave nothing back has failed without saying so."""

UNDER_WAY_MAX = 2
"""Pictures that the event loop has not sent yet: a loop that is behind gets fewer pictures, never older ones."""

STUCK_S = 0.6
"""Hardware that keeps one picture for this long is not waited for any more."""


class EncoderError(Exception):
    """No encoder of this machine takes the camera's picture; the message holds the encoder's own words."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One encoded picture; `pts` in 1/90000 s of monotonic time; `is_idr` True when a decoder can start with it."""

    packet: "av.Packet[Any]"
    is_idr: bool

    @property
    def pts(self) -> int:
        """Time of the picture; rises with every one."""
        return self.packet.pts or 0


def fit_size(width_px: int, height_px: int, rung: Rung = Rung.FULL) -> tuple[int, int]:
    """Return the size to encode: at most that of the rung, same shape, even numbers as chroma needs."""
    width_px_max, height_px_max = SIZES[rung]
    scale = min(width_px_max / width_px, height_px_max / height_px, 1.0)
    return max(round(width_px * scale) // 2 * 2, 2), max(round(height_px * scale) // 2 * 2, 2)


def picture_of(planes: Pixels, pixel_format: str) -> av.VideoFrame:
    """Return I420 planes as an encoder of this pixel format takes them."""
    # without a copy, PyAV takes heights in fours only; others would lose two rows and shift the colours
    made = av.VideoFrame.from_numpy_buffer if planes.shape[0] % 6 == 0 else av.VideoFrame.from_ndarray
    picture = made(planes, format="yuv420p")
    return picture if pixel_format == "yuv420p" else picture.reformat(format=pixel_format)


class PictureEncoder:
    """Pixels in, packets out; opens its codec anew when the picture's size changes or the codec failed."""

    def __init__(self, codec: Codec, rung: Rung = Rung.FULL, models: Models | None = None) -> None:
        self._codec = codec
        self._rung = rung
        self._models = models or Models()
        self._model = ""
        self._context: VideoCodecContext | None = None
        self._masked, self._fitted = Blocks(), Blocks()
        self._pts = -1
        self._failures = 0
        self._silent = 0

    def encode(
        self, frame: Frame, masks: tuple[Mask, ...], at_s: float, *, must_stand_alone: bool
    ) -> tuple[Encoded, ...]:
        """Encode the picture with its masks as of `at_s`; return what the codec gave, which may be nothing.

        Hardware that fails is replaced by software for this same picture. Raises EncoderError when software fails for
        FAILURES_MAX pictures in a row.
        """
        self._pts = max(self._pts + 1, int(at_s * CLOCK_HZ))
        try:
            packets = self._packets(frame, masks, must_stand_alone=must_stand_alone)
        except av.FFmpegError as error:
            packets = self._after_failure(frame, masks, error)
        return tuple(Encoded(packet, packet.is_keyframe) for packet in packets)

    def _packets(self, frame: Frame, masks: tuple[Mask, ...], *, must_stand_alone: bool) -> list["av.Packet[Any]"]:
        width_px, height_px = fit_size(*frame.size_px, self._rung)
        context, model = self._context, self._wanted_model()
        if context is None or model != self._model or (context.width, context.height) != (width_px, height_px):
            context = self._context = encoder_models.open_context(model, width_px, height_px)
            self._model, self._silent, must_stand_alone = model, 0, True
        # at the camera's own size, or a border between two points would let a trace of what is masked through
        planes = mask_planes(frame.planes, masks, self._masked.take)
        if frame.size_px != (width_px, height_px):
            planes = resized(planes, width_px, height_px, self._fitted.take)
        picture = picture_of(planes, format_of(model))
        picture.pts, picture.time_base = self._pts, Fraction(1, CLOCK_HZ)
        picture.pict_type = PictureType.I if must_stand_alone else PictureType.NONE
        packets = context.encode(picture)
        self._silent = 0 if packets else self._silent + 1
        if self._silent >= SILENT_MAX and model in HARDWARE:
            raise av.FFmpegError(0, f"no packet for {self._silent} pictures", model)
        self._failures = 0
        return packets

    def _wanted_model(self) -> str:
        """Hardware for the full picture only: the small one costs software less than a millisecond."""
        is_hard = self._codec is Codec.H264 and self._rung is Rung.FULL and self._models.hardware
        return self._models.hardware if is_hard else SOFTWARE[self._codec]

    def _after_failure(self, frame: Frame, masks: tuple[Mask, ...], error: av.FFmpegError) -> list["av.Packet[Any]"]:
        """Open the codec anew, another one if it was hardware; software may fail for single pictures."""
        self._context, self._failures = None, self._failures + 1
        if self._model in HARDWARE or self._models.hardware == self._wanted_model():
            self._models.give_up(str(error))
        elif self._failures == 1:
            logger.warning("a picture could not be encoded", extra={"model": self._model, "words": str(error)})
        if self._failures >= FAILURES_MAX:
            raise EncoderError(f"{self._model}: {error}") from error
        try:
            return self._packets(frame, masks, must_stand_alone=True)
        except av.FFmpegError:
            self._context = None
            return []


class CameraEncoder:
    """The encoder thread of one camera, codec and rung, from `start` to `stop`; packets arrive in the event loop.

    `ended` is done when the thread is, and carries what went wrong in it.
    """

    def __init__(
        self,
        codec: Codec,
        rung: Rung,
        newest: NewestFrame,
        masks: Callable[[], tuple[Mask, ...]],
        on_encoded: Callable[[Encoded], None],
        models: Models | None = None,
    ) -> None:
        self.codec, self.rung = codec, rung
        self._models = models or Models()
        self._busy_s: float | None = None
        self._newest = newest
        self._masks = masks
        self._on_encoded = on_encoded
        self._loop = asyncio.get_running_loop()
        self._is_stopped = False
        self._is_idr_wanted = True
        self._idr_s = float("-inf")
        self._given, self._sent = 0, 0  # each written by one thread alone
        executor = ThreadPoolExecutor(1, thread_name_prefix=f"encoder-{codec}-{rung}")
        self.ended: asyncio.Future[None] = self._loop.run_in_executor(executor, self._run)
        executor.shutdown(wait=False)

    def is_stuck(self, now_s: float) -> bool:
        """True when its thread has held one picture since long before `now_s` (monotonic)."""
        busy_s = self._busy_s
        return busy_s is not None and now_s - busy_s >= STUCK_S

    def want_idr(self) -> None:
        """Somebody joined or lost packets: the next picture stands alone, at most every IDR_S_MIN."""
        self._is_idr_wanted = True
        self._newest.wake()

    def stop(self) -> None:
        """Hand out nothing more, from now on; the thread ends by itself."""
        self._is_stopped = True
        self._newest.wake()

    def _hand_out(self, encoded: Encoded) -> None:
        self._sent += 1
        if not self._is_stopped:
            self._on_encoded(encoded)

    def _run(self) -> None:
        encoder, seen = PictureEncoder(self.codec, self.rung, self._models), -1
        while not (self._is_stopped or self._loop.is_closed()):
            version, frame = self._newest.wait_newer(seen, timeout_s=0.2)
            if self._given - self._sent >= UNDER_WAY_MAX:
                seen = version
                continue
            now_s = time.monotonic()
            is_idr = self._is_idr_wanted and now_s - self._idr_s >= IDR_S_MIN
            if frame is None or (version == seen and not is_idr):
                continue
            if is_idr:
                self._is_idr_wanted, self._idr_s = False, now_s
            at_s = frame.captured_s if version != seen else now_s
            seen = version
            self._busy_s = now_s
            found = encoder.encode(frame, self._masks(), at_s, must_stand_alone=is_idr)
            self._busy_s = None
            for encoded in found:
                self._give(encoded)

    def _give(self, encoded: Encoded) -> None:
        self._given += 1
        try:
            self._loop.call_soon_threadsafe(self._hand_out, encoded)
        except RuntimeError:  # the loop closed while this picture was encoded
            self._is_stopped = True
