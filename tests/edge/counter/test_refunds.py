"""A sale given back at the till: once, the way it was paid; an unknown end is asked of the terminal."""

from dataclasses import replace

import pytest

from edge.counter import sale as rows
from edge.counter.basket import TillRefusedError
from wire.envelope import decode_envelope


async def refused(work) -> str:
    with pytest.raises(TillRefusedError) as caught:
        await work
    return caught.value.reason


async def sold(shop, device, *codes):
    for code in codes:
        sale = await shop.till.scan(code, "acc_1")
    await shop.till.pay(sale.sale_id, device, "acc_1")
    if device != "terminal":
        await shop.till.answer(sale.sale_id, "came", sale.total_minor)
    return await shop.until("paid", sale.sale_id)


async def told(shop):
    reports = [decode_envelope(one.payload) for one in await shop.journal.unsent_reports()]
    return [one.data for one in reports if one.type == "CounterRefunded"]


async def test_cash_goes_back_by_a_persons_word_once_and_the_piece_is_for_sale_again(shop):
    sale = await sold(shop, "drawer", "4701")
    back = await shop.till.refund(sale.sale_id, "acc_1", is_restocked=True)
    assert (back.stage, back.asked_minor) == ("waiting", 38_000)
    assert await refused(shop.till.refund(sale.sale_id, "acc_1", is_restocked=True)) == "refund_runs"
    assert await refused(shop.till.scan("CUP-1", "acc_1")) == "being_paid"
    done = await shop.till.answer(back.sale_id, "came")
    assert (done.stage, done.receipt_no) == ("paid", 2)
    assert await refused(shop.till.refund(sale.sale_id, "acc_1", is_restocked=True)) == "refunded_already"
    assert await refused(shop.till.refund(back.sale_id, "acc_1", is_restocked=True)) == "not_paid"
    (report,) = await told(shop)
    assert (report["sale_id"], report["total_minor"], report["is_restocked"]) == (sale.sale_id, 38_000, True)
    assert len(await shop.sold()) == 1
    assert (await shop.till.scan("4701", "acc_1")).lines[0].piece_id == "pc_1"


async def test_what_was_not_given_may_be_asked_for_again_and_a_piece_that_stays_away_is_not_sold(shop):
    sale = await sold(shop, "drawer", "4701")
    back = await shop.till.refund(sale.sale_id, "acc_1", is_restocked=False)
    assert (await shop.till.answer(back.sale_id, "did_not_come")).stage == "given_up"
    assert not await told(shop)
    again = await shop.till.refund(sale.sale_id, "acc_1", is_restocked=False)
    await shop.till.answer(again.sale_id, "came")
    assert len(await told(shop)) == 1
    assert await refused(shop.till.scan("4701", "acc_1")) == "sold_already"


async def test_the_card_terminal_reverses_the_very_payment(shop):
    first = await sold(shop, "terminal", "4701")
    await sold(shop, "terminal", "CUP-1")
    back = await shop.till.refund(first.sale_id, "acc_1", is_restocked=True)
    done = await shop.until("paid", back.sale_id)
    assert (done.terminal_receipt_no, done.how_known) == (3, "terminal")
    assert shop.reversed() == [38_000]
    (report,) = await told(shop)
    assert (report["sale_id"], report["terminal_receipt_no"]) == (first.sale_id, 3)
    assert await refused(shop.till.refund(first.sale_id, "acc_1", is_restocked=True)) == "refunded_already"
    assert shop.reversed() == [38_000]


async def test_a_line_cut_after_the_reversal_is_asked_of_the_terminal_and_nothing_is_reversed_again(shop):
    sale = await sold(shop, "terminal", "4701")
    shop.faults.set("terminal", "hang_up_booked")
    back = await shop.till.refund(sale.sale_id, "acc_1", is_restocked=True)
    done = await shop.until("paid", back.sale_id)
    assert done.how_known == "asked_again"
    assert shop.reversed() == [38_000]
    assert len(await told(shop)) == 1


async def test_a_refund_that_meets_silence_and_a_restart_is_done_once_or_over(world):
    await world.start()
    sale = await sold(world, "terminal", "4701")
    world.faults.set("terminal", "silent")
    back = await world.till.refund(sale.sale_id, "acc_1", is_restocked=True)
    await world.until("in_doubt", back.sale_id)
    other = await world.till.scan("CUP-1", "acc_1")
    assert await refused(world.till.pay(other.sale_id, "terminal", "acc_1")) == "terminal_in_doubt"
    await world.stop()
    world.faults.clear("terminal", "silent")
    await world.start()
    ended = await world.ended(back.sale_id)
    assert len(world.reversed()) == len(await told(world)) == (ended.stage == "paid")
    await world.stop()


async def test_the_terminal_refuses_what_was_reversed_on_it_by_hand(shop):
    sale = await sold(shop, "terminal", "4701")
    shop.machine.bookings[0].is_reversed = True
    back = await shop.till.refund(sale.sale_id, "acc_1", is_restocked=True)
    assert (await shop.ended(back.sale_id)).stage == "given_up"
    assert not await told(shop)


async def test_a_number_that_the_terminal_has_used_again_is_never_reversed(shop):
    first = await sold(shop, "terminal", "4701")
    shop.machine._receipts = 10_000
    other = await sold(shop, "terminal", "CUP-1")
    assert first.terminal_receipt_no == other.terminal_receipt_no
    back = await shop.till.refund(first.sale_id, "acc_1", is_restocked=True)
    assert (back.stage, back.reason) == ("waiting", "number_again")
    assert (await shop.till.answer(back.sale_id, "came")).how_known == "person"
    assert shop.reversed() == []
    assert await shop.journal.read(lambda tx: rows.why_by_hand(tx, other)) == "", "the newest one may be reversed"
    assert await shop.journal.read(lambda tx: rows.known_mark(tx, "terminal")) is None, "it is asked anew"


async def test_a_payment_of_a_terminal_that_was_exchanged_is_never_reversed_on_the_new_one(shop):
    first = await sold(shop, "terminal", "4701")
    shop.machine.plan = replace(shop.machine.plan, terminal_id="28009999")
    shop.machine._receipts = 500
    other = await sold(shop, "terminal", "CUP-1")
    back = await shop.till.refund(first.sale_id, "acc_1", is_restocked=True)
    assert (back.stage, back.reason) == ("waiting", "other_terminal")
    await shop.till.answer(back.sale_id, "came")
    again = await shop.till.refund(other.sale_id, "acc_1", is_restocked=True)
    await shop.until("paid", again.sale_id)
    assert shop.reversed() == [2_500]


@pytest.mark.parametrize("sale_id", ["sale_never", ""])
async def test_only_what_was_sold_is_given_back(shop, sale_id):
    assert await refused(shop.till.refund(sale_id, "acc_1", is_restocked=True)) == "no_such_sale"
    unpaid = await shop.till.scan("4701", "acc_1")
    assert await refused(shop.till.refund(unpaid.sale_id, "acc_1", is_restocked=True)) in ("not_paid", "no_such_way")
