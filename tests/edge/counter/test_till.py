"""A sale at the counter: scanned, paid, kept and told, without the relay; a payment in doubt is never asked again."""

from dataclasses import replace

import pytest

from edge.counter.basket import TillRefusedError
from edge.journal.shop import set_place
from edge.locations import shelves
from tests.edge.counter.conftest import PLAN
from wire.envelope import decode_envelope
from wire.plan import TimedPrice

AUTHORISATION_BYTES = 13
"""The terminal hears the amount and is never heard again."""


async def refused(work) -> str:
    with pytest.raises(TillRefusedError) as caught:
        await work
    return caught.value.reason


async def test_a_cash_sale_is_kept_told_and_its_piece_leaves_the_house(shop):
    await shop.till.scan("4701", "acc_1")
    sale = await shop.till.scan("09521234543213", "acc_1")
    sale = await shop.till.set_quantity(sale.sale_id, 1, 3)
    assert sale.total_minor == 38_000 + 3 * 2_500
    await shop.till.pay(sale.sale_id, "drawer", "acc_1")
    assert await refused(shop.till.answer(sale.sale_id, "came", 100)) == "too_little"
    paid = await shop.till.answer(sale.sale_id, "came", 50_000)
    assert (paid.stage, paid.receipt_no, paid.tendered_minor) == ("paid", 1, 50_000)
    (told,) = await shop.sold()
    assert (told.total_minor, told.paid_by, told.account_id, told.how_known) == (45_500, "cash", "acc_1", "person")
    assert [(line.listing_id, line.piece_id, line.quantity) for line in told.lines] == [
        ("lst_pot", "pc_1", 1), ("lst_cup", "", 3),
    ]  # fmt: skip
    assert await refused(shop.till.scan("4701", "acc_1")) == "sold_already"


async def test_what_is_sold_lies_nowhere_any_more_and_the_relay_is_told(shop):
    lying = tuple(replace(piece, location="A-3-12") for piece in PLAN.pieces)
    await shop.journal.write(lambda tx: shelves.learn(tx, replace(PLAN, pieces=lying)))
    sale = await shop.till.scan("4701", "acc_1")
    await shop.till.pay(sale.sale_id, "drawer", "acc_1")
    assert (await shop.journal.read(lambda tx: shelves.load(tx, "A-3-12"))).pieces == ("pc_1", "pc_2"), "not paid yet"
    await shop.till.answer(sale.sale_id, "came")
    shelf = await shop.journal.read(lambda tx: shelves.load(tx, "A-3-12"))
    assert (shelf.pieces, shelf.away, shelf.version) == (("pc_2",), (), 2)
    told = [decode_envelope(one.payload) for one in await shop.journal.unsent_reports()]
    changes = [one.data for one in told if one.type == "LocationChanged"]
    assert [one["pieces"] for one in changes] == [["pc_1", "pc_2"], ["pc_2"]]


async def test_a_card_sale_charges_once_and_carries_the_terminals_numbers(shop):
    sale = await shop.till.scan("4701", "acc_1")
    await shop.till.pay(sale.sale_id, "terminal", "acc_1")
    paid = await shop.until("paid", sale.sale_id)
    assert (paid.terminal_receipt_no, paid.trace_no, paid.how_known) == (1, 1, "terminal")
    assert shop.booked() == [38_000]
    (told,) = await shop.sold()
    assert (told.paid_by, told.card_name, told.terminal_id) == ("card", "girocard", "28004869")


async def test_a_qr_sale_shows_its_code_and_waits_for_a_person(shop):
    sale = await shop.till.scan("CUP-1", "acc_1")
    await shop.till.pay(sale.sale_id, "wallet", "acc_1")
    assert await shop.till.code_to_show(sale.sale_id) == f"pay:25.00:{sale.sale_id}"
    assert await refused(shop.till.scan("4701", "acc_1")) == "being_paid"
    back = await shop.till.answer(sale.sale_id, "did_not_come")
    assert back.stage == "open"
    assert not await shop.sold()


async def test_a_declined_card_leaves_the_sale_open_for_another_way(shop):
    shop.faults.set("terminal", "declined")
    sale = await shop.till.scan("4701", "acc_1")
    await shop.till.pay(sale.sale_id, "terminal", "acc_1")
    open_again = await shop.until("open", sale.sale_id)
    assert open_again.reason == "no_funds"
    assert shop.booked() == []
    await shop.till.pay(sale.sale_id, "drawer", "acc_1")
    await shop.till.answer(sale.sale_id, "came")
    assert [one.paid_by for one in await shop.sold()] == ["cash"]


@pytest.mark.parametrize(
    ("fault", "stage", "booked"), [("hang_up_booked", "paid", [38_000]), ("hang_up_unbooked", "open", [])]
)
async def test_a_line_cut_in_mid_payment_is_asked_of_the_terminal_and_never_charged_again(shop, fault, stage, booked):
    sale = await shop.till.scan("4701", "acc_1")
    shop.faults.set("terminal", fault)
    await shop.till.pay(sale.sale_id, "terminal", "acc_1")
    ended = await shop.until(stage, sale.sale_id)
    assert shop.booked() == booked
    assert len(await shop.sold()) == len(booked)
    assert ended.how_known == ("asked_again" if booked else "")


async def test_a_terminal_with_a_payment_in_doubt_takes_no_other_until_it_is_settled(shop):
    first = await shop.till.scan("4701", "acc_1")
    await shop.till.pay(first.sale_id, "terminal", "acc_1")
    await shop.until("paid", first.sale_id)
    doubtful = await shop.till.scan("4702", "acc_1")
    shop.faults.set("terminal", "silent", after=AUTHORISATION_BYTES)
    await shop.till.pay(doubtful.sale_id, "terminal", "acc_1")
    await shop.until("in_doubt", doubtful.sale_id)
    other = await shop.till.scan("CUP-1", "acc_1")
    assert other.sale_id != doubtful.sale_id
    assert await refused(shop.till.pay(other.sale_id, "terminal", "acc_1")) == "terminal_in_doubt"
    await shop.till.pay(other.sale_id, "drawer", "acc_1")
    await shop.till.answer(other.sale_id, "came")
    shop.faults.clear("terminal", "silent")
    settled = await shop.until("paid" if len(shop.booked()) == 2 else "open", doubtful.sale_id)
    assert (settled.stage == "paid") == (len(shop.booked()) == 2)
    assert len(await shop.sold()) == 1 + len(shop.booked())


async def test_a_person_decides_when_the_terminal_cannot_say(shop):
    first = await shop.till.scan("CUP-1", "acc_1")
    await shop.till.pay(first.sale_id, "terminal", "acc_1")
    await shop.until("paid", first.sale_id)
    sale = await shop.till.scan("4701", "acc_1")
    shop.faults.set("terminal", "silent", after=AUTHORISATION_BYTES)
    await shop.till.pay(sale.sale_id, "terminal", "acc_1")
    await shop.until("in_doubt", sale.sale_id)
    shop.machine.book("payment", 999, 0)  # what nobody here asked for stands on top of ours
    shop.faults.clear("terminal", "silent")
    await shop.until("in_doubt", sale.sale_id, lambda one: one.is_sensed)
    paid = await shop.till.answer(sale.sale_id, "person_paid")
    assert (paid.stage, paid.how_known) == ("paid", "person")
    assert await refused(shop.till.answer(sale.sale_id, "person_paid")) == "not_now"
    assert len(await shop.sold()) == 2


async def test_a_terminal_that_cannot_be_reached_is_not_asked_and_the_sale_stays_open(shop):
    shop.faults.set("terminal", "unplugged")
    sale = await shop.till.scan("4701", "acc_1")
    assert await refused(shop.till.pay(sale.sale_id, "terminal", "acc_1")) in ("refused", "hang_up")
    assert (await shop.till.current()).stage == "open"


async def test_what_cannot_be_sold_is_refused_with_a_reason(shop):
    assert await refused(shop.till.scan("nobody knows this", "acc_1")) == "strange"
    sale = await shop.till.scan("4701", "acc_1")
    assert await refused(shop.till.scan("4701", "acc_1")) == "in_this_sale"
    assert await refused(shop.till.set_quantity(sale.sale_id, 0, 2)) == "one_piece"
    assert await refused(shop.till.set_quantity(sale.sale_id, 9, 1)) == "bad_quantity"
    assert await refused(shop.till.pay(sale.sale_id, "no such", "acc_1")) == "no_such_way"
    empty = await shop.till.set_quantity(sale.sale_id, 0, 0)
    assert await refused(shop.till.pay(empty.sale_id, "drawer", "acc_1")) == "empty"
    ended = await shop.till.give_up(empty.sale_id)
    assert ended.stage == "given_up"
    assert await refused(shop.till.give_up(empty.sale_id)) == "not_now"


async def test_a_piece_promised_online_is_not_sold_at_the_counter(shop):
    row = {
        "parcel_id": "par_1", "piece_id": "pc_1", "stage": "reserved", "line_no": 1, "is_open": 1,
        "body": "{}", "changed_at": "2026-11-22T00:00:00.000Z",
    }  # fmt: skip
    await shop.journal.write(lambda tx: tx.put("parcels", row, "parcel"))
    assert await refused(shop.till.scan("4701", "acc_1")) == "promised"
    sale = await shop.till.scan("lst_pot", "acc_1")
    assert sale.lines[0].piece_id == "pc_2"


async def test_a_tags_address_means_its_piece_or_its_listing(shop):
    sale = await shop.till.scan("https://relay.example/01/09521234543213?x=1", "acc_1")
    assert sale.lines[0].listing_id == "lst_cup"
    await shop.journal.write(lambda tx: set_place(tx, "pc_1", "shelf"))
    sale = await shop.till.scan("https://relay.example/t/4702", "acc_1")
    assert sale.lines[1].piece_id == "pc_2"


async def test_a_price_for_a_time_holds_at_the_till_too(shop):
    cup = PLAN.listings[1]
    lower = TimedPrice(price_minor=1_900, from_at="2020-01-01T00:00:00.000Z", until_at="2999-01-01T00:00:00.000Z")
    shop.plan = replace(PLAN, listings=(replace(cup, prices=(lower,)),))
    assert (await shop.till.scan("CUP-1", "acc_1")).total_minor == 1_900


async def test_without_a_plan_the_till_says_so(shop):
    shop.plan = None
    assert await refused(shop.till.scan("4701", "acc_1")) == "no_plan"


async def test_a_shoppers_own_code_travels_with_the_sale(shop):
    await shop.till.scan("CUP-1", "acc_1")
    sale = await shop.till.scan("vs1.acc_9.abc", "acc_1")
    await shop.till.pay(sale.sale_id, "drawer", "acc_1")
    await shop.till.answer(sale.sale_id, "came")
    assert [one.shopper_code for one in await shop.sold()] == ["vs1.acc_9.abc"]
