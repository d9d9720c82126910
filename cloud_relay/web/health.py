"""For those who watch the relay: is it well, and how much does it do."""

import asyncio
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy import Connection, func, select

from cloud_relay.relay import RelayDep
from cloud_relay.tables import shop_command, shop_link
from cloud_relay.web.metrics import MEDIA_TYPE
from cloud_relay.web.routing import Router

router = Router()
CHECK_TIMEOUT_S = 2.0


def _look(connection: Connection) -> dict[str, int]:
    open_commands = select(func.count()).select_from(shop_command).where(shop_command.c.ack_state == "")
    online = select(func.count()).select_from(shop_link).where(shop_link.c.is_online)
    return {
        "commands_open": connection.execute(open_commands).scalar_one(),
        "shops_online": connection.execute(online).scalar_one(),
    }


@router.get("/healthz")
async def healthz(relay: RelayDep) -> JSONResponse:
    """200 while orders can be taken (the database answers), 503 otherwise; `broker` tells of the link to the shops."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            figures: dict[str, Any] = dict(await relay.db.read(_look))
    except TimeoutError:
        return JSONResponse({"status": "database does not answer"}, 503)
    broker = "connected" if relay.link.is_connected else "away"
    return JSONResponse({"status": "ok", "broker": broker, "relay": relay.settings.relay.name, **figures})


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(relay: RelayDep) -> Response:
    """Counters and gauges for Prometheus; no person's data is among them."""
    figures = await relay.db.read(_look)
    gauges = [f"# TYPE vitrine_{name} gauge\nvitrine_{name} {value}\n" for name, value in figures.items()]
    return Response(relay.metrics.text() + "".join(gauges), media_type=MEDIA_TYPE)
