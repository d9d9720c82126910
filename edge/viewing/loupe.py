"""The loupe: the part of the picture that a shopper marked, as sharp as the camera's sensor has it."""

import asyncio
import io
import logging
import math
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from PIL import Image

from drivers.base import DeviceError
from drivers.camera import Still
from edge.viewing.ports import Handle, ViewingRefusedError
from edge.viewing.privacy import draw_masks
from edge.viewing.steering import Rate
from edge.viewing.stills import FRAME_BYTES_MAX
from wire.codec import dump_bytes, from_json, load_bytes
from wire.commands import Region, TakeLoupe
from wire.plan import Mask
from wire.reports import LoupeTaken
from wire.values import BadValueError

logger = logging.getLogger(__name__)

CHANNEL = "loupe"
"""The label of the reliable data channel that a page opens for it."""

MESSAGE_BYTES_MAX = 512
MESSAGES_HZ_MAX = 5
"""What one session may say here; more is dropped unread and without an answer."""

SHARE_MIN = 0.02
"""A fiftieth of the picture is 50 points of a 2560 sensor: less shows nothing, and a whole face fits no less."""

CHUNK_BYTES = 16 * 1024
"""The largest message that every browser's data channel takes in one piece (RFC 8831 section 6.6)."""

DIRECT_BYTES_MAX, SMALL_BYTES_MAX, RELAY_BYTES_MAX = 320 * 1024, 64 * 1024, FRAME_BYTES_MAX
DIRECT_BPS, SMALL_BPS = 6_000_000, 1_000_000
"""Beside the 2.5 Mbit/s of the video, and beside the 0.6 Mbit/s of the small one: each is over in half a second."""

OTHERS_MAX = 2
"""So many loupes at once of those who do not steer: the one who steers waits for two at most."""

QUALITIES = (90, 82, 74, 66)
STILL_S, DELIVER_S = 5.0, 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a page says on the loupe's channel: a region, and the page's own number for it."""

    number: int
    region: Region


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """How large a region came out and when it was seen, as page and relay are told; `shrunk` under 1 to fit."""

    width_px: int = 0
    height_px: int = 0
    sensor_width_px: int = 0
    sensor_height_px: int = 0
    shrunk: float = 1.0
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A region at the sensor's resolution."""

    jpeg: bytes
    measures: Measures


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Measures):
    """What the page hears about its wish: `state` is coming, done or refused; chunks come between the first two."""

    number: int
    state: str
    reason: str = ""
    size_bytes: int = 0


Send = Callable[[bytes | str], Awaitable[bool]]
"""Sends one message when there is room for it; False when the page is gone."""


def parse_wish(raw: bytes) -> Wish:
    """Return a message of the loupe's channel; raise BadValueError for one too long, malformed or out of this world."""
    if len(raw) > MESSAGE_BYTES_MAX:
        raise BadValueError(f"loupe: {len(raw)} bytes, at most {MESSAGE_BYTES_MAX} are read")
    wish: Wish = from_json(Wish, load_bytes(raw))
    if not 0 <= wish.number < 2**31:
        raise BadValueError("loupe: number must be 0 or more")
    return wish


def check_region(region: Region) -> Region:
    """Return a region that lies in the picture; raise ViewingRefusedError `outside` otherwise."""
    sides = (region.left, region.top, region.width, region.height)
    if not all(math.isfinite(side) for side in sides) or min(region.width, region.height) < SHARE_MIN:
        raise ViewingRefusedError("outside")
    right, bottom = region.left + region.width, region.top + region.height
    if min(region.left, region.top) < 0 or max(right, bottom) > 1 + 1e-6:  # a browser's own rounding
        raise ViewingRefusedError("outside")
    return region


def shown_box(still_px: tuple[int, int], frame_px: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the part of a still that the video shows: all of it, or its middle where the sensor has another shape."""
    width, height = still_px
    shape = frame_px[0] / frame_px[1]
    if abs(width / height / shape - 1) < 0.01:
        return 0, 0, width, height
    wide, high = min(width, round(height * shape)), min(height, round(width / shape))
    left, top = (width - wide) // 2, (height - high) // 2
    return left, top, left + wide, top + high


def cut_out(
    still: Still, region: Region, masks: tuple[Mask, ...], frame_px: tuple[int, int], bytes_max: int, at: datetime
) -> Cut:
    """Return the region of a still, masked before anything else; at most `bytes_max` of JPEG. Takes its time."""
    with Image.open(io.BytesIO(still.jpeg)) as opened:
        picture = opened.convert("RGB")
    shown = shown_box(picture.size, frame_px)
    # a mask is a share of what the merchant saw when drawing it, which was video or still: both are covered
    draw_masks(picture, masks, (0, 0, *picture.size))
    draw_masks(picture, masks, shown)
    wide, high = shown[2] - shown[0], shown[3] - shown[1]
    left, top = shown[0] + int(region.left * wide), shown[1] + int(region.top * high)
    right = min(shown[0] + math.ceil((region.left + region.width) * wide), shown[2])
    bottom = min(shown[1] + math.ceil((region.top + region.height) * high), shown[3])
    part = picture.crop((left, top, right, bottom))
    jpeg, size, shrunk = _fit(part, bytes_max)
    measures = Measures(
        width_px=size[0], height_px=size[1], sensor_width_px=picture.width, sensor_height_px=picture.height,
        shrunk=shrunk, taken_at=at,
    )  # fmt: skip
    return Cut(jpeg=jpeg, measures=measures)


def _fit(part: Image.Image, bytes_max: int) -> tuple[bytes, tuple[int, int], float]:
    """Every point of the sensor if it fits at a fair quality, else as many as do."""
    shrunk = 1.0
    while True:
        size = max(round(part.width * shrunk), 1), max(round(part.height * shrunk), 1)
        drawn = part if shrunk == 1 else part.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        for quality in QUALITIES:
            packed = io.BytesIO()
            drawn.save(packed, "JPEG", quality=quality, subsampling=0 if quality == QUALITIES[0] else 2)
            if packed.tell() <= bytes_max:
                return packed.getvalue(), size, round(shrunk, 3)
        shrunk *= 0.75


class Loupe:
    """The loupe of one camera: one picture is made at a time, one is on its way to each viewer, nothing is queued."""

    def __init__(
        self,
        camera: Handle,
        masks: Callable[[], tuple[Mask, ...]],
        frame_px: Callable[[], tuple[int, int] | None],
        why_not: Callable[[str], str],
        wall: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self.dropped: Counter[str] = Counter()
        self._camera, self._masks, self._frame_px, self._why_not = camera, masks, frame_px, why_not
        self._wall, self._monotonic = wall, monotonic
        self._busy: dict[str, bool] = {}
        self._rates: dict[str, Rate] = {}
        self._lens = asyncio.Lock()

    def forget(self, session_id: str) -> None:
        """The session ended."""
        self._rates.pop(session_id, None)

    def hear(self, session_id: str, raw: bytes) -> Wish | None:
        """Return what a page wants, or None for what is dropped: too much, or not to be understood."""
        if not self._rates.setdefault(session_id, Rate(self._monotonic, MESSAGES_HZ_MAX)).allows():
            self._drop("too_fast")
            return None
        try:
            return parse_wish(raw)
        except BadValueError as error:
            self._drop("bad_message")
            logger.debug("loupe message dropped", extra={"words": str(error)})
            return None

    async def deliver(self, session_id: str, wish: Wish, send: Send, *, is_steering: bool, is_small: bool) -> None:
        """Make what is wished for and send it in chunks, or say why not. Returns when it is over."""
        bytes_max, rate_bps = (SMALL_BYTES_MAX, SMALL_BPS) if is_small else (DIRECT_BYTES_MAX, DIRECT_BPS)
        try:
            async with asyncio.timeout(STILL_S + DELIVER_S):
                with _OnItsWay(self._busy, session_id, is_steering=is_steering):
                    cut = await self._make(session_id, wish.region, bytes_max)
                    await self._send_cut(session_id, wish.number, cut, send, CHUNK_BYTES * 8 / rate_bps)
        except ViewingRefusedError as error:
            self._drop(error.reason)
            await send(_said(Answer(number=wish.number, state="refused", reason=error.reason)))
        except TimeoutError:
            self._drop("too_slow")  # a page that takes nothing; what it got so far is of no use

    async def answer(self, command: TakeLoupe, *, is_steering: bool) -> tuple[LoupeTaken, bytes]:
        """Return what is reported and the picture, small enough for the frame topic; empty with a reason."""
        session_id, loupe_id = command.session_id, command.loupe_id
        try:
            with _OnItsWay(self._busy, session_id, is_steering=is_steering):
                cut = await self._make(session_id, command.region, RELAY_BYTES_MAX)
        except ViewingRefusedError as error:
            self._drop(error.reason)
            return LoupeTaken(session_id=session_id, loupe_id=loupe_id, reason=error.reason), b""
        return LoupeTaken(session_id=session_id, loupe_id=loupe_id, **asdict(cut.measures)), cut.jpeg

    async def _make(self, session_id: str, region: Region, bytes_max: int) -> Cut:
        check_region(region)
        async with self._lens:
            self._check(session_id)
            try:
                async with asyncio.timeout(STILL_S), self._camera.use() as driver:
                    at, still = self._wall(), await driver.still()
            except (DeviceError, TimeoutError):
                raise ViewingRefusedError("no_still") from None
            frame_px = self._frame_px() or (still.width_px, still.height_px)
            try:
                cut = await asyncio.to_thread(cut_out, still, region, self._masks(), frame_px, bytes_max, at)
            except (OSError, Image.DecompressionBombError):
                raise ViewingRefusedError("no_still") from None
        self._check(session_id)
        return cut

    async def _send_cut(self, session_id: str, number: int, cut: Cut, send: Send, pause_s: float) -> None:
        coming = Answer(number=number, state="coming", size_bytes=len(cut.jpeg), **asdict(cut.measures))
        if not await send(_said(coming)):
            return
        for start in range(0, len(cut.jpeg), CHUNK_BYTES):
            self._check(session_id)
            if not await send(cut.jpeg[start : start + CHUNK_BYTES]):
                return
            await asyncio.sleep(pause_s)
        await send(_said(Answer(number=number, state="done")))

    def _check(self, session_id: str) -> None:
        """Asked before each step: privacy, hours and the end of a session hold in the middle of a picture too."""
        reason = self._why_not(session_id)
        if reason:
            raise ViewingRefusedError(reason)

    def _drop(self, reason: str) -> None:
        self.dropped[reason] += 1


class _OnItsWay:
    """One at a time of each session, and few of those who do not steer."""

    def __init__(self, busy: dict[str, bool], session_id: str, *, is_steering: bool) -> None:
        self._busy, self._session_id, self._is_steering = busy, session_id, is_steering

    def __enter__(self) -> None:
        if self._session_id in self._busy:
            raise ViewingRefusedError("busy")
        if not self._is_steering and sum(not steers for steers in self._busy.values()) >= OTHERS_MAX:
            raise ViewingRefusedError("many")
        self._busy[self._session_id] = self._is_steering

    def __exit__(self, *_error: object) -> None:
        del self._busy[self._session_id]


def _said(answer: Answer) -> str:
    return dump_bytes(answer).decode()
