"""Counter sales in a real database: once, with stock and money, and what they do to online orders."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_relay import tables
from cloud_relay.counter import codes, rules, service
from cloud_relay.escrow import dues, ledger, payouts
from cloud_relay.escrow import rules as money
from cloud_relay.orders.trade import Trade
from cloud_relay.refusals import RefusedError
from cloud_relay.settings import TradeSettings
from wire.counter import CounterLine, CounterSold, PaidBy
from wire.plan import Text
from wire.values import BadValueError

KEYS = [b"old", b"new"]


@pytest.fixture
def counter(world):
    world.trade = Trade(settings=TradeSettings(counter_commission_ppm=20_000, tax_ppm=60_000))
    world.listing(listing_id="lis_cup", pieces=0, price_minor=2_500, on_hand=10)
    return Counter(world)


class Counter:
    def __init__(self, world):
        self.world = world
        self.numbers = iter(range(1, 100))

    def sale(self, *lines, **values):
        no = next(self.numbers)
        total = sum(line.price_minor * line.quantity for line in lines)
        facts = {
            "sale_id": f"sale_{no}", "at": self.world.now, "receipt_no": no, "lines": lines, "total_minor": total,
            "currency": "CNY", "paid_by": PaidBy.CARD, "account_id": "owner_mer_1",
        }  # fmt: skip
        return CounterSold(**{**facts, **values})

    def take(self, sale, shop_id="teahouse"):
        return self.world.database.run_now(service.take_sale, shop_id, sale, self.world.now, self.world.trade, KEYS)

    def listing(self, listing_id="lis_1"):
        return self.world.rows(tables.listing, tables.listing.c.listing_id == listing_id)[0]

    def piece(self, piece_id="lis_1_p0"):
        return self.world.rows(tables.piece, tables.piece.c.piece_id == piece_id)[0]["state"]

    def outcomes(self):
        return [row["outcome"] for row in self.world.rows(tables.counter_line)]


def pot(piece_id="lis_1_p0", **values):
    return CounterLine(
        **{"listing_id": "lis_1", "title": Text(en="Teapot", zh="茶壶"), "price_minor": 9900, "piece_id": piece_id,
           **values}
    )  # fmt: skip


def cups(quantity=3, **values):
    title = Text(en="Cup", zh="茶杯")
    return CounterLine(**{"listing_id": "lis_cup", "title": title, "price_minor": 2500, "quantity": quantity, **values})


@pytest.mark.both_stores
def test_a_sale_takes_stock_and_books_the_merchants_own_money(counter):
    assert counter.take(counter.sale(pot(), cups()))
    assert counter.piece() == "sold"
    assert (counter.listing()["on_hand"], counter.listing("lis_cup")["on_hand"]) == (1, 7)
    balance = counter.world.balance
    assert balance("till:teahouse/card") == -17_400
    assert balance("taken:mer_1") == 17_400
    assert balance("payable:mer_1") == 0
    assert (balance("due:mer_1"), balance("fees:cn"), balance("tax:cn")) == (-348, 327, 21)
    assert counter.outcomes() == ["withdrawn", "withdrawn"]
    plans = counter.world.commands("ReplacePlan")
    assert "lis_1_p0" not in [one["piece_id"] for one in plans[-1]["data"]["plan"]["pieces"]]


def test_the_same_report_again_changes_nothing(counter):
    sale = counter.sale(pot())
    assert counter.take(sale)
    assert not counter.take(sale)
    assert not counter.take(replace(sale, receipt_no=77), shop_id="teahouse")
    assert counter.world.balance("taken:mer_1") == 9900
    assert counter.listing()["on_hand"] == 1
    assert len(counter.world.rows(tables.counter_sale)) == 1


def test_an_online_order_that_meets_a_counter_sale_ends_piece_gone_and_is_refunded(counter):
    order_id = counter.world.paid_order()
    piece_id = counter.world.rows(tables.order_line)[0]["piece_id"]
    counter.take(counter.sale(pot(piece_id)))
    assert counter.world.order(order_id)["state"] == "refunded"
    assert counter.world.order(order_id)["end_reason"] == "piece_gone"
    assert [row["amount_minor"] for row in counter.world.refunds()] == [counter.world.order(order_id)["total_minor"]]
    assert counter.piece(piece_id) == "gone"
    assert counter.outcomes() == ["promised"]
    assert [row["data"]["reason"] for row in counter.world.commands("CancelParcel")] == ["sold_at_counter"]
    kinds = {row["kind"] for row in counter.world.rows(tables.notice)}
    assert {"counter_promised", "piece_gone"} <= kinds


def test_a_reservation_that_meets_a_counter_sale_ends(counter):
    counter.world.confirm("ann", "lis_1_p0")
    counter.take(counter.sale(pot()))
    assert [row["state"] for row in counter.world.rows(tables.reservation)] == ["gone"]
    assert counter.listing()["reserved"] == 0
    assert counter.outcomes() == ["promised"]


def test_more_than_the_books_have_is_kept_and_told(counter):
    counter.take(counter.sale(cups(12)))
    assert counter.listing("lis_cup")["on_hand"] == 0
    assert counter.outcomes() == ["short"]
    assert counter.world.balance("taken:mer_1") == 30_000
    assert [row["kind"] for row in counter.world.rows(tables.notice)] == ["counter_short"]


def test_what_left_the_books_before_and_what_nobody_knows_is_told_too(counter):
    counter.take(counter.sale(pot()))
    counter.take(counter.sale(pot(), cups(listing_id="lis_of_nobody"), pot("pc_nobody")))
    assert counter.outcomes()[1:] == ["gone_before", "unknown", "unknown"]


def test_a_forged_report_is_refused_and_books_nothing(counter):
    honest = counter.sale(pot())
    for wrong in (
        replace(honest, total_minor=1),
        replace(honest, lines=()),
        replace(honest, lines=(pot(quantity=2),), total_minor=19_800),
        replace(honest, lines=(cups(-1),), total_minor=-2500),
        replace(honest, currency="yuan"),
        replace(honest, sale_id="../x"),
        replace(honest, how_known="guessed"),
        replace(honest, receipt_no=0),
        replace(honest, lines=(pot(usual_minor=9_899),), promotion_id="pro_1"),
        replace(honest, lines=(pot(usual_minor=10**12 + 1),), promotion_id="pro_1"),
        replace(honest, lines=(pot(usual_minor=9_901),)),
        replace(honest, joint_id="joint_1"),
        replace(honest, joint_count=2),
        replace(honest, joint_id="joint_1", joint_count=51),
        replace(honest, joint_id="../x", joint_count=2),
        replace(honest, promotion_id="../x"),
    ):
        with pytest.raises(BadValueError):
            counter.take(wrong)
    assert counter.world.rows(tables.posting) == []


def test_another_shops_goods_are_not_withdrawn(counter):
    counter.world.shop(merchant_id="mer_2", shop_id="studio", gs1_prefix="")
    counter.take(counter.sale(pot()), shop_id="studio")
    assert counter.piece() == "free"
    assert counter.outcomes() == ["unknown"]


def test_what_is_owed_is_kept_back_before_a_payout(counter):
    counter.take(counter.sale(pot(), cups()))
    world = counter.world
    line = money.Posting("psp:sandbox", "payable:mer_1", 1_000)
    world.database.run_now(ledger.post, "gift:1", "gift", [line], world.now, currency="CNY")
    with pytest.raises(RefusedError) as caught:
        world.database.run_now(payouts.start, "mer_1", 1_000, "CNY", "sandbox", world.now)
    assert caught.value.extra["available_minor"] == 652
    world.database.run_now(payouts.start, "mer_1", 652, "CNY", "sandbox", world.now)
    assert (world.balance("payable:mer_1"), world.balance("due:mer_1")) == (0, 0)
    assert world.database.read_now(dues.owed, "mer_1") == []


def test_a_shopper_who_showed_their_code_finds_the_receipt(counter):
    counter.take(counter.sale(cups(), shopper_code=codes.code_of("ann", b"new")))
    counter.take(counter.sale(cups(), shopper_code="vs1.bob.AAAA"))
    (found,) = counter.world.database.read_now(service.sales_to, "ann")
    assert (found["total_minor"], found["lines"][0]["quantity"]) == (7_500, 3)
    assert counter.world.database.read_now(service.sales_to, "bob") == []


@given(account_id=st.text("abcdefghij_0123456789", min_size=1, max_size=40), other=st.binary(min_size=1, max_size=8))
def test_a_code_proves_its_own_account_only(account_id, other):
    code = codes.code_of(account_id, b"key")
    assert codes.account_of(code, [b"other", b"key"]) == account_id
    assert codes.account_of(code.replace(account_id, account_id + "x", 1), [b"key"]) is None
    assert other == b"key" or codes.account_of(code, [other]) is None


@given(
    total=st.integers(1, 10**12), commission_ppm=st.integers(0, 10**6), tax_ppm=st.integers(0, 10**6),
)  # fmt: skip
def test_commission_and_tax_never_exceed_what_was_sold(total, commission_ppm, tax_ppm):
    lines, commission, levy = rules.postings("s", "m", "cn", "cash", total, commission_ppm, tax_ppm)
    assert lines[0].amount_minor == total
    assert 0 <= commission + levy <= total
