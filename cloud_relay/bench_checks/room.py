"""Asks a shop for a bench check and waits for its word; hears how far checks are."""

import asyncio

from cloud_relay.bench_checks import rules, service
from cloud_relay.clock import Clock
from cloud_relay.db import Database
from cloud_relay.refusals import RefusedError
from cloud_relay.shop_link import LinkDownError, ShopLink
from cloud_relay.viewing.answers import Answers, ShopSilentError
from wire.bench_card import CheckAnswered, CheckMoved
from wire.commands import CheckBench
from wire.values import BadValueError, new_id

ANSWER_WAIT_S = 8.0
"""The shop looks whether its bench is free, which takes no time; the rest is for a slow uplink."""


class CheckRoom:
    """One per relay process; every process hears every report, and only the one that asked awaits the answer."""

    def __init__(self, db: Database, clock: Clock, link: ShopLink) -> None:
        self._db, self._clock, self._link = db, clock, link
        self._answers = Answers()

    def join(self) -> None:
        """Hear the shops."""
        self._link.on_transient(CheckAnswered, self._answered)
        self._link.on_transient(CheckMoved, self._moved)

    async def ask(self, shop_id: str) -> str:
        """Have the bench checked now; return the check's id. RefusedError says why not, in the shop's own words."""
        await self._db.read(service.require_reachable, shop_id)
        ask_id = new_id("ask")
        with self._answers.expect(shop_id, ask_id) as awaited:
            try:
                await self._link.send_transient(shop_id, CheckBench(ask_id=ask_id))
                told: CheckAnswered = await asyncio.wait_for(awaited, ANSWER_WAIT_S)
            except (LinkDownError, TimeoutError):
                raise ShopSilentError from None
        if not told.check_id:
            text = rules.clipped(told.text)
            raise RefusedError("check_refused", text.en, text.zh)
        return told.check_id[:64]

    async def _answered(self, shop_id: str, report: CheckAnswered) -> None:
        self._answers.arrived(shop_id, report.ask_id, report)

    async def _moved(self, shop_id: str, report: CheckMoved) -> None:
        try:
            moved = rules.bounded_progress(report)
        except BadValueError:
            return  # a shop that is not ours; what it says is shown nowhere
        await self._db.keep_running(service.take_progress, shop_id, moved, self._clock.now())
