"""A merchant's goods and shops: listings with pictures, pieces, spots, faces and stock; shops, boxes and devices."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed
from cloud_relay.catalog import plan_changes, reading
from cloud_relay.catalog.faces import FACE_NAMES
from cloud_relay.catalog.rules import CURRENCIES
from cloud_relay.pages.addresses import COUNTRIES
from cloud_relay.pages.merchant import Wish, open_desk, to_application
from cloud_relay.publishing import schedule
from cloud_relay.publishing import store as publishing
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.problems import not_found
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import MINOR_DIGITS, render

router = Router(prefix="/merchant", include_in_schema=False)

WEEKDAYS: tuple[tuple[str, str], ...] = (
    ("Monday", "周一"), ("Tuesday", "周二"), ("Wednesday", "周三"), ("Thursday", "周四"), ("Friday", "周五"),
    ("Saturday", "周六"), ("Sunday", "周日"),
)  # fmt: skip

TIME_ZONES = (
    "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Tokyo", "Asia/Singapore", "Europe/Berlin", "Europe/London",
    "Europe/Paris", "America/New_York", "America/Los_Angeles", "Australia/Sydney", "UTC",
)  # fmt: skip
"""Suggestions; any IANA zone may be typed."""

NEW_LISTING: dict[str, Any] = {
    "listing_id": "", "title": {"en": "", "zh": ""}, "description": {"en": "", "zh": ""}, "sku": "", "gtin": "",
    "price_minor": 0, "usual_price_minor": 0, "weight_g": 0,
    "attributes": {}, "version": None, "state": "draft", "pictures": [], "pieces": [], "axes": [], "variants": [],
}  # fmt: skip
NEW_SHOP: dict[str, Any] = {
    "shop_id": "", "name": {"en": "", "zh": ""}, "story": {"en": "", "zh": ""}, "time_zone": "Asia/Shanghai",
    "hours": [], "cameras": [], "sender_lines": [], "pack_when": "confirmed", "gs1_prefix": "", "country": "CN",
    "currency": "CNY", "turn_s": 180.0, "is_relay_only": False, "is_spin_on": False, "shipping_minor": 0,
    "holidays": [], "plan_waits": [],
}  # fmt: skip


@router.get("/listings")
async def listings(request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "") -> Response:
    """Every listing by shop, with stock and state."""
    desk = await open_desk(relay, principal, wish)
    if desk is None:
        return to_application()
    shops = await relay.db.read(reading.merchant_goods, desk.merchant_id)
    return render(request, principal, "merchant_listings.html", desk=desk, shops=shops)


@router.get("/listings/new")
async def new_listing(
    request: Request, relay: RelayDep, principal: SignedIn, shop: Annotated[str, Query(max_length=64)] = "",
    wish: Wish = "",
) -> Response:  # fmt: skip
    """The form of a new listing."""
    desk = await open_desk(relay, principal, wish, Deed.LIST)
    if desk is None:
        return to_application()
    shops = await relay.db.read(reading.merchant_goods, desk.merchant_id)
    chosen = next((one for one in shops if one["shop_id"] == shop), shops[0] if shops else None)
    if chosen is None:
        return render(request, principal, "merchant_listings.html", desk=desk, shops=[])
    detail = await relay.db.read(reading.read_shop, chosen["shop_id"], principal.merchant_ids, relay.clock.now())
    return render(
        request, principal, "merchant_listing.html", desk=desk, shop=detail, shops=shops,
        listing={**NEW_LISTING, "currency": detail["currency"]}, digits=MINOR_DIGITS, face_names=FACE_NAMES,
    )  # fmt: skip


def _listing(connection: Connection, listing_id: str, merchant_ids: frozenset[str], now: datetime) -> dict[str, Any]:
    listing = reading.read_listing(connection, listing_id, merchant_ids, now)
    shop = reading.read_shop(connection, listing["shop"]["shop_id"], merchant_ids, now)
    if shop["merchant_id"] not in merchant_ids:
        raise not_found()
    planned = schedule.shown(publishing.find_schedule(connection, listing_id), listing_id)
    return {"listing": listing, "shop": shop, "planned": planned}


@router.get("/listings/{listing_id}")
async def listing(listing_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """Edit one listing: words, price, pictures, pieces and where cameras see them, stock."""
    found = await relay.db.read(_listing, listing_id, principal.merchant_ids, relay.clock.now())
    desk = await open_desk(relay, principal, found["shop"]["merchant_id"])
    return render(
        request, principal, "merchant_listing.html", desk=desk, digits=MINOR_DIGITS, face_names=FACE_NAMES, shops=[],
        **found,
    )  # fmt: skip


def _shop_values(shop: dict[str, Any]) -> dict[str, Any]:
    return {
        "shop": shop, "weekdays": WEEKDAYS, "zones": TIME_ZONES, "countries": COUNTRIES,
        "currencies": sorted(CURRENCIES), "digits": MINOR_DIGITS,
    }  # fmt: skip


@router.get("/shops/new")
async def new_shop(request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "") -> Response:
    """The form of a new shop."""
    desk = await open_desk(relay, principal, wish, Deed.KEEP_SHOP)
    if desk is None:
        return to_application()
    return render(request, principal, "merchant_shop.html", desk=desk, **_shop_values(NEW_SHOP))


def _shop(
    connection: Connection, shop_id: str, merchant_ids: frozenset[str], url: str, now: datetime
) -> dict[str, Any]:
    found = reading.read_shop(connection, shop_id, merchant_ids, now)
    if found["merchant_id"] not in merchant_ids:
        raise not_found()
    return {**found, "plan_waits": plan_changes.waiting(connection, shop_id, url)}


@router.get("/shops/{shop_id}")
async def shop(shop_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """One shop: its box, devices and plan; its words, hours, cameras and labels."""
    url = relay.settings.relay.public_url
    found = await relay.db.read(_shop, shop_id, principal.merchant_ids, url, relay.clock.now())
    desk = await open_desk(relay, principal, found["merchant_id"])
    return render(request, principal, "merchant_shop.html", desk=desk, **_shop_values(found))
