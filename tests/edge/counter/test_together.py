"""Several shoppers at one counter sale: exact shares, each charged once; all pay, or all money is back."""

import asyncio
import contextlib
import itertools
import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.counter import joint as joints
from edge.counter.basket import TillRefusedError
from edge.journal import JournalFailedError
from tests.edge.counter.conftest import PLAN
from wire.envelope import decode_envelope
from wire.promotions import Promotion, PromotionKind
from wire.text import Text

ANN, BEN = "vs1.acc_ann.proof", "vs1.acc_ben.proof"
OVER = Promotion(
    promotion_id="pro_over", kind=PromotionKind.SPEND_OVER, title=Text(en="Over 400", zh="满400减"), currency="CNY",
    threshold_minor=40_000, saving_minor=1_001,
)  # fmt: skip
AUTHORISATION_BYTES = 13
LIVES_MAX = 60


async def refused(work) -> str:
    with pytest.raises(TillRefusedError) as caught:
        await work
    return caught.value.reason


@pytest.fixture(autouse=True)
def promoted(world):
    world.plan = replace(PLAN, promotions=(OVER,))


async def basket(shop):
    """Ann has a pot, Ben three cups: 455.00 together, 10.01 less."""
    for text in (ANN, "4701", BEN, "CUP-1"):
        sale = await shop.till.scan(text, "acc_1")
    return await shop.till.set_quantity(sale.sale_id, 1, 3)


async def shares(shop):
    return await shop.till.together.pay_each((await basket(shop)).sale_id)


async def stage_of(shop, joint_id) -> str:
    return (await shop.journal.read(lambda tx: joints.known(tx, joint_id))).stage.value


async def pay_cash(shop, sale):
    await shop.till.pay(sale.sale_id, "drawer", "acc_1")
    return await shop.till.answer(sale.sale_id, "came")


async def pay_card(shop, sale, stage="paid"):
    await shop.till.pay(sale.sale_id, "terminal", "acc_1")
    return await shop.until(stage, sale.sale_id)


async def refunds(shop):
    reports = [decode_envelope(one.payload) for one in await shop.journal.unsent_reports()]
    return [one.data for one in reports if one.type == "CounterRefunded"]


async def test_each_pays_an_exact_share_at_the_terminal_one_after_the_other(shop):
    ann, ben = await shares(shop)
    assert [one.total_minor for one in (ann, ben)] == [37_164, 7_335]
    assert ann.total_minor + ben.total_minor == 45_500 - 1_001
    assert (await shop.till.current()).sale_id == ann.sale_id
    await pay_card(shop, ann)
    assert await stage_of(shop, ann.joint_id) == "paying"
    assert (await shop.till.current()).sale_id == ben.sale_id
    await pay_card(shop, ben)
    assert await stage_of(shop, ann.joint_id) == "done"
    assert shop.booked() == [37_164, 7_335]
    told = await shop.sold()
    assert [(one.shopper_code, one.joint_count, one.promotion_id) for one in told] == [
        (ANN, 2, "pro_over"), (BEN, 2, "pro_over"),
    ]  # fmt: skip
    assert {one.joint_id for one in told} == {ann.joint_id}
    assert all(one.total_minor == sum(line.price_minor * line.quantity for line in one.lines) for one in told)
    assert [(line.price_minor, line.quantity, line.usual_minor) for line in told[1].lines] == [(2_445, 3, 2_500)]
    assert await shop.till.open_sales() == []


async def test_goods_before_any_code_are_the_firsts_and_a_code_that_is_known_goes_on_with_its_shopper(shop):
    for text in ("4701", ANN, BEN, "CUP-1", ANN, "CUP-1"):
        sale = await shop.till.scan(text, "acc_1")
    assert (sale.codes, sale.owners, sale.at_shopper) == ((ANN, BEN), (0, 1, 0), 0)
    assert [(line.listing_id, line.quantity) for line in sale.lines] == [("lst_pot", 1), ("lst_cup", 1), ("lst_cup", 1)]


async def test_shoppers_without_a_code_are_added_chosen_and_taken_out(shop):
    together = shop.till.together
    sale = await shop.till.scan("4701", "acc_1")
    assert await refused(together.remove(sale.sale_id, 0)) == "last_shopper"
    sale = await together.add_shopper(sale.sale_id)
    joint_id = sale.joint_id
    await shop.till.scan("CUP-1", "acc_1")
    sale = await shop.till.scan(BEN, "acc_1")
    assert (sale.codes, sale.owners) == (("", BEN), (0, 1))
    sale = await together.choose(sale.sale_id, 0)
    sale = await shop.till.scan("CUP-1", "acc_1")
    assert sale.owners == (0, 1, 0)
    assert await refused(together.choose(sale.sale_id, 2)) == "no_such_shopper"
    alone = await together.remove(sale.sale_id, 0)
    assert (alone.shopper_code, alone.joint_id, alone.codes) == (BEN, "", (BEN,))
    assert [(line.listing_id, line.quantity) for line in alone.lines] == [("lst_pot", 1), ("lst_cup", 2)]
    assert await stage_of(shop, joint_id) == "undone"
    for number in range(joints.SHOPPERS_MAX - 1):
        await shop.till.scan(f"vs1.acc_{number}.proof", "acc_1")
    assert await refused(shop.till.scan("vs1.one_more.proof", "acc_1")) == "too_many_shoppers"


async def test_a_line_is_moved_and_joins_the_same_thing_of_the_other(shop):
    sale = await basket(shop)
    await shop.till.together.choose(sale.sale_id, 0)
    sale = await shop.till.scan("CUP-1", "acc_1")
    sale = await shop.till.together.move(sale.sale_id, 2, 1)
    assert [(line.listing_id, line.quantity) for line in sale.lines] == [("lst_pot", 1), ("lst_cup", 4)]
    assert sale.owners == (0, 1)
    assert await refused(shop.till.together.move(sale.sale_id, 7, 0)) == "bad_quantity"
    assert await refused(shop.till.together.move(sale.sale_id, 0, 7)) == "no_such_shopper"


async def test_while_it_is_paid_nothing_changes_and_no_share_goes_its_own_way(shop):
    sale = await basket(shop)
    assert await refused(shop.till.pay(sale.sale_id, "drawer", "acc_1")) == "pay_each_first"
    ann, ben = await shop.till.together.pay_each(sale.sale_id)
    assert await refused(shop.till.scan("4702", "acc_1")) == "being_paid"
    assert await refused(shop.till.scan("vs1.third.proof", "acc_1")) == "being_paid"
    assert await refused(shop.till.set_quantity(ben.sale_id, 0, 1)) == "being_paid"
    assert await refused(shop.till.together.move(ann.sale_id, 0, 0)) == "being_paid"
    assert await refused(shop.till.together.pay_each(ann.sale_id)) == "being_paid"
    assert await refused(shop.till.give_up(ben.sale_id)) == "undo_instead"
    await shop.till.pay(ann.sale_id, "drawer", "acc_1")
    assert await refused(shop.till.pay(ben.sale_id, "terminal", "acc_1")) == "one_at_a_time"
    await shop.till.answer(ann.sale_id, "came")
    assert await refused(shop.till.refund(ann.sale_id, "acc_1", is_restocked=True)) == "undo_instead"
    assert await refused(shop.till.together.take_back(ann.joint_id)) == "share_paid"
    assert await refused(shop.till.pay(ann.sale_id, "drawer", "acc_1")) == "not_now"


async def test_a_shopper_without_goods_and_another_total_than_shown_are_refused(shop):
    sale = await basket(shop)
    assert await refused(shop.till.together.pay_each(sale.sale_id, 45_500)) == "price_changed"
    sale = await shop.till.scan("vs1.third.proof", "acc_1")
    assert await refused(shop.till.together.pay_each(sale.sale_id)) == "shopper_without_goods"
    sale = await shop.till.together.remove(sale.sale_id, 2)
    assert len(await shop.till.together.pay_each(sale.sale_id, 44_499)) == 2


async def test_another_card_may_pay_a_share_that_was_declined(shop):
    ann, ben = await shares(shop)
    await pay_card(shop, ann)
    shop.faults.set("terminal", "declined")
    again = await pay_card(shop, ben, "open")
    assert (again.reason, again.lines, again.promotion_id) == ("no_funds", ben.lines, "pro_over")
    assert shop.booked() == [37_164]
    shop.faults.clear("terminal", "declined")
    await pay_card(shop, again)
    assert shop.booked() == [37_164, 7_335]
    assert await stage_of(shop, ann.joint_id) == "done"


@pytest.mark.parametrize("fault", ["hang_up_booked", "hang_up_unbooked"])
async def test_a_second_share_cut_in_mid_payment_is_asked_of_the_terminal_and_charged_once(shop, fault):
    ann, ben = await shares(shop)
    await pay_card(shop, ann)
    shop.faults.set("terminal", fault)
    await shop.till.pay(ben.sale_id, "terminal", "acc_1")
    if fault == "hang_up_unbooked":
        await pay_card(shop, await shop.until("open", ben.sale_id))
    paid = await shop.until("paid", ben.sale_id)
    assert paid.how_known == ("asked_again" if fault == "hang_up_booked" else "terminal")
    assert shop.booked() == [37_164, 7_335]
    assert await stage_of(shop, ann.joint_id) == "done"


async def test_a_silent_terminal_leaves_the_second_share_in_doubt_and_a_person_may_not_charge_it_again(shop):
    ann, ben = await shares(shop)
    await pay_card(shop, ann)
    shop.faults.set("terminal", "silent", after=AUTHORISATION_BYTES)
    await pay_card(shop, ben, "in_doubt")
    assert await refused(shop.till.pay(ben.sale_id, "terminal", "acc_1")) == "not_now"
    assert await refused(shop.till.pay(ben.sale_id, "drawer", "acc_1")) == "not_now"
    shop.faults.clear("terminal", "silent")
    settled = await shop.until("paid" if len(shop.booked()) == 2 else "open", ben.sale_id)
    assert (settled.stage == "paid") == (len(shop.booked()) == 2) == (await stage_of(shop, ann.joint_id) == "done")
    assert len(await shop.sold()) == len(shop.booked())


async def test_a_restart_in_the_second_payment_goes_on_where_it_was_and_charges_nobody_twice(world, eventually):
    await world.start()
    ann, ben = await shares(world)
    await pay_card(world, ann)
    world.faults.set("terminal", "silent", after=AUTHORISATION_BYTES)
    await world.till.pay(ben.sale_id, "terminal", "acc_1")
    await eventually(lambda: world.booked() == [37_164, 7_335])
    assert [one.stage.value for one in await world.till.open_sales()] in (["asking"], ["in_doubt"]), "it heard nothing"
    await world.stop()
    world.faults.clear("terminal", "silent")
    await world.start()
    await world.reachable()
    await world.until("paid", ben.sale_id)
    assert world.booked() == [37_164, 7_335]
    assert await stage_of(world, ann.joint_id) == "done"
    await world.stop()


async def test_undone_before_anybody_paid_it_is_over_at_once_for_whoever_asks(shop):
    ann, ben = await shares(shop)
    await shop.till.together.undo(ann.joint_id, may_refund=False)
    assert await stage_of(shop, ann.joint_id) == "undone"
    assert await shop.till.open_sales() == []
    assert await refused(shop.till.together.undo(ann.joint_id, may_refund=True)) == "not_now"
    assert await refused(shop.till.together.undo("joint_none", may_refund=True)) == "no_such_sale"
    assert (await shop.till.scan("4701", "acc_1")).lines[0].piece_id == "pc_1"
    assert ben.joint_id == ann.joint_id


async def test_an_undone_sale_gives_every_paid_share_back_and_is_over_only_then(shop):
    for text in (ANN, "4701", BEN, "CUP-1", "vs1.acc_cai.proof", "4702"):
        sale = await shop.till.scan(text, "acc_1")
    ann, ben, cai = await shop.till.together.pay_each(sale.sale_id)
    await pay_card(shop, ann)
    await pay_cash(shop, ben)
    assert await refused(shop.till.together.undo(ann.joint_id, may_refund=False)) == "may_not_refund"
    await shop.till.together.undo(ann.joint_id, may_refund=True)
    assert (await shop.ended(cai.sale_id)).stage == "given_up"
    assert await refused(shop.till.pay(cai.sale_id, "drawer", "acc_1")) == "not_now"
    back = await shop.till.refund(ann.sale_id, "acc_1", is_restocked=True)
    await shop.until("paid", back.sale_id)
    assert await stage_of(shop, ann.joint_id) == "undoing", "Ben's money is still here"
    by_hand = await shop.till.refund(ben.sale_id, "acc_1", is_restocked=True)
    await shop.till.answer(by_hand.sale_id, "did_not_come")
    assert await stage_of(shop, ann.joint_id) == "undoing"
    by_hand = await shop.till.refund(ben.sale_id, "acc_1", is_restocked=True)
    await shop.till.answer(by_hand.sale_id, "came")
    assert await stage_of(shop, ann.joint_id) == "undone"
    assert [one["total_minor"] for one in await refunds(shop)] == [ann.total_minor, ben.total_minor]
    assert shop.reversed() == [ann.total_minor]
    assert (await shop.till.scan("4701", "acc_1")).lines[0].piece_id == "pc_1"


@pytest.mark.parametrize("word", ["person_paid", "person_unpaid"])
async def test_a_share_in_doubt_is_settled_before_an_undone_sale_is_over(shop, word):
    earlier = await shop.till.scan("4702", "acc_1")
    await pay_card(shop, earlier)  # from now on the terminal's newest payment is known
    ann, ben = await shares(shop)
    await pay_cash(shop, ann)
    shop.faults.set("terminal", "silent", after=AUTHORISATION_BYTES)
    await pay_card(shop, ben, "in_doubt")
    await shop.till.together.undo(ann.joint_id, may_refund=True)
    by_hand = await shop.till.refund(ann.sale_id, "acc_1", is_restocked=True)
    await shop.till.answer(by_hand.sale_id, "came")
    assert await stage_of(shop, ann.joint_id) == "undoing"
    settled = await shop.till.answer(ben.sale_id, word)
    if word == "person_paid":
        assert (settled.stage, await stage_of(shop, ann.joint_id)) == ("paid", "undoing")
        return
    assert (await shop.ended(ben.sale_id)).stage == "given_up"
    assert await stage_of(shop, ann.joint_id) == "undone"


async def test_while_nobody_paid_the_goods_may_be_changed_again(shop):
    ann, ben = await shares(shop)
    shop.faults.set("terminal", "declined")
    await pay_card(shop, ann, "open")
    sale = await shop.till.together.take_back(ann.joint_id)
    assert (sale.sale_id, sale.codes, sale.owners) == (ann.sale_id, (ANN, BEN), (0, 1))
    assert [(line.price_minor, line.quantity, line.usual_minor) for line in sale.lines] == [
        (38_000, 1, 0), (2_500, 3, 0),
    ]  # fmt: skip
    assert (await shop.ended(ben.sale_id)).stage == "given_up"
    assert await stage_of(shop, ann.joint_id) == "open"
    await shop.till.scan("CUP-1", "acc_1")
    parts = await shop.till.together.pay_each(sale.sale_id)
    assert sum(part.total_minor for part in parts) == 38_000 + 4 * 2_500 - 1_001
    for part in parts:
        await pay_cash(shop, part)
    assert await stage_of(shop, ann.joint_id) == "done"


async def test_a_basket_of_several_is_given_up_whole(shop):
    sale = await basket(shop)
    await shop.till.give_up(sale.sale_id)
    assert await stage_of(shop, sale.joint_id) == "undone"


async def test_one_alone_who_reaches_it_pays_less_and_a_declined_card_leaves_a_basket_at_usual_prices(shop):
    sale = await shop.till.scan("4701", "acc_1")
    await shop.till.scan("CUP-1", "acc_1")
    shop.faults.set("terminal", "declined")
    again = await pay_card(shop, sale, "open")
    assert [(line.price_minor, line.usual_minor) for line in again.lines] == [(38_000, 0), (2_500, 0)]
    assert again.promotion_id == ""
    await shop.till.set_quantity(sale.sale_id, 1, 2)
    assert await refused(shop.till.pay(sale.sale_id, "drawer", "acc_1", 40_500)) == "price_changed"
    await shop.till.pay(sale.sale_id, "drawer", "acc_1", 43_000 - 1_001)
    await shop.till.answer(sale.sale_id, "came")
    (told,) = await shop.sold()
    assert (told.total_minor, told.joint_id, told.joint_count, told.promotion_id) == (41_999, "", 0, "pro_over")


async def test_a_sale_that_an_earlier_version_left_open_goes_on(shop):
    sale = await shop.till.scan("CUP-1", "acc_1")
    newer = ("shoppers", "at_shopper", "whose", "joint_id", "part_no", "part_count", "promotion_id", "promotion_title")

    def forget(tx):
        row = tx.get("counter_sales", sale.sale_id)
        body = {name: value for name, value in json.loads(row["body"]).items() if name not in newer}
        tx.put("counter_sales", {**row, "body": json.dumps(body)}, "counter_line")

    await shop.journal.write(forget)
    await shop.till.scan("4701", "acc_1")
    await shop.till.scan(BEN, "acc_1")
    again = await shop.till.together.add_shopper(sale.sale_id)
    again = await shop.till.together.move(sale.sale_id, 0, 1)
    assert (again.codes, again.owners) == ((BEN, ""), (1, 0))


async def test_below_the_threshold_everybody_pays_the_usual_price(shop):
    shop.plan = replace(PLAN, promotions=(replace(OVER, threshold_minor=45_501),))
    ann, ben = await shares(shop)
    assert (ann.total_minor, ben.total_minor, ann.promotion_id) == (38_000, 7_500, "")
    for part in (ann, ben):
        await pay_cash(shop, part)
    assert [line.usual_minor for one in await shop.sold() for line in one.lines] == [0, 0]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    goods=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=2, max_size=5),
    saving=st.integers(1, 30_000), threshold=st.integers(1, 60_000), undo_at=st.integers(0, 6),
)  # fmt: skip
async def test_whatever_happens_all_pay_the_whole_or_all_is_back(shop, goods, saving, threshold, undo_at):
    shop.plan = replace(PLAN, promotions=(replace(OVER, threshold_minor=threshold, saving_minor=saving),))
    for told in await shop.journal.unsent_reports():
        await shop.journal.confirm_reports(told.sequence)  # the relay has what the example before told
    for who, quantity in goods:
        await shop.till.scan(f"vs1.acc_{who}.proof", "acc_1")
        sale = await shop.till.scan("CUP-1", "acc_1")
        line_no = next(n for n, own in enumerate(sale.owners) if own == sale.at_shopper)
        sale = await shop.till.set_quantity(sale.sale_id, line_no, sale.lines[line_no].quantity + quantity - 1)
    usual_minor = sum(line.price_minor * line.quantity for line in sale.lines)
    if len(sale.codes) == 1:
        await shop.till.give_up(sale.sale_id)
        return
    parts = await shop.till.together.pay_each(sale.sale_id)
    reached = usual_minor >= threshold
    pieces = sum(line.quantity for line in sale.lines)
    whole = usual_minor - (min(saving, usual_minor - pieces) if reached else 0)
    assert sum(part.total_minor for part in parts) == whole
    is_undone = undo_at < len(parts)
    for part in parts[:undo_at]:
        await pay_cash(shop, part)
    if is_undone:
        await shop.till.together.undo(parts[0].joint_id, may_refund=True)
        for told in await shop.sold():
            back = await shop.till.refund(told.sale_id, "acc_1", is_restocked=True)
            await shop.till.answer(back.sale_id, "came")
    assert await stage_of(shop, parts[0].joint_id) == ("undone" if is_undone else "done")
    assert await shop.till.open_sales() == []
    taken = sum(one.total_minor for one in await shop.sold())
    given = sum(one["total_minor"] for one in await refunds(shop))
    assert taken - given == (0 if is_undone else whole)


async def life(world, die_at: int) -> bool:
    """Sell to two by card; die after `die_at` commits of this life. True when the life ended by itself."""
    commits = itertools.count(1)

    def on_commit(_sequence: int) -> None:
        if next(commits) == die_at:
            raise OSError(5, "Input/output error")

    try:
        await world.start(on_commit)
        await sell_to_two(world)
        return True
    except (JournalFailedError, ExceptionGroup) as error:
        flat = error.exceptions if isinstance(error, ExceptionGroup) else [error]
        if not all(isinstance(part, JournalFailedError) for part in flat):
            raise
        return False
    finally:
        await world.stop()


async def sell_to_two(world) -> None:
    """Do as a member does: look what is there and go on from there, until two receipts are there."""
    while len(await world.till.receipts()) < 2:
        if world.running.done():
            world.running.result()
        sale = await world.till.current()
        with contextlib.suppress(TillRefusedError):  # another life did it, or the terminal is still busy
            if sale is None or not sale.part_no:
                if not await world.till.open_sales() or sale is not None:
                    await fill(world, sale)
            elif sale.stage == "open":
                await world.reachable()
                await world.till.pay(sale.sale_id, "terminal", "acc_1")
        await asyncio.sleep(0.005)


async def fill(world, sale) -> None:
    has = len(sale.lines) if sale else 0
    codes = sale.codes if sale else ("",)
    if ANN not in codes:
        await world.till.scan(ANN, "acc_1")
    elif has == 0:
        await world.till.scan("4701", "acc_1")
    elif BEN not in codes:
        await world.till.scan(BEN, "acc_1")
    elif has == 1:
        await world.till.scan("CUP-1", "acc_1")
    else:
        await world.till.together.pay_each(sale.sale_id)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", ["", pytest.param("hang_up_booked", marks=pytest.mark.slow)])
async def test_killed_after_every_commit_two_shares_are_charged_once_each(world, fault):
    for die_at in itertools.count(1):
        world.journal_name = f"journal{die_at}.db"
        before = len(world.booked())
        if fault:
            world.faults.set("terminal", fault)
        lived = await life(world, die_at)
        if not lived:
            assert await life(world, 10**9)
        await world.start()
        assert sorted(world.booked()[before:]) == [2_438, 37_061], f"death {die_at}"
        sold = await world.sold()
        assert sorted(one.total_minor for one in sold) == [2_438, 37_061], f"death {die_at}"
        assert len({one.joint_id for one in sold}) == 1
        assert await stage_of(world, sold[0].joint_id) == "done"
        await world.stop()
        if lived:
            assert die_at > 8
            return
        assert die_at < LIVES_MAX
