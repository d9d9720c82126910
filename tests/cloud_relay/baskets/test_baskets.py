"""Several shops in one basket: one payment, an order each with its own hold, and what becomes of it."""

import dataclasses

import pytest

from cloud_relay import tables
from cloud_relay.baskets import rules, service, store
from cloud_relay.baskets.rules import LineState, line_state
from cloud_relay.escrow import payments, settle, webhooks
from cloud_relay.escrow import rules as money
from cloud_relay.escrow.providers.base import Outcome, OutcomeState, ProviderEvent
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.refusals import RefusedError
from tests.cloud_relay.trade_servers import with_silence


def states(world, placed):
    return [world.order(one.order_id)["state"] for one in placed]


def test_where_a_line_stands():
    assert line_state([]) is LineState.OPEN
    assert line_state([("unpaid", False)]) is LineState.BEING_PAID
    assert line_state([("unpaid", False), ("cancelled", False)]) is LineState.BEING_PAID
    assert line_state([("expired", False), ("cancelled", False)]) is LineState.OPEN
    assert line_state([("paid", True)]) is LineState.DONE
    assert line_state([("refunded", True), ("unpaid", False)]) is LineState.DONE


async def test_two_shops_one_payment_a_hold_each(paying, world, bank):
    paying.add("lis_1")
    paying.add("lis_2", 2)
    assert paying.count() == 3
    read = paying.read()
    assert [(shop["name"]["en"], shop["total_minor"]) for shop in read["shops"]] == [
        ("Teahouse", 11100),
        ("Loom", 11400),
    ]
    assert read["payments"][0]["total_minor"] == 22500
    _, placed, state = await paying.pay()
    assert state == "succeeded" and states(world, placed) == ["paid"] * 3
    assert bank.held() == 22500
    assert [world.balance(money.escrow(one.order_id)) for one in placed] == [11100, 5700, 5700]
    joint = {row["joint_id"] for row in world.rows(tables.payment)}
    assert len(joint) == 1 and None not in joint
    assert paying.count() == 0 and paying.read()["shops"] == []
    assert {world.order(one.order_id)["merchant_id"] for one in placed} == {"mer_1", "mer_2"}


async def test_one_order_refunded_in_its_part_only(paying, world, bank):
    paying.add("lis_1")
    paying.add("lis_2")
    _, placed, _ = await paying.pay()
    teapot, shawl = placed
    world.walk(teapot.order_id, E.CANCEL_ASKED, E.CANCEL_DONE)
    assert await paying.worker.work_once() == 1
    assert (world.order(teapot.order_id)["state"], world.order(shawl.order_id)["state"]) == ("cancelled", "paid")
    assert bank.held() == shawl.total_minor == 5700
    assert world.balance(money.escrow(teapot.order_id)) == 0
    assert world.balance(money.escrow(shawl.order_id)) == 5700
    assert [row["amount_minor"] for row in world.refunds()] == [11100]
    world.walk(shawl.order_id, E.HANDED_OVER, E.DELIVERED, E.RECEIPT)
    assert world.balance(money.payable("mer_2")) + world.balance(money.fees("cn")) == 5700
    assert world.balance(money.payable("mer_1")) == 0


async def test_both_orders_refunded_are_the_whole_payment(paying, world, bank):
    paying.add("lis_1")
    paying.add("lis_2")
    _, placed, _ = await paying.pay()
    for one in placed:
        world.walk(one.order_id, E.CANCEL_ASKED, E.CANCEL_DONE)
    assert await paying.worker.work_once() == 2
    assert bank.held() == 0 and {row["state"] for row in world.refunds()} == {"succeeded"}


async def test_a_declined_payment_leaves_the_basket_as_it_was(paying, world, bank):
    paying.add("lis_1")
    paying.add("lis_2")
    kept = world.confirm("ann", "lis_2_p2")
    before = paying.count()
    basket_id, placed, state = await paying.pay(payment_method="sandbox:decline")
    assert state == "failed" and states(world, placed) == ["unpaid"] * 3 and bank.held() == 0
    assert paying.count() == before == 3
    assert [one["basket_id"] for one in paying.read()["unpaid"]] == [basket_id]
    run = world.database.run_now
    payment_id = run(service.pay_basket, "ann", basket_id, "sandbox:ok", world.now, world.trade)
    paid = await paying.worker.attempt(paying.payment(payment_id), lambda _connection, it: it)
    assert paid == "succeeded" and states(world, placed) == ["paid"] * 3
    assert bank.held() == sum(one.total_minor for one in placed) and paying.count() == 0
    assert world.order(placed[2].order_id)["order_id"] and placed[2].parcel_id == kept.parcel_id
    with pytest.raises(RefusedError, match="not_payable"):
        run(service.pay_basket, "ann", basket_id, "sandbox:ok", world.now, world.trade)


async def test_given_up_after_a_decline_the_lines_lie_there_again(paying, world):
    line = paying.add("lis_2", 3)
    basket_id, placed, _ = await paying.pay(payment_method="sandbox:decline")
    run = world.database.run_now
    with pytest.raises(RefusedError, match="basket_changed"):
        run(service.change_line, "ann", line, 1, world.now)
    run(service.give_up_basket, "ann", basket_id, world.now, world.trade)
    assert states(world, placed) == ["cancelled"] * 3
    lines = paying.read()["shops"][0]["lines"]
    assert [(one["line_id"], one["quantity"], one["problem"]) for one in lines] == [(line, 3, None)]
    assert (await paying.pay())[2] == "succeeded"


async def test_not_paid_in_time_the_lines_lie_there_again(paying, world):
    paying.add("lis_1")
    paying.place(payment_method="sandbox:decline")
    world.later(world.trade.settings.pay_s - 1)
    assert paying.read()["shops"] == []
    world.later(1)
    await paying.worker.work_once()
    for row in world.rows(tables.orders):
        world.database.run_now(service.steps.settle_due, row["order_id"], world.now, world.trade)
    assert [line["problem"] for shop in paying.read()["shops"] for line in shop["lines"]] == [None]


@with_silence
async def test_an_answer_that_never_came_pays_every_part_once(paying, world, bank):
    paying.add("lis_1")
    paying.add("lis_2")
    _, placed, state = await paying.pay(payment_method="sandbox:timeout_charged")
    assert state is None and states(world, placed) == ["unpaid"] * 2
    with pytest.raises(RefusedError, match="payment_open"):
        world.database.run_now(
            service.pay_basket,
            "ann",
            world.order(placed[0].order_id)["basket_id"],
            "sandbox:ok",
            world.now,
            world.trade,
        )
    world.later(60)
    await paying.worker.work_once()
    assert states(world, placed) == ["paid"] * 2 and bank.held() == 16800
    assert await paying.worker.work_once() == 0


def test_a_webhook_pays_all_parts_and_another_amount_none(baskets, world):
    baskets.add("lis_1")
    baskets.add("lis_2")
    _, placed = baskets.place()
    joint_id = baskets.payment(placed[0].payment_id).joint_id
    run = world.database.run_now

    def say(event_id, amount, state=OutcomeState.SUCCEEDED, type_="payment.succeeded"):
        outcome = Outcome(state=state, amount_minor=amount, currency="CNY")
        event = ProviderEvent(event_id=event_id, type=type_, payment_id=joint_id, outcome=outcome)
        return run(webhooks.take, "sandbox", event, b"{}", world.now, world.trade)

    assert say("evt_1", 11100)  # one part's amount is not the payment's
    assert states(world, placed) == ["unpaid"] * 2
    assert say("evt_2", 16800) and states(world, placed) == ["paid"] * 2
    assert not say("evt_2", 16800)
    assert say("evt_3", 16800) and len(world.rows(tables.transfer, tables.transfer.c.kind == "hold")) == 2
    back = ProviderEvent(event_id="evt_4", type="payment.charged_back", payment_id=joint_id)
    assert run(webhooks.take, "sandbox", back, b"{}", world.now, world.trade)
    assert states(world, placed) == ["charged_back"] * 2
    assert world.balance(money.psp("sandbox")) == 0 and world.balance(money.LOSS) == 0


def test_a_charge_back_by_the_providers_own_name_reaches_every_part(baskets, world):
    baskets.add("lis_1")
    baskets.add("lis_2")
    _, placed = baskets.place()
    joint_id, run = baskets.payment(placed[0].payment_id).joint_id, world.database.run_now
    took = Outcome(state=OutcomeState.SUCCEEDED, amount_minor=16800, currency="CNY", provider_reference="pi_1")
    run(settle.settle, joint_id, took, world.now, world.trade)
    back = ProviderEvent(event_id="evt_1", type=webhooks.CHARGED_BACK, payment_id="", provider_reference="pi_1")
    assert run(webhooks.take, "sandbox", back, b"{}", world.now, world.trade)
    assert states(world, placed) == ["charged_back"] * 2
    assert world.balance(money.psp("sandbox")) == 0


def test_a_part_never_settles_alone(baskets, world):
    baskets.add("lis_1")
    baskets.add("lis_2")
    _, placed = baskets.place()
    joint_id = baskets.payment(placed[0].payment_id).joint_id
    outcome = Outcome(state=OutcomeState.SUCCEEDED, amount_minor=16800, currency="EUR")
    assert world.database.run_now(settle.settle, joint_id, outcome, world.now, world.trade) == "started"
    assert [row["kind"] for row in world.rows(tables.notice)] == ["payment_odd"]


@with_silence
async def test_cancelled_while_the_bank_is_silent_only_that_part_goes_back(paying, world, bank):
    paying.add("lis_1")
    paying.add("lis_2")
    _, placed, _ = await paying.pay(payment_method="sandbox:timeout_charged")
    world.happen(placed[0].order_id, E.CANCEL_ASKED)
    world.later(60)
    await paying.worker.work_once()
    await paying.worker.work_once()
    assert states(world, placed) == ["cancelled", "paid"]
    assert bank.held() == placed[1].total_minor


def test_what_was_sold_meanwhile_is_named_before_paying(baskets, world):
    baskets.add("lis_1")
    baskets.add("lis_2")
    wish = baskets.wish()
    world.paid_order("bob", "lis_1")
    world.paid_order("bob", "lis_1")
    lines = [line for shop in baskets.read()["shops"] for line in shop["lines"]]
    assert [line["problem"] and line["problem"]["en"] for line in lines] == ["Sold or taken meanwhile", None]
    assert baskets.read()["payments"][0]["total_minor"] == 5700
    with pytest.raises(RefusedError) as caught:
        baskets.place(wish=wish)
    assert caught.value.type == "sold_meanwhile" and "Teapot" in caught.value.text_en
    assert "紫砂茶壶" in caught.value.text_zh and "Shawl" not in caught.value.text_en
    assert world.rows(tables.orders, tables.orders.c.account_id == "ann") == []


def test_fewer_left_than_wished_is_named_too(baskets, world):
    baskets.add("lis_2", 3)
    wish = baskets.wish()
    world.paid_order("bob", "lis_2")
    assert baskets.read()["shops"][0]["lines"][0]["problem"]["en"] == "Only 2 left"
    with pytest.raises(RefusedError, match="sold_meanwhile"):
        baskets.place(wish=wish)


def test_two_tabs_pay_once(baskets, world):
    baskets.add("lis_1")
    wish = baskets.wish()
    baskets.place(wish=wish)
    with pytest.raises(RefusedError, match="basket_changed"):
        baskets.place(wish=wish)
    assert len(world.rows(tables.orders)) == 1


def test_a_price_that_changed_is_said_and_nothing_is_placed(baskets, world):
    baskets.add("lis_1")
    with pytest.raises(RefusedError) as caught:
        baskets.place(total_minor=1)
    assert caught.value.type == "price_changed" and caught.value.extra["total_minor"] == 11100
    assert world.rows(tables.orders) == [] and baskets.count() == 1


def test_kept_pieces_lie_in_the_basket_and_are_paid_with_the_rest(baskets, world):
    kept = world.confirm("ann", "lis_1_p0")
    baskets.add("lis_2")
    assert baskets.count() == 2
    wish = baskets.wish()
    assert wish.parcel_ids == (kept.parcel_id,)
    _, placed = baskets.place(wish=wish)
    assert placed[1].parcel_id == kept.parcel_id
    assert world.rows(tables.reservation)[0]["state"] == "ordered"


def test_a_reservation_that_ran_out_is_named_by_its_goods(baskets, world):
    world.confirm("ann", "lis_1_p0")
    wish = baskets.wish()
    world.later(world.trade.settings.reservation_s)
    with pytest.raises(RefusedError, match="basket_changed"):
        baskets.place(wish=wish)


def test_nobody_reaches_into_anothers_basket(baskets, world):
    line = baskets.add("lis_1")
    run = world.database.run_now
    for use in (service.remove_line, service.restore_line):
        with pytest.raises(RefusedError, match="not_found"):
            run(use, "bob", line, world.now)
    with pytest.raises(RefusedError, match="not_found"):
        run(service.change_line, "bob", line, 2, world.now)
    with pytest.raises(RefusedError, match="basket_changed"):
        baskets.place("bob", wish=baskets.wish("ann"))


def test_the_same_goods_make_one_line_and_limits_hold(baskets, world):
    line = baskets.add("lis_1")
    assert baskets.add("lis_1", rules.QUANTITY_MAX - 1) == line
    with pytest.raises(RefusedError, match="basket_full"):
        baskets.add("lis_1")
    world.shop("mer_1", "euro", currency="EUR", gs1_prefix="")
    world.listing("euro", "lis_3", currency="EUR")
    world.database.run_now(service.change_line, "ann", line, 1, world.now)
    other = baskets.add("lis_3")
    assert [one["currency"] for one in baskets.read()["payments"]] == ["CNY", "EUR"]
    with pytest.raises(RefusedError, match="two_currencies"):
        baskets.place(line_ids=(line, other))
    with pytest.raises(RefusedError, match="basket_empty"):
        baskets.place(line_ids=())


@pytest.mark.parametrize(("over", "is_refused"), [(-1, False), (0, False), (1, True)])
def test_so_many_pieces_are_paid_at_once(baskets, world, over, is_refused):
    count = rules.PIECES_MAX + over
    world.listing("loom", "lis_9", pieces=count, price_minor=100)
    world.listing("loom", "lis_8", pieces=20, price_minor=100)
    baskets.add("lis_9", count - 15)
    baskets.add("lis_8", 15)
    if is_refused:
        with pytest.raises(RefusedError, match="basket_full"):
            baskets.place()
    else:
        assert len(baskets.place()[1]) == count


def test_taken_out_and_put_back_within_a_day(baskets, world):
    line = baskets.add("lis_1")
    run = world.database.run_now
    run(service.remove_line, "ann", line, world.now)
    assert baskets.count() == 0 and [one["line_id"] for one in baskets.read()["removed"]] == [line]
    world.later(store.UNDO.total_seconds() - 1)
    run(service.restore_line, "ann", line, world.now)
    assert baskets.count() == 1
    run(service.remove_line, "ann", line, world.now)
    world.later(store.UNDO.total_seconds())
    with pytest.raises(RefusedError, match="not_found"):
        run(service.restore_line, "ann", line, world.now)
    baskets.add("lis_2")
    assert len(world.rows(tables.basket_line)) == 1, "what cannot be taken back is forgotten"


TERMS = {
    "zones": [{"name_en": "Near", "name_zh": "近", "places": ["CN"], "free_from_minor": 10_000,
               "steps": [{"up_to_g": 1000, "price_minor": 300}, {"up_to_g": 2000, "price_minor": 900}]}],
    "rates": [{"place": "CN", "rate_ppm": 130_000, "category": ""}], "is_tax_on_top": True,
}  # fmt: skip


def ship_by_list(world, shop_id="loom"):
    world.add(tables.shipping_terms, shop_id=shop_id, terms=TERMS, changed_at=world.now)


def test_shipping_by_list_and_tax_are_in_the_total_before_paying_and_in_the_order(baskets, world):
    ship_by_list(world)
    baskets.add("lis_2")
    one = baskets.read()["payments"][0]
    assert (one["goods_minor"], one["shipping_minor"], one["tax_on_top_minor"]) == (5000, 300, 689)
    _, placed = baskets.place()
    order = world.order(placed[0].order_id)
    assert placed[0].total_minor == one["total_minor"] == 5989
    assert (order["shipping_minor"], order["goods_tax_minor"], order["goods_tax_ppm"]) == (300, 689, 130_000)
    assert order["is_tax_on_top"]


@pytest.mark.parametrize(("count", "shipping"), [(1, 300), (2, 0), (3, 0)])
def test_free_from_counts_what_is_paid_together(baskets, world, count, shipping):
    ship_by_list(world)
    baskets.add("lis_2", count)
    assert baskets.read()["payments"][0]["shipping_minor"] == shipping * count
    _, placed = baskets.place()
    assert [world.order(one.order_id)["shipping_minor"] for one in placed] == [shipping] * count


def test_what_is_not_sent_there_is_said_and_left_out(baskets, world):
    ship_by_list(world)
    baskets.add("lis_1")
    baskets.add("lis_2")
    abroad = baskets.read(country="DE", postal_code="10115")
    problems = [line["problem"] and line["problem"]["en"] for shop in abroad["shops"] for line in shop["lines"]]
    assert problems == [None, "Not sent to this address"]
    with pytest.raises(RefusedError) as caught:
        baskets.place(address=dataclasses.replace(baskets.wish().address, country="DE"))
    assert caught.value.type == "not_sent_there" and "Shawl" in caught.value.text_en


def test_a_single_order_is_charged_by_the_list_too(baskets, world):
    ship_by_list(world, "teahouse")
    with pytest.raises(RefusedError, match="price_changed"):
        world.place("ann", listing_id="lis_1", total_minor=11100)
    placed = world.place("ann", listing_id="lis_1")
    assert placed.total_minor == 9900 + 300 + tax_on(10_200)


def tax_on(net):
    return (net * 130_000 + 500_000) // 1_000_000


def test_the_payment_at_the_provider_is_the_sum_of_its_parts(baskets, world):
    baskets.add("lis_1")
    baskets.add("lis_2", 2)
    _, placed = baskets.place()
    first = baskets.payment(placed[0].payment_id)
    asked = world.database.read_now(payments.as_asked, first)
    assert (asked.payment_id, asked.amount_minor) == (first.joint_id, sum(one.total_minor for one in placed))


async def test_one_declined_payment_is_one_notice(paying, world):
    paying.add("lis_1")
    paying.add("lis_2", 2)
    await paying.pay(payment_method="sandbox:decline")
    told = world.rows(tables.notice, tables.notice.c.account_id == "ann")
    assert [row["kind"] for row in told] == ["payment_failed"]
