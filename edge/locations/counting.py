"""Locations as people see them: what lies where, by the codes on its tags, and corrections with the version seen."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from edge.journal import Journal, inbox
from edge.journal.transaction import Transaction
from edge.locations import shelves
from edge.locations.shelves import LocationRefusedError, Shelf
from wire.codec import to_json
from wire.commands import CorrectLocation
from wire.envelope import Envelope
from wire.plan import PiecePlan, ShopPlan
from wire.reports import AckState

logger = logging.getLogger(__name__)

PIECES_MAX = 200
"""Pieces in one location: more is a room, not a bin."""


class UnknownCodesError(Exception):
    """These codes are on no tag of this shop."""

    def __init__(self, codes: list[str]) -> None:
        super().__init__(f"no piece of this shop has the code {', '.join(codes[:5])}")
        self.codes = codes


class Locations:
    """One shop's locations; `ring` is called when something changed."""

    def __init__(self, journal: Journal, plan: Callable[[], ShopPlan | None], ring: Callable[[], None]) -> None:
        self._journal, self._plan, self._ring = journal, plan, ring

    async def learn(self, plan: ShopPlan | None) -> None:
        """Take over where a plan says that pieces lie of which nothing is known yet."""
        await self._journal.write(lambda tx: shelves.learn(tx, plan))

    async def list(self) -> list[dict[str, Any]]:
        """Return every location with what lies there."""
        found = await self._journal.read(shelves.all_shelves)
        pieces = self._pieces()
        return [_shown(shelf, pieces) for shelf in found]

    async def where(self, piece_ids: Sequence[str]) -> dict[str, str]:
        """Return where these pieces lie or belong, as the shop knows it."""

        def look(tx: Transaction) -> dict[str, str]:
            return {piece_id: shelves.location_of(tx, piece_id) for piece_id in piece_ids if piece_id}

        return await self._journal.read(look)

    async def correct(self, location: str, codes: Sequence[str], version: int, reason: str) -> dict[str, Any]:
        """Write what somebody found; UnknownCodesError or LocationRefusedError when nothing was changed."""
        by_code = {piece.code: piece.piece_id for piece in self._pieces().values()}
        strange = [code for code in codes if code not in by_code]
        if strange:
            raise UnknownCodesError(strange)
        found, name = [by_code[code] for code in codes], shelves.spelled(location)
        shelf = await self._journal.write(lambda tx: shelves.correct(tx, name, found, version, reason))
        self._ring()
        return _shown(shelf, self._pieces())

    async def handle(self, envelope: Envelope, command: CorrectLocation) -> None:
        """Carry out the merchant's correction, and answer it in the same transaction."""

        def take(tx: Transaction) -> None:
            known = self._pieces()
            name = shelves.spelled(command.location)
            if not name or any(piece_id not in known for piece_id in command.pieces):
                inbox.answer(tx, envelope.id, AckState.REFUSED, "unknown_piece")
                return
            try:
                shelves.correct(tx, name, command.pieces[:PIECES_MAX], command.version, command.reason)
            except LocationRefusedError as error:
                logger.info("location not corrected", extra={"location": name, "reason": error.reason})
                inbox.answer(tx, envelope.id, AckState.REFUSED, error.reason)
                return
            inbox.answer(tx, envelope.id, AckState.DONE)

        await self._journal.write(take)
        self._ring()

    def _pieces(self) -> dict[str, PiecePlan]:
        plan = self._plan()
        return {piece.piece_id: piece for piece in plan.pieces} if plan else {}


def _shown(shelf: Shelf, pieces: dict[str, PiecePlan]) -> dict[str, Any]:
    def shown(piece_id: str) -> dict[str, Any]:
        piece = pieces.get(piece_id)
        return {"code": piece.code, "title": to_json(piece.title)} if piece else {"code": piece_id, "title": None}

    return {
        "location": shelf.location, "version": shelf.version, "is_kept": bool(shelf.kept_for),
        "pieces": [shown(one) for one in shelf.pieces], "away": [shown(one) for one in shelf.away],
    }  # fmt: skip
