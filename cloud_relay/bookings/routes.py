"""HTTP of booked viewing times, and the timer that reminds."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cloud_relay.bookings import rules, service, store
from cloud_relay.relay import RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import Anyone, SignedIn, account_id_of
from cloud_relay.web.routing import Router

if TYPE_CHECKING:
    from cloud_relay.relay import Relay

router = Router(prefix="/api")

LOOK_S = 15.0


class BookBody(BaseModel):
    """Which piece, and when the slot begins."""

    model_config = ConfigDict(extra="forbid")

    piece_id: str = Field(max_length=64)
    starts_at: AwareDatetime


def booking_json(row: dict[str, Any]) -> dict[str, Any]:
    """Return a booking as its owner sees it."""
    return {
        "booking_id": row["booking_id"], "piece_id": row["piece_id"], "starts_at": row["starts_at"],
        "ends_at": row["ends_at"], "title": {"en": row["title_en"], "zh": row["title_zh"]},
        "shop_name": {"en": row["name_en"], "zh": row["name_zh"]},
        "when": rules.said(row["starts_at"], row["time_zone"]),
    }  # fmt: skip


@router.get("/pieces/{piece_id}/times")
async def times(piece_id: str, relay: RelayDep, _: Anyone) -> dict[str, Any]:
    """When a piece may be looked at by appointment."""
    return await relay.db.read(service.free, piece_id, relay.clock.now())


@router.get("/bookings")
async def bookings(relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """One's bookings that are not over, the next one first."""
    rows = await relay.db.read(store.ahead_of, account_id_of(principal), relay.clock.now())
    return {"bookings": [booking_json(row) for row in rows]}


@router.post("/bookings", status_code=201)
async def book(body: BookBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Book a time to look; whoever comes then goes before those who come without."""
    starts_at: datetime = body.starts_at.astimezone(UTC)
    return await once(201, service.book, account_id_of(principal), body.piece_id, starts_at, relay.clock.now())


@router.delete("/bookings/{booking_id}", status_code=204)
async def give_back(booking_id: str, relay: RelayDep, principal: SignedIn) -> Response:
    """Give a booked time back."""
    await relay.db.run(service.give_back, account_id_of(principal), booking_id, relay.clock.now())
    return Response(status_code=204)


async def work(relay: "Relay") -> None:
    """Remind of what begins soon, for ever."""
    while True:
        now = relay.clock.now()
        if await relay.db.read(store.to_remind, now + rules.REMIND, now):
            await relay.db.keep_running(service.remind, now)
        await asyncio.sleep(LOOK_S)
