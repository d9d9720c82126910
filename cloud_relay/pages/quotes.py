"""Pages of quote requests: the shopper's list, one request with its quotes, accepting; a merchant's inbox and form."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from cloud_relay.accounts import addresses
from cloud_relay.accounts.roles import Deed
from cloud_relay.pages.addresses import COUNTRIES, NO_ADDRESS
from cloud_relay.pages.merchant import Wish, open_desk, to_application
from cloud_relay.pages.orders import delivery_days, destination
from cloud_relay.quotes import reading, rules
from cloud_relay.quotes.clip_check import can_take
from cloud_relay.refusals import RefusedError
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.problems import not_found
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import MINOR_DIGITS, render

router = Router(include_in_schema=False)

CURRENCIES = ("CNY", "EUR", "USD", "GBP", "JPY", "CHF", "HKD", "SGD")
DAYS = 7
"""What both forms suggest: a week to quote, a week for a quote to stand."""


def _name_of(country: str) -> dict[str, str]:
    return next(({"en": en, "zh": zh} for code, en, zh in COUNTRIES if code == country), {"en": country, "zh": country})


def _in_a_week(now: datetime) -> str:
    return (now + timedelta(days=DAYS)).date().isoformat()


def _mine(connection: Connection, account_id: str, now: datetime) -> dict[str, Any]:
    saved = addresses.list_addresses(connection, account_id)
    country = (saved[0] if saved else NO_ADDRESS)["country"]
    return {"requests": reading.read_mine(connection, account_id, now), "country": country}


@router.get("/quotes")
async def mine(
    request: Request, relay: RelayDep, principal: SignedIn, q: Annotated[str, Query(max_length=300)] = ""
) -> Response:
    """One's own requests, and the form of a new one; a search that found nothing brings its words along."""
    now = relay.clock.now()
    found = await relay.db.read(_mine, account_id_of(principal), now)
    return render(
        request, principal, "quotes.html", **found, countries=COUNTRIES, currencies=CURRENCIES, digits=MINOR_DIGITS,
        until=_in_a_week(now), wanted=q[: rules.TITLE_LENGTH_MAX], limits=rules,
    )  # fmt: skip


@router.get("/quotes/{quote_request_id}")
async def one(quote_request_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """A request with its quotes side by side, the cheapest first."""
    found = await relay.db.read(reading.read_one, account_id_of(principal), quote_request_id, relay.clock.now())
    return render(
        request, principal, "quote_request.html", asked=found, country=_name_of(found["country"]), limits=rules
    )


@router.get("/quotes/{quote_request_id}/{quote_id}")
async def acceptance(
    quote_request_id: str, quote_id: str, request: Request, relay: RelayDep, principal: SignedIn
) -> Response:
    """Address, delivery time, way of payment and the total of one quote."""
    trading, now, account_id = relay.trading, relay.clock.now(), account_id_of(principal)

    def read(connection: Connection) -> dict[str, Any]:
        asked = reading.read_one(connection, account_id, quote_request_id, now)
        if quote_id not in [one["quote_id"] for one in asked["quotes"]]:
            raise not_found()
        saved = addresses.list_addresses(connection, account_id)
        address = saved[0] if saved else {**NO_ADDRESS, "country": asked["country"]}
        args = (account_id, quote_id, trading.trade, trading.methods, now)
        goes_to = destination(request.query_params, address)
        return {
            "checkout": reading.read_acceptance(connection, *args, country=goes_to[0], postal_code=goes_to[1]),
            "address": address,
        }

    found = await relay.db.read(read)
    if found["checkout"]["total_minor"] is None:
        words = found["checkout"]["not_sent"]
        raise RefusedError("not_for_sale", words["en"], words["zh"])
    if found["checkout"]["state"] != rules.QuoteState.OPEN:
        return RedirectResponse(f"/quotes/{quote_request_id}", 303)
    first, last = delivery_days(now)
    return render(
        request, principal, "quote_accept.html", **found, addresses=found["checkout"]["addresses"],
        countries=COUNTRIES, delivery_from=first, delivery_until=last, quote_request_id=quote_request_id,
    )  # fmt: skip


@router.get("/merchant/quotes")
async def inbox(request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "") -> Response:
    """The requests that this merchant was told of."""
    desk = await open_desk(relay, principal, wish)
    if desk is None:
        return to_application()
    found = await relay.db.read(reading.read_inbox, desk.merchant_id, relay.clock.now())
    return render(request, principal, "merchant_quotes.html", desk=desk, requests=found)


@router.get("/merchant/quotes/{quote_request_id}")
async def answer(
    quote_request_id: str, request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = ""
) -> Response:
    """One request, one's own quotes to it, and the form of another."""
    desk = await open_desk(relay, principal, wish)
    if desk is None:
        raise not_found()
    now, merchant_id = relay.clock.now(), desk.merchant_id

    def read(connection: Connection) -> dict[str, Any]:
        asked = reading.read_for_merchant(connection, merchant_id, quote_request_id, now)
        goods = reading.read_goods(connection, merchant_id, asked["currency"]) if desk.may(Deed.LIST) else []
        return {"asked": asked, "goods": goods}

    found = await relay.db.read(read)
    return render(
        request, principal, "merchant_quote.html", desk=desk, **found, digits=MINOR_DIGITS, until=_in_a_week(now),
        limits=rules, country=_name_of(found["asked"]["country"]), can_clip=can_take(),
    )  # fmt: skip
