"""The pages of a basket: what lies in it, paying all of it, and what was paid together."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection
from starlette.datastructures import QueryParams

from cloud_relay.accounts import addresses
from cloud_relay.baskets import reading
from cloud_relay.baskets.rules import QUANTITY_MAX
from cloud_relay.escrow.payments import STARTED
from cloud_relay.orders.reading import methods_json
from cloud_relay.pages.addresses import COUNTRIES, NO_ADDRESS
from cloud_relay.pages.orders import delivery_days, destination
from cloud_relay.pages.paying import how_to_pay
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.problems import not_found
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(prefix="/basket", include_in_schema=False)

NAMES = {code: (english, chinese) for code, english, chinese in COUNTRIES}


def _basket(connection: Connection, account_id: str, now: datetime, query: QueryParams) -> dict[str, Any]:
    saved = addresses.list_addresses(connection, account_id)
    address = saved[0] if saved else NO_ADDRESS
    goes_to = destination(query, address)
    found = reading.read_basket(connection, account_id, now, *goes_to)
    return {"basket": found, "addresses": saved, "address": address, "goes_to": goes_to}


@router.get("")
async def basket(request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """What lies in it, by shop; what it costs to one's default address."""
    now = relay.clock.now()
    found = await relay.db.read(_basket, account_id_of(principal), now, request.query_params)
    country, postal_code = found.pop("goes_to")
    english, chinese = NAMES.get(country, (country, country))
    place = f"{chinese if principal.language == 'zh' else english} {postal_code}".strip()
    return render(request, principal, "basket.html", **found, destination=place, most=QUANTITY_MAX)


@router.get("/checkout")
async def checkout(
    request: Request, relay: RelayDep, principal: SignedIn, currency: Annotated[str, Query(max_length=3)] = ""
) -> Response:
    """Address, delivery time, way of payment and the total of everything in one currency."""
    now, trading = relay.clock.now(), relay.trading
    found = await relay.db.read(_basket, account_id_of(principal), now, request.query_params)
    sums = found["basket"]["payments"]
    payment = next((one for one in sums if currency in ("", one["currency"])), None)
    if payment is None:
        return RedirectResponse("/basket", 303)
    shops = [one for one in found["basket"]["shops"] if one["lines"][0]["currency"] == payment["currency"]]
    lines = [line for shop in shops for line in shop["lines"]]
    form = {
        "more_parcel_ids": [], "pickup_points": [],
        "payment_methods": methods_json(trading.methods, payment["currency"]),
        "photo_window_s": trading.trade.settings.photo_window_s,
        "release_after_s": trading.trade.settings.release_after_s,
    }  # fmt: skip
    first, last = delivery_days(now)
    return render(
        request, principal, "basket_checkout.html", checkout=form, payment=payment, shops=shops,
        left_out=[line for line in lines if line["problem"]], addresses=found["addresses"], address=found["address"],
        countries=COUNTRIES, delivery_from=first, delivery_until=last,
    )  # fmt: skip


@router.get("/{basket_id}")
async def placed(basket_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """The orders that were placed together: pay them another way, or follow each."""
    try:
        found = await relay.db.read(reading.read_placed, account_id_of(principal), basket_id)
    except LookupError:
        raise not_found() from None
    waiting = [one["order_id"] for one in found["orders"] if one["state"] == "unpaid"]
    how = await how_to_pay(relay, waiting[0]) if found["payment_state"] == STARTED else None
    methods = methods_json(relay.trading.methods, found["currency"])
    return render(request, principal, "basket_placed.html", placed=found, methods=methods, how=how)
