"""The pages of paying and following: checkout, the list of one's orders, the story of one order for its parties."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection
from starlette.datastructures import QueryParams

from cloud_relay.accounts import addresses
from cloud_relay.accounts.roles import Deed
from cloud_relay.orders import reading
from cloud_relay.orders.routes import SearchDep
from cloud_relay.orders.rules import AT_SHOP
from cloud_relay.pages.addresses import COUNTRIES, NO_ADDRESS
from cloud_relay.pages.carrying import carrier_part
from cloud_relay.pages.order_strip import strip
from cloud_relay.pages.paying import how_to_pay
from cloud_relay.parcels.epcis import DELIVERED
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.returns import service as returns
from cloud_relay.threads import service as threads
from cloud_relay.trading import Trading
from cloud_relay.web.principal import Principal, SignedIn, account_id_of
from cloud_relay.web.problems import not_found
from cloud_relay.web.qr import picture_of
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render
from wire.values import parse_time

router = Router(include_in_schema=False)

DELIVERY_DAYS = (2, 14)
"""What the form suggests: not before the day after tomorrow, within two weeks. The shopper chooses."""


def _checkout(
    connection: Connection, account_id: str, parcel_id: str, trading: Trading, now: datetime, query: QueryParams
) -> dict[str, Any]:
    saved = addresses.list_addresses(connection, account_id)
    address = saved[0] if saved else NO_ADDRESS
    asked = (account_id, parcel_id, trading.trade, trading.methods, now)
    country, postal_code = destination(query, address)
    found = reading.read_checkout(connection, *asked, country=country, postal_code=postal_code)
    if found is None:
        raise not_found()
    return {"checkout": found, "addresses": saved, "address": address}


def destination(query: QueryParams, address: Mapping[str, Any]) -> tuple[str, str]:
    """Return country and postal code that the form shows now: the page's own code tells them as they are typed."""
    country = query.get("country", address["country"])[:2].upper() or "CN"
    return country, query.get("postal_code", address["postal_code"])[:20]


@router.get("/checkout/{parcel_id}")
async def checkout(parcel_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """Address, delivery time, way of payment, total; beside it the piece as it was confirmed and the countdown."""
    asked = (account_id_of(principal), parcel_id, relay.trading, relay.clock.now(), request.query_params)
    found = await relay.db.read(_checkout, *asked)
    if found["checkout"]["order_id"]:
        return RedirectResponse(f"/orders/{found['checkout']['order_id']}", 303)
    opens_at = found["checkout"]["deliveries_from"]
    begin = parse_time(opens_at) if opens_at else relay.clock.now()
    first, last = delivery_days(begin)
    return render(
        request, principal, "checkout.html", **found, countries=COUNTRIES, delivery_from=first, delivery_until=last
    )


def delivery_days(begin: datetime) -> tuple[str, str]:
    """Return the first and last day that a checkout suggests for something that leaves after `begin`."""
    first, last = ((begin + timedelta(days=days)).date().isoformat() for days in DELIVERY_DAYS)
    return first, last


@router.get("/orders")
async def orders(request: Request, relay: RelayDep, principal: SignedIn, search: SearchDep) -> Response:
    """One's own orders, newest first: all, or those that fit a search."""
    account_id = account_id_of(principal)
    found = await relay.db.read(reading.orders_of, account_id, search)
    states = await relay.db.read(reading.state_choices, account_id, is_merchant=False)
    return render(request, principal, "orders.html", is_kept=True, orders=found, search=search, states=states)


def _story(connection: Connection, order_id: str, principal: Principal, trading: Trading) -> dict[str, Any]:
    found = reading.parties(connection, order_id)
    is_shopper = found is not None and found[0] == principal.account_id
    is_merchant = found is not None and found[1] in principal.merchant_ids
    if found is None or not (is_shopper or is_merchant or principal.is_operator):
        raise not_found()
    order = reading.read_order(connection, order_id, trading.methods, for_shopper=is_shopper)
    order["return_"] = returns.read_return(connection, order_id)
    frames = strip(order["state"], order["timeline"], is_collected=bool(order["pickup"]))
    order["timeline"] = told_once(order["timeline"])
    can_call_off = is_merchant and not is_shopper and order["state"] in AT_SHOP
    code = order["pickup"]["code"] if order["pickup"] else ""
    link = f"{trading.trade.resolver_url}/orders/{order_id}#collect={code}"
    return {
        "order": order, "is_shopper": is_shopper, "can_call_off": can_call_off, "frames": frames,
        "pickup_qr": picture_of(link) if code else "", "can_write": is_shopper or is_merchant,
        "can_book": found[1] in principal.reach(Deed.CANCEL_ORDER),
        "can_answer_return": found[1] in principal.reach(Deed.CANCEL_ORDER),
        "can_scan_return": found[1] in principal.reach(Deed.TAKE_IN),
        "thread": threads.read_thread(connection, order_id, principal.account_id or ""),
    }  # fmt: skip


def told_once(timeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the story without what it says twice: a picture shown before, a delivery that the courier's line tells."""
    has_place = any(one["kind"] == "tracking" and one["step"] == DELIVERED for one in timeline)
    told: list[dict[str, Any]] = []
    shown: set[str] = set()
    for one in timeline:
        if one["kind"] == DELIVERED and has_place:
            continue
        picture = one["picture_sha256"]
        told.append({**one, "picture_sha256": "" if picture in shown else picture})
        shown.add(picture)
    return told


@router.get("/orders/{order_id}")
async def order(order_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """The story of one order: for its shopper with what they may do, for merchant and operator with its money."""
    found = await relay.db.read(_story, order_id, principal, relay.trading)
    is_shopper = found["is_shopper"]
    how = await how_to_pay(relay, order_id) if is_shopper and found["order"]["state"] == "unpaid" else None
    carried = await relay.db.read(carrier_part, relay.carriers, found["order"], for_merchant=not is_shopper)
    return render(request, principal, "order.html", is_kept=is_shopper, how=how, **carried, **found)


def _evidence(connection: Connection, order_id: str, key: str, principal: Principal, relay: Relay) -> dict[str, Any]:
    """Return one frame of the strip with all that shows it; 404 for strangers and for frames not reached."""
    story = _story(connection, order_id, principal, relay.trading)
    frame = next((one for one in story["frames"] if one.key == key and one.events), None)
    if frame is None:
        raise not_found()
    found = reading.evidence(connection, order_id, relay.trading.trade, relay.clock.now())
    shown = {event["picture_sha256"] for event in frame.events if event["picture_sha256"]}
    signed = {picture["picture_sha256"]: picture for picture in found["pictures"]}
    is_party_to_money = key in ("paid", "received")
    return {
        "order": story["order"], "frame": frame, "is_shopper": story["is_shopper"],
        "pictures": [signed.get(one) or {"picture_sha256": one, "taken_at": None, "signature": ""} for one in shown],
        "labels": found["labels"] if key == "labelled" else [],
        "postings": story["order"]["ledger"] if is_party_to_money and not story["is_shopper"] else [],
    }  # fmt: skip


@router.get("/orders/{order_id}/evidence/{frame}")
async def evidence(order_id: str, frame: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """One step of an order with its pictures, their hashes and signatures, and what was recorded."""
    found = await relay.db.read(_evidence, order_id, frame, principal, relay)
    return render(request, principal, "evidence.html", is_kept=found["is_shopper"], **found)
