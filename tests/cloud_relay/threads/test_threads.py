"""The thread of an order: both sides write, strangers do not, notices come once per quiet time, reports once."""

from datetime import timedelta

import pytest

from cloud_relay import tables
from cloud_relay.refusals import RefusedError
from cloud_relay.threads import rules, service
from wire.values import BadValueError

MOMENT = timedelta(milliseconds=1)
OWNER = ("owner_mer_1", frozenset({"mer_1"}))
ANN = ("ann", frozenset())


def write(world, order_id, who, text="Hello"):
    return world.database.run_now(service.write_message, order_id, *who, text, world.now)["message_id"]


def told(world, account_id, kind="order_message"):
    where = (tables.notice.c.account_id == account_id, tables.notice.c.kind == kind)
    return len(world.rows(tables.notice, *where))


def test_both_sides_write_and_nobody_else(world):
    order_id = world.paid_order()
    write(world, order_id, ANN, "Could you add a card?")
    world.later(1)
    write(world, order_id, OWNER, "Of course.\n好的")
    thread = world.database.read_now(service.read_thread, order_id, "ann")
    assert [(one["text"], one["is_mine"], one["is_from_merchant"]) for one in thread] == [
        ("Could you add a card?", True, False), ("Of course.\n好的", False, True),
    ]  # fmt: skip
    for who in (("bob", frozenset()), ("bob", frozenset({"mer_9"}))):
        with pytest.raises(RefusedError, match="not_found"):
            write(world, order_id, who)
    events = world.rows(tables.page_event, tables.page_event.c.channel == f"order:{order_id}")
    assert sum(one["kind"] == "message" for one in events) == 2


@pytest.mark.parametrize(("more", "count"), [(-MOMENT, 1), (timedelta(0), 2), (MOMENT, 2)])
def test_one_notice_per_quiet_time_and_side(world, more, count):
    order_id = world.paid_order()
    write(world, order_id, ANN)
    write(world, order_id, ANN)
    assert told(world, "owner_mer_1") == 1
    world.now += rules.QUIET + more
    write(world, order_id, ANN)
    assert told(world, "owner_mer_1") == count
    assert told(world, "ann") == 0
    write(world, order_id, OWNER)
    assert told(world, "ann") == 1


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("call 13812345678", RefusedError), ("微信: teaman_88", RefusedError), (" ", BadValueError),
        ("x" * (rules.TEXT_LENGTH_MAX + 1), BadValueError), ("a\u202eb", BadValueError),
    ],
)  # fmt: skip
def test_what_is_not_passed_on(world, text, error):
    order_id = world.paid_order()
    with pytest.raises(error):
        write(world, order_id, ANN, text)
    assert world.rows(tables.order_message) == []
    assert told(world, "owner_mer_1") == 0


def test_a_message_is_reported_once_and_by_the_other_side(world):
    message_id = write(world, world.paid_order(), OWNER, "You will regret this")
    with pytest.raises(RefusedError, match="own_message"):
        world.database.run_now(service.report_message, message_id, *OWNER, "rude", world.now)
    with pytest.raises(RefusedError, match="not_found"):
        world.database.run_now(service.report_message, message_id, "bob", frozenset(), "rude", world.now)
    for _ in range(2):
        world.database.run_now(service.report_message, message_id, *ANN, "rude", world.now)
    assert told(world, "olga", "message_reported") == 1


def test_a_thread_has_an_end(world, monkeypatch):
    monkeypatch.setattr(rules, "MESSAGES_MAX", 2)
    order_id = world.paid_order()
    for _ in range(2):
        write(world, order_id, ANN)
    with pytest.raises(RefusedError, match="thread_full"):
        write(world, order_id, ANN)
