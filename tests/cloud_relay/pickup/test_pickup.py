"""Pick-up: chosen at checkout, ready, reminded on day 2 and 5, collected with a code, or back on day 7."""

import hashlib
from datetime import timedelta

import pytest

from cloud_relay import tables
from cloud_relay.orders.rules import OrderEvent
from cloud_relay.parcels import reports
from cloud_relay.pickup import points, rules, service
from cloud_relay.pickup.rules import Next, PickupTerms
from cloud_relay.refusals import RefusedError
from wire.plan import Address
from wire.reports import Ack, AckState, HandedOver, ReadyForPickup
from wire.values import BadValueError

DAY = 86400
TERMS = PickupTerms()
AT = Address(name="-", lines=("西湖路 1 号",), postal_code="310000", city="杭州", country="CN")
WORDS = {"name_en": "Teahouse counter", "name_zh": "茶馆柜台", "hours_en": "10–18"}
OWNER = frozenset({"mer_1"})


@pytest.fixture
def point_id(world) -> str:
    run = world.database.run_now
    return run(points.add, OWNER, "teahouse", AT, WORDS, world.now, is_default=False)["point_id"]


def place(world, point_id: str) -> str:
    placed = world.place("ann", listing_id="lis_1", address=None, pickup_point_id=point_id)
    world.settle(placed.payment_id)
    return placed.order_id


def report(world, message) -> None:
    def take(connection) -> None:
        reports.take_report(connection, "teahouse", message, world.now, world.trade)
        if isinstance(message, ReadyForPickup):
            service.ready(connection, "teahouse", message, world.now, TERMS)
        else:
            service.collected(connection, "teahouse", message, world.now)

    world.database.run_now(take)


@pytest.fixture
def waiting(world, point_id) -> tuple[str, str]:
    """An order that waits to be collected: (order, parcel)."""
    order_id = place(world, point_id)
    parcel_id = world.rows(tables.order_line, tables.order_line.c.order_id == order_id)[0]["parcel_id"]
    assert world.walk(order_id, OrderEvent.PHOTOGRAPHED, OrderEvent.PHOTO_CONFIRMED) == "confirmed"
    report(world, ReadyForPickup(parcel_id=parcel_id, at=world.now))
    return order_id, parcel_id


def work(world, order_id: str) -> Next:
    run = world.database.run_now
    due = world.database.read_now(service.due_orders, world.now)
    return run(service.work_on, order_id, world.now, world.trade, TERMS) if order_id in due else Next.NOTHING


def told(world, kind: str) -> int:
    return len(world.rows(tables.notice, tables.notice.c.kind == kind, tables.notice.c.account_id == "ann"))


def collected(world, parcel_id: str) -> HandedOver:
    return HandedOver(
        parcel_id=parcel_id, at=world.now, label_serial="S1", scanned="S1", courier_token_sha256="", is_collected=True
    )


def test_a_collected_order_pays_no_shipping_and_its_label_bears_point_and_hash(world, point_id):
    order_id = place(world, point_id)
    order = world.order(order_id)
    assert (order["shipping_minor"], order["total_minor"]) == (0, 9900)
    assert order["address"]["name"] == "Ann" and order["address"]["lines"][0] == "茶馆柜台"
    kept = world.rows(tables.pickup)[0]
    assert len(kept["code"]) == rules.CODE_DIGITS and kept["code"].isdigit()
    label = world.commands("LabelParcel")[0]["data"]
    expected = hashlib.sha256(f"{label['parcel_id']}.{kept['code']}".encode()).hexdigest()
    assert label["label"]["pickup_sha256"] == expected
    assert kept["code"] not in str(label), "the shop never has the code itself"
    assert world.balance(f"escrow:{order_id}") == 9900


def test_a_delivered_order_has_no_pickup(world):
    order_id = world.paid_order()
    assert world.rows(tables.pickup) == []
    assert world.commands("LabelParcel")[0]["data"]["label"].get("pickup_sha256", "") == ""
    assert world.order(order_id)["shipping_minor"] == 1200


@pytest.mark.parametrize("wish", [{"address": None}, {"pickup_point_id": "pup_1"}])
def test_an_address_or_a_point_and_never_both_or_none(world, wish):
    with pytest.raises(BadValueError, match="exactly one"):
        world.place("ann", listing_id="lis_1", **wish)


def test_a_point_of_another_shop_or_one_that_was_removed_is_refused(world, point_id):
    world.shop("mer_2", "studio")
    world.listing("studio", "lis_9")
    with pytest.raises(RefusedError) as caught:
        world.place("ann", listing_id="lis_9", address=None, pickup_point_id=point_id)
    assert caught.value.type == "pickup_point_gone"
    world.database.run_now(points.remove, OWNER, "teahouse", point_id, world.now)
    with pytest.raises(RefusedError):
        place(world, point_id)


def test_the_first_point_is_the_default_and_another_can_be(world, point_id):
    run, read = world.database.run_now, world.database.read_now
    other = run(points.add, OWNER, "teahouse", AT, {"name_en": "Station"}, world.now, is_default=False)["point_id"]
    assert [one["is_default"] for one in read(points.of_shop, "teahouse")] == [True, False]
    run(points.make_default, OWNER, "teahouse", other)
    assert read(points.of_shop, "teahouse")[0]["point_id"] == other
    run(points.remove, OWNER, "teahouse", other, world.now)
    assert [one["is_default"] for one in read(points.of_shop, "teahouse")] == [True]


def test_nobody_else_presets_points(world):
    with pytest.raises(RefusedError) as caught:
        world.database.run_now(points.add, frozenset({"mer_9"}), "teahouse", AT, WORDS, world.now, is_default=False)
    assert caught.value.type == "not_found"


def test_ready_is_told_at_once_and_once(world, waiting):
    order_id, parcel_id = waiting
    report(world, ReadyForPickup(parcel_id=parcel_id, at=world.now))
    assert world.rows(tables.pickup)[0]["state"] == "ready"
    assert told(world, "ready_to_collect") >= 1
    assert world.order(order_id)["state"] == "confirmed"


@pytest.mark.parametrize(
    ("moments", "reminders"),
    [
        ([2 * DAY - 1], 0),
        ([2 * DAY], 1),
        ([2 * DAY + 1, 2 * DAY + 2], 1),
        ([2 * DAY, 5 * DAY - 1], 1),
        ([2 * DAY, 5 * DAY], 2),
        ([2 * DAY, 5 * DAY + 1, 5 * DAY + 2], 2),
        ([6 * DAY], 1),  # a relay that was away reminds once, not twice
    ],
)
def test_reminders_come_on_day_2_and_5_and_never_twice(world, waiting, moments, reminders):
    order_id, _ = waiting
    began = world.now
    for seconds in moments:
        world.now = began + timedelta(seconds=seconds)
        work(world, order_id)
    assert told(world, "collect_reminder") == reminders


@pytest.mark.parametrize(("seconds", "state"), [(-1, "confirmed"), (0, "cancelling"), (1, "cancelling")])
def test_what_nobody_collected_goes_back_on_day_7(world, waiting, seconds, state):
    order_id, _ = waiting
    world.later(7 * DAY + seconds)
    work(world, order_id)
    assert world.order(order_id)["state"] == state
    assert len(world.commands("CancelParcel")) == (state == "cancelling")


@pytest.mark.parametrize(
    ("seconds", "what"),
    [
        (2 * DAY - 1, Next.NOTHING),
        (2 * DAY, Next.REMIND),
        (7 * DAY - 1, Next.REMIND),
        (7 * DAY, Next.GO_BACK),
        (7 * DAY + 1, Next.GO_BACK),
    ],
)
def test_each_moment_is_due_when_it_is_reached_and_not_before(world, seconds, what):
    assert rules.due(world.now, 0, world.now + timedelta(seconds=seconds), TERMS) is what


def test_not_collected_is_back_in_stock_and_refunded_by_the_usual_way(world, waiting):
    order_id, parcel_id = waiting
    world.later(7 * DAY)
    assert work(world, order_id) is Next.GO_BACK
    assert work(world, order_id) is Next.NOTHING
    assert told(world, "not_collected") == 1
    ack = Ack(command_id="c", state=AckState.DONE, at=world.now, journal_sequence=1, journal_hash="")
    world.database.run_now(reports.take_cancel_ack, "teahouse", parcel_id, ack, world.now, world.trade)
    assert world.order(order_id)["state"] == "cancelled"
    assert [one["amount_minor"] for one in world.refunds()] == [9900]
    assert {one["state"] for one in world.rows(tables.piece)} == {"free"}
    assert work(world, order_id) is Next.NOTHING


@pytest.mark.both_stores
def test_collected_is_signed_for_and_the_clock_after_delivery_runs(world, waiting):
    order_id, parcel_id = waiting
    report(world, collected(world, parcel_id))
    order = world.order(order_id)
    assert order["state"] == "delivered"
    assert order["handed_over_at"] == order["delivered_at"] == world.now
    assert order["release_at"] is not None
    kept = world.rows(tables.pickup)[0]
    assert (kept["state"], kept["code"], kept["next_at"]) == ("collected", "", None)
    assert told(world, "collected") == 1 and told(world, "handed_over") == 0
    world.later(30 * DAY)
    assert work(world, order_id) is Next.NOTHING
    assert world.happen(order_id, OrderEvent.RECEIPT) == "released"


def test_collected_in_the_moment_of_going_back_is_collected(world, waiting):
    order_id, parcel_id = waiting
    world.later(7 * DAY)
    work(world, order_id)
    report(world, collected(world, parcel_id))
    ack = Ack(command_id="c", state=AckState.REFUSED, at=world.now, journal_sequence=1, journal_hash="")
    world.database.run_now(reports.take_cancel_ack, "teahouse", parcel_id, ack, world.now, world.trade)
    assert world.order(order_id)["state"] == "delivered"
    assert world.refunds() == []


def test_a_dispute_stops_reminders_and_the_way_back(world, waiting):
    order_id, _ = waiting
    world.happen(order_id, OrderEvent.DISPUTE_OPENED, actor="ann", reason="damaged")
    world.later(8 * DAY)
    assert work(world, order_id) is Next.NOTHING
    assert world.order(order_id)["state"] == "disputed"


def test_a_cancelled_order_is_reminded_of_no_more(world, waiting):
    order_id, _ = waiting
    world.happen(order_id, OrderEvent.CANCEL_ASKED, actor="ann")
    world.later(2 * DAY)
    assert work(world, order_id) is Next.NOTHING
    assert told(world, "collect_reminder") == 0
    assert world.rows(tables.pickup)[0]["state"] == "ended"


def test_the_code_is_the_shoppers_and_only_while_it_waits(world, waiting):
    order_id, parcel_id = waiting
    read = world.database.read_now
    code = world.rows(tables.pickup)[0]["code"]
    assert read(service.of_order, order_id, for_shopper=True)["code"] == code
    assert read(service.of_order, order_id, for_shopper=False)["code"] == ""
    report(world, collected(world, parcel_id))
    assert read(service.of_order, order_id, for_shopper=True)["code"] == ""


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (PickupTerms(remind_s=(), collect_s=10), [10]),
        (PickupTerms(remind_s=(5, 2), collect_s=10), [2, 5, 10]),
        (PickupTerms(remind_s=(2, 20), collect_s=10), [2, 10]),
    ],
)
def test_times_are_as_configured(world, terms, expected):
    moments = [rules.next_at(world.now, sent, terms) for sent in range(len(expected))]
    assert [(one - world.now).total_seconds() for one in moments] == expected
