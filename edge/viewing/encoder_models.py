"""The encoders of this machine: opened with one setting each; hardware only after it really made a picture."""

import logging
import os
from enum import StrEnum
from fractions import Fraction
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.codec.hwaccel import HWAccel
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from edge.viewing.rungs import FULL_BPS

logger = logging.getLogger(__name__)

CLOCK_HZ = 90_000
"""RTP clock of video (RFC 6184 section 8.2.1, RFC 7741 section 6)."""

WIDTH_PX_MAX, HEIGHT_PX_MAX = 1280, 720
"""H.264 level 3.1, which every browser takes, ends at 720p30."""

RATE_BPS_MIN = 300_000

FRAMES_PER_KEY = 3000
"""Pictures that stand alone are made when somebody needs one, not by the clock."""

SLICES = min(2, os.cpu_count() or 1)
"""Halves of a picture that x264 encodes at the same time: it is on its way 1.3 ms earlier, for the same work."""

VAAPI = "h264_vaapi"
HARDWARE = ("h264_v4l2m2m", VAAPI)
"""FFmpeg's names: video4linux memory-to-memory (Raspberry Pi 4 and other boards), VA-API (Intel, AMD). An FFmpeg that
was built without one does not know its name.
"""

CONSTRAINED_BASELINE = "578"
"""FFmpeg's AV_PROFILE_H264_CONSTRAINED_BASELINE: profile_idc 66 with constraint_set1 (ITU-T H.264 A.2.1)."""

TRIAL_PICTURES, TRIAL_KEY = 10, 6
"""The trial asks for a second picture that stands alone in its middle: who joins late needs one."""

LEVELS_OFF_MAX = 16
"""How far the middle of all points may be off after a trial: a green or torn picture is off by far more."""


class Codec(StrEnum):
    """H.264 baseline; VP8 only for browsers that don't take it."""

    H264 = "H264"
    VP8 = "VP8"


SOFTWARE = {Codec.H264: "libx264", Codec.VP8: "libvpx"}


class Models:
    """Which encoder makes the full picture here; hardware that failed is not asked again until the daemon starts."""

    def __init__(self, hardware: str = "") -> None:
        self.hardware = hardware

    def give_up(self, why: str) -> None:
        """Use software from now on."""
        if self.hardware:
            words = {"model": self.hardware, "words": why}
            logger.warning("hardware encoder failed: pictures are encoded by software from now on", extra=words)
        self.hardware = ""


def rate_for(width_px: int, height_px: int) -> int:
    """Return bits per second for a picture size: 2.5 Mbit/s at 720p, proportionally less below."""
    share = width_px * height_px / (WIDTH_PX_MAX * HEIGHT_PX_MAX)
    return int(min(max(FULL_BPS * share, RATE_BPS_MIN), FULL_BPS))


def format_of(model: str) -> str:
    """Return the pixel format that this encoder is fed with."""
    return "nv12" if model == VAAPI else "yuv420p"


def open_context(model: str, width_px: int, height_px: int) -> VideoCodecContext:
    """Return an encoder with our settings; it opens at its first picture. Raises ValueError or av.FFmpegError."""
    accelerator = HWAccel("vaapi") if model == VAAPI else None
    context = cast("VideoCodecContext", av.CodecContext.create(model, "w", hwaccel=accelerator))
    rate_bps = rate_for(width_px, height_px)
    context.width, context.height, context.pix_fmt = width_px, height_px, format_of(model)
    context.bit_rate, context.time_base, context.framerate = rate_bps, Fraction(1, CLOCK_HZ), Fraction(30)
    # bufsize of a quarter second keeps an IDR within what a queue of a few frames carries
    shared = {"maxrate": str(rate_bps), "bufsize": str(rate_bps // 4), "g": str(FRAMES_PER_KEY)}
    if model in HARDWARE:
        context.options = shared | {"profile": CONSTRAINED_BASELINE, "level": "31", "bf": "0"}
        context.options |= {"async_depth": "1"} if model == VAAPI else {}
        return context
    context.thread_count = 1  # two libvpx threads spin on a busy machine: 175 ms a frame instead of 5
    if model == SOFTWARE[Codec.H264]:
        context.options = shared | {
            "preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "level": "31", "forced-idr": "1",
            "x264-params": f"scenecut=0:rc-lookahead=0:threads={SLICES}:sliced-threads=1:keyint={FRAMES_PER_KEY}",
        }  # fmt: skip
    else:
        context.options = shared | {"deadline": "realtime", "cpu-used": "16", "lag-in-frames": "0"}
    return context


def choose_hardware(models: tuple[str, ...] = HARDWARE) -> str:
    """Return the first hardware encoder that passes its trial, or an empty text; blocks."""
    for model in models:
        why_not = fails_trial(model)
        if not why_not:
            logger.info("hardware encoder", extra={"model": model})
            return model
        logger.debug("no hardware encoder", extra={"model": model, "words": why_not})
    return ""


def fails_trial(model: str) -> str:
    """Encode a few pictures and decode them again; return what is wrong with this encoder, or nothing."""
    try:
        packets = _trial_packets(open_context(model, WIDTH_PX_MAX, HEIGHT_PX_MAX), format_of(model))
        keys = [packet for packet in packets if packet.is_keyframe]
        if len(keys) < 2:
            return f"{len(keys)} of 2 pictures that stand alone came"
        return next((wrong for packet in keys if (wrong := _wrong_with(bytes(packet)))), "")
    except (av.FFmpegError, ValueError, NotImplementedError, OSError) as error:
        return f"{type(error).__name__}: {error}"


def _trial_packets(context: VideoCodecContext, pixel_format: str) -> list["av.Packet[av.VideoStream]"]:
    packets = []
    for number in range(TRIAL_PICTURES):
        picture = av.VideoFrame.from_ndarray(_trial_pixels(), format="bgr24").reformat(format=pixel_format)
        picture.pts, picture.time_base = number * CLOCK_HZ // 30, Fraction(1, CLOCK_HZ)
        picture.pict_type = PictureType.I if number in (0, TRIAL_KEY) else PictureType.NONE
        packets += context.encode(picture)
    return packets


def _trial_pixels() -> npt.NDArray[np.uint8]:
    """Squares of every brightness: whatever is torn, shifted or green differs from them."""
    shades = np.linspace(40, 230, HEIGHT_PX_MAX // 40 * (WIDTH_PX_MAX // 40)).astype(np.uint8)
    squares = np.random.default_rng(1).permutation(shades).reshape(HEIGHT_PX_MAX // 40, WIDTH_PX_MAX // 40, 1)
    return np.kron(squares, np.ones((40, 40, 3), np.uint8))


def _wrong_with(raw: bytes) -> str:
    """Return why a browser could not begin with this packet."""
    start = raw.find(b"\0\0\1\x67")  # the sequence parameter set, NAL type 7 (ITU-T H.264 7.3.1)
    if start < 0:
        return "a picture that stands alone comes without its parameter sets"
    if raw[start + 4] != 66:
        return f"profile_idc {raw[start + 4]} instead of 66"
    decoder = av.CodecContext.create("h264", "r")
    pictures = [*decoder.decode(av.Packet(raw)), *decoder.decode(None)]
    if not pictures:
        return "its packet cannot be decoded"
    difference = np.abs(pictures[0].to_ndarray(format="bgr24").astype(int) - _trial_pixels())
    return "" if np.median(difference) < LEVELS_OFF_MAX else "its picture is not the one it was given"
