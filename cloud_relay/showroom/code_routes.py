"""HTTP of reading codes for browsers that cannot."""

import asyncio

from fastapi import UploadFile

from cloud_relay.showroom.code_pictures import SIDE_PX, read_codes
from cloud_relay.web.problems import Problem
from cloud_relay.web.routing import Router

router = Router()


@router.post("/api/codes")
async def codes(pixels: UploadFile) -> dict[str, list[str]]:
    """Return the texts of the codes on a picture of 240 × 240 grey pixels, one byte each. It is kept nowhere."""
    luma = await pixels.read(SIDE_PX * SIDE_PX + 1)
    try:
        return {"codes": await asyncio.to_thread(read_codes, luma)}
    except ValueError as error:
        raise Problem(422, "bad_picture", "This is no picture of the asked size", "图片尺寸不对", str(error)) from None
