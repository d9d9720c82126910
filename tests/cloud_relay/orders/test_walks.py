"""Orders from reservation to the end, in a real database: state, stock, money and what goes to the shop."""

import threading
from datetime import timedelta

import pytest

from cloud_relay import tables
from cloud_relay.escrow import payments
from cloud_relay.escrow.providers.base import OutcomeState
from cloud_relay.orders import reservations, service
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.orders.trade import trade_of
from cloud_relay.refusals import RefusedError
from cloud_relay.settings import BankSettings, PaymentSettings, Settings
from cloud_relay.trading import trading_of
from tests.cloud_relay.fixed_clock import FixedClock
from wire.values import BadValueError, Sscc

TOTAL = 9900 + 1200


def stock_of(world, listing_id="lis_1"):
    row = world.rows(tables.listing, tables.listing.c.listing_id == listing_id)[0]
    return row["on_hand"], row["reserved"]


def piece_state(world, piece_id):
    return world.rows(tables.piece, tables.piece.c.piece_id == piece_id)[0]["state"]


@pytest.mark.both_stores
def test_the_whole_way_of_a_viewed_piece(world):
    kept = world.confirm("ann", "lis_1_p1")
    assert stock_of(world) == (2, 1)
    assert world.commands("PreparePiece")[0]["data"]["parcel_id"] == kept.parcel_id
    placed = world.place("ann", parcel_id=kept.parcel_id)
    assert placed.total_minor == TOTAL
    assert not world.commands("LabelParcel"), "no label before it is paid"
    world.settle(placed.payment_id)
    assert stock_of(world) == (1, 0)
    label = world.commands("LabelParcel")[0]["data"]
    assert label["parcel_id"] == kept.parcel_id
    assert world.balance(f"escrow:{placed.order_id}") == TOTAL
    sscc = Sscc(label["label"]["sscc"])
    assert label["label"]["resolver_url"].endswith(f"/00/{sscc}")
    assert label["label"]["goods_code"].endswith("/01/09521234543213/21/lis_1_p1-code")
    world.walk(placed.order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.DELIVERED, E.RECEIPT)
    assert world.order(placed.order_id)["state"] == "released"
    assert world.balance("payable:mer_1") == TOTAL - 555
    assert world.balance("fees:cn") == 555
    assert world.balance(f"escrow:{placed.order_id}") == 0
    assert [row["data"]["answer"] for row in world.commands("AnswerPhoto")] == ["confirmed"]


def test_a_double_click_reserves_once(world):
    assert world.confirm("ann", "lis_1_p0") == world.confirm("ann", "lis_1_p0")
    assert stock_of(world) == (2, 1)
    assert len(world.commands("PreparePiece")) == 1
    with pytest.raises(RefusedError, match="out_of_stock"):
        world.confirm("bob", "lis_1_p0")


def test_an_account_cannot_keep_the_whole_shop(world):
    for name in world.listing(listing_id="lis_9", pieces=3):
        world.confirm("ann", name)
    with pytest.raises(RefusedError, match="too_many_reservations"):
        world.confirm("ann", "lis_1_p0")
    assert world.confirm("bob", "lis_1_p0").state == "active"


@pytest.mark.parametrize(("seconds", "is_kept"), [(-1, True), (0, False), (1, False)])
def test_a_reservation_ends_at_its_moment(world, seconds, is_kept):
    kept = world.confirm("ann", "lis_1_p0")
    world.later(world.trade.settings.reservation_s + seconds)
    assert world.database.run_now(reservations.expire_due, world.now) == (0 if is_kept else 1)
    assert piece_state(world, "lis_1_p0") == ("reserved" if is_kept else "free")
    if is_kept:
        assert world.place("ann", parcel_id=kept.parcel_id).state == "unpaid"
    else:
        assert [row["subject"] for row in world.commands("ReleasePiece")] == [kept.parcel_id]
        with pytest.raises(RefusedError, match="reservation_over"):
            world.place("ann", parcel_id=kept.parcel_id)


def test_paying_at_the_deadline_is_too_late_even_if_no_timer_ran_yet(world):
    kept = world.confirm("ann", "lis_1_p0")
    world.later(world.trade.settings.reservation_s)
    with pytest.raises(RefusedError, match="reservation_over"):
        world.place("ann", parcel_id=kept.parcel_id)


def test_extending_works_once(world):
    kept = world.confirm("ann", "lis_1_p0")
    run = world.database.run_now
    longer = run(service.extend_reservation, "ann", kept.parcel_id, world.now, world.trade)
    assert (longer.until - kept.until).total_seconds() == world.trade.settings.extension_s
    with pytest.raises(RefusedError, match="extended_already"):
        run(service.extend_reservation, "ann", kept.parcel_id, world.now, world.trade)
    with pytest.raises(RefusedError, match="reservation_over"):
        run(service.extend_reservation, "bob", kept.parcel_id, world.now, world.trade)


def test_giving_up_frees_the_piece(world):
    kept = world.confirm("ann", "lis_1_p0")
    world.database.run_now(service.give_up_reservation, "ann", kept.parcel_id, world.now)
    assert stock_of(world) == (2, 0)
    assert len(world.commands("ReleasePiece")) == 1
    with pytest.raises(RefusedError):
        world.database.run_now(service.give_up_reservation, "ann", kept.parcel_id, world.now)


@pytest.mark.both_stores
@pytest.mark.parametrize(("seconds", "state"), [(-1, "unpaid"), (0, "expired"), (1, "expired")])
def test_an_unpaid_order_expires_at_its_moment(world, seconds, state):
    placed = world.place("ann", listing_id="lis_1")
    world.later(world.trade.settings.pay_s + seconds)
    order = world.database.run_now(service.settle_due, placed.order_id, world.now, world.trade)
    assert order.state == state
    assert stock_of(world) == ((2, 1) if state == "unpaid" else (2, 0))
    assert world.commands("ReleasePiece") == [], "the shop never heard of a parcel bought unseen and unpaid"


def test_a_late_payment_takes_the_piece_again_if_it_is_free(world):
    kept = world.confirm("ann", "lis_1_p0")
    placed = world.place("ann", parcel_id=kept.parcel_id)
    world.later(world.trade.settings.pay_s)
    world.settle(placed.payment_id)
    order = world.order(placed.order_id)
    assert order["state"] == "paid"
    assert order["ended_at"] is None
    assert stock_of(world) == (1, 0)
    line = world.rows(tables.order_line)[0]
    assert line["parcel_id"] != kept.parcel_id
    assert [row["subject"] for row in world.commands("ReleasePiece")] == [kept.parcel_id]
    assert [row["subject"] for row in world.commands("LabelParcel")] == [line["parcel_id"]]
    assert not world.refunds()


def test_a_late_payment_goes_back_if_somebody_else_has_the_piece(world):
    kept = world.confirm("ann", "lis_1_p0")
    placed = world.place("ann", parcel_id=kept.parcel_id)
    world.later(world.trade.settings.pay_s)
    world.database.run_now(service.settle_due, placed.order_id, world.now, world.trade)
    world.confirm("bob", "lis_1_p0")
    world.settle(placed.payment_id)
    assert world.order(placed.order_id)["state"] == "expired"
    assert world.balance(f"escrow:{placed.order_id}") == TOTAL
    world.settle(world.refunds()[0]["payment_id"])
    assert world.balance(f"escrow:{placed.order_id}") == 0
    assert world.balance("psp:sandbox") == 0


def test_a_declined_payment_may_be_tried_again_and_an_open_one_not(world):
    placed = world.place("ann", listing_id="lis_1")
    again = (service.pay_again, "ann", placed.order_id, "sandbox:ok", world.now, world.trade)
    with pytest.raises(RefusedError, match="payment_open"):
        world.database.run_now(*again)
    world.settle(placed.payment_id, OutcomeState.FAILED, reason="declined")
    assert world.order(placed.order_id)["state"] == "unpaid"
    second = world.database.run_now(*again)
    world.settle(second)
    assert world.order(placed.order_id)["state"] == "paid"
    with pytest.raises(LookupError):
        world.database.run_now(service.pay_again, "bob", placed.order_id, "sandbox:ok", world.now, world.trade)


@pytest.mark.parametrize("provider", ["stripe", "bank_transfer"])
def test_paying_again_another_way_waits_as_long_as_that_way_takes(world, tmp_path, provider):
    world.trade = trade_of(Settings(data_dir=tmp_path), frozenset({"sandbox", provider}))
    placed = world.place("ann", listing_id="lis_1")
    world.settle(placed.payment_id, OutcomeState.FAILED, reason="declined")
    world.later(world.trade.settings.pay_s - 10)
    until = world.now + timedelta(seconds=world.trade.pay_s[provider])
    again = world.database.run_now(
        service.pay_again, "ann", placed.order_id, f"{provider}:x", world.now, world.trade
    )  # fmt: skip
    assert world.database.read_now(payments.pay_until, again) == until, "Stripe takes none under 1800 s"
    world.later(60)
    world.database.run_now(service.settle_due, placed.order_id, world.now, world.trade)
    assert world.order(placed.order_id)["state"] == "unpaid"
    world.now = until
    world.database.run_now(service.settle_due, placed.order_id, world.now, world.trade)
    assert world.order(placed.order_id)["state"] == "expired"


def test_a_way_of_payment_that_does_not_take_the_currency_is_refused(world, tmp_path):
    bank = BankSettings(holder="Market", iban="DE89370400440532013000", currency="EUR")
    settings = Settings(
        data_dir=tmp_path, payment=PaymentSettings(also=("bank_transfer",)), bank=bank,
        secrets={"VITRINE_PAYMENT_SECRET": "a", "VITRINE_PAYMENT_WEBHOOK_SECRET": "b"},
    )  # fmt: skip
    world.trade = trading_of(settings, world.database, clock=FixedClock()).trade
    with pytest.raises(RefusedError, match="currency_not_taken"):
        world.place("ann", listing_id="lis_1", payment_method="bank_transfer:iban")
    assert not world.rows(tables.orders) and stock_of(world)[1] == 0
    placed = world.place("ann", listing_id="lis_1")
    world.settle(placed.payment_id, OutcomeState.FAILED, reason="declined")
    again = (service.pay_again, "ann", placed.order_id, "bank_transfer:iban", world.now, world.trade)
    with pytest.raises(RefusedError, match="currency_not_taken"):
        world.database.run_now(*again)
    assert world.order(placed.order_id)["payment_provider"] == "sandbox"


def test_a_declined_card_keeps_no_piece_longer(world):
    placed = world.place("ann", listing_id="lis_1")
    world.settle(placed.payment_id, OutcomeState.FAILED, reason="declined")
    world.later(world.trade.settings.pay_s - 10)
    world.database.run_now(service.pay_again, "ann", placed.order_id, "sandbox:ok", world.now, world.trade)
    assert world.order(placed.order_id)["due_at"] == placed.pay_until


def test_money_that_came_twice_goes_back_once(world):
    placed = world.place("ann", listing_id="lis_1")
    world.settle(placed.payment_id, OutcomeState.FAILED)
    second = world.database.run_now(service.pay_again, "ann", placed.order_id, "sandbox:ok", world.now, world.trade)
    world.settle(second)
    assert world.settle(placed.payment_id) == "succeeded", "the provider took it after all"
    (refund,) = world.refunds()
    assert refund["charge_id"] == placed.payment_id
    world.settle(refund["payment_id"])
    assert world.balance(f"escrow:{placed.order_id}") == TOTAL


def test_cancel_is_a_state_that_the_shop_ends(world):
    order_id = world.paid_order()
    assert world.happen(order_id, E.CANCEL_ASKED, actor="ann") == "cancelling"
    assert world.happen(order_id, E.CANCEL_ASKED, actor="ann") == "cancelling"
    assert len(world.commands("CancelParcel")) == 1
    assert world.balance(f"escrow:{order_id}") == TOTAL, "no money moves before the shop answered"
    assert world.happen(order_id, E.CANCEL_DONE) == "cancelled"
    assert stock_of(world) == (2, 0)
    (refund,) = world.refunds()
    world.settle(refund["payment_id"])
    assert world.balance(f"escrow:{order_id}") == 0


def test_a_cancel_that_comes_too_late_lets_the_order_go_on(world):
    order_id = world.paid_order()
    world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.CANCEL_ASKED)
    assert world.happen(order_id, E.CANCEL_REFUSED) == "handed_over"
    assert world.happen(order_id, E.HANDED_OVER) == "handed_over"
    with pytest.raises(RefusedError, match="too_late_to_cancel"):
        world.happen(order_id, E.CANCEL_ASKED)
    assert world.walk(order_id, E.DELIVERED, E.RECEIPT) == "released"
    assert not world.refunds()


def test_each_objection_orders_a_new_label_and_a_new_sscc(world):
    order_id = world.paid_order()
    for _ in range(2):
        world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_OBJECTED)
    labels = [row["data"]["label"] for row in world.commands("LabelParcel")]
    assert [label["label_no"] for label in labels] == [1, 2, 3]
    assert len({label["sscc"] for label in labels}) == 3
    assert world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_OBJECTED) == "cancelling"
    assert world.happen(order_id, E.CANCEL_DONE) == "cancelled"


@pytest.mark.parametrize(("seconds", "state"), [(-1, "photo_offered"), (0, "confirmed"), (1, "confirmed")])
def test_silence_counts_as_confirmed_at_the_agreed_moment(world, seconds, state):
    order_id = world.paid_order()
    world.happen(order_id, E.PHOTOGRAPHED)
    world.later(world.trade.settings.photo_window_s + seconds)
    assert world.database.run_now(service.settle_due, order_id, world.now, world.trade).state == state
    answers = [row["data"]["answer"] for row in world.commands("AnswerPhoto")]
    assert answers == ([] if state == "photo_offered" else ["silent"])


@pytest.mark.parametrize(("seconds", "state"), [(-1, "delivered"), (0, "released"), (1, "released")])
def test_money_is_released_at_the_agreed_moment_after_delivery(world, seconds, state):
    order_id = world.paid_order()
    world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.DELIVERED)
    world.later(world.trade.settings.release_after_s + seconds)
    assert world.database.run_now(service.settle_due, order_id, world.now, world.trade).state == state
    assert (world.balance("payable:mer_1") > 0) == (state == "released")


def test_money_waits_for_the_delivery(world):
    order_id = world.paid_order()
    world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER)
    world.later(world.trade.settings.release_after_s + 1)
    assert world.database.run_now(service.settle_due, order_id, world.now, world.trade).state == "handed_over"
    assert world.balance("payable:mer_1") == 0
    world.later(world.trade.settings.arrive_s)
    assert world.database.run_now(service.settle_due, order_id, world.now, world.trade).state == "disputed"


def test_a_dispute_one_second_before_release_stops_it(world):
    order_id = world.paid_order()
    world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.DELIVERED)
    world.later(world.trade.settings.release_after_s - 1)
    assert world.happen(order_id, E.DISPUTE_OPENED, actor="ann", reason="broken") == "disputed"
    world.later(2)
    assert world.database.run_now(service.settle_due, order_id, world.now, world.trade).state == "disputed"
    assert world.balance(f"dispute:{order_id}") == TOTAL
    with pytest.raises(RefusedError):
        world.happen(order_id, E.RECEIPT)
    assert world.happen(order_id, E.DISPUTE_WITHDRAWN) == "delivered"
    assert world.order(order_id)["due_at"] == world.order(order_id)["release_at"]
    assert (world.order(order_id)["due_at"] - world.now).total_seconds() == 1
    assert world.happen(order_id, E.DISPUTE_OPENED) == "disputed", "a second dispute is a new one"
    assert world.happen(order_id, E.RULED_REFUND, actor="olga", reason="seen") == "refunded"
    world.settle(world.refunds()[0]["payment_id"])
    assert world.balance("psp:sandbox") == 0


def test_a_ruling_can_split_the_money(world):
    order_id = world.paid_order()
    world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.DISPUTE_OPENED)
    assert world.happen(order_id, E.RULED_SPLIT, actor="olga", to_shopper_minor=1100) == "released"
    world.settle(world.refunds()[0]["payment_id"])
    assert world.balance("psp:sandbox") == -10_000
    assert world.balance("payable:mer_1") == 9500
    assert world.balance("fees:cn") == 500


def test_refunding_by_ruling_stops_the_bench_and_frees_the_piece(world):
    order_id = world.paid_order()
    assert world.walk(order_id, E.DISPUTE_OPENED, E.RULED_REFUND) == "refunded"
    assert len(world.commands("CancelParcel")) == 1
    assert stock_of(world) == (1, 0)
    world.happen(order_id, E.CANCEL_DONE)
    assert stock_of(world) == (2, 0)
    assert world.order(order_id)["state"] == "refunded"


@pytest.mark.both_stores
def test_a_bank_that_takes_money_back_reaches_hold_then_merchant_then_loss(world):
    first, second = world.place("ann", listing_id="lis_1"), world.place("bob", listing_id="lis_1")
    world.settle(first.payment_id)
    world.settle(second.payment_id)
    assert world.happen(first.order_id, E.CHARGED_BACK, payment_id=first.payment_id) == "charged_back"
    assert world.balance(f"escrow:{first.order_id}") == 0
    assert len(world.commands("CancelParcel")) == 1
    world.walk(second.order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.RECEIPT)
    world.happen(second.order_id, E.CHARGED_BACK, payment_id=second.payment_id)
    assert world.balance("payable:mer_1") == 0
    assert world.balance("loss") == -555
    assert world.balance("psp:sandbox") == 0


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"agrees_photo_window": False}, "photo_window_not_agreed"),
        ({"total_minor": 1}, "price_changed"),
        ({"listing_id": "lis_none"}, "not_for_sale"),
    ],
)
def test_an_order_is_refused_with_its_reason_and_leaves_nothing(world, wish, error):
    with pytest.raises(RefusedError, match=error):
        world.place("ann", **{"listing_id": "lis_1", **wish})
    assert stock_of(world) == (2, 0)
    assert not world.rows(tables.orders)


@pytest.mark.parametrize(
    "wish",
    [
        {"payment_method": "cash:ok"},
        {"payment_method": "sandbox"},
        {"parcel_id": "par_x"},
        {"listing_id": ""},
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(world, wish):
    with pytest.raises(BadValueError):
        world.place("ann", **{"listing_id": "lis_1", **wish})


@pytest.mark.both_stores
def test_five_pieces_and_sixty_four_shoppers(world):
    """Exactly five succeed: not more, and not fewer either."""
    world.listing(listing_id="lis_hot", pieces=5)
    for number in range(64):
        world.account(f"acc_{number}")
    barrier, outcomes, lock = threading.Barrier(64), [], threading.Lock()

    def buy(number):
        barrier.wait()
        try:
            placed = world.place(f"acc_{number}", listing_id="lis_hot")
            world.settle(placed.payment_id)
            outcome = "paid"
        except RefusedError as error:
            outcome = error.type
        with lock:
            outcomes.append(outcome)

    threads = [threading.Thread(target=buy, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["out_of_stock"] * 59 + ["paid"] * 5
    assert stock_of(world, "lis_hot") == (0, 0)
    assert len({row["piece_id"] for row in world.rows(tables.order_line)}) == 5
