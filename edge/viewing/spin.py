"""The spin: an idle turntable's piece photographed all round, so that it can be turned while nobody can steer."""

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from PIL import Image

from drivers.base import DeviceError
from drivers.camera import Still
from drivers.pan_tilt import HeadPosition
from drivers.turntable import turn_and_wait
from edge.viewing.looking import piece_of
from edge.viewing.place import LivePlace
from edge.viewing.ports import Handle
from edge.viewing.steering import clamp_head
from wire.plan import Position, ShopPlan

logger = logging.getLogger(__name__)

VIEWS = 36
FACES_MAX = 12
"""So many taught faces beside the round; each costs the head a way of its own."""

WIDTH_PX, QUALITY = 960, 82
"""A listing's picture is as wide; 36 of them are about 3 MB."""

IDLE_S = 20.0
"""Nobody looked for this long: who has just left may come back."""

LOOK_S = 2.0
AGAIN_S = 7 * 86400.0
"""The same piece is photographed anew once a week, whenever it stands there."""

RETRY_S = 300.0
ARRIVED_DEG, ARRIVE_S, REST_S = 0.7, 8.0, 0.15


class DisturbedError(Exception):
    """Somebody came, or something is in the way: what was taken so far is of no use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What the spin needs of the rest: a masked still of a camera, a clear bench, and who takes the finished views."""

    plan: Callable[[], ShopPlan | None]
    take_still: Callable[[str], Awaitable[Still]]
    is_clear: Callable[[], Awaitable[bool]]
    is_checking: Callable[[], bool]
    finish: Callable[[str, str, "tuple[Taken, ...]"], Awaitable[None]]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One view as it was photographed; `face` is the name of a taught face, empty for a view of the round."""

    angle_deg: float
    jpeg: bytes
    at: datetime
    face: str = ""


class Spin:
    """Photographs whatever stands idle on a turntable, once a week; gives way to everybody at once."""

    def __init__(self, places: Iterable[LivePlace], outlook: Outlook) -> None:
        self._places = [place for place in places if place.place.turntable is not None]
        self._outlook = outlook
        self._due_s: dict[str, float] = {}
        self._idle_since_s: dict[str, float] = {}

    async def run(self) -> None:
        """Look around every LOOK_S; ends by cancellation."""
        while True:
            for place in self._places:
                await self.look_at(place)
            await asyncio.sleep(LOOK_S)

    async def look_at(self, place: LivePlace) -> None:
        """Photograph what stands there if it is due and nobody is disturbed."""
        now_s, piece_id = self._outlook.monotonic(), place.line.on_table
        if not await self._is_idle(place, piece_id):
            self._idle_since_s.pop(place.name, None)
            return
        since_s = self._idle_since_s.setdefault(place.name, now_s)
        if now_s - since_s < IDLE_S or now_s < self._due_s.get(piece_id, now_s):
            return
        try:
            views = await self._go_round(place, piece_id)
        except (DisturbedError, DeviceError, TimeoutError, OSError) as error:
            self._due_s[piece_id] = self._outlook.monotonic() + RETRY_S
            logger.info("spin given up", extra={"piece_id": piece_id, "words": type(error).__name__})
            return
        self._due_s[piece_id] = self._outlook.monotonic() + AGAIN_S
        await self._outlook.finish(piece_id, place.name, views)

    async def _is_idle(self, place: LivePlace, piece_id: str) -> bool:
        plan = self._outlook.plan()
        piece = piece_of(plan, piece_id)
        if plan is None or not plan.is_spin_on or piece is None or piece.spot is None:
            return False
        if piece.spot.camera != place.name or place.line.lookers or place.line.taken:
            return False
        if place.line.shut not in ("", "closed") or self._outlook.is_checking():
            return False
        return await self._outlook.is_clear()

    async def _go_round(self, place: LivePlace, piece_id: str) -> tuple[Taken, ...]:
        piece = piece_of(self._outlook.plan(), piece_id)
        spot = piece.spot if piece is not None else None
        if spot is None:
            raise DisturbedError
        await self._aim(place, spot.home)
        views = [await self._take(place, piece_id, number * 360.0 / VIEWS) for number in range(VIEWS)]
        for face in spot.faces[:FACES_MAX]:
            await self._aim(place, face.position)
            views.append(await self._take(place, piece_id, face.position.table_deg % 360.0, face.name))
        if place.line.lookers:
            raise DisturbedError
        return tuple(views)

    async def _take(self, place: LivePlace, piece_id: str, angle_deg: float, face: str = "") -> Taken:
        """Turn the table and take one view; DisturbedError when somebody came meanwhile."""
        if place.line.on_table != piece_id or not await self._is_idle(place, piece_id):
            raise DisturbedError
        table = place.place.turntable
        assert table is not None, "a place without a turntable is not gone round"
        await self._turn_to(table, angle_deg)
        at, still = self._outlook.now(), await self._outlook.take_still(place.name)
        return Taken(angle_deg=angle_deg, jpeg=await asyncio.to_thread(shrink, still), at=at, face=face)

    async def _aim(self, place: LivePlace, position: Position) -> None:
        """Look there and wait until the head has come to rest; where there is none the camera stands as it stands."""
        if place.place.head is None:
            return
        async with place.place.head.use() as head:
            wanted = clamp_head(position, head.limits)
            await head.go_to(wanted)
            async with asyncio.timeout(ARRIVE_S):
                while not _is_there(await head.position(), wanted):  # noqa: ASYNC110  # a head tells nobody
                    await asyncio.sleep(REST_S)

    async def _turn_to(self, table: Handle, angle_deg: float) -> None:
        async with table.use() as driver:
            await turn_and_wait(driver, angle_deg, within_deg=ARRIVED_DEG, timeout_s=ARRIVE_S)
        await asyncio.sleep(REST_S)  # what stands on it sways for a moment


def _is_there(at: HeadPosition, wanted: HeadPosition) -> bool:
    turned_deg = max(abs(at.pan_deg - wanted.pan_deg), abs(at.tilt_deg - wanted.tilt_deg))
    return turned_deg <= 1.0 and abs(at.zoom - wanted.zoom) <= 0.1 * wanted.zoom


def shrink(still: Still) -> bytes:
    """Return a view as it goes to the listing's page."""
    with Image.open(io.BytesIO(still.jpeg)) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((WIDTH_PX, WIDTH_PX), Image.Resampling.LANCZOS, reducing_gap=3.0)
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=QUALITY)
    return packed.getvalue()
