"""What consenting shoppers want, read from their wishes and purchases themselves: the truth behind every suggestion.

Every query here joins the consent: nothing of people without one is read.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, bindparam, func, select

from cloud_relay.catalog.store import some
from cloud_relay.records import consent
from cloud_relay.records.rules import category_of
from cloud_relay.records.uses import Use
from cloud_relay.suggestions import rules
from cloud_relay.suggestions.rules import Want, WantKind
from cloud_relay.tables import Moment, account, listing, pickup_point, purchase, shopper_profile, wish

WANTS_MAX = 40
"""Of one shopper's purchases the newest so many count; wishes are few by their own rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One want as it stands in the wishes and purchases themselves, with what its owner is told of it.

    `area` and `point_id` say with whom it may be put together; `at` is when it was bought, `wanted_until` the last
    moment at which it counts.
    """

    want: Want
    area: str
    area_text: str
    point_id: str
    point_en: str
    point_zh: str
    title_en: str
    title_zh: str
    at: datetime
    wanted_until: datetime


_AREA = (
    func.coalesce(shopper_profile.c.area, "").label("area_text"),
    func.coalesce(shopper_profile.c.country, "").label("country"),
)
_WISHES = (
    select(
        wish.c.account_id, wish.c.wish_id, wish.c.category, wish.c.listing_id, wish.c.budget_minor, wish.c.currency,
        wish.c.wished_until, wish.c.created_at, wish.c.pickup_point_id, listing.c.title_en, listing.c.title_zh,
        listing.c.attributes, pickup_point.c.name_en, pickup_point.c.name_zh, *_AREA,
    )
    .outerjoin(listing, listing.c.listing_id == wish.c.listing_id)
    .outerjoin(pickup_point, pickup_point.c.point_id == wish.c.pickup_point_id)
    .outerjoin(shopper_profile, shopper_profile.c.account_id == wish.c.account_id)
    .where(wish.c.account_id.in_(some("people")), consent.is_given_by(wish.c.account_id, Use.SUGGESTIONS))
    .where(wish.c.deleted_at.is_(None), wish.c.wished_until > bindparam("now", type_=Moment))
    .order_by(wish.c.created_at.desc(), wish.c.wish_id)
)  # fmt: skip
_PURCHASES = (
    select(
        purchase.c.account_id, purchase.c.purchase_id, purchase.c.category, purchase.c.listing_id,
        purchase.c.price_minor, purchase.c.currency, purchase.c.bought_at, purchase.c.title_en, purchase.c.title_zh,
        *_AREA,
    )
    .outerjoin(shopper_profile, shopper_profile.c.account_id == purchase.c.account_id)
    .where(purchase.c.account_id.in_(some("people")), consent.is_given_by(purchase.c.account_id, Use.SUGGESTIONS))
    .where(purchase.c.given_back_at.is_(None), purchase.c.bought_at > bindparam("since", type_=Moment))
    .order_by(purchase.c.bought_at.desc(), purchase.c.purchase_id)
)  # fmt: skip


def reasons_of(connection: Connection, account_ids: Collection[str], now: datetime) -> dict[str, list[Reason]]:
    """Return what each consenting account wants now, from its wishes and purchases themselves; wishes first."""
    found: dict[str, list[Reason]] = {account_id: [] for account_id in account_ids}
    people = list(account_ids)
    for row in connection.execute(_WISHES, {"people": people, "now": now}).mappings():
        found[row["account_id"]].append(_wished(row))
    since = now - timedelta(days=rules.AGAIN_DAYS)
    bought: dict[str, int] = {}
    for row in connection.execute(_PURCHASES, {"people": people, "since": since}).mappings():
        bought[row["account_id"]] = bought.get(row["account_id"], 0) + 1
        if bought[row["account_id"]] <= WANTS_MAX:
            found[row["account_id"]].append(_bought(row))
    return found


def _wished(row: RowMapping) -> Reason:
    listing_id = row["listing_id"] or ""
    category = category_of(row["attributes"]) if listing_id else row["category"]
    want = Want(
        row["account_id"], row["wish_id"], WantKind.WISH.value, rules.key_of(category, listing_id), listing_id,
        row["budget_minor"], row["currency"],
    )  # fmt: skip
    return Reason(
        want=want, area=rules.area_key(row["country"], row["area_text"]), area_text=row["area_text"],
        point_id=row["pickup_point_id"] or "", point_en=row["name_en"] or "", point_zh=row["name_zh"] or "",
        title_en=row["title_en"] or category, title_zh=row["title_zh"] or category, at=row["created_at"],
        wanted_until=row["wished_until"],
    )  # fmt: skip


def _bought(row: RowMapping) -> Reason:
    key = rules.key_of(row["category"], row["listing_id"])
    want = Want(
        row["account_id"], row["purchase_id"], WantKind.PURCHASE.value, key, row["listing_id"], row["price_minor"],
        row["currency"],
    )  # fmt: skip
    return Reason(
        want=want, area=rules.area_key(row["country"], row["area_text"]), area_text=row["area_text"], point_id="",
        point_en="", point_zh="", title_en=row["title_en"] or row["title_zh"],
        title_zh=row["title_zh"] or row["title_en"], at=row["bought_at"],
        wanted_until=row["bought_at"] + timedelta(days=rules.AGAIN_DAYS),
    )  # fmt: skip


def is_consenting(connection: Connection, account_id: str) -> bool:
    """Tell whether somebody says yes to suggestions now, and their account is open."""
    return connection.scalar(_CONSENTING, {"key": account_id}) is not None


_CONSENTING = select(account.c.account_id).where(
    account.c.account_id == bindparam("key"), ~account.c.is_closed,
    consent.is_given_by(account.c.account_id, Use.SUGGESTIONS),
)  # fmt: skip
"""Made once: every purchase asks it."""
