"""Counter sales of a joint sale: their savings stand in the books, and a group has succeeded once all have paid."""

import pytest

from cloud_relay import tables
from cloud_relay.counter import claims, codes, refunds, service
from cloud_relay.groups import service as group_service
from cloud_relay.orders.trade import Trade
from cloud_relay.settings import TradeSettings
from tests.cloud_relay.groups.group_world import GroupWorld
from wire.counter import CounterLine, CounterRefunded, CounterSold, PaidBy
from wire.plan import Text

KEYS = [b"new"]


@pytest.fixture
def counter(world):
    world.trade = Trade(settings=TradeSettings(counter_commission_ppm=20_000))
    world.listing(listing_id="lis_cup", pieces=0, price_minor=2_500, on_hand=20)
    world.account("cem", nickname="Cem")
    return Counter(world)


class Counter:
    def __init__(self, world):
        self.world, self.groups = world, GroupWorld(world)
        self.promotion_id = self.groups.promotion("spend_over", threshold_minor=10_000, saving_minor=500)
        self.numbers = iter(range(1, 100))

    def share(self, shopper="ann", *, joint_id="joint_1", count=2, **values):
        """One shopper's share: two cups, one of which saves a unit more."""
        no = next(self.numbers)
        facts = {
            "sale_id": f"sale_{no}", "at": self.world.now, "receipt_no": no, "lines": (cup(2_374), cup(2_375)),
            "total_minor": 4_749, "currency": "CNY", "paid_by": PaidBy.CARD, "joint_id": joint_id,
            "joint_count": count, "promotion_id": self.promotion_id,
            "shopper_code": codes.code_of(shopper, b"new") if shopper else "",
        }  # fmt: skip
        sale = CounterSold(**{**facts, **values})
        self.world.database.run_now(service.take_sale, "teahouse", sale, self.world.now, self.world.trade, KEYS)
        return sale

    def give_back(self, sale):
        refund = CounterRefunded(
            refund_id=f"back_{sale.sale_id}", sale_id=sale.sale_id, at=self.world.now, receipt_no=next(self.numbers),
            total_minor=sale.total_minor, currency="CNY", paid_by=sale.paid_by,
        )  # fmt: skip
        self.world.database.run_now(refunds.take_refund, "teahouse", refund, self.world.now, self.world.trade)

    def on_site(self, *people):
        run = self.groups.run
        return run(group_service.start_on_site, self.promotion_id, people, self.world.now)

    def state(self, group_id):
        return self.groups.group(group_id)["state"]

    def told(self):
        return [row["kind"] for row in self.world.rows(tables.notice)]


def cup(price_minor, usual_minor=2_500, **values):
    title = Text(en="Cup", zh="茶杯")
    facts = {"listing_id": "lis_cup", "title": title, "price_minor": price_minor, "usual_minor": usual_minor}
    return CounterLine(**{**facts, **values})


@pytest.mark.both_stores
def test_saving_and_usual_price_are_kept_and_shown_to_merchant_and_shopper(counter):
    counter.share("ann")
    counter.share("bob")
    assert counter.world.balance("taken:mer_1") == 2 * 4_749
    assert [row["usual_minor"] for row in counter.world.rows(tables.counter_line)] == [2_500] * 4
    (mine,) = counter.world.database.read_now(service.sales_to, "ann")
    assert (mine["total_minor"], mine["saving_minor"], mine["joint_count"]) == (4_749, 251, 2)
    assert [(one["quantity"], one["title"]["en"]) for one in mine["goods"]] == [(2, "Cup")]
    found = counter.world.database.read_now(service.sales_of, "mer_1")["sales"]
    assert [(one["saving_minor"], one["promotion_outcome"]) for one in found] == [(251, ""), (251, "")]
    assert "joint_id" not in mine, "who else was there is nobody's business"


@pytest.mark.both_stores
def test_a_group_in_the_shop_has_succeeded_when_the_last_share_is_paid(counter):
    group_id = counter.on_site("ann", "bob")
    counter.share("ann", count=3)
    counter.share("bob", count=3)
    assert counter.state(group_id) == "open", "somebody's share is unpaid: it may yet be undone"
    counter.share("", count=3)
    assert counter.state(group_id) == "succeeded"


def test_a_joint_sale_without_one_of_the_group_leaves_it_open(counter):
    group_id = counter.on_site("ann", "bob", "cem")
    counter.share("ann")
    counter.share("bob")
    assert counter.state(group_id) == "open"


def test_an_undone_joint_sale_is_no_success(counter):
    group_id = counter.on_site("ann", "bob")
    counter.give_back(counter.share("ann"))
    counter.share("bob")
    assert counter.state(group_id) == "open"


def test_shares_of_two_joint_sales_are_not_added_up(counter):
    group_id = counter.on_site("ann", "bob")
    counter.share("ann")
    counter.share("bob", joint_id="joint_2")
    assert counter.state(group_id) == "open"


def test_a_promotion_of_another_shop_is_kept_out_and_told_but_the_sale_stands(counter):
    counter.world.shop(merchant_id="mer_2", shop_id="studio", gs1_prefix="")
    foreign = counter.groups.promotion("spend_over", shop_id="studio", merchant_id="mer_2")
    counter.share("ann", promotion_id=foreign)
    counter.share("bob", promotion_id="pro_nobody")
    assert counter.world.balance("taken:mer_1") == 2 * 4_749
    assert counter.told().count("counter_promotion_unknown") == 2
    found = counter.world.database.read_now(service.sales_of, "mer_1")["sales"]
    assert {one["promotion_outcome"] for one in found} == {"promotion_unknown"}


def test_a_line_taken_apart_is_one_clash_for_its_merchant(counter):
    counter.share("ann", lines=(cup(2_374, quantity=15), cup(2_375, quantity=15)), total_minor=15 * 4_749)
    assert counter.told() == ["counter_short"]


def test_a_share_without_a_code_is_kept_by_its_receipt_with_its_saving(counter):
    sale = counter.share("")
    world = counter.world
    assert world.database.run_now(claims.claim, sale.sale_id, "cem", world.now)["state"] == "mine"
    assert world.database.read_now(service.sales_to, "cem")[0]["saving_minor"] == 251
