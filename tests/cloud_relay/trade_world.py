"""A small market in a real database: one operator, shoppers, merchants with shops, listings and pieces."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select

from cloud_relay import tables
from cloud_relay.db import Database
from cloud_relay.escrow import payments
from cloud_relay.escrow.providers.base import Outcome, OutcomeState
from cloud_relay.escrow.settle import settle
from cloud_relay.orders import placing, service
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.rules import OrderEvent
from cloud_relay.orders.trade import Trade
from wire.plan import Address

START = datetime(2030, 1, 1, 9, 0, tzinfo=UTC)
ADDRESS = Address(name="王小明 Wang", lines=("西湖路 1 号", "Room 5"), postal_code="310000", city="杭州", country="CN")
PREFIX = "9521234"


@dataclass
class World:
    """Seeds and shortcuts for tests; `now` is moved by hand."""

    database: Database
    trade: Trade = field(default_factory=Trade)
    now: datetime = START

    def add(self, table: Any, **values: Any) -> None:
        self.database.run_now(lambda connection: connection.execute(insert(table).values(**values)))

    def rows(self, table: Any, *where: Any) -> list[dict[str, Any]]:
        query = select(table).where(*where)
        return self.database.read_now(lambda connection: [dict(row) for row in connection.execute(query).mappings()])

    def account(self, account_id: str, **values: Any) -> str:
        email = f"{account_id}@example.org"
        self.add(tables.account, account_id=account_id, email=email, created_at=self.now, **values)
        return account_id

    def shop(
        self, merchant_id: str = "mer_1", shop_id: str = "teahouse", gs1_prefix: str = PREFIX, **values: Any
    ) -> str:
        if not self.rows(tables.merchant, tables.merchant.c.merchant_id == merchant_id):
            self.add(tables.merchant, merchant_id=merchant_id, state="verified", applied_at=self.now)
            owner = self.account(f"owner_{merchant_id}")
            self.add(tables.member, merchant_id=merchant_id, account_id=owner)
        defaults = {
            "name_en": "Teahouse", "name_zh": "茶馆", "hours": [], "cameras": [], "sender_lines": ["Teahouse", "杭州"],
            "currency": "CNY", "shipping_minor": 1200, "gs1_prefix": gs1_prefix, "market": "cn",
            "is_live": True, "live_reason": "",
        }  # fmt: skip
        self.add(tables.shop, shop_id=shop_id, merchant_id=merchant_id, **{**defaults, **values})
        return shop_id

    def listing(
        self,
        shop_id: str = "teahouse",
        listing_id: str = "lis_1",
        pieces: int = 1,
        price_minor: int = 9900,
        **values: Any,
    ) -> list[str]:
        defaults = {
            "title_en": "Teapot", "title_zh": "紫砂茶壶", "currency": "CNY", "state": "published", "attributes": {},
            "gtin": "9521234543213", "on_hand": pieces, "created_at": self.now,
        }  # fmt: skip
        row = {**defaults, **values, "listing_id": listing_id, "shop_id": shop_id, "price_minor": price_minor}
        self.add(tables.listing, **row)
        names = [f"{listing_id}_p{place}" for place in range(pieces)]
        for name in names:
            self.add(tables.piece, piece_id=name, listing_id=listing_id, shop_id=shop_id, code=f"{name}-code")
        return names

    def wish(self, **values: Any) -> placing.OrderWish:
        return placing.OrderWish(
            **{"address": ADDRESS, "payment_method": "sandbox:ok", "agrees_photo_window": True, **values}
        )

    def confirm(self, account_id: str, piece_id: str) -> service.Reservation:
        run = self.database.run_now
        return run(service.confirm_piece, account_id, piece_id, None, self.now, self.trade)

    def place(self, account_id: str, **wish: Any) -> placing.Placed:
        return self.database.run_now(service.place_order, account_id, self.wish(**wish), self.now, self.trade)

    def settle(self, payment_id: str, state: OutcomeState = OutcomeState.SUCCEEDED, **values: Any) -> str:
        paid = self.database.read_now(payments.load, payment_id)
        assert paid is not None
        outcome = Outcome(**{"state": state, "amount_minor": paid.amount_minor, "currency": paid.currency, **values})
        return self.database.run_now(settle, payment_id, outcome, self.now, self.trade)

    def happen(self, order_id: str, event: OrderEvent, **values: Any) -> str:
        happening = Happening(event=event, **values)
        return self.database.run_now(service.apply, order_id, happening, self.now, self.trade).state

    def paid_order(self, account_id: str = "ann", listing_id: str = "lis_1") -> str:
        placed = self.place(account_id, listing_id=listing_id)
        self.settle(placed.payment_id)
        return placed.order_id

    def walk(self, order_id: str, *events: OrderEvent) -> str:
        state = ""
        for event in events:
            state = self.happen(order_id, event)
        return state

    def order(self, order_id: str) -> dict[str, Any]:
        return self.rows(tables.orders, tables.orders.c.order_id == order_id)[0]

    def commands(self, type_: str = "") -> list[dict[str, Any]]:
        where = [tables.shop_command.c.type == type_] if type_ else []
        return sorted(self.rows(tables.shop_command, *where), key=lambda row: row["command_id"])

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def balance(self, account: str, currency: str = "CNY") -> int:
        own = tables.posting.c

        def moved(connection: Any, side: Any) -> int:
            query = select(func.coalesce(func.sum(own.amount_minor), 0))
            return int(connection.scalar(query.where(side == account, own.currency == currency)))

        return self.database.read_now(lambda connection: moved(connection, own.credit) - moved(connection, own.debit))

    def refunds(self) -> list[dict[str, Any]]:
        return self.rows(tables.payment, tables.payment.c.kind == "refund")


@dataclass
class WorldClock:
    """The test world's time, as workers read it."""

    world: World

    def now(self) -> datetime:
        return self.world.now

    def monotonic(self) -> float:
        return self.world.now.timestamp()
