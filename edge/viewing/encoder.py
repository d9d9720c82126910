"""Encodes one camera's newest frame, once for all who watch, in a thread of its own."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.reformatter import VideoReformatter

from drivers.camera import Frame
from edge.viewing.capture import NewestFrame
from edge.viewing.privacy import mask_pixels
from edge.viewing.rungs import Rung
from wire.plan import Mask

CLOCK_HZ = 90_000
"""RTP clock of video (RFC 6184 section 8.2.1, RFC 7741 section 6)."""

WIDTH_PX_MAX, HEIGHT_PX_MAX = 1280, 720
"""H.264 level 3.1, which every browser takes, ends at 720p30."""

SIZES = {Rung.FULL: (WIDTH_PX_MAX, HEIGHT_PX_MAX), Rung.SMALL: (640, 360)}

RATE_BPS_MAX, RATE_BPS_MIN = 2_500_000, 300_000
IDR_S_MIN = 0.3
"""Fifty viewers who join within a second cost ten such pictures (30 kB each) instead of fifty."""

FRAMES_PER_KEY = 3000
"""Pictures that stand alone are made when somebody needs one, not by the clock."""


class Codec(StrEnum):
    """H.264 baseline; VP8 only for browsers that don't take it."""

    H264 = "H264"
    VP8 = "VP8"


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


def rate_for(width_px: int, height_px: int) -> int:
    """Return bits per second for a picture size: 2.5 Mbit/s at 720p, proportionally less below."""
    share = width_px * height_px / (WIDTH_PX_MAX * HEIGHT_PX_MAX)
    return int(min(max(RATE_BPS_MAX * share, RATE_BPS_MIN), RATE_BPS_MAX))


def _open_context(codec: Codec, width_px: int, height_px: int) -> VideoCodecContext:
    name = "libx264" if codec is Codec.H264 else "libvpx"
    context = cast("VideoCodecContext", av.CodecContext.create(name, "w"))
    rate_bps = rate_for(width_px, height_px)
    context.width, context.height, context.pix_fmt = width_px, height_px, "yuv420p"
    context.bit_rate, context.time_base, context.framerate = rate_bps, Fraction(1, CLOCK_HZ), Fraction(30)
    context.thread_count = 1  # two libvpx threads spin on a busy machine: 175 ms a frame instead of 5
    # bufsize of a quarter second keeps an IDR within what a queue of a few frames carries
    shared = {"maxrate": str(rate_bps), "bufsize": str(rate_bps // 4), "g": str(FRAMES_PER_KEY)}
    if codec is Codec.H264:
        context.options = shared | {
            "preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "level": "31", "forced-idr": "1",
            "x264-params": f"scenecut=0:rc-lookahead=0:threads=1:keyint={FRAMES_PER_KEY}",
        }  # fmt: skip
    else:
        context.options = shared | {"deadline": "realtime", "cpu-used": "16", "lag-in-frames": "0"}
    return context


class PictureEncoder:
    """Pixels in, packets out; opens its codec anew when the picture's size changes."""

    def __init__(self, codec: Codec, rung: Rung = Rung.FULL) -> None:
        self._codec = codec
        self._rung = rung
        self._context: VideoCodecContext | None = None
        self._reformatter = VideoReformatter()
        self._pts = -1

    def encode(self, frame: Frame, masks: tuple[Mask, ...], at_s: float, *, must_stand_alone: bool) -> Encoded | None:
        """Encode the picture with its masks as of `at_s`; None when the codec gave nothing for it."""
        pixels = mask_pixels(frame.pixels, masks)
        height_px, width_px = pixels.shape[:2]
        width_px, height_px = fit_size(width_px, height_px, self._rung)
        context = self._context
        if context is None or (context.width, context.height) != (width_px, height_px):
            context = self._context = _open_context(self._codec, width_px, height_px)
        picture = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(pixels), format="bgr24")
        picture = self._reformatter.reformat(picture, width_px, height_px, "yuv420p", interpolation="FAST_BILINEAR")
        self._pts = max(self._pts + 1, int(at_s * CLOCK_HZ))
        picture.pts, picture.time_base = self._pts, Fraction(1, CLOCK_HZ)
        picture.pict_type = PictureType.I if must_stand_alone else PictureType.NONE
        packets = context.encode(picture)
        return Encoded(packets[0], packets[0].is_keyframe) if packets else None


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
    ) -> None:
        self.codec, self.rung = codec, rung
        self._newest = newest
        self._masks = masks
        self._on_encoded = on_encoded
        self._loop = asyncio.get_running_loop()
        self._is_stopped = False
        self._is_idr_wanted = True
        self._idr_s = float("-inf")
        executor = ThreadPoolExecutor(1, thread_name_prefix=f"encoder-{codec}-{rung}")
        self.ended: asyncio.Future[None] = self._loop.run_in_executor(executor, self._run)
        executor.shutdown(wait=False)

    def want_idr(self) -> None:
        """Somebody joined or lost packets: the next picture stands alone, at most every IDR_S_MIN."""
        self._is_idr_wanted = True
        self._newest.wake()

    def stop(self) -> None:
        """Hand out nothing more, from now on; the thread ends by itself."""
        self._is_stopped = True
        self._newest.wake()

    def _hand_out(self, encoded: Encoded) -> None:
        if not self._is_stopped:
            self._on_encoded(encoded)

    def _run(self) -> None:
        encoder, seen = PictureEncoder(self.codec, self.rung), -1
        while not (self._is_stopped or self._loop.is_closed()):
            version, frame = self._newest.wait_newer(seen, timeout_s=0.2)
            now_s = time.monotonic()
            is_idr = self._is_idr_wanted and now_s - self._idr_s >= IDR_S_MIN
            if frame is None or (version == seen and not is_idr):
                continue
            if is_idr:
                self._is_idr_wanted, self._idr_s = False, now_s
            at_s = frame.captured_s if version != seen else now_s
            seen = version
            encoded = encoder.encode(frame, self._masks(), at_s, must_stand_alone=is_idr)
            if encoded is not None:
                self._give(encoded)

    def _give(self, encoded: Encoded) -> None:
        try:
            self._loop.call_soon_threadsafe(self._hand_out, encoded)
        except RuntimeError:  # the loop closed while this picture was encoded
            self._is_stopped = True
