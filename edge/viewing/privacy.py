"""Masks: parts of a camera's picture that no shopper ever sees. Applied before encoding and to every still."""

import io
import math

from PIL import Image, ImageDraw

from drivers.camera import Still
from drivers.planes import BLACK, GREY, Pixels, Take, grey, size_of, three
from wire.plan import Mask, ShopPlan

STILL_QUALITY = 92
"""JPEG quality of a still that had to be masked: no loss that an eye finds, half the size of 98."""


def masks_for(plan: ShopPlan, camera: str) -> tuple[Mask, ...]:
    """Return the masks of a camera in the plan."""
    return next((one.masks for one in plan.cameras if one.camera == camera), ())


def _box(mask: Mask, width_px: int, height_px: int) -> tuple[int, int, int, int]:
    """The mask in pixels, rounded outwards: left, top, right, bottom (right and bottom not included)."""
    left = int(max(mask.left, 0.0) * width_px)
    top = int(max(mask.top, 0.0) * height_px)
    right = min(math.ceil((mask.left + mask.width) * width_px), width_px)
    bottom = min(math.ceil((mask.top + mask.height) * height_px), height_px)
    return left, top, max(right, left), max(bottom, top)


def mask_planes(planes: Pixels, masks: tuple[Mask, ...], take: Take = grey) -> Pixels:
    """Return the picture (I420) with every masked part black, in what `take` gives; the given one stays as it is.

    Colours lie two by two points: those that a mask cuts through lose theirs, so that none can shine out of it.
    """
    if not masks:
        return planes
    masked = take(*size_of(planes))
    masked[:] = planes
    luma, *colours = three(masked)
    for mask in masks:
        left, top, right, bottom = _box(mask, *size_of(masked))
        if right <= left or bottom <= top:
            continue
        luma[top:bottom, left:right] = BLACK
        for colour in colours:
            colour[top // 2 : (bottom + 1) // 2, left // 2 : (right + 1) // 2] = GREY
    return masked


def draw_masks(picture: Image.Image, masks: tuple[Mask, ...], box: tuple[int, int, int, int]) -> None:
    """Black out every masked part of a picture; the shares are those of `box`: left, top, right, bottom in pixels."""
    draw = ImageDraw.Draw(picture)
    for mask in masks:
        left, top, right, bottom = _box(mask, box[2] - box[0], box[3] - box[1])
        if right > left and bottom > top:
            draw.rectangle((box[0] + left, box[1] + top, box[0] + right - 1, box[1] + bottom - 1), fill=0)


def mask_still(still: Still, masks: tuple[Mask, ...]) -> Still:
    """Return the still with every masked part black; without masks it is the camera's own JPEG, byte for byte."""
    if not masks:
        return still
    with Image.open(io.BytesIO(still.jpeg)) as opened:
        picture = opened.convert("RGB")
    draw_masks(picture, masks, (0, 0, *picture.size))
    masked = io.BytesIO()
    picture.save(masked, "JPEG", quality=STILL_QUALITY)
    return Still(jpeg=masked.getvalue(), width_px=picture.width, height_px=picture.height)
