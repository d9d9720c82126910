"""Takes stills and refuses what is no evidence: a black picture, or the very picture that was taken before."""

import asyncio
import hashlib
import io
from collections import defaultdict, deque

from PIL import Image

from drivers.base import AttendantNeededError
from drivers.camera import Still
from edge.bench.ports import Handle

BLACK_LEVEL = 8
"""Mean brightness (0…255) below which a picture shows nothing: a capped lens gives 0 to 3, a dim room above 20."""

KEPT = 16
"""Pictures remembered of each camera: one that is stuck gives the last good one, with dark ones in between perhaps."""

LOOKS, LOOK_AGAIN_S = 4, 0.5
"""How often, and how far apart, the same picture is asked for again: some cameras keep a still for a second."""

GLANCE_PX = 256
"""Brightness is judged on a picture about this wide: JPEG gives it for an eighth of the work."""


class Eye:
    """One bench's stills. Noise makes any two pictures of a live sensor differ, so equal bytes mean a stuck camera."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=KEPT))

    async def take(self, handle: Handle) -> Still:
        """Take a picture; raises DeviceError, with the reasons `black` and `frozen` for a camera that sees nothing new.

        Some cameras make a new still only every second, so the same one is asked for again before it counts as frozen.
        """
        async with handle.use() as camera:
            seen = self._seen[handle.name]
            if not seen:
                seen.append(_digest(await camera.still()))  # nothing to compare the first one with
            for _ in range(LOOKS):
                still: Still = await camera.still()
                if _digest(still) not in seen:
                    break
                await asyncio.sleep(LOOK_AGAIN_S)
            await self.check(handle.name, still)
        return still

    async def check(self, camera: str, still: Still) -> None:
        """Raise AttendantNeededError for a picture that this camera gave before, and for a black one."""
        digest, seen = _digest(still), self._seen[camera]
        if digest in seen:
            raise AttendantNeededError(f"{camera}: gave the same picture again; switch it off and on", "frozen")
        seen.append(digest)
        if await asyncio.to_thread(is_black, still.jpeg):
            raise AttendantNeededError(f"{camera}: gave a black picture; lens cap, light?", "black")


def is_black(jpeg: bytes) -> bool:
    """Whether a JPEG shows nothing; one that cannot be decoded is not called black."""
    try:
        with Image.open(io.BytesIO(jpeg)) as picture:
            picture.draft("L", (GLANCE_PX, GLANCE_PX))
            grey = picture.convert("L").resize((16, 16), Image.Resampling.BOX)
    except (OSError, ValueError, SyntaxError):
        return False
    levels = grey.tobytes()
    return sum(levels) / len(levels) < BLACK_LEVEL


def _digest(still: Still) -> str:
    return hashlib.sha256(still.jpeg).hexdigest()
