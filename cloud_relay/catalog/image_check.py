"""Foreign pictures: cleaned by a limited child process, or only measured by their header."""

import asyncio
import io
from pathlib import Path

from PIL import Image

from cloud_relay.children import ChildTalksError, Slots, run_script
from cloud_relay.refusals import RefusedError

SIDE_PX_MAX = 1600
"""Longest side of a listing's picture: sharp on a television, and 300 kB."""
CHILD_TIMEOUT_S = 15.0
CLEAN_BYTES_MAX = 16 * 1024 * 1024
"""What a cleaned picture may take: noise of the largest side that anybody asks for, as the child compresses it."""
CHILDREN_MAX = 2
WAITING_MAX = 16
"""Pictures that wait for one of them: a dozen seconds' work, and 12 MB of memory each at the most."""
CHILD = str(Path(__file__).with_name("image_child.py"))
_slots = Slots(CHILDREN_MAX, WAITING_MAX)


def _refused(why: str) -> RefusedError:
    return RefusedError(
        "bad_picture", "This picture cannot be used: a JPEG, PNG or WebP, please",
        "图片无法使用，请上传 JPEG、PNG 或 WebP", 422,
        detail=why,
    )  # fmt: skip


async def clean_picture(content: bytes, pixels_max: int, side_px_max: int = SIDE_PX_MAX) -> bytes:
    """Return a foreign picture as a plain JPEG without metadata; RefusedError if it is none, too large or a trap."""
    async with _slots.hold():
        try:
            child = await run_script(
                CHILD, str(pixels_max), str(side_px_max), content=content, timeout_s=CHILD_TIMEOUT_S,
                output_bytes_max=CLEAN_BYTES_MAX,
            )  # fmt: skip
        except ChildTalksError:
            raise _refused("the decoder gave up") from None
        except TimeoutError:
            raise _refused("takes too long to decode") from None
    if child.returncode != 0:
        raise _refused(child.words.decode(errors="replace")[:200] or "the decoder gave up")
    return child.output


def _measure(content: bytes, pixels_max: int) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
            width_px, height_px = image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _refused(str(error)[:200]) from None
    if width_px * height_px > pixels_max:
        raise _refused(f"{width_px} x {height_px} pixels, at most {pixels_max}")
    return width_px, height_px


async def measure_jpeg(content: bytes, pixels_max: int) -> tuple[int, int]:
    """Return (width, height) of a JPEG from its header, undecoded; RefusedError for others and for too many pixels."""
    return await asyncio.to_thread(_measure, content, pixels_max)
