"""Two shops of two merchants in one currency, and a worker that asks a real bank."""

import dataclasses

import pytest

from cloud_relay.baskets import reading, service
from cloud_relay.escrow import payments
from cloud_relay.escrow.providers.sandbox import SandboxProvider
from cloud_relay.escrow.worker import PaymentWorker
from tests.cloud_relay.trade_servers import SECRET, WEBHOOK_SECRET
from tests.cloud_relay.trade_world import ADDRESS, WorldClock


@dataclasses.dataclass
class Baskets:
    """Ann's hands in a market of two shops: teapots for 99.00 and shipping 12.00, looms for 50.00 and shipping 7.00."""

    world: object
    worker: PaymentWorker | None = None

    def add(self, listing_id, quantity=1, account="ann", variant_id=""):
        self.world.later(1)  # lines stand in the order in which they were put in
        run = self.world.database.run_now
        return run(service.add_line, account, listing_id, variant_id, quantity, self.world.now)["line_id"]

    def read(self, account="ann", country="CN", postal_code=""):
        return self.world.database.read_now(reading.read_basket, account, self.world.now, country, postal_code)

    def count(self, account="ann"):
        return self.world.database.read_now(reading.count, account, self.world.now)

    def wish(self, account="ann", **values):
        chosen = self.read(account)["payments"]
        one = chosen[0] if chosen else {"line_ids": (), "parcel_ids": (), "total_minor": 0}
        return service.BasketWish(**{
            "line_ids": tuple(one["line_ids"]), "parcel_ids": tuple(one["parcel_ids"]), "address": ADDRESS,
            "payment_method": "sandbox:ok", "agrees_photo_window": True, "total_minor": one["total_minor"], **values,
        })  # fmt: skip

    def place(self, account="ann", wish=None, **values):
        run = self.world.database.run_now
        return run(
            service.place_basket, account, wish or self.wish(account, **values), self.world.now, self.world.trade
        )

    def payment(self, payment_id):
        return self.world.database.read_now(payments.load, payment_id)

    async def attempt(self, placed):
        return await self.worker.attempt(self.payment(placed[0].payment_id), lambda _connection, state: state)

    async def pay(self, account="ann", **values):
        basket_id, placed = self.place(account, **values)
        return basket_id, placed, await self.attempt(placed)


@pytest.fixture
def baskets(world):
    """Baskets alone: nobody is asked for money."""
    world.shop("mer_2", "loom", gs1_prefix="", name_en="Loom", name_zh="织布坊", shipping_minor=700)
    world.listing("loom", "lis_2", pieces=3, price_minor=5000, title_en="Shawl", title_zh="披肩", gtin="")
    return Baskets(world)


@pytest.fixture
async def paying(baskets, bank, answer_s):
    """Baskets that a real bank is asked to pay."""
    provider = SandboxProvider(bank.url, SECRET, WEBHOOK_SECRET, timeout_s=answer_s)
    world = baskets.world
    baskets.worker = PaymentWorker(world.database, WorldClock(world), {"sandbox": provider}, world.trade)
    yield baskets
    await provider.close()
