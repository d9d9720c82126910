"""A market whose rebate queue is on: sales at the counter and online, settlements, withdrawals, in a real database."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from cloud_relay import tables
from cloud_relay.counter import claims, codes, refunds, service
from cloud_relay.escrow import dues, ledger, payouts
from cloud_relay.escrow.providers.base import Outcome, OutcomeState
from cloud_relay.escrow.rules import Posting
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.orders.trade import Trade
from cloud_relay.rebates import reading, settling, switching, withdrawing
from cloud_relay.rebates.rules import Terms
from cloud_relay.refusals import RefusedError
from cloud_relay.settings import TradeSettings
from tests.cloud_relay.trade_world import World
from wire.counter import CounterLine, CounterRefunded, CounterSold, PaidBy
from wire.plan import Text

KEY = b"key"
TERMS = Terms(is_on=True, feed_ppm=500_000, cap_ppm=200_000, wait_s=3600, withdraw_day_minor=5_000)
COMMISSION_PPM = 100_000


@dataclass
class Market:
    """Deeds of people and shops in one market, `cn`; the world's `now` is moved by hand."""

    world: World
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    sales: dict[str, CounterSold] = field(default_factory=dict)
    shops: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world.trade = Trade(
            settings=TradeSettings(counter_commission_ppm=COMMISSION_PPM, commission_ppm=COMMISSION_PPM)
        )
        self.world.listing(listing_id="lis_cup", pieces=0, price_minor=1, on_hand=10_000)

        self.call_operator("Olga")

    def call_operator(self, nickname: str) -> None:
        own = tables.account
        self.run(
            lambda connection: connection.execute(
                own.update().where(own.c.account_id == "olga").values(nickname=nickname)
            )
        )

    def run(self, fn: Any, *args: Any, **values: Any) -> Any:
        return self.world.database.run_now(fn, *args, **values)

    def read(self, fn: Any, *args: Any) -> Any:
        return self.world.database.read_now(fn, *args)

    def switch(self, *, reason: str = "the ministry's letter 7", **values: Any) -> Any:
        terms = replace(TERMS, **values)
        return self.run(switching.decide, "cn", terms, reason, "olga", self.world.now)

    def open_shop(self, number: int = 2, **values: Any) -> str:
        """Open the shop of another merchant, `mer_2` …"""
        shop_id = f"shop_{number}"
        self.world.shop(f"mer_{number}", shop_id, gs1_prefix=f"952123{number}", **values)
        self.world.listing(shop_id, f"lis_{shop_id}", pieces=0, price_minor=1, on_hand=10_000)
        return shop_id

    def sell(
        self, shopper: str | None, price_minor: int = 10_000, *, shop_id: str = "teahouse", currency: str = "CNY"
    ) -> str:
        """Sell at the counter; with a shopper's code the sale is theirs."""
        number = next(self.numbers)
        listing_id = "lis_cup" if shop_id == "teahouse" else f"lis_{shop_id}"
        line = CounterLine(listing_id=listing_id, title=Text(en="Cup", zh="茶杯"), price_minor=price_minor, quantity=1)
        sale = CounterSold(
            sale_id=f"sale_{number}", at=self.world.now, receipt_no=number, lines=(line,),
            total_minor=price_minor, currency=currency, paid_by=PaidBy.CARD, account_id="owner_mer_1",
            shopper_code=codes.code_of(shopper, KEY) if shopper else "",
        )  # fmt: skip
        self.sales[sale.sale_id] = sale
        self.shops[sale.sale_id] = shop_id
        self.run(service.take_sale, shop_id, sale, self.world.now, self.world.trade, [KEY])
        return sale.sale_id

    def bring_back(self, sale_id: str) -> bool:
        sale = self.sales[sale_id]
        back = CounterRefunded(
            refund_id=f"back_{sale_id}", sale_id=sale_id, at=self.world.now, receipt_no=1, account_id="owner_mer_1",
            total_minor=sale.total_minor, currency=sale.currency, paid_by=PaidBy.CARD, is_restocked=False,
            terminal_receipt_no=1,
        )  # fmt: skip
        return bool(self.run(refunds.take_refund, self.shops[sale_id], back, self.world.now, self.world.trade))

    def buy(self, shopper: str) -> str:
        """Buy online, and receive it."""
        order_id = self.world.paid_order(shopper)
        self.world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.DELIVERED, E.RECEIPT)
        return order_id

    def pay_dues(self, merchant_id: str = "mer_1", most_minor: int = 10**9) -> None:
        """Let a merchant pay what it owes for its counter sales: out of money that came in for it."""
        amount = min(most_minor, self.read(dues.owed_minor, merchant_id, "CNY"))
        if amount:
            number = next(self.numbers)
            line = Posting("psp:sandbox", f"payable:{merchant_id}", amount)
            self.run(ledger.post, f"in_{number}", "ruling", [line], self.world.now, currency="CNY")
            self.run(dues.collect, merchant_id, "CNY", f"due_{number}", self.world.now)

    def rest(self) -> None:
        self.world.later(TERMS.wait_s)

    def ripe(self) -> None:
        """Let what was sold rest, and the merchant pay its share."""
        self.rest()
        self.pay_dues()

    def settle(self, name: str, by: str = settling.CLOCK) -> Any:
        return self.run(settling.settle, "cn", "CNY", name, by, self.world.now)

    def ask(self, shopper: str, amount_minor: int) -> str:
        asked = self.run(withdrawing.ask, shopper, "cn", "CNY", amount_minor, self.world.now)
        return str(asked["withdrawal_id"])

    def confirm(self, shopper: str, withdrawal_id: str) -> Any:
        return self.run(withdrawing.confirm, shopper, withdrawal_id, "sandbox", self.world.now)

    def claim(self, sale_id: str, shopper: str) -> str:
        """Say by the receipt who bought; return what became of it."""
        try:
            return str(self.run(claims.claim, sale_id, shopper, self.world.now)["state"])
        except RefusedError as error:
            return error.type

    def paid_out(self, withdrawal_id: str, state: OutcomeState) -> None:
        """The provider's word on a withdrawal's payment."""
        row = self.rows(tables.rebate_withdrawal, tables.rebate_withdrawal.c.withdrawal_id == withdrawal_id)[0]
        outcome = Outcome(state=state, amount_minor=row["amount_minor"], currency="CNY", reason="account closed")
        self.run(payouts.settle, row["payout_id"], outcome, self.world.now)

    def rows(self, *args: Any) -> list[dict[str, Any]]:
        return self.world.rows(*args)

    def of(self, shopper: str) -> Any:
        return self.read(reading.of_shopper, shopper, self.world.now)

    def places(self, shopper: str) -> list[tuple[int, int, int]]:
        """Return (place, most, paid) of each ticket, oldest first."""
        tickets = sorted(self.of(shopper)["tickets"], key=lambda one: one["queue_no"] or 10**9)
        return [(one["place"], one["cap_minor"], one["paid_minor"]) for one in tickets]

    def has(self, shopper: str) -> int:
        return self.world.balance(f"rebate:cn/{shopper}")

    @property
    def pot(self) -> int:
        return self.world.balance("pot:cn")
