"""Sold while the link was down: what waits in the shop's journal is booked at the relay once."""

from cloud_relay import tables
from cloud_relay.counter import service
from cloud_relay.db import Database
from cloud_relay.migrations import migrate
from cloud_relay.orders.trade import Trade
from cloud_relay.shop_link import inbox
from cloud_relay.shop_link.register import Register
from cloud_relay.web.templating import MINOR_DIGITS
from edge.counter.amounts import DIGITS
from tests.cloud_relay.trade_world import World
from tests.edge.counter.conftest import CounterShop
from wire.counter import CounterSold
from wire.envelope import decode_envelope


def relay_of(tmp_path) -> World:
    """A relay with the same shop and goods as the till's plan."""
    database = Database(f"sqlite:///{tmp_path / 'relay.sqlite3'}")
    migrate(database)
    world = World(database, trade=Trade())
    world.shop()
    world.listing(listing_id="lst_pot", pieces=0, price_minor=38_000, on_hand=2)
    for no in (1, 2):
        world.add(tables.piece, piece_id=f"pc_{no}", listing_id="lst_pot", shop_id="teahouse", code=f"470{no}")
    world.listing(listing_id="lst_cup", pieces=0, price_minor=2_500, on_hand=10)
    world.add(tables.shop_link, shop_id="teahouse", next_sequence=1)
    return world


def hear(world: World, payloads: list[bytes]) -> inbox.Taken:
    """Take reports in as the relay's link does."""
    register = Register()

    def on_sold(connection, shop_id, sale, now):
        service.take_sale(connection, shop_id, sale, now, world.trade, [b"key"])

    register.on_report(CounterSold, on_sold)
    envelopes = [decode_envelope(one) for one in payloads]
    return world.database.run_now(inbox.take_reports, register, "teahouse", envelopes, world.now)


def test_shop_and_relay_count_the_same_digits():
    assert DIGITS == MINOR_DIGITS


async def test_two_sales_made_offline_are_booked_once_when_the_link_is_back(tmp_path):
    shop = CounterShop(tmp_path)
    await shop.port.open()
    try:
        till = await shop.start()
        first = await till.scan("4701", "owner_mer_1")
        await till.pay(first.sale_id, "terminal", "owner_mer_1")
        await shop.until("paid", first.sale_id)
        second = await till.scan("CUP-1", "owner_mer_1")
        await till.set_quantity(second.sale_id, 0, 4)
        await till.pay(second.sale_id, "drawer", "owner_mer_1")
        await till.answer(second.sale_id, "came", 10_000)
        await shop.stop()
        await shop.start()  # the box was off over night as well
        waiting = [one.payload for one in await shop.journal.unsent_reports()]
    finally:
        await shop.stop()
        await shop.port.close()
        shop.truth.close()

    world = relay_of(tmp_path)
    assert hear(world, waiting).applied == 2
    assert hear(world, waiting).repeated == 2
    assert world.balance("taken:mer_1") == 48_000
    assert (world.balance("till:teahouse/card"), world.balance("till:teahouse/cash")) == (-38_000, -10_000)
    stock = {row["listing_id"]: row["on_hand"] for row in world.rows(tables.listing)}
    assert stock == {"lst_pot": 1, "lst_cup": 6}
    states = {row["piece_id"]: row["state"] for row in world.rows(tables.piece)}
    assert states == {"pc_1": "sold", "pc_2": "free"}
    assert [row["receipt_no"] for row in world.rows(tables.counter_sale)] == [1, 2]
    assert world.database.violations() == []
    world.database.close()
