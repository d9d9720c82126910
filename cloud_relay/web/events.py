"""The event stream to open pages: GET /api/events, fed from page_event, resumed by Last-Event-ID."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import Header, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import Connection, func, select

from cloud_relay.groups import store as groups
from cloud_relay.on_site import store as visits
from cloud_relay.rebates import store as rebates
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.tables import handoff, orders, page_event, shop, viewing_companion, viewing_session
from cloud_relay.web.principal import Anyone, Principal
from cloud_relay.web.problems import Problem, not_found
from cloud_relay.web.routing import Router

router = Router()

CHANNELS_MAX = 20
LOOK_S = 0.5
"""Another relay process's events are found by looking this often; one's own arrive at once."""
BEAT_S = 15.0
"""A comment this often keeps proxies from closing a quiet stream."""
BATCH_MAX = 200
RETRY_MS = 1000


def _may_read(connection: Connection, principal: Principal, channel: str, now: datetime) -> bool:
    """Tell whether the principal may read this channel; what does not exist may not be read either."""
    kind, _, id_ = channel.partition(":")
    if kind == "operator":
        return principal.is_operator
    if kind == "account":
        return bool(id_) and id_ == principal.account_id
    if kind == "merchant":
        return id_ in principal.merchant_ids or principal.is_operator
    if kind == "shop":
        return connection.execute(select(shop.c.shop_id).where(shop.c.shop_id == id_)).first() is not None
    if kind == "handoff":  # its id is a secret of the screen that made it
        return connection.execute(select(handoff.c.handoff_id).where(handoff.c.handoff_id == id_)).first() is not None
    if kind == "group":  # its id is a secret of its members and of whom they gave the link
        is_there = groups.load(connection, id_) is not None
        return is_there and principal.account_id is not None
    if kind == "together":  # its id is a secret of those who were invited
        found_one = select(viewing_companion.c.companion_id).where(viewing_companion.c.together_id == id_)
        return connection.execute(found_one).first() is not None
    if kind == "session":
        row = connection.execute(
            select(viewing_session.c.account_id, shop.c.merchant_id)
            .join(shop, shop.c.shop_id == viewing_session.c.shop_id)
            .where(viewing_session.c.session_id == id_)
        ).one_or_none()
        return row is not None and (
            row.account_id in (None, principal.account_id) or row.merchant_id in principal.merchant_ids
        )
    if kind == "here":  # only who is in that shop
        return visits.is_here(connection, principal.account_id, id_, now)
    if kind == "rebates":  # says only that the line moved
        return rebates.newest_switch(connection, id_) is not None
    if kind == "order":
        found = connection.execute(
            select(orders.c.account_id, orders.c.merchant_id).where(orders.c.order_id == id_)
        ).one_or_none()
        return found is not None and (
            found.account_id == principal.account_id
            or found.merchant_id in principal.merchant_ids
            or principal.is_operator
        )
    return False


def _check(connection: Connection, principal: Principal, channels: list[str], now: datetime) -> int:
    if not all(_may_read(connection, principal, channel, now) for channel in channels):
        raise not_found()
    return connection.execute(select(func.max(page_event.c.event_no))).scalar() or 0


def _after(connection: Connection, channels: list[str], mark: int) -> list[dict[str, Any]]:
    event = page_event.c
    rows = connection.execute(
        select(page_event)
        .where(event.channel.in_(channels), event.event_no > mark)
        .order_by(event.event_no)
        .limit(BATCH_MAX)
    )
    return [dict(row) for row in rows.mappings()]


def _text(event: dict[str, Any]) -> str:
    body = {"channel": event["channel"], "kind": event["kind"], "data": event["data"]}
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return f"id: {event['event_no']}\ndata: {data}\n\n"


class PageHub:
    """Wakes every open stream when this process commits a page event."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def wake(self) -> None:
        """Have every stream look now."""
        for one in self._waiting:
            one.set()

    async def wait(self, one: asyncio.Event, timeout_s: float) -> None:
        """Return when woken, or after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await one.wait()
        except TimeoutError:
            pass
        one.clear()

    def join(self) -> asyncio.Event:
        """Return what `wait` waits for."""
        one = asyncio.Event()
        self._waiting.add(one)
        return one

    def leave(self, one: asyncio.Event) -> None:
        """Undo `join`."""
        self._waiting.discard(one)


async def _stream(relay: Relay, hub: PageHub, channels: list[str], mark: int) -> AsyncIterator[str]:
    one = hub.join()
    try:
        yield f"retry: {RETRY_MS}\n: open\n\n"
        quiet_since = relay.clock.monotonic()
        while True:
            found = await relay.db.read(_after, channels, mark)
            if found:
                mark, quiet_since = found[-1]["event_no"], relay.clock.monotonic()
                yield "".join(_text(event) for event in found)
            elif relay.clock.monotonic() - quiet_since > BEAT_S:
                quiet_since = relay.clock.monotonic()
                yield ": still here\n\n"
            if len(found) < BATCH_MAX:
                await hub.wait(one, LOOK_S)
    finally:
        hub.leave(one)


@router.get("/api/events", response_class=StreamingResponse)
async def events(
    request: Request,
    relay: RelayDep,
    principal: Anyone,
    channels: Annotated[str, Query(max_length=2000)],
    last_event_id: Annotated[int | None, Header(alias="Last-Event-ID", ge=0)] = None,
) -> StreamingResponse:
    """Server-sent events of the channels (comma-separated) that one may read; 404 if one of them is not one's own."""
    wanted = [channel for channel in channels.split(",") if channel]
    if not 1 <= len(wanted) <= CHANNELS_MAX:
        raise Problem(422, "bad_channels", f"channels: 1 to {CHANNELS_MAX}", f"channels：1 至 {CHANNELS_MAX} 个")
    newest = await relay.db.read(_check, principal, wanted, relay.clock.now())
    mark = newest if last_event_id is None else min(last_event_id, newest)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    hub: PageHub = request.app.state.pages
    return StreamingResponse(_stream(relay, hub, wanted, mark), media_type="text/event-stream", headers=headers)
