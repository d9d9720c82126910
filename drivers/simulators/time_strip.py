"""A strip of black and white cells across the top of a picture, for measuring: when it was taken, which one it is,
where the head pointed.

80 cells from left to right, most significant bit first, each as high as wide (16 × 16 pixels at 720p), so that they
outlive the encoder and a picture of half the size. 32 bits time in units of 0.1 ms since 1970 modulo 2^32 (five days),
16 bits number, 16 bits pan in 0.01° (two's complement), 16 bits CRC (CCITT, begun with FFFF).
"""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass

import numpy as np

from drivers.simulators.texture import Picture

CELLS = 80
WHITE, BLACK = 235, 16
TICKS_PER_S = 10_000
ROUND = 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a strip says. `taken_s` is seconds since 1970; `number` counts modulo 65536."""

    taken_s: float
    number: int
    pan_deg: float


def pack(mark: Mark) -> bytes:
    """Return the strip's ten bytes."""
    ticks = round(mark.taken_s * TICKS_PER_S) % ROUND
    body = struct.pack(">IHh", ticks, mark.number % 65536, round(mark.pan_deg * 100))
    return body + struct.pack(">H", binascii.crc_hqx(body, 0xFFFF))


def unpack(strip: bytes, now_s: float) -> Mark | None:
    """Return what ten bytes say, the time being the one nearest to `now_s`; None when the check sum is wrong."""
    body, (check,) = strip[:8], struct.unpack(">H", strip[8:10])
    if binascii.crc_hqx(body, 0xFFFF) != check:
        return None
    ticks, number, pan = struct.unpack(">IHh", body)
    now_ticks = round(now_s * TICKS_PER_S)
    ago = (now_ticks - ticks + ROUND // 2) % ROUND - ROUND // 2
    return Mark(taken_s=(now_ticks - ago) / TICKS_PER_S, number=number, pan_deg=pan / 100)


def draw(picture: Picture, mark: Mark) -> None:
    """Draw the strip into the upper edge of a picture, (height, width, 3)."""
    row = _row(mark, picture.shape[1])
    picture[: len(row) // CELLS] = row[None, :, None]


def draw_on_planes(planes: Picture, mark: Mark) -> None:
    """The same in I420, (height * 3 / 2, width): the cells in the luma, nothing in the chroma below them."""
    width = planes.shape[1]
    high, luma = width // CELLS, planes.shape[0] * 2 // 3 * width
    planes[:high] = _row(mark, width)
    flat = planes.reshape(-1)
    for chroma in (luma, luma + luma // 4):
        flat[chroma : chroma + high // 2 * width // 2] = 128


def _row(mark: Mark, width: int) -> Picture:
    bits = np.unpackbits(np.frombuffer(pack(mark), np.uint8))
    cells = np.where(bits, np.uint8(WHITE), np.uint8(BLACK))
    columns = np.minimum(np.arange(width) * CELLS // width, CELLS - 1)
    return cells[columns]


def read(picture: Picture, now_s: float) -> Mark | None:
    """Return what the strip in a picture of any size says; None when there is none that can be read."""
    width = picture.shape[1]
    if width < CELLS * 2:
        return None
    cell = width / CELLS
    middles = ((np.arange(CELLS) + 0.5) * cell).astype(int)
    row = int(cell / 2)
    bits = picture[row, middles].mean(axis=1) > (WHITE + BLACK) / 2
    return unpack(np.packbits(bits).tobytes(), now_s)
