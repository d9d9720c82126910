"""A market with promotions, and shoppers who said yes: what they wish and bought, written as the record room would."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from cloud_relay import tables
from cloud_relay.records import consent
from cloud_relay.records.uses import Use
from cloud_relay.suggestions import index, reading, service, timers
from cloud_relay.suggestions.rules import Cause
from tests.cloud_relay.trade_world import World

AREA = "Jing'an"


@dataclass
class Together:
    """Deeds of shoppers, by name; every one of them lives in AREA and says yes unless told otherwise."""

    world: World
    number: int = 0
    listings: dict[str, int] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.world.now

    def run(self, fn: Any, *args: Any, **values: Any) -> Any:
        return self.world.database.run_now(fn, *args, **values)

    def read(self, fn: Any, *args: Any) -> Any:
        return self.world.database.read_now(fn, *args)

    def shopper(self, name: str, *, area: str = AREA, country: str = "CN", says_yes: bool = True) -> str:
        self.world.account(name, nickname=f"Nick {name}")
        if area:
            self.world.add(
                tables.shopper_profile, account_id=name, country=country, area=area, changed_at=self.world.now
            )
        if says_yes:
            self.run(consent.give, name, Use.SUGGESTIONS, self.world.now)
        return name

    def good(self, listing_id: str, price_minor: int = 10_000, category: str = "tea", **values: Any) -> str:
        attributes = {"category": category} if category else {}
        self.world.listing(
            listing_id=listing_id, pieces=0, price_minor=price_minor, attributes=attributes,
            published_at=self.world.now, title_en=f"Title {listing_id}", title_zh=f"名 {listing_id}",
            **{"on_hand": 50, **values},
        )  # fmt: skip
        return listing_id

    def promotion(self, kind: str = "group_price", promotion_id: str = "pro_1", **values: Any) -> str:
        terms = {
            "group_price": {"count": 2, "price_minor": 8_000}, "n_for": {"count": 2, "price_minor": 15_000},
            "spend_over": {"threshold_minor": 20_000, "saving_minor": 4_000},
        }[kind]  # fmt: skip
        row = {
            "promotion_id": promotion_id, "shop_id": "teahouse", "merchant_id": "mer_1", "kind": kind,
            "title_en": "Tea together", "title_zh": "一起喝茶", "listing_ids": [], "currency": "CNY",
            "from_at": self.world.now, "until_at": self.world.now + timedelta(days=30),
            "created_at": self.world.now, "account_id": "owner_mer_1", **terms, **values,
        }  # fmt: skip
        self.world.add(tables.promotion, **row)
        self.index()
        return promotion_id

    def index(self) -> None:
        """As the worker does after a promotion changed; nobody is asked for yet."""
        for promotion_id in self.read(index.stale_promotions, self.now, self.now, 100):
            self.run(index.index_promotion, promotion_id, self.now)

    def wish(self, name: str, category: str = "tea", listing_id: str = "", budget: int = 9_000, **values: Any) -> str:
        self.number += 1
        row = {
            "wish_id": f"wsh_{self.number}", "account_id": name, "category": "" if listing_id else category,
            "listing_id": listing_id or None, "budget_minor": budget, "currency": "CNY", "created_at": self.now,
            "wished_until": self.now + timedelta(days=20), **values,
        }  # fmt: skip
        self.world.add(tables.wish, **row)
        self.run(index_again, name, self.now)
        return row["wish_id"]

    def bought(self, name: str, listing_id: str, price_minor: int = 10_000, **values: Any) -> str:
        self.number += 1
        row = {
            "purchase_id": f"order:ord_{self.number}/1", "account_id": name, "listing_id": listing_id, "piece_id": "",
            "shop_id": "teahouse", "merchant_id": "mer_1", "title_en": f"Title {listing_id}",
            "title_zh": f"名 {listing_id}", "category": "tea", "quantity": 1, "price_minor": price_minor,
            "currency": "CNY", "how": "online", "bought_at": self.now, **values,
        }  # fmt: skip
        self.world.add(tables.purchase, **row)
        self.run(index_again, name, self.now)
        return row["purchase_id"]

    def change(self, table: Any, where: Any, **values: Any) -> None:
        self.run(lambda connection: connection.execute(update(table).where(where).values(values)))

    def look(self, name: str, cause: Cause = Cause.PURCHASE) -> list[str]:
        return list(self.run(service.look_for, name, cause, self.now))

    def people(self, suggestion_id: str) -> dict[str, dict[str, Any]]:
        own = tables.suggestion_person
        return {row["account_id"]: row for row in self.world.rows(own, own.c.suggestion_id == suggestion_id)}

    def group(self, name: str) -> list[str]:
        """Look for one; return who is in the best suggestion, in order."""
        found = self.look(name)
        return sorted(self.people(found[0])) if found else []

    def open_of(self, name: str) -> list[dict[str, Any]]:
        return list(self.read(reading.open_of, name, self.now))

    def tend(self) -> None:
        while self.run(timers.tend, self.now):
            pass


def index_again(connection: Any, account_id: str, now: datetime) -> None:
    """What the room does of a changed record, without looking for anybody."""
    from cloud_relay.suggestions import wanting  # noqa: PLC0415  # only here

    index.index_wants(connection, account_id, wanting.reasons_of(connection, [account_id], now)[account_id])
