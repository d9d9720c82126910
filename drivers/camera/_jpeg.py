"""The JPEGs of a stream as planes: FFmpeg's decoder keeps its memory from picture to picture."""

import av
import cv2
import numpy as np

from drivers.camera._picture import PIXEL_LIMIT, parse_jpeg_size
from drivers.planes import BLACK, CAPTURED, CHROMA_LEVELS, GREY, LUMA_LEVELS, Blocks, Pixels, from_bgr, three

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
            if min(width_px, height_px) < 2 or width_px * height_px > PIXEL_LIMIT:
                return None
            pictures = self._context.decode(av.Packet(jpeg))
        except (ValueError, av.FFmpegError):
            self._context = self._opened()
            return None
        if not pictures or pictures[0].is_corrupt or min(pictures[0].width, pictures[0].height) < 2:
            return None
        return self._limited(pictures[0])

    @staticmethod
    def _opened() -> "av.VideoCodecContext":
        context = av.CodecContext.create("mjpeg", "r")
        context.thread_count = 1
        # max_pixels too: a JPEG with two headers would show us the small one and decode the other
        context.options = {"err_detect": "explode", "max_pixels": str(PIXEL_LIMIT)}
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
                cv2.resize(given, room.shape[::-1], dst=room, interpolation=cv2.INTER_AREA)
                given = room
            cv2.LUT(given, levels, dst=room)
        return made
