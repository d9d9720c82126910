"""The viewing room at run time: asks the shop over the link, waits for its answers, keeps the newest frames."""

import asyncio
import contextlib
from dataclasses import dataclass
from functools import partial
from typing import Any

from cloud_relay.authority import Authority
from cloud_relay.clock import Clock
from cloud_relay.db import Database, keep_trying
from cloud_relay.refusals import RefusedError
from cloud_relay.shop_link import LinkDownError, ShopLink
from cloud_relay.viewing import service, store, together
from cloud_relay.viewing.answers import Answers, ShopSilentError
from cloud_relay.viewing.frames import FrameShelf, Key
from cloud_relay.viewing.loupe import Loupes
from cloud_relay.viewing.rules import ANSWER_WAIT_S, TICKET_LIFE_S, fingerprint_of, tidy_offer
from cloud_relay.viewing.turn import IceServers
from wire.commands import AskPosition, AskToLook, LeaveViewing, OpenStills, OpenStream, TransientCommand
from wire.plan import Position
from wire.reports import (
    LookAnswer,
    LookAnswered,
    PositionTold,
    QuestionAnswered,
    StillsAnswered,
    StreamAnswered,
    ViewingChanged,
)
from wire.tickets import ViewingTicket, sign_ticket
from wire.values import new_id

STILL_WIDTH_PX = 1280
"""The widest picture of the fallback rung: as wide as the page shows a listing."""
FIRST_STILL_WIDTH_PX = 640
"""The first picture of a page: it comes with the shop's answer, unasked."""
STILL_WAIT_S = 5.0
"""A camera that was asleep needs a second or two for its first picture."""
ALONG_S = 0.08
"""So long the shop's word is held back for picture and stream behind it: less than a way to the page and back."""
EARLY_MAX = 200
"""Answers to offers that came with the ask, kept until their page takes them: a page that is gone never does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedStream:
    """A stream that the shop answered: its id for PATCH and DELETE, and the SDP answer."""

    stream_id: str
    answer_sdp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenStill:
    """One picture of a camera, and how old it was when the shop sent it."""

    jpeg: bytes
    age_s: float


class ViewingRoom:
    """Joins pages and shops for looking. One per relay process; every process hears every report."""

    def __init__(self, db: Database, clock: Clock, link: ShopLink, authority: Authority, ice: IceServers) -> None:
        self.frames = FrameShelf()
        self.loupes = Loupes(link, self.frames)
        self._ice = ice
        self._db, self._clock, self._link, self._authority = db, clock, link, authority
        self._answers = Answers()
        self._early: dict[str, asyncio.Future[OpenedStream]] = {}
        self._newest: dict[Key, ViewingChanged] = {}

    def attach(self) -> None:
        """Have the link bring this room what concerns it."""
        self._link.on_transient(LookAnswered, self._look_answered)
        self._link.on_transient(ViewingChanged, self._viewing_changed)
        self._link.on_transient(StreamAnswered, self._stream_answered)
        self._link.on_transient(StillsAnswered, self._stills_answered)
        self._link.on_transient(PositionTold, self._position_told)
        self.loupes.attach()
        self._link.on_report(QuestionAnswered, service.take_question_answer)
        self._link.on_device_state(service.take_device_state)
        self._link.on_frame(self._frame)

    async def _look_answered(self, shop_id: str, report: LookAnswered) -> None:
        # whoever asked keeps it with what they read next; one that nobody awaits is kept all the same
        if not self._answers.arrived(shop_id, report.session_id, report):
            await self._db.keep_running(service.take_look_answer, shop_id, report, self._clock.now())

    async def _viewing_changed(self, shop_id: str, report: ViewingChanged) -> None:
        key = shop_id, report.session_id
        self._newest[key] = report
        await keep_trying(partial(self._keep_change, key, report))
        await self._tell_companions(report.session_id)
        if report.state == "ended":
            self.frames.forget(key)

    async def _keep_change(self, key: Key, report: ViewingChanged) -> None:
        """Write it, unless a newer one came while the database was busy: those overtake nothing."""
        if self._newest.get(key) is not report:
            return
        await self._db.run(service.take_viewing_change, key[0], report, self._clock.now())
        if self._newest.get(key) is report:
            del self._newest[key]

    async def _tell_companions(self, session_id: str) -> None:
        if await self._db.read(together.together_of, session_id):
            await self._db.keep_running(together.session_changed, session_id, self._clock.now())

    async def _stream_answered(self, shop_id: str, report: StreamAnswered) -> None:
        self._answers.arrived(shop_id, report.stream_id, report)

    async def _stills_answered(self, shop_id: str, report: StillsAnswered) -> None:
        self._answers.arrived(shop_id, f"stills:{report.session_id}", report)

    async def _position_told(self, shop_id: str, report: PositionTold) -> None:
        self._answers.arrived(shop_id, f"position:{report.session_id}", report)

    async def _frame(self, shop_id: str, session_id: str, jpeg: bytes) -> None:
        self.frames.put((shop_id, session_id), jpeg)

    async def ask_to_look(
        self, account_id: str | None, nickname: str, piece_id: str, language: str, *, may_steer: bool,
        merchant_ids: frozenset[str] = frozenset(), waits: bool = True, offer_sdp: str = "",
    ) -> service.Looked:  # fmt: skip
        """Open a session, ask the shop, wait for its word at most ANSWER_WAIT_S.

        An offer goes to the shop right behind the ask: `answer_of` has what it says to it. BadValueError for no offer.
        """
        fingerprint = fingerprint_of(offer_sdp) if offer_sdp else ""
        asked = await self._db.run(
            service.ask_to_look, account_id, piece_id, self._clock.now(), may_steer=may_steer, merchant_ids=merchant_ids
        )
        for session_id in asked.replaced:
            await self._say_left(asked.shop_id, session_id, "replaced")
        command = AskToLook(session_id=asked.session_id, piece_id=piece_id, account_id=account_id or asked.session_id,
                            nickname=nickname, may_steer=asked.may_steer, language=language,
                            is_booked=asked.is_booked, waits=waits, still_width_px=FIRST_STILL_WIDTH_PX)  # fmt: skip
        stream_id = new_id("str") if offer_sdp and asked.shop_is_online else ""
        key = asked.shop_id, asked.session_id
        self.frames.open(key)
        with self._answers.expect(asked.shop_id, asked.session_id) as answered:
            try:
                if not asked.shop_is_online:
                    raise ShopSilentError
                await self._send(asked.shop_id, command)
                if stream_id:
                    self._open_early(stream_id, asked, fingerprint, offer_sdp)
                answer: LookAnswered = await asyncio.wait_for(answered, ANSWER_WAIT_S)
            except (TimeoutError, ShopSilentError):
                answer = LookAnswered(session_id=asked.session_id, answer=LookAnswer.CAMERA_OFFLINE)
        looked, is_taken = await self._db.run(service.look, asked, answer, account_id, self._clock.now(), stream_id)
        if is_taken and answer.still_age_s is not None:
            self.frames.promise(key, answer.still_age_s, self._clock.monotonic())
        return looked

    def _open_early(self, stream_id: str, asked: service.Asked, fingerprint: str, offer_sdp: str) -> None:
        session = {name: getattr(asked, name) for name in ("session_id", "shop_id", "camera", "may_steer")}
        opening = asyncio.ensure_future(self._offer(stream_id, session, fingerprint, offer_sdp))
        self._early[stream_id] = opening
        while len(self._early) > EARLY_MAX:
            self._early.pop(next(iter(self._early)))
        # the page may be gone: then nobody else reads what went wrong
        opening.add_done_callback(lambda done: None if done.cancelled() else done.exception() and None)

    async def first_picture(self, looked: service.Looked) -> tuple[SeenStill | None, OpenedStream | None]:
        """Return the first still and the answer to the offer that came along, what of them comes within ALONG_S.

        Both follow the shop's word on its own way: who waits for them here spares the page two ways of its own. What is
        later, or refused, the page asks for by itself.
        """
        key, opening = _key(looked.session), self._early.get(looked.stream_id)
        coming: list[asyncio.Future[Any]] = [opening] if opening else []
        if self.frames.is_promised(key):
            coming.append(asyncio.ensure_future(self.frames.newer_than(key, 0, ALONG_S)))
        if coming:
            await asyncio.wait(coming, timeout=ALONG_S)
        first = None
        if self.frames.newest(key) is not None:
            first = await self.frames.first(key, self._clock.monotonic)
        still = SeenStill(jpeg=first[0], age_s=first[1]) if first is not None else None
        if opening is None or not opening.done() or opening.exception() is not None:
            return still, None
        return still, await self.answer_of(looked.stream_id)

    async def answer_of(self, stream_id: str) -> OpenedStream:
        """Return the shop's answer to an offer that went along with the ask, once; RefusedError, also for no such."""
        opening = self._early.pop(stream_id, None)
        if opening is None:
            raise service.NoSuchSessionError
        return await opening

    async def leave(self, session_id: str, account_id: str | None) -> None:
        """End a session from the shopper's side and tell the shop at once."""
        session = await self._db.read(service.own_session, session_id, account_id)
        await self._db.run(service.end_session, session_id, "left", self._clock.now())
        await self._tell_companions(session_id)
        self.frames.forget(_key(session))
        await self._say_left(session["shop_id"], session_id, "left")

    async def _say_left(self, shop_id: str, session_id: str, reason: str) -> None:
        """Tell the shop; if it cannot be told, its own dead-man and turn clock free the camera."""
        with contextlib.suppress(ShopSilentError):
            await self._send(shop_id, LeaveViewing(session_id=session_id, reason=reason))

    async def _send(self, shop_id: str, command: TransientCommand) -> None:
        try:
            await self._link.send_transient(shop_id, command)
        except LinkDownError:
            raise ShopSilentError from None

    def ice_servers(self, session_id: str) -> tuple[dict[str, Any], ...]:
        """Return the STUN and TURN servers that this session's page, or the shop for it, may use from now on."""
        return self._ice.for_session(session_id, self._clock.now())

    async def open_stream(self, session_id: str, pass_text: str, offer_sdp: str) -> OpenedStream:
        """Take a pass and an SDP offer to the shop; return its answer. Raises RefusedError or BadValueError."""
        fingerprint = fingerprint_of(offer_sdp)
        stream_id, session = await self._db.run(service.use_pass, pass_text, session_id, self._clock.now())
        return await self._offer(stream_id, session, fingerprint, offer_sdp)

    async def _offer(self, stream_id: str, session: store.Row, fingerprint: str, offer_sdp: str) -> OpenedStream:
        session_id = session["session_id"]
        command = OpenStream(
            stream_id=stream_id, session_id=session_id, ticket=self._ticket(session, fingerprint),
            offer_sdp=tidy_offer(offer_sdp), ice_servers=self.ice_servers(session_id),
        )  # fmt: skip
        with self._answers.expect(session["shop_id"], stream_id) as answered:
            await self._send(session["shop_id"], command)
            try:
                answer: StreamAnswered = await asyncio.wait_for(answered, ANSWER_WAIT_S)
            except TimeoutError:
                raise ShopSilentError from None
        if answer.reason:
            raise RefusedError("stream_refused", f"The shop refused this picture: {answer.reason}.",
                               f"店铺拒绝了画面：{answer.reason}。", status=409)  # fmt: skip
        return OpenedStream(stream_id=stream_id, answer_sdp=answer.answer_sdp)

    async def open_stills(self, session_id: str, pass_text: str, width_px: int) -> None:
        """Have the shop send JPEGs on the fallback rung."""
        _, session = await self._db.run(service.use_pass, pass_text, session_id, self._clock.now())
        await self._open_stills(session, width_px)

    async def _open_stills(self, session: store.Row, width_px: int, *, is_single: bool = False) -> StillsAnswered:
        session_id = session["session_id"]
        ticket = self._ticket(session, "none")
        command = OpenStills(session_id=session_id, ticket=ticket, width_px=width_px, is_single=is_single)
        self.frames.open(_key(session))
        with self._answers.expect(session["shop_id"], f"stills:{session_id}") as answered:
            await self._send(session["shop_id"], command)
            try:
                answer: StillsAnswered = await asyncio.wait_for(answered, ANSWER_WAIT_S)
            except TimeoutError:
                raise ShopSilentError from None
        if answer.reason:
            raise RefusedError("stream_refused", f"The shop refused this picture: {answer.reason}.",
                               f"店铺拒绝了画面：{answer.reason}。", status=409)  # fmt: skip
        return answer

    async def take_still(self, session: store.Row, width_px: int = STILL_WIDTH_PX) -> SeenStill:
        """Return the picture that this session sees now, as wide as the shop sends it; ShopSilentError without one."""
        if width_px == FIRST_STILL_WIDTH_PX:
            first = await self.frames.first(_key(session), self._clock.monotonic)
            if first is not None:
                return SeenStill(jpeg=first[0], age_s=first[1])
        before = self.frames.newest(_key(session))
        answer = await self._open_stills(session, width_px, is_single=True)
        number = before.number if before else 0
        fresh = await self.frames.newer_than(_key(session), number, STILL_WAIT_S)
        if fresh is None:
            raise ShopSilentError
        return SeenStill(jpeg=fresh.jpeg, age_s=answer.age_s)

    async def ask_position(self, session: store.Row) -> Position:
        """Return where head and table of this session's camera stand now. Raises RefusedError."""
        session_id = session["session_id"]
        with self._answers.expect(session["shop_id"], f"position:{session_id}") as answered:
            await self._send(session["shop_id"], AskPosition(session_id=session_id))
            try:
                told: PositionTold = await asyncio.wait_for(answered, ANSWER_WAIT_S)
            except TimeoutError:
                raise ShopSilentError from None
        if told.position is None:
            raise RefusedError(
                "position_unknown", f"The camera does not say where it looks: {told.reason}.",
                f"镜头无法报告当前位置：{told.reason}。",
            )  # fmt: skip
        return told.position

    async def tell_shop(self, session: store.Row, command: TransientCommand) -> None:
        """Send a transient command of a session to its shop."""
        await self._send(session["shop_id"], command)

    def _ticket(self, session: store.Row, fingerprint: str) -> str:
        ticket = ViewingTicket(
            shop_id=session["shop_id"], camera=session["camera"], session_id=session["session_id"],
            fingerprint=fingerprint, nonce=new_id("non"), issued_at=self._clock.now(), life_s=TICKET_LIFE_S,
            may_steer=session["may_steer"],
        )  # fmt: skip
        key_id, private_key = self._authority.signer()
        return sign_ticket(ticket, key_id, private_key)


def _key(session: store.Row) -> Key:
    return session["shop_id"], session["session_id"]
