"""Looking through a camera of the shop, for the person who stands beside it."""

import asyncio
import base64
import io
from typing import Any

from PIL import Image

from edge.control_socket import VerbRefusedError
from edge.technician.ports import Around
from wire.plan import Text

LOOK_S = 20.0
"""The longest timeout of a camera driver, twice."""

PRIVATE = Text(
    en="The privacy switch is on: no viewing camera is looked through. Turn it off on the attendant's page first",
    zh="隐私开关已打开，不能查看看货摄像头。请先在店员页面关闭",
)


async def look(around: Around, asked: dict[str, Any]) -> dict[str, Any]:
    """Take a still of the camera `name`: base64 JPEG, its size. `width_px` makes it smaller. No masks: those hide from
    shoppers what the person in the shop sees anyway.
    """
    handle = around.handle(str(asked.get("name", "")), "camera")
    if around.is_private() and handle.name in around.config.viewing:
        raise VerbRefusedError(PRIVATE, "private")
    async with handle.use() as camera:
        still = await camera.still()
    width_px = int(asked.get("width_px") or 0)
    jpeg = await asyncio.to_thread(_smaller, still.jpeg, width_px) if width_px else still.jpeg
    return {
        "jpeg": base64.b64encode(jpeg).decode(),
        "width_px": still.width_px,
        "height_px": still.height_px,
    }


def _smaller(jpeg: bytes, width_px: int) -> bytes:
    """Return it at most this wide; one that cannot be decoded as it is, for the other side to say so."""
    try:
        with Image.open(io.BytesIO(jpeg)) as picture:
            picture.draft("RGB", (width_px, width_px))
            small = picture.convert("RGB")
        small.thumbnail((width_px, width_px))
        out = io.BytesIO()
        small.save(out, "JPEG", quality=80)
    except (OSError, ValueError):
        return jpeg
    return out.getvalue()
