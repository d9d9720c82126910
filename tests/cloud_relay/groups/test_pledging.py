"""Pledges: paid and held until the group closes; then all go on, or all money is back."""

import threading
from contextlib import suppress
from datetime import timedelta

import pytest

from cloud_relay import tables
from cloud_relay.escrow.providers.base import OutcomeState
from cloud_relay.groups import closing, rules
from cloud_relay.orders import service as orders
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.refusals import RefusedError
from wire.values import BadValueError

pytestmark = pytest.mark.both_stores
MS = timedelta(milliseconds=1)
USUAL, SENT = 10_000, 1200


def test_a_paid_pledge_is_held_and_the_shop_hears_nothing(groups):
    group_id = groups.start()
    order_id = groups.paid("ann", group_id)
    row = groups.world.order(order_id)
    assert (row["state"], row["total_minor"], row["due_at"]) == ("pledged", 8000 + SENT, None)
    assert groups.world.balance(f"escrow:{order_id}") == 8000 + SENT
    assert groups.free() == 11
    assert groups.world.commands() == []
    assert groups.notices("ann") == ["pledge_held"]
    assert groups.notices("owner_mer_1") == []


def test_the_third_paid_person_completes_the_group_at_once(groups):
    group_id = groups.start()
    mine = [groups.paid(who, group_id) for who in ("ann", "ann", "bob")]
    assert groups.states(*mine) == ["pledged"] * 3, "two people are no three"
    mine.append(groups.paid("cem", group_id))
    assert groups.states(*mine) == ["paid"] * 4
    assert len(groups.world.commands("LabelParcel")) == 4
    row = groups.group(group_id)
    assert (row["state"], row["end_reason"], row["saving_minor"]) == ("succeeded", "reached", 4 * 2000)
    assert groups.world.refunds() == []
    assert groups.notices("bob").count("group_complete") == 1
    assert groups.notices("owner_mer_1") == ["order_received"] * 4


def test_spending_over_gives_the_saving_back_exactly_to_each(groups):
    group_id = groups.start(promotion_id=groups.promotion("spend_over", threshold_minor=29_000, saving_minor=5000))
    mine = [groups.paid("ann", group_id), groups.paid("bob", group_id), groups.paid("bob", group_id, "lis_1")]
    assert groups.states(*mine) == ["paid"] * 3
    back = [groups.pledge_row(one)["back_minor"] for one in mine]
    assert sum(back) == 5000 == groups.group(group_id)["saving_minor"]
    assert back == [1672, 1672, 1656]
    assert [groups.world.order(one)["total_minor"] for one in mine] == [USUAL - 1672 + SENT] * 2 + [9900 - 1656 + SENT]
    lines = {row["order_id"]: row["price_minor"] for row in groups.world.rows(tables.order_line)}
    assert lines[mine[0]] == USUAL - 1672
    assert groups.give_back() == 5000
    assert groups.world.balance(f"escrow:{mine[0]}") == USUAL - 1672 + SENT


def test_every_three_cost_less(groups):
    group_id = groups.start(promotion_id=groups.promotion("n_for", listing_ids=["lis_2"]), listing_id="lis_2")
    mine = [groups.paid(who, group_id) for who in ("ann", "bob", "ann")]
    assert groups.states(*mine) == ["paid"] * 3
    assert sorted(groups.pledge_row(one)["back_minor"] for one in mine) == [1666, 1667, 1667]


def test_tax_on_top_follows_the_saving(groups):
    terms = {"is_tax_on_top": True, "rates": [{"place": "CN", "rate_ppm": 190_000}]}
    groups.world.add(
        tables.shipping_terms, shop_id="teahouse", terms=terms, is_used=True, version=1, changed_at=groups.now
    )
    group_id = groups.start(promotion_id=groups.promotion("spend_over", threshold_minor=20_000, saving_minor=3001))
    mine = [groups.paid(who, group_id) for who in ("ann", "bob")]
    for order_id, saving in zip(mine, (1501, 1500), strict=True):
        row = groups.world.order(order_id)
        tax = round((USUAL - saving + SENT) * 0.19)
        assert (row["goods_tax_minor"], row["total_minor"]) == (tax, USUAL - saving + SENT + tax)
        assert groups.pledge_row(order_id)["saving_minor"] == saving
        assert groups.pledge_row(order_id)["back_minor"] == saving + round((USUAL + SENT) * 0.19) - tax


def test_at_the_deadline_everything_goes_back_by_itself(groups):
    group_id = groups.start()
    mine = [groups.paid("ann", group_id), groups.paid("bob", group_id)]
    open_order = groups.pledge("bob", group_id).order_id
    until = groups.group(group_id)["close_until"]
    groups.world.now = until - MS
    assert not groups.close(group_id)
    assert groups.states(*mine) == ["pledged"] * 2
    groups.world.now = until
    assert groups.close(group_id)
    assert groups.states(*mine) == ["cancelled"] * 2
    assert groups.states(open_order) in (["cancelled"], ["expired"])
    assert groups.group(group_id)["state"] == "failed"
    assert groups.free() == 12
    assert groups.give_back() == 2 * (8000 + SENT)
    assert groups.world.balance("psp:sandbox") == 0
    assert groups.world.commands() == []
    assert groups.notices("ann")[-2:] == ["group_failed", "refund_done"]
    assert not groups.close(group_id)


@pytest.mark.parametrize(("early", "state"), [(MS, "paid"), (0 * MS, "cancelled"), (-MS, "cancelled")])
def test_the_last_payment_counts_up_to_the_deadline(groups, early, state):
    group_id = groups.start(close_after_s=3600)
    for who in ("ann", "bob"):
        groups.paid(who, group_id)
    until = groups.group(group_id)["close_until"]
    groups.world.now = until - timedelta(minutes=5)
    last = groups.pledge("cem", group_id)
    assert last.pay_until == until
    groups.world.now = until - early
    groups.world.settle(last.payment_id)
    # the order's own time is over with its group's
    assert groups.states(last.order_id) == ["paid" if state == "paid" else "expired"]
    groups.close(group_id)
    groups.give_back()
    if state != "paid":
        assert groups.world.balance("psp:sandbox") == 0
        assert "pledge_too_late" in groups.notices("cem")


def test_the_last_place_taken_twice_gives_the_second_his_money_back(groups):
    group_id = groups.start()
    first = [groups.paid(who, group_id) for who in ("ann", "bob")]
    racing = [groups.pledge(who, group_id) for who in ("cem", "dan")]
    groups.world.settle(racing[0].payment_id)
    assert groups.states(*first, racing[0].order_id, racing[1].order_id) == ["paid"] * 3 + ["cancelled"]
    assert "pledge_over" in groups.notices("dan")
    groups.world.settle(racing[1].payment_id)
    assert groups.states(racing[1].order_id) == ["cancelled"]
    assert "pledge_too_late" in groups.notices("dan")
    assert groups.give_back() == 8000 + SENT
    assert groups.free() == 9


@pytest.mark.parametrize("attempt", range(3))
def test_two_who_pay_at_the_same_moment_are_settled_one_after_the_other(groups, attempt):
    group_id = groups.start(promotion_id=groups.promotion(count=2))
    groups.paid("ann", group_id)
    racing = [groups.pledge(who, group_id) for who in ("bob", "cem")]
    ready = threading.Barrier(3)

    def act(call, *args):
        ready.wait()
        with suppress(RefusedError):  # who comes in a moment too late reads that it is complete
            call(*args)

    acts = [(groups.world.settle, racing[0].payment_id), (groups.world.settle, racing[1].payment_id),
            (groups.join, group_id, "ann")]  # fmt: skip
    threads = [threading.Thread(target=act, args=one) for one in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    states = sorted(groups.states(*(one.order_id for one in racing)))
    assert (groups.group(group_id)["state"], states) == ("succeeded", ["cancelled", "paid"])
    groups.give_back()
    assert -groups.world.balance("psp:sandbox") == 2 * (8000 + SENT)


def test_the_deadline_and_the_last_payment_at_the_same_moment_are_one_or_the_other(groups):
    group_id = groups.start(promotion_id=groups.promotion(count=2), close_after_s=3600)
    first = groups.paid("ann", group_id)
    groups.world.now = groups.group(group_id)["close_until"] - timedelta(minutes=1)
    last, ready = groups.pledge("bob", group_id), threading.Barrier(2)
    closing_at = groups.group(group_id)["close_until"]

    def end():
        ready.wait()
        groups.run(closing.settle_due, group_id, closing_at, groups.world.trade)

    thread = threading.Thread(target=end)
    thread.start()
    ready.wait()
    groups.world.settle(last.payment_id)
    thread.join(30)
    states = groups.states(first, last.order_id)
    # an unpaid pledge's own time is over with its group's
    assert states in (["paid", "paid"], ["cancelled", "cancelled"], ["cancelled", "expired"])
    assert groups.group(group_id)["state"] == ("succeeded" if states[0] == "paid" else "failed")
    groups.give_back()
    held = 2 * (8000 + SENT) if states[0] == "paid" else 0
    assert -groups.world.balance("psp:sandbox") == held


def test_a_declined_card_counts_for_nothing_and_may_be_followed_by_another(groups):
    group_id = groups.start(promotion_id=groups.promotion(count=2))
    groups.paid("ann", group_id)
    placed = groups.pledge("bob", group_id)
    groups.world.settle(placed.payment_id, OutcomeState.FAILED)
    assert groups.group(group_id)["state"] == "open"
    again = groups.run(orders.pay_again, "bob", placed.order_id, "sandbox:ok", groups.now, groups.world.trade)
    groups.world.settle(again)
    assert groups.states(placed.order_id) == ["paid"]


def test_what_is_not_paid_yet_counts_for_nothing(groups):
    group_id = groups.start(promotion_id=groups.promotion("n_for"))
    waiting = [groups.pledge("bob", group_id) for _ in range(2)]
    first = groups.paid("ann", group_id)
    assert groups.group(group_id)["state"] == "open"
    assert groups.states(first, *(one.order_id for one in waiting)) == ["pledged", "unpaid", "unpaid"]


def test_a_second_payment_of_one_pledge_goes_back_alone(groups):
    group_id = groups.start()
    placed = groups.pledge("ann", group_id)
    groups.world.settle(placed.payment_id, OutcomeState.FAILED)
    again = groups.run(orders.pay_again, "ann", placed.order_id, "sandbox:ok", groups.now, groups.world.trade)
    groups.world.settle(again)
    groups.world.settle(placed.payment_id)
    assert groups.states(placed.order_id) == ["pledged"]
    assert groups.give_back() == 8000 + SENT
    groups.leave("ann", group_id)
    assert groups.give_back() == 8000 + SENT
    assert groups.world.balance("psp:sandbox") == 0


def test_a_payment_after_the_pledges_own_time_goes_back(groups):
    group_id = groups.start()
    placed = groups.pledge("ann", group_id)
    groups.world.now = placed.pay_until
    groups.world.settle(placed.payment_id)
    assert groups.states(placed.order_id) == ["expired"]
    assert groups.give_back() == 8000 + SENT


def test_leaving_before_the_end_is_one_step_and_gives_the_money_back(groups):
    group_id = groups.start()
    order_id = groups.paid("bob", group_id)
    waiting = groups.pledge("bob", group_id)
    groups.leave("bob", group_id)
    assert groups.states(order_id, waiting.order_id) == ["cancelled"] * 2
    assert groups.give_back() == 8000 + SENT
    assert groups.free() == 12
    with pytest.raises(RefusedError, match="not_a_member"):
        groups.leave("bob", group_id)
    assert groups.join(group_id, "bob")
    assert groups.paid("bob", group_id)


def test_the_last_to_leave_closes_the_group(groups):
    group_id = groups.start()
    groups.leave("ann", group_id)
    row = groups.group(group_id)
    assert (row["state"], row["end_reason"]) == ("failed", "all_left")


def complete(groups, kind="spend_over", **values):
    group_id = groups.start(promotion_id=groups.promotion(kind, **{"threshold_minor": 20_000, **values}))
    return group_id, [groups.paid(who, group_id) for who in ("ann", "bob")]


def test_nobody_steps_out_of_a_complete_group(groups):
    group_id, (mine, _) = complete(groups)
    with pytest.raises(RefusedError, match="group_over"):
        groups.leave("ann", group_id)
    with pytest.raises(RefusedError, match="group_is_complete"):
        groups.world.happen(mine, E.CANCEL_ASKED, actor="ann")
    assert groups.states(mine) == ["paid"]
    assert groups.world.happen(mine, E.CANCEL_ASKED, actor="owner_mer_1") == "cancelling", "the shop may"


def test_one_refunded_afterwards_gets_what_they_paid_and_the_others_keep_their_price(groups):
    _, (mine, other) = complete(groups)
    before = groups.world.order(other)["total_minor"]
    assert groups.give_back() == 5000
    groups.world.walk(mine, E.PHOTOGRAPHED, E.DISPUTE_OPENED, E.RULED_REFUND)
    assert groups.give_back() == USUAL + SENT - 2500
    assert groups.world.balance(f"escrow:{mine}") == 0
    assert groups.world.order(other)["total_minor"] == before == USUAL + SENT - 2500


def test_a_refund_before_the_saving_is_back_gives_both(groups):
    _, (mine, _) = complete(groups)
    groups.world.walk(mine, E.DISPUTE_OPENED, E.RULED_REFUND)
    assert groups.give_back() == 5000 + USUAL + SENT - 2500


def test_the_merchant_gets_what_is_held_less_the_saving(groups):
    _, (mine, _) = complete(groups)
    groups.world.walk(mine, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.DELIVERED, E.RECEIPT)
    assert groups.world.balance("payable:mer_1") + groups.world.balance("fees:cn") == USUAL + SENT - 2500


@pytest.mark.parametrize("event", [E.PIECE_GONE, E.CHARGED_BACK])
def test_a_piece_or_a_payment_that_is_gone_leaves_the_group_without_it(groups, event):
    group_id = groups.start()
    first, other = groups.paid("ann", group_id), groups.paid("bob", group_id)
    charge = next(one for one in groups.world.rows(tables.payment) if one["order_id"] == first)
    groups.world.happen(first, event, payment_id=charge["payment_id"])
    assert groups.states(first, other) == ["refunded" if event is E.PIECE_GONE else "charged_back", "pledged"]
    for who in ("cem", "dan"):
        groups.paid(who, group_id)
    assert groups.group(group_id)["state"] == "succeeded"
    assert groups.states(first, other)[1] == "paid"
    assert groups.group(group_id)["saving_minor"] == 3 * 2000


def test_a_pledge_cancelled_on_its_own_page_leaves_its_shopper_in_the_group(groups):
    group_id = groups.start()
    order_id = groups.paid("ann", group_id)
    assert groups.world.happen(order_id, E.CANCEL_ASKED, actor="ann") == "cancelled"
    assert groups.give_back() == 8000 + SENT
    assert groups.group(group_id)["state"] == "open"
    assert groups.notices("owner_mer_1") == []


def test_nobody_pledges_more_than_ten(groups, monkeypatch):
    monkeypatch.setattr(rules, "PLEDGES_MAX", 2)
    group_id = groups.start()
    groups.paid("ann", group_id)
    groups.pledge("ann", group_id)
    with pytest.raises(RefusedError, match="too_many_pledges"):
        groups.pledge("ann", group_id)


def test_only_goods_of_the_promotion_and_none_that_are_reserved_are_pledged(groups):
    group_id = groups.start(promotion_id=groups.promotion(listing_ids=["lis_2"]), listing_id="lis_2")
    with pytest.raises(RefusedError, match="not_of_promotion"):
        groups.pledge("ann", group_id, "lis_1")
    kept = groups.world.confirm("ann", "lis_1_p0")
    with pytest.raises(BadValueError):
        groups.pledge("ann", group_id, "", parcel_id=kept.parcel_id)
    with pytest.raises(RefusedError, match="own_shop"):
        groups.pledge("owner_mer_1", group_id)


def test_this_very_piece_may_be_pledged(groups):
    group_id = groups.start()
    placed = groups.pledge("ann", group_id, piece_id="lis_2_p7")
    line = groups.world.rows(tables.order_line, tables.order_line.c.order_id == placed.order_id)[0]
    assert line["piece_id"] == "lis_2_p7"


def test_a_piece_that_is_cheaper_already_is_never_made_dearer(groups):
    group_id = groups.start(promotion_id=groups.promotion(count=2, price_minor=9950))
    mine = [groups.paid("ann", group_id, "lis_1"), groups.paid("bob", group_id)]
    assert [groups.world.order(one)["price_minor"] for one in mine] == [9900, 9950]
    assert groups.group(group_id)["saving_minor"] == 50
