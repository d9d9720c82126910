"""A market of people who could order together, the same each time: shops, goods, promotions, shoppers who said yes."""

import random
from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from bench.market_goods import BEGUN_AT, GOODS
from cloud_relay import tables
from cloud_relay.db import Database
from cloud_relay.suggestions import index, rules
from cloud_relay.suggestions.rules import WantKind

NOW = BEGUN_AT + timedelta(days=200)
BATCH = 5000
LISTINGS_PER_SHOP = 20
AREAS = 300
"""Districts of a country's cities; the first has a twelfth of all shoppers, the last one in fifty thousand (Zipf)."""
AREA_SKEW = 0.7
KINDS = ("spend_over", "n_for", "group_price")


def category(number: int) -> str:
    """Return what the listings of a number are; each shop has three kinds of goods."""
    shop, place = divmod(number, LISTINGS_PER_SHOP)
    return GOODS[(shop * 7 + place % 3) % len(GOODS)][0]


def price(number: int) -> int:
    """Return a listing's price in minor units: a hundredth to half of a thousand."""
    return 500 + random.Random(number).randrange(50_000)


def promotion(number: int) -> dict[str, Any]:
    """Return one of the promotions: of ten goods of its shop, or of all it has; two shops' worth each."""
    chance, shop = random.Random(number), number
    kind = KINDS[number % 3]
    first = shop * LISTINGS_PER_SHOP
    own = [] if number % 5 == 0 else [f"lst_{first + place:07}" for place in range(10)]
    count = chance.randrange(2, 5)
    terms = {
        "spend_over": {"threshold_minor": 60_000, "saving_minor": 15_000}, "n_for": {"count": count, "price_minor":
        count * 9_000}, "group_price": {"count": count, "price_minor": 5_000},
    }[kind]  # fmt: skip
    return {
        "promotion_id": f"pro_{number:05}", "shop_id": f"shop-{shop}", "merchant_id": f"mer_{shop}", "kind": kind,
        "title_en": "Together", "title_zh": "一起买", "listing_ids": own, "currency": "CNY", "from_at": BEGUN_AT,
        "until_at": NOW + timedelta(days=1 + number % 60), "created_at": BEGUN_AT, "account_id": "owner",
        "threshold_minor": 0, "saving_minor": 0, "count": 0, "price_minor": 0, **terms,
    }  # fmt: skip


def shoppers(first: int, last: int, listings: int) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of these shoppers by table: three purchases in half a year, a wish of every second."""
    rows: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("account", "profile", "consent", "purchase", "wish", "want")
    }
    weights = [(place + 1) ** -AREA_SKEW for place in range(AREAS)]
    for number in range(first, last):
        chance, name = random.Random(number), f"acc_{number:07}"
        area = f"district {chance.choices(range(AREAS), weights)[0]}"
        rows["account"].append({"account_id": name, "email": f"{name}@example.org", "nickname": f"N{number}",
                                "created_at": BEGUN_AT})  # fmt: skip
        rows["profile"].append({"account_id": name, "country": "CN", "area": area, "changed_at": BEGUN_AT})
        rows["consent"].append({"account_id": name, "use": "suggestions", "is_given": True, "changed_at": BEGUN_AT})
        for place in range(3):
            bought = chance.randrange(listings)
            at = NOW - timedelta(minutes=chance.randrange(1, 170 * 24 * 60))
            rows["purchase"].append(purchase(f"order:{number}/{place}", name, bought, at))
        if number % 2:
            rows["wish"].append({
                "wish_id": f"wsh_{number:07}", "account_id": name, "category": category(chance.randrange(listings)),
                "listing_id": None, "budget_minor": chance.randrange(2_000, 60_000), "currency": "CNY",
                "wished_until": NOW + timedelta(days=chance.randrange(1, 100)), "created_at": BEGUN_AT,
            })  # fmt: skip
    rows["want"] = [_want(row, rows["profile"][int(row["account_id"][4:]) - first]) for row in rows["purchase"]]
    rows["want"] += [_want(row, rows["profile"][int(row["account_id"][4:]) - first]) for row in rows["wish"]]
    return rows


def purchase(purchase_id: str, account_id: str, number: int, at: Any) -> dict[str, Any]:
    """Return a purchase of the listing of this number."""
    return {
        "purchase_id": purchase_id, "account_id": account_id, "listing_id": f"lst_{number:07}", "piece_id": "",
        "shop_id": f"shop-{number // LISTINGS_PER_SHOP}", "merchant_id": f"mer_{number // LISTINGS_PER_SHOP}",
        "title_en": f"Thing {number}", "title_zh": f"东西{number}", "category": category(number), "quantity": 1,
        "price_minor": price(number), "currency": "CNY", "how": "online", "bought_at": at, "given_back_at": None,
    }  # fmt: skip


def _want(row: dict[str, Any], profile: dict[str, Any]) -> dict[str, Any]:
    """Return what the room's index says of a wish or purchase, as `index.index_wants` writes it."""
    is_wish = "wish_id" in row
    return {
        "account_id": row["account_id"], "source_id": row["wish_id"] if is_wish else row["purchase_id"],
        "kind": (WantKind.WISH if is_wish else WantKind.PURCHASE).value, "goods_key": row["category"],
        "listing_id": "" if is_wish else row["listing_id"], "currency": "CNY", "point_id": "",
        "most_minor": row["budget_minor"] if is_wish else row["price_minor"],
        "area": rules.area_key("CN", profile["area"]),
        "wanted_until": row["wished_until"] if is_wish else row["bought_at"] + timedelta(days=rules.AGAIN_DAYS),
    }  # fmt: skip


def fill(database: Database, people: int, promotions: int) -> int:
    """Fill an empty, migrated database; return how many listings there are."""
    listings = promotions * LISTINGS_PER_SHOP
    shops = range(promotions)

    def add_shops(connection: Any) -> None:
        connection.execute(insert(tables.merchant), [
            {"merchant_id": f"mer_{no}", "state": "verified", "applied_at": BEGUN_AT} for no in shops
        ])  # fmt: skip
        connection.execute(insert(tables.shop), [
            {"shop_id": f"shop-{no}", "merchant_id": f"mer_{no}", "name_en": f"Shop {no}", "name_zh": f"店铺{no}",
             "hours": [], "cameras": [], "sender_lines": [], "currency": "CNY", "market": "cn", "is_live": True,
             "live_reason": ""} for no in shops
        ])  # fmt: skip
        connection.execute(insert(tables.listing), [
            {"listing_id": f"lst_{no:07}", "shop_id": f"shop-{no // LISTINGS_PER_SHOP}", "title_en": f"Thing {no}",
             "title_zh": f"东西{no}", "price_minor": price(no), "currency": "CNY", "state": "published",
             "attributes": {"category": category(no)}, "on_hand": 9, "created_at": BEGUN_AT, "published_at": BEGUN_AT}
            for no in range(listings)
        ])  # fmt: skip
        connection.execute(insert(tables.promotion), [promotion(no) for no in shops])
        for no in shops:
            index.index_promotion(connection, f"pro_{no:05}", NOW)

    def add_people(connection: Any, first: int) -> None:
        rows = shoppers(first, min(first + BATCH, people), listings)
        for table, name in ((tables.account, "account"), (tables.shopper_profile, "profile"),
                            (tables.consent, "consent"), (tables.purchase, "purchase"), (tables.wish, "wish"),
                            (tables.suggestion_want, "want")):  # fmt: skip
            connection.execute(insert(table), rows[name])

    database.run_now(add_shops)
    for first in range(0, people, BATCH):
        database.run_now(add_people, first)
    return listings
