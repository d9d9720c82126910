"""The JPEGs of a stream as planes: FFmpeg's decoder keeps its memory from picture to picture."""

from typing import cast

import av
import cv2
import numpy as np

from drivers.camera._picture import PIXEL_LIMIT, parse_jpeg_size
from drivers.planes import BLACK, CAPTURED, GREY, Blocks, Pixels, from_bgr, three

LUMA_LEVELS, CHROMA_LEVELS = 219, 224
"""Steps of limited range (ITU-R BT.601-7, table 3); JFIF has 255 of each."""

_full = np.arange(256)
LUMA = np.rint(_full * LUMA_LEVELS / 255 + BLACK).astype(np.uint8)
CHROMA = np.rint((_full - GREY) * CHROMA_LEVELS / 255 + GREY).astype(np.uint8)

PLANAR = ("yuvj420p", "yuvj422p", "yuvj444p", "yuvj440p", "yuvj411p")
"""FFmpeg's names of what JPEGs of cameras are: three planes, chroma in some of the points, full range."""


class JpegDecoder:
    """Decodes one stream's pictures, one after another, in one thread."""

    def __init__(self) -> None:
        self._blocks = Blocks(CAPTURED)
        self._context = self._opened()

    def planes(self, jpeg: bytes) -> Pixels | None:
        """Return the picture, or None when the JPEG is damaged or absurdly large."""
        try:
            width_px, height_px = parse_jpeg_size(jpeg)
            if not 0 < width_px * height_px <= PIXEL_LIMIT:
                return None
            pictures = self._context.decode(av.Packet(jpeg))
        except (ValueError, av.FFmpegError):
            self._context = self._opened()
            return None
        return self._limited(pictures[0]) if pictures and not pictures[0].is_corrupt else None

    @staticmethod
    def _opened() -> "av.VideoCodecContext":
        context = av.CodecContext.create("mjpeg", "r")
        context.thread_count = 1
        context.options = {"err_detect": "explode"}
        return context

    def _limited(self, picture: av.VideoFrame) -> Pixels:
        """Full range to limited, and as much chroma as encoders take."""
        if picture.format.name not in PLANAR:
            return from_bgr(picture.to_ndarray(format="bgr24"), self._blocks.take)
        width_px, height_px = picture.width // 2 * 2, picture.height // 2 * 2
        made = self._blocks.take(width_px, height_px)
        for plane, room, levels in zip(picture.planes, three(made), (LUMA, CHROMA, CHROMA), strict=True):
            given = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
            given = given[: height_px * plane.height // picture.height, : width_px * plane.width // picture.width]
            if given.shape != room.shape:
                given = cast("Pixels", cv2.resize(given, room.shape[::-1], interpolation=cv2.INTER_AREA))
            cv2.LUT(given, levels, dst=room)
        return made
