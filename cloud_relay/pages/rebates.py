"""Pages of the rebate queue: what it is and is not, its daily proof, a shopper's tickets, the operator's switch."""

from dataclasses import asdict
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.rebates import reading, routes, rules, store
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import Anyone, Operator, SignedIn, account_id_of
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import MINOR_DIGITS, render

router = Router(include_in_schema=False)

WAITS_S = (0, 86_400, 7 * 86_400, 14 * 86_400, 30 * 86_400, 60 * 86_400, 90 * 86_400)
"""How long a purchase may rest, as the operator chooses it: whole days up to rules.WAIT_S_MAX."""
CHANNELS_MAX = 15
"""Markets whose lines one page follows; the event stream takes a few more channels."""


def _markets(connection: Connection) -> list[dict[str, Any]]:
    found = (reading.of_market(connection, market) for market in store.markets(connection))
    return [one for one in found if one is not None]


@router.get("/rebates")
async def rebates(request: Request, relay: RelayDep, principal: Anyone) -> Response:
    """What a rebate here is and is not, and for each market the pot, the line and every settlement."""
    markets = await relay.db.read(_markets)
    channels = ",".join(f"rebates:{one['market']}" for one in markets[:CHANNELS_MAX])
    return render(request, principal, "rebates.html", markets=markets, channels=channels)


@router.get("/account/rebates")
async def my_rebates(request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """One's place in each line and what came back, live; withdrawing in two steps."""
    account_id = account_id_of(principal)
    found = await relay.db.read(reading.of_shopper, account_id, relay.clock.now())
    is_on = await relay.db.read(store.is_on_anywhere)
    markets = (await relay.db.read(store.markets))[:CHANNELS_MAX]
    channels = ",".join([f"account:{account_id}", *(f"rebates:{one}" for one in markets)])
    return render(
        request, principal, "rebate_account.html", **found, is_on=is_on, channels=channels, digits=MINOR_DIGITS,
    )  # fmt: skip


def _desk(connection: Connection, own: str) -> list[dict[str, Any]]:
    return [
        {"market": market, "terms": asdict(store.terms_of(connection, market)),
         "shown": reading.of_market(connection, market)}
        for market in routes.known_markets(connection, own)
    ]  # fmt: skip


@router.get("/operator/rebates")
async def operator_rebates(request: Request, relay: RelayDep, principal: Operator) -> Response:
    """Each market's switch with its terms and who decided them; settling by hand."""
    markets = await relay.db.read(_desk, relay.settings.relay.market)
    least_minor = rules.WITHDRAW_LEAST_MAX_MINOR
    limits = {"feed_ppm": rules.FEED_PPM_MAX, "cap_ppm": rules.CAP_PPM_MAX, "least_minor": least_minor}
    return render(
        request, principal, "operator_rebates.html", tab="rebates", find="", markets=markets, waits_s=WAITS_S,
        limits=limits, now=relay.clock.now(),
    )  # fmt: skip
