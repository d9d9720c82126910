"""The purchase record: whatever happens to orders and counter sales, it says what they say, and can be made again."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update
from typer.testing import CliRunner

from cloud_relay import tables
from cloud_relay.cli import app
from cloud_relay.counter import claims, codes, refunds, service
from cloud_relay.db import Database
from cloud_relay.orders.rules import UNDONE
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.orders.rules import OrderState as S
from cloud_relay.records import hooks, rebuilding, store
from cloud_relay.refusals import RefusedError
from tests.cloud_relay.groups.group_world import GroupWorld
from tests.cloud_relay.trade_world import World
from wire.counter import CounterLine, CounterRefunded, CounterSold, PaidBy
from wire.plan import Text

KEY = b"key"
EMPTY = rebuilding.Rebuilt(0, 0, 0)


@dataclass
class Trading:
    """Sales of every kind to Ann and Bob; what each bought by our own count beside the record's."""

    world: World
    number: int = 0
    orders: list[str] = field(default_factory=list)
    sales: dict[str, CounterSold] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world.listing(
            listing_id="lis_cup", pieces=0, price_minor=500, on_hand=10_000, attributes={"Kind": " Tea  Cup"}
        )

    def run(self, fn: Any, *args: Any) -> Any:
        return self.world.database.run_now(fn, *args)

    def order(self, who: str, *, is_paid: bool = True) -> str:
        self.number += 1
        listing_id = f"lis_o{self.number}"
        self.world.listing(listing_id=listing_id, pieces=1, price_minor=9900 + self.number, attributes={"类别": "茶壶"})
        placed = self.world.place(who, listing_id=listing_id)
        if is_paid:
            self.world.settle(placed.payment_id)
        self.orders.append(placed.order_id)
        return placed.order_id

    def sell(self, who: str | None, quantity: int = 1) -> str:
        self.number += 1
        sale_id = f"sale_{self.number}"
        lines = tuple(
            CounterLine(listing_id=name, title=Text(en="Cup", zh="茶杯"), price_minor=500, quantity=quantity)
            for name in ("lis_cup", "lis_not_ours")
        )
        self.sales[sale_id] = CounterSold(
            sale_id=sale_id, at=self.world.now, receipt_no=self.number, lines=lines, total_minor=1000 * quantity,
            currency="CNY", paid_by=PaidBy.CASH, account_id="owner_mer_1",
            shopper_code=codes.code_of(who, KEY) if who else "",
        )  # fmt: skip
        self.run(service.take_sale, "teahouse", self.sales[sale_id], self.world.now, self.world.trade, [KEY])
        return sale_id

    def bring_back(self, sale_id: str) -> None:
        sale = self.sales[sale_id]
        back = CounterRefunded(
            refund_id=f"back_{sale_id}", sale_id=sale_id, at=self.world.now, receipt_no=9, account_id="owner_mer_1",
            total_minor=sale.total_minor, currency="CNY", paid_by=PaidBy.CASH, is_restocked=False,
        )  # fmt: skip
        self.run(refunds.take_refund, "teahouse", back, self.world.now, self.world.trade)

    def record(self) -> list[dict[str, Any]]:
        return sorted(self.world.rows(tables.purchase), key=lambda row: row["purchase_id"])

    def of(self, who: str) -> list[tuple[str, str, bool]]:
        return [
            (row["purchase_id"], row["category"], row["given_back_at"] is not None)
            for row in self.record() if row["account_id"] == who
        ]  # fmt: skip


@pytest.fixture
def trading(world):
    return Trading(world)


@pytest.mark.both_stores
def test_an_order_is_bought_when_it_is_paid_and_given_back_when_it_is_undone(trading):
    world = trading.world
    unpaid = trading.order("ann", is_paid=False)
    assert trading.record() == []
    world.happen(unpaid, E.CANCEL_ASKED)
    assert trading.record() == []
    first, second = trading.order("ann"), trading.order("bob")
    assert trading.of("ann") == [(f"order:{first}/1", "茶壶", False)]
    row = next(one for one in trading.record() if one["account_id"] == "ann")
    assert (row["how"], row["quantity"], row["price_minor"], row["bought_at"]) == ("online", 1, 9902, world.now)
    assert (row["order_id"], row["sale_id"], row["shop_id"]) == (first, None, "teahouse")
    bought_at = world.now
    world.later(60)
    world.walk(first, E.PHOTOGRAPHED, E.PHOTO_OBJECTED, E.DISPUTE_OPENED, E.DISPUTE_WITHDRAWN)
    assert world.order(first)["state"] == S.PAID
    assert [one["bought_at"] for one in trading.record()] == [bought_at, bought_at], "once, however it goes on"
    world.walk(first, E.CANCEL_ASKED)
    assert not trading.of("ann")[0][2]
    world.walk(first, E.CANCEL_DONE)
    assert (trading.of("ann")[0][2], trading.of("bob")[0][2]) == (True, False)
    given_back_at = world.now
    world.later(60)
    payment = world.rows(tables.payment, tables.payment.c.order_id == first)[0]
    world.happen(first, E.CHARGED_BACK, payment_id=payment["payment_id"])
    row = next(one for one in trading.record() if one["account_id"] == "ann")
    assert row["given_back_at"] == given_back_at
    assert trading.of("bob") == [(f"order:{second}/1", "茶壶", False)]


@pytest.mark.both_stores
def test_a_pledge_is_bought_when_its_group_came_about_and_never_when_not(trading):
    world, market = trading.world, GroupWorld(trading.world)
    world.listing(listing_id="lis_2", pieces=3, price_minor=9900)
    group_id = market.start(promotion_id=market.promotion("n_for", count=2, price_minor=15_000), listing_id="lis_2")
    market.join(group_id, "bob")
    first = market.paid("ann", group_id)
    assert (market.states(first), trading.record()) == (["pledged"], [])
    second = market.paid("bob", group_id)
    assert market.states(first, second) == ["paid", "paid"]
    assert {row["order_id"]: row["price_minor"] for row in trading.record()} == {first: 7_500, second: 7_500}
    assert [trading.run(rebuilding.rebuild, name) for name in ("ann", "bob")] == [EMPTY, EMPTY]
    failed = market.start("ann", listing_id="lis_2")
    pledged = market.paid("ann", failed)
    market.leave("ann", failed)
    assert market.states(pledged) == ["cancelled"]
    assert len(trading.record()) == 2
    assert trading.run(rebuilding.rebuild, "ann") == EMPTY


@pytest.mark.both_stores
def test_a_counter_sale_is_bought_at_the_till_or_when_its_receipt_is_claimed(trading):
    world = trading.world
    known, unknown = trading.sell("ann", 3), trading.sell(None)
    assert trading.of("ann") == [(f"counter:{known}/1", "tea cup", False), (f"counter:{known}/2", "", False)]
    assert trading.record()[0]["quantity"] == 3
    sold_at = world.now
    world.later(3600)
    trading.run(claims.claim, unknown, "bob", world.now)
    trading.run(claims.claim, unknown, "bob", world.now)
    assert trading.of("bob") == [(f"counter:{unknown}/1", "tea cup", False), (f"counter:{unknown}/2", "", False)]
    assert {row["bought_at"] for row in trading.record()} == {sold_at}
    trading.bring_back(unknown)
    assert [given_back for *_, given_back in trading.of("bob")] == [True, True]
    assert [given_back for *_, given_back in trading.of("ann")] == [False, False]
    told = [one["channel"] for one in world.rows(tables.page_event) if one["kind"] == "purchase"]
    assert told.count("account:ann") == 2
    assert told.count("account:bob") == 3


@pytest.mark.both_stores
def test_the_rooms_above_hear_of_each_purchase_once_in_its_own_transaction(trading, monkeypatch):
    heard = []

    def hear(connection, purchase_id, account_id, now):
        assert store.purchases_of(connection, account_id, now, 9)[0]["purchase_id"]
        heard.append((purchase_id, account_id, now))

    monkeypatch.setattr(hooks, "PURCHASED", [hear])
    monkeypatch.setattr("cloud_relay.records.purchases.PURCHASED", hooks.PURCHASED)
    order_id, sale_id = trading.order("ann"), trading.sell("bob")
    trading.world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_OBJECTED)
    now = trading.world.now
    assert heard == [
        (f"order:{order_id}/1", "ann", now), (f"counter:{sale_id}/1", "bob", now), (f"counter:{sale_id}/2", "bob", now),
    ]  # fmt: skip


def test_the_command_mends_every_record(trading, tmp_path):
    trading.sell("ann")
    trading.sell("bob", 2)
    kept = trading.record()
    trading.run(lambda connection: connection.execute(delete(tables.purchase)))
    (tmp_path / "relay.toml").write_text("[relay]\n", encoding="utf-8")
    told = CliRunner().invoke(app, ["records", "rebuild", "--data", str(tmp_path)])
    assert (told.exit_code, "2 shoppers: 4 rows missing" in told.output) == (0, True), told.output
    assert trading.record() == kept
    assert CliRunner().invoke(app, ["records", "rebuild", "--data", str(tmp_path / "no")]).exit_code == 2


@pytest.mark.both_stores
def test_rebuilding_mends_what_is_missing_too_much_or_false(trading):
    order_id, sale_id = trading.order("ann"), trading.sell("ann")
    trading.world.happen(order_id, E.PIECE_GONE)
    trading.sell("bob")
    before, c = trading.record(), tables.purchase.c

    def damage(connection):
        connection.execute(delete(tables.purchase).where(c.sale_id == sale_id, c.listing_id == "lis_cup"))
        connection.execute(update(tables.purchase).where(c.order_id == order_id).values(given_back_at=None))
        row = dict(connection.execute(tables.purchase.select().limit(1)).mappings().one())
        connection.execute(
            tables.purchase.insert().values(row | {"purchase_id": "order:ord_never/1", "account_id": "ann"})
        )

    trading.run(damage)
    assert trading.run(rebuilding.rebuild, "ann") == rebuilding.Rebuilt(missing=1, surplus=1, different=1)
    assert trading.record() == before
    assert trading.run(rebuilding.rebuild, "ann") == EMPTY
    trading.world.database.run_now(
        lambda connection: connection.execute(
            update(tables.account).where(tables.account.c.account_id == "ann").values(is_closed=True)
        )
    )
    trading.run(rebuilding.rebuild, "ann")
    assert {row["account_id"] for row in trading.record()} == {"bob"}, "who is gone keeps no record"


STEPS = (
    E.CANCEL_ASKED, E.CANCEL_DONE, E.CANCEL_REFUSED, E.CANCEL_FAILED, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED,
    E.PHOTO_OBJECTED, E.PIECE_GONE, E.HANDED_OVER, E.DELIVERED, E.RECEIPT, E.DISPUTE_OPENED, E.DISPUTE_WITHDRAWN,
    E.RULED_REFUND, E.RULED_RELEASE, E.CHARGED_BACK,
)  # fmt: skip
DEEDS = st.one_of(
    st.tuples(st.just("order"), st.sampled_from(["ann", "bob"]), st.booleans()),
    st.tuples(st.just("sell"), st.sampled_from(["ann", "bob", None]), st.integers(1, 3)),
    st.tuples(st.just("step"), st.integers(0, 5), st.sampled_from(STEPS)),
    st.tuples(st.just("claim"), st.integers(0, 5), st.sampled_from(["ann", "bob"])),
    st.tuples(st.just("bring_back"), st.integers(0, 5), st.none()),
)


def _do(trading: Trading, deed: str, first: Any, second: Any) -> None:
    if deed == "order":
        trading.order(first, is_paid=second)
    elif deed == "sell":
        trading.sell(first, second)
    elif deed == "step" and trading.orders:
        order_id = trading.orders[first % len(trading.orders)]
        payment = trading.world.rows(tables.payment, tables.payment.c.order_id == order_id)[0]
        values = {"payment_id": payment["payment_id"]} if second is E.CHARGED_BACK else {}
        if not (values and payment["state"] != "succeeded"):
            trading.world.happen(order_id, second, **values)
    elif deed in ("claim", "bring_back") and trading.sales:
        sale_id = sorted(trading.sales)[first % len(trading.sales)]
        if deed == "claim":
            trading.run(claims.claim, sale_id, second, trading.world.now)
        else:
            trading.bring_back(sale_id)


def _by_hand(trading: Trading) -> set[tuple[str, str, bool]]:
    """What orders and sales say now, counted here without the room's own code."""
    rows = trading.world.rows
    found = set()
    for one in rows(tables.orders):
        if one["paid_at"] is not None:
            found.add((f"order:{one['order_id']}/1", one["account_id"], one["state"] in UNDONE))
    back = {one["sale_id"] for one in rows(tables.counter_refund)}
    whose = {one["sale_id"]: one["shopper_id"] for one in rows(tables.counter_sale) if one["shopper_id"]}
    for one in rows(tables.counter_line):
        if one["sale_id"] in whose:
            name = f"counter:{one['sale_id']}/{one['line']}"
            found.add((name, whose[one["sale_id"]], one["sale_id"] in back))
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=st.lists(DEEDS, min_size=4, max_size=14))
def test_the_record_is_what_the_sales_say_and_equals_the_rebuilt_one(deeds, migrated_file, tmp_path_factory):
    path = tmp_path_factory.mktemp("record") / "relay.sqlite3"
    path.write_bytes(migrated_file.read_bytes())
    database = Database(f"sqlite:///{path}")
    world = World(database)
    for name in ("ann", "bob"):
        world.account(name)
    world.shop()
    trading = Trading(world)
    for deed in deeds:
        world.later(60)
        with suppress(RefusedError):  # a deed that is not possible now changes nothing
            _do(trading, *deed)
    kept = trading.record()
    assert {(one["purchase_id"], one["account_id"], one["given_back_at"] is not None) for one in kept} == _by_hand(
        trading
    )
    assert [trading.run(rebuilding.rebuild, name) for name in ("ann", "bob")] == [EMPTY, EMPTY]
    trading.run(lambda connection: connection.execute(delete(tables.purchase)))
    for name in world.database.read_now(store.shoppers):
        trading.run(rebuilding.rebuild, name)
    assert trading.record() == kept
    database.close()
    path.unlink()
