"""Pictures as encoders take them: I420 of ITU-R BT.601, limited range, in memory that is used again and again.

A picture is one block of (height × 3/2) × width bytes, width and height even: Y, then U and V of half width and height.
"""

import sys
from collections.abc import Callable
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Take = Callable[[int, int], Pixels]
"""Gives memory for a picture of this width and height."""

BLACK, GREY = 16, 128
"""Luma of black, and chroma of what has no colour (ITU-R BT.601-7, table 3)."""

LUMA_LEVELS, CHROMA_LEVELS = 219, 224
"""Steps of limited range (the same table); JPEG (JFIF) has 255 of each."""

CAPTURED = 3
"""Blocks of a camera: the picture that is being made, the newest, and the one before it, which is being encoded."""

HELD_BY_US = 2
"""References to a block that nobody uses, as `sys.getrefcount` counts: the list's and its own."""


def size_of(planes: Pixels) -> tuple[int, int]:
    """Return width and height in pixels."""
    return planes.shape[1], planes.shape[0] * 2 // 3


def grey(width_px: int, height_px: int) -> Pixels:
    """Return a picture of this size, both even, in memory of its own."""
    return np.full((height_px * 3 // 2, width_px), GREY, np.uint8)


def three(planes: Pixels) -> tuple[Pixels, Pixels, Pixels]:
    """Return Y, U and V of a picture, each rows × columns, in the same memory."""
    width_px, height_px = size_of(planes)
    flat, count = planes.reshape(-1), width_px * height_px
    half = height_px // 2, width_px // 2
    first, second = flat[count : count * 5 // 4], flat[count * 5 // 4 :]
    return planes[:height_px], first.reshape(half), second.reshape(half)


def from_bgr(pixels: cv2.typing.MatLike, take: Take = grey) -> Pixels:
    """Return pixels (height × width × 3 bytes) as planes, in what `take` gives; an odd last row or column is left out.

    OpenCV converts a 720p picture in 0.2 ms where swscale takes 0.9.
    """
    height_px, width_px = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    room = take(width_px, height_px)
    cv2.cvtColor(pixels[:height_px, :width_px], cv2.COLOR_BGR2YUV_I420, dst=room)
    return room


def to_bgr(planes: Pixels) -> Pixels:
    """Return the picture as height × width × 3 bytes."""
    return cast("Pixels", cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420))


def resized(planes: Pixels, width_px: int, height_px: int, take: Take = grey) -> Pixels:
    """Return the picture at another size, both even, in what `take` gives."""
    made = take(width_px, height_px)
    for ours, theirs in zip(three(planes), three(made), strict=True):
        cv2.resize(ours, theirs.shape[::-1], dst=theirs, interpolation=cv2.INTER_AREA)
    return made


class Blocks:
    """Memory for pictures of one size, `ready` of them for a stream.

    A block is given out again once nobody holds its array any more. Thirty times a second new memory of this size is
    what makes a process slow and, by and by, large. One thread takes; others hold and let go as with every object.
    """

    def __init__(self, ready: int = 1) -> None:
        self._ready = ready
        self._blocks: list[Pixels] = []

    def take(self, width_px: int, height_px: int) -> Pixels:
        """Return memory for a picture of this size; what stands in it is an earlier one."""
        if self._blocks and size_of(self._blocks[0]) != (width_px, height_px):
            self._blocks = []
        for place in range(len(self._blocks)):
            if sys.getrefcount(self._blocks[place]) == HELD_BY_US:
                return self._blocks[place]
        # one for who takes a single picture; with the second, as many as a stream needs
        more = max(self._ready - len(self._blocks), 1) if self._blocks else 1
        self._blocks += [grey(width_px, height_px) for _ in range(more)]
        return self._blocks[-1]
