"""The phone's side of a hand-off: one page for one act, and nothing private on it."""

from datetime import datetime, timedelta
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import Connection
from starlette.datastructures import QueryParams

from cloud_relay.handoffs import rules, service
from cloud_relay.handoffs.routes import PHONE_COOKIE, PHONE_DAYS, Phone, new_phone
from cloud_relay.handoffs.rules import Purpose
from cloud_relay.orders import reading
from cloud_relay.pages.addresses import COUNTRIES, NO_ADDRESS
from cloud_relay.pages.orders import DELIVERY_DAYS, destination
from cloud_relay.relay import RelayDep
from cloud_relay.trading import Trading
from cloud_relay.viewing import service as viewing
from cloud_relay.web.principal import Anyone
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(include_in_schema=False)


def _shown(
    connection: Connection, secret: str, phone: str, trading: Trading, now: datetime, query: QueryParams
) -> dict[str, Any]:
    row = service.look(connection, secret, phone, now)
    shown: dict[str, Any] = {"purpose": row["purpose"], "secret": secret, "code": rules.code_of(row["handoff_id"])}
    if row["purpose"] == Purpose.ORDER:
        asked = (row["account_id"], row["subject"], trading.trade, trading.methods, now)
        country, postal_code = destination(query, NO_ADDRESS)
        checkout = reading.read_checkout(connection, *asked, country=country, postal_code=postal_code)
        if checkout is None or checkout["order_id"]:
            raise rules.ended()
        first, last = ((now + timedelta(days=days)).date().isoformat() for days in DELIVERY_DAYS)
        shown |= {"checkout": checkout, "delivery_from": first, "delivery_until": last}
    if row["purpose"] == Purpose.REMOTE:
        session = viewing.own_session(connection, row["subject"], row["account_id"])
        shown |= {"look": session["answer"]}
    return shown


@router.get("/h/{secret}")
async def handoff(secret: str, request: Request, relay: RelayDep, principal: Anyone, phone: Phone = "") -> Response:
    """What the television asks of the phone; opening it uses nothing up, because chat programs open links too."""
    found = await relay.db.read(_shown, secret, phone, relay.trading, relay.clock.now(), request.query_params)
    page = render(request, principal, "handoff.html", **found, address=NO_ADDRESS, countries=COUNTRIES)
    if not phone:
        page.set_cookie(
            PHONE_COOKIE, new_phone(), max_age=PHONE_DAYS * 86400, httponly=True, samesite="lax",
            secure=relay.settings.is_https,
        )  # fmt: skip
    return page
