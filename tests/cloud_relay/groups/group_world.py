"""Group orders in the small market: promotions, groups, pledges, as tests of this room need them."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cloud_relay import tables
from cloud_relay.groups import closing, pledging, service
from tests.cloud_relay.trade_world import World

PEOPLE = ("ann", "bob", "cem", "dan", "eve")


@dataclass
class GroupWorld:
    """A market with five shoppers and promotions of its one shop."""

    world: World
    promotions: int = field(default=0)

    @property
    def now(self):
        return self.world.now

    def run(self, use_case: Any, *args: Any, **kwargs: Any) -> Any:
        return self.world.database.run_now(use_case, *args, **kwargs)

    def promotion(self, kind: str = "group_price", **values: Any) -> str:
        """Write a promotion: three people at ¥80, unless said otherwise."""
        self.promotions += 1
        usual = {
            "group_price": {"count": 3, "price_minor": 8000},
            "spend_over": {"threshold_minor": 25_000, "saving_minor": 5000},
            "n_for": {"count": 3, "price_minor": 25_000},
        }[kind]
        row = {
            "promotion_id": f"pro_{self.promotions}", "shop_id": "teahouse", "merchant_id": "mer_1", "kind": kind,
            "title_en": "Together", "title_zh": "一起买", "listing_ids": [], "currency": "CNY",
            "from_at": self.now - timedelta(days=1), "until_at": self.now + timedelta(days=10),
            "created_at": self.now, "account_id": "owner_mer_1", **usual, **values,
        }  # fmt: skip
        self.world.add(tables.promotion, **row)
        return str(row["promotion_id"])

    def start(self, who: str = "ann", promotion_id: str = "", **values: Any) -> str:
        name = promotion_id or self.promotion()
        return str(self.run(service.start, who, name, values.pop("listing_id", "lis_1"), self.now, **values))

    def join(self, group_id: str, *people: str) -> list[str]:
        return [self.run(service.join, who, group_id, self.now) for who in people]

    def group(self, group_id: str) -> dict[str, Any]:
        return self.world.rows(tables.group_order, tables.group_order.c.group_id == group_id)[0]

    def notices(self, account_id: str) -> list[str]:
        rows = self.world.rows(tables.notice, tables.notice.c.account_id == account_id)
        return [row["kind"] for row in rows]

    def pledge(self, who: str, group_id: str, listing_id: str = "lis_2", **wish: Any) -> Any:
        """Place a pledge that is not paid yet."""
        self.world.later(0.001)  # between equal remainders the earlier one gets the unit
        made = self.world.wish(listing_id=listing_id, **wish)
        return self.run(pledging.pledge, who, group_id, made, self.now, self.world.trade)

    def paid(self, who: str, group_id: str, listing_id: str = "lis_2", **wish: Any) -> str:
        """Place a pledge and pay it; return its order."""
        placed = self.pledge(who, group_id, listing_id, **wish)
        self.world.settle(placed.payment_id)
        return str(placed.order_id)

    def leave(self, who: str, group_id: str) -> None:
        self.run(closing.leave, who, group_id, self.now, self.world.trade)

    def close(self, group_id: str) -> bool:
        return bool(self.run(closing.settle_due, group_id, self.now, self.world.trade))

    def states(self, *order_ids: str) -> list[str]:
        return [self.world.order(one)["state"] for one in order_ids]

    def give_back(self) -> int:
        """Let the bank confirm every refund; return what it gave back."""
        amount = 0
        for one in self.world.refunds():
            if one["state"] == "started":
                self.world.settle(one["payment_id"])
                amount += one["amount_minor"]
        return amount

    def pledge_row(self, order_id: str) -> dict[str, Any]:
        return self.world.rows(tables.pledge, tables.pledge.c.order_id == order_id)[0]

    def free(self, listing_id: str = "lis_2") -> int:
        rows = self.world.rows(tables.piece, tables.piece.c.listing_id == listing_id)
        return sum(row["state"] == "free" for row in rows)
