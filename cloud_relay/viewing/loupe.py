"""The loupe through the relay: asks the shop for a region, joins what it reports with the picture that follows."""

import asyncio
import contextlib
from collections.abc import Iterator

from cloud_relay.refusals import RefusedError
from cloud_relay.shop_link import LinkDownError, ShopLink
from cloud_relay.viewing.answers import Answers, ShopSilentError
from cloud_relay.viewing.frames import FrameShelf, Key
from cloud_relay.viewing.store import Row
from wire.commands import Region, TakeLoupe
from wire.reports import LoupeTaken
from wire.values import new_id

ANSWER_WAIT_S, PICTURE_WAIT_S = 8.0, 3.0
"""The shop gives its camera five seconds for a still, and others may be before; the picture comes with the answer."""

REASONS = {
    "busy": ("One close look is on its way to you already.", "上一张细节图还在传送。"),
    "many": ("Several are looking closely just now. Try again in a moment.", "正有多人查看细节，请稍后再试。"),
    "outside": ("Mark a region inside the picture.", "请在画面内选取区域。"),
    "no_still": ("The camera gave no picture. Try again.", "镜头没有给出画面，请重试。"),
}


class LoupeRefusedError(RefusedError):
    """There is no close look now; `reason` is the shop's code, or `busy`."""

    def __init__(self, reason: str) -> None:
        en, zh = REASONS.get(reason, ("The shop shows no picture just now.", "店铺暂时没有画面。"))
        super().__init__("no_loupe", en, zh, status=422 if reason == "outside" else 409, reason=reason)


class Loupes:
    """Loupes on their way through this process, one for each session at most."""

    def __init__(self, link: ShopLink, frames: FrameShelf) -> None:
        self._link, self._frames = link, frames
        self._answers = Answers()
        self._busy: set[str] = set()

    def attach(self) -> None:
        """Have the link bring the shop's answers."""
        self._link.on_transient(LoupeTaken, self._taken)

    async def _taken(self, shop_id: str, report: LoupeTaken) -> None:
        self._answers.arrived(shop_id, report.loupe_id, report)

    async def take(self, session: Row, region: Region) -> tuple[LoupeTaken, bytes]:
        """Return a region as sharp as the sensor has it, at most 64 KiB of JPEG. Raises RefusedError."""
        session_id = session["session_id"]
        if session_id in self._busy:
            raise LoupeRefusedError("busy")
        self._busy.add(session_id)
        try:
            return await self._take(session["shop_id"], session_id, region)
        finally:
            self._busy.discard(session_id)

    async def _take(self, shop_id: str, session_id: str, region: Region) -> tuple[LoupeTaken, bytes]:
        command = TakeLoupe(session_id=session_id, loupe_id=new_id("lou"), region=region)
        key = shop_id, command.loupe_id
        self._frames.open(key)
        with self._answers.expect(shop_id, command.loupe_id) as answered, self._forgetting(key):
            try:
                await self._link.send_transient(shop_id, command)
                told: LoupeTaken = await asyncio.wait_for(answered, ANSWER_WAIT_S)
            except (LinkDownError, TimeoutError):
                raise ShopSilentError from None
            if told.reason:
                raise LoupeRefusedError(told.reason)
            # report and picture cross on two topics, so either may be the first
            frame = await self._frames.newer_than(key, 0, PICTURE_WAIT_S)
            if frame is None:
                raise ShopSilentError
            return told, frame.jpeg

    @contextlib.contextmanager
    def _forgetting(self, key: Key) -> Iterator[None]:
        try:
            yield
        finally:
            self._frames.forget(key)
