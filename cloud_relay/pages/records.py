"""Pages of a shopper's own record: what they bought, what is known of them and for which uses, what they wish for."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection, select

from cloud_relay.accounts import addresses
from cloud_relay.pages.addresses import COUNTRIES
from cloud_relay.records import erasing, profile, reading, rules, wishes
from cloud_relay.relay import RelayDep
from cloud_relay.tables import listing, pickup_point, shop
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import MINOR_DIGITS, render

router = Router(include_in_schema=False)

PERIODS = (30, 90, 365)
"""Days back that the record is looked at; without one it is all of it."""
LISTINGS_READ = 1000
CATEGORIES_SHOWN = 40
WISH_DAYS = 30
"""How long a wish stands unless its shopper chooses another day."""


@router.get("/account/record")
async def record(
    request: Request, relay: RelayDep, principal: SignedIn,
    days: Annotated[int | None, Query(ge=1, le=reading.DAYS_MAX)] = None,
) -> Response:  # fmt: skip
    """What one bought, online and at counters, live."""
    account_id = account_id_of(principal)
    since = None if days is None else relay.clock.now() - timedelta(days=days)
    found = await relay.db.read(reading.purchases_of, account_id, since)
    return render(
        request, principal, "record.html", **found, days=days, periods=PERIODS, shown=reading.SHOWN,
        channels=f"account:{account_id}",
    )  # fmt: skip


def _known(connection: Connection, account_id: str, now: datetime) -> dict[str, Any]:
    return {
        "uses": reading.consent_of(connection, account_id)["uses"],
        "profile": profile.of(connection, account_id),
        "bought": len(reading.purchases_of(connection, account_id, None)["purchases"]),
        "wished": len(wishes.wishes_of(connection, account_id, now)["open"]),
        "addresses": len(addresses.list_addresses(connection, account_id)),
        "open_matters": erasing.open_matters(connection, account_id, now),
    }


@router.get("/account/consent")
async def consent(request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """What is known of oneself, each use of it with its switch, all of it to take along, and the account's end."""
    account_id = account_id_of(principal)
    found = await relay.db.read(_known, account_id, relay.clock.now())
    return render(
        request, principal, "consent.html", **found, countries=COUNTRIES, channels=f"account:{account_id}",
        area_length=rules.AREA_LENGTH_MAX,
    )  # fmt: skip


def _wishes(connection: Connection, account_id: str, listing_id: str, now: datetime) -> dict[str, Any]:
    on_show = (
        select(listing.c.listing_id, listing.c.title_en, listing.c.title_zh, listing.c.price_minor, listing.c.currency,
               listing.c.attributes)
        .where(listing.c.state == "published")
        .order_by(listing.c.published_at.desc())
    )  # fmt: skip
    rows = list(connection.execute(on_show.limit(LISTINGS_READ)).mappings())
    counted = Counter(category for row in rows if (category := rules.category_of(row["attributes"])))
    chosen = connection.execute(on_show.where(listing.c.listing_id == listing_id)).mappings().one_or_none()
    points = (
        select(pickup_point.c.point_id, pickup_point.c.name_en, pickup_point.c.name_zh, shop.c.name_en.label("shop_en"),
               shop.c.name_zh.label("shop_zh"))
        .join(shop, shop.c.shop_id == pickup_point.c.shop_id)
        .where(pickup_point.c.deleted_at.is_(None), shop.c.is_closed.is_(False))
        .order_by(pickup_point.c.created_at)
    )  # fmt: skip
    return {
        "wishes": wishes.wishes_of(connection, account_id, now),
        "categories": [name for name, _ in counted.most_common(CATEGORIES_SHOWN)], "chosen": chosen,
        "points": [
            {"point_id": row["point_id"], "name": {"en": row["name_en"], "zh": row["name_zh"]},
             "shop_name": {"en": row["shop_en"], "zh": row["shop_zh"]}}
            for row in connection.execute(points.limit(LISTINGS_READ)).mappings()
        ],
        "currencies": sorted({row["currency"] for row in rows}) or ["CNY"],
    }  # fmt: skip


@router.get("/account/wishes")
async def my_wishes(
    request: Request, relay: RelayDep, principal: SignedIn,
    listing_id: Annotated[str, Query(alias="listing", max_length=64)] = "",
) -> Response:  # fmt: skip
    """What one would buy with others; `?listing=` begins a wish for that one."""
    account_id, now = account_id_of(principal), relay.clock.now()
    found = await relay.db.read(_wishes, account_id, listing_id, now)
    return render(
        request, principal, "wishes.html", **found, channels=f"account:{account_id}", digits=MINOR_DIGITS,
        wishes_max=rules.WISHES_MAX, first_day=f"{now:%Y-%m-%d}", until=f"{now + timedelta(days=WISH_DAYS):%Y-%m-%d}",
        last_day=f"{now + timedelta(days=rules.WISH_DAYS_MAX - 1):%Y-%m-%d}",
    )  # fmt: skip
