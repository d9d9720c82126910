"""Asks carriers: books what is to be booked, asks about lost answers, polls parcels on their way."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from cloud_relay.carriers import service, store
from cloud_relay.carriers.base import Booked, Carrier, CarrierRefusedError, CarrierUnknownError
from cloud_relay.clock import Clock
from cloud_relay.db import Database, keep_trying
from cloud_relay.orders.trade import Trade

log = logging.getLogger(__name__)
POLL_S = 5.0
"""How often due bookings are looked for; a new one wakes the worker at once."""


class CarrierWorker:
    """Moves bookings on; safe in several relay processes, because each try is claimed.

    Bookings and questions about parcels on their way have their own rounds and their own turns at a carrier: however
    slowly it answers the ones, the others go on. A try begins with its turn: what waits is not claimed yet.
    """

    def __init__(
        self, db: Database, clock: Clock, carriers: Mapping[str, Carrier], trade: Trade, poll_s: float
    ) -> None:
        self._db, self._clock, self._carriers, self._trade, self._poll_s = db, clock, carriers, trade, poll_s
        self._wakeup = asyncio.Event()
        self._turns = {
            (state, name): asyncio.Semaphore(carrier.asked_at_once)
            for state in (store.BOOKING, store.BOOKED)
            for name, carrier in carriers.items()
        }

    async def run(self) -> None:
        """Work for ever."""
        self._db.listen("carriers", self._wakeup.set)
        async with asyncio.TaskGroup() as rounds:
            rounds.create_task(self._go_round(store.BOOKING, self._wakeup))
            rounds.create_task(self._go_round(store.BOOKED, asyncio.Event()))

    async def _go_round(self, state: str, wakeup: asyncio.Event) -> None:
        while True:
            wakeup.clear()
            await self._work(state)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):  # wait_for of Python 3.11 may eat a cancellation
                    await wakeup.wait()

    async def work_once(self) -> int:
        """Try everything that is due; return how many tries were made."""
        return sum(await asyncio.gather(self._work(store.BOOKING), self._work(store.BOOKED)))

    async def _work(self, state: str) -> int:
        due = await self._db.read(store.find_due, state, tuple(self._carriers), self._clock.now())
        await asyncio.gather(*(self._await_turn(state, *one) for one in due))
        return len(due)

    async def _await_turn(self, state: str, shipment_id: str, carrier: str) -> None:
        async with self._turns[state, carrier]:
            await self._try(shipment_id)

    async def _try(self, shipment_id: str) -> None:
        row = await keep_trying(lambda: self._claim(shipment_id))
        if row is None:
            return
        carrier = self._carriers[row.carrier]
        try:
            await (self._follow(carrier, row) if row.state == store.BOOKED else self._book(carrier, row))
        except CarrierUnknownError as error:
            log.info("carrier without an answer: %s", error, extra={"shipment_id": shipment_id})
            await self._db.keep_running(self._told, row, {"reason": str(error)[:200]})

    async def _claim(self, shipment_id: str) -> store.BookingRow | None:
        """Take a booking for one try; the try's time begins when it is taken, however long the database was busy."""
        now = self._clock.now()
        known = await self._db.read(store.load, shipment_id)
        if known is None:
            return None
        wait_s = self._poll_s if known.state == store.BOOKED else min(3600.0, 10.0 * 2 ** min(known.attempts, 9))
        return await self._db.run(store.claim, shipment_id, now, now + timedelta(seconds=wait_s))

    async def _book(self, carrier: Carrier, row: store.BookingRow) -> None:
        """Book, or ask what became of a booking whose answer was lost; where it cannot be asked a person decides."""
        shipment = await self._db.read(service.shipment_of, row)
        if shipment is None:
            await self._db.keep_running(
                self._told, row, {"state": store.REFUSED, "reason": "no order", "next_try_at": None}
            )
            return
        is_first = row.attempts == 1
        if not is_first and not carrier.can_find:
            await self._db.keep_running(self._told, row, {"next_try_at": None})
            return
        try:
            async with asyncio.timeout(store.TRY_S):
                booked = None if is_first else await carrier.find(shipment)
                if booked is None:
                    booked = await carrier.book(shipment)
        except TimeoutError:
            raise CarrierUnknownError(f"no answer in {store.TRY_S:.0f} s") from None
        except CarrierRefusedError as error:
            refused = {"state": store.REFUSED, "reason": str(error)[:300], "next_try_at": None}
            await self._db.keep_running(self._told, row, refused)
            return
        await self._db.keep_running(self._booked, row, booked)

    def _told(self, connection: Connection, row: store.BookingRow, values: Mapping[str, object]) -> None:
        now = self._clock.now()
        store.end_try(connection, row, now, **values)
        service.tell_booking(connection, row, now)

    def _booked(self, connection: Connection, row: store.BookingRow, booked: Booked) -> None:
        now = self._clock.now()
        service.take_booked(connection, row, booked, now, self._again(now))

    def _again(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self._poll_s)

    async def _follow(self, carrier: Carrier, row: store.BookingRow) -> None:
        words = await carrier.words(row.tracking_no)
        await self._db.keep_running(service.take_words, carrier, row, words, self._clock.now(), self._trade)
