"""Streams as they are opened: offer in, answer or reason out; later candidates and the end find their stream."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from edge.viewing.admission import Admission
from edge.viewing.offers import OpeningGate
from edge.viewing.place import LivePlace
from edge.viewing.ports import Outside, ViewingRefusedError
from wire.commands import AddCandidate, CloseStream, OpenStream
from wire.reports import StreamAnswered

logger = logging.getLogger(__name__)

REMEMBERED_MAX = 500
"""Streams whose place is remembered for later candidates and their end; the oldest is forgotten first."""


class Openings:
    """What takes time is done beside, by `spawn`: no method waits.

    `is_ready` is set once the places have their streams, for which an offer waits.
    """

    def __init__(
        self,
        outside: Outside,
        admission: Admission,
        is_ready: asyncio.Event,
        spawn: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]],
    ) -> None:
        self._outside, self._admission, self._is_ready, self._spawn = outside, admission, is_ready, spawn
        self._gate = OpeningGate(outside.clock.monotonic)
        self._begun: dict[str, tuple[LivePlace, asyncio.Task[None]]] = {}

    def open(self, place: LivePlace | None, command: OpenStream) -> None:
        """Answer an offer from a session at this place; None, when nobody of that name is here, is answered too."""
        if place is None:
            self._answer(command, reason="no_session")
            return
        if not self._gate.allows(command.session_id):
            self._answer(command, reason="too_fast")
            return
        place.beat(command.session_id)
        opening = self._spawn(self._answer_offer(place, command), f"open stream {command.stream_id}")
        self._begun[command.stream_id] = place, opening
        while len(self._begun) > REMEMBERED_MAX:
            self._begun.pop(next(iter(self._begun)))

    def add_candidate(self, command: AddCandidate) -> None:
        """Give a stream the browser's later candidates; they may overtake the answer, and wait for it."""
        self._spawn(self._add_when_open(command), f"candidates of {command.stream_id}")

    def close(self, command: CloseStream) -> None:
        """End a stream, once its offer is answered."""
        self._spawn(self._close_when_open(command), f"close {command.stream_id}")

    async def _answer_offer(self, place: LivePlace, command: OpenStream) -> None:
        try:
            answer = await self._admit_and_open(place, command)
        except ViewingRefusedError as error:
            logger.info("stream refused", extra={"reason": error.reason, "words": str(error)})
            self._answer(command, reason=error.reason)
        else:
            self._answer(command, answer_sdp=answer)

    async def _admit_and_open(self, place: LivePlace, command: OpenStream) -> str:
        plan = self._outside.plan()
        if plan is None:
            raise ViewingRefusedError("no_plan")
        ticket = await self._admission.admit(
            command.ticket,
            shop_id=plan.shop_id,
            camera=place.name,
            session_id=command.session_id,
            offer_sdp=command.offer_sdp,
        )
        await self._is_ready.wait()
        if place.line.shut or place.line.looker(ticket.session_id) is None or place.streams is None:
            raise ViewingRefusedError(place.line.shut or "no_session")
        place.admit(ticket.session_id, may_steer=ticket.may_steer)
        return await place.streams.open(
            command.stream_id,
            command.session_id,
            command.offer_sdp,
            command.ice_servers,
            is_relay_only=plan.is_relay_only,
        )

    def _answer(self, command: OpenStream, *, answer_sdp: str = "", reason: str = "") -> None:
        self._outside.send_report(
            StreamAnswered(
                stream_id=command.stream_id, session_id=command.session_id, answer_sdp=answer_sdp, reason=reason
            )
        )

    async def _add_when_open(self, command: AddCandidate) -> None:
        place = await self._opened(command.stream_id)
        if place is not None and place.streams is not None:
            await place.streams.add_candidates(command.stream_id, command.sdp_fragment)

    async def _close_when_open(self, command: CloseStream) -> None:
        place = await self._opened(command.stream_id)
        self._begun.pop(command.stream_id, None)
        if place is not None and place.streams is not None:
            place.streams.close(command.stream_id)

    async def _opened(self, stream_id: str) -> LivePlace | None:
        """Return the place of a stream once its offer is answered; None for a stream that nobody offered."""
        place, opening = self._begun.get(stream_id, (None, None))
        if opening is not None:
            await asyncio.wait([opening])
        return place
