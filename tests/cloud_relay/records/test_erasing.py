"""Export and erase: nothing of one's own is missing, nothing of others is in it, and afterwards nothing is left."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

import cloud_relay.rooms  # noqa: F401  # fills the hooks, as a running relay does
from cloud_relay import tables
from cloud_relay.db import Database
from cloud_relay.escrow.providers.base import OutcomeState
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.records import ageing, consent, erasing, exporting
from cloud_relay.records.standing import NOBODY, STANDINGS
from cloud_relay.records.uses import Use
from cloud_relay.refusals import RefusedError
from tests.cloud_relay.groups.group_world import GroupWorld
from tests.cloud_relay.rebates.rebate_world import Market
from tests.cloud_relay.records.planted import CANARY, OTHER, WHO, found_in, plant
from tests.cloud_relay.trade_world import World

NICKNAME, EMAIL = "annabird", f"{WHO}@example.org"
MS = timedelta(milliseconds=1)

UNTIL_LABEL = {
    "orders.address", "order_signature.path", "order_signature.name", "carrier_shipment.label", "shop_command.data",
    "shop_command.payload",
}  # fmt: skip
"""Where the receiver's name and address stand until the label's time is over."""
OTHERS_WORDS = {
    "order_return.answer_reason": "the merchant's answer",
    "dispute.ruling_reason": "the operator's ruling",
    "dispute.timers_left": "numbers", "group_order.terms": "the promotion's terms", "viewing_session.answer": "",
    "parcel.held_text": "the bench's words", "shop_command.ack": "the shop's answer",
    "carrier_shipment.reason": "the carrier's word", "payment.reason": "the provider's word",
    "payout.reason": "the provider's word", "tracking_event.by": "the courier", "tracking_event.epcis": "a scan",
    "order_line.title_en": "goods", "order_line.title_zh": "goods", "counter_line.title_en": "goods",
    "counter_line.title_zh": "goods", "pickup.name_en": "a place", "pickup.name_zh": "a place",
    "pickup.hours_en": "a place", "pickup.hours_zh": "a place", "pickup.address": "the place's address",
    "pickup.code": "a code that was used", "order_message.report_reason": "why another reported it",
    "group_message.report_reason": "why another reported it", "owner_message.report_reason": "why another reported it",
    "viewing_complaint.by_nickname": "the other, who complained",
    "owner_talk.asker_nickname_en": "drawn for one talk", "owner_talk.asker_nickname_zh": "drawn for one talk",
    "owner_talk.asked_nickname_en": "drawn for one talk", "owner_talk.asked_nickname_zh": "drawn for one talk",
}  # fmt: skip
"""What may hold the canary for ever, because no word of the shopper stands there in truth, or law asks for it."""
BANKS = {
    f"bank_{name}" for name in (
        "transfer.holder", "transfer.iban", "transfer.bic", "transfer.reason", "entry.text", "entry.name",
        "entry.iban", "entry.bank_reference", "entry.end_to_end_id", "entry.reason", "entry.booked_on",
        "transfer.reference",
    )
}  # fmt: skip
"""Statements and transfers as the bank has them: books."""


@pytest.fixture
def planted(database_url):
    """Return a world in which Ann has something in every table that may hold it; its rows keep no book in order."""
    database = Database(database_url)
    world = World(database)
    world.account(WHO, nickname=NICKNAME, password_hash=CANARY)
    world.account(OTHER, nickname="bobbybird")
    world.shop()
    world.listing(pieces=1)
    database.run_now(plant, world.now)
    yield world
    database.close()


def looked_for(world, *words):
    return world.database.read_now(found_in, words)


@pytest.mark.both_stores
def test_nothing_of_the_shopper_is_left_but_what_is_named(planted):
    before = looked_for(planted, CANARY, EMAIL, NICKNAME)
    assert before[CANARY] >= UNTIL_LABEL | {"saved_address.address", "order_message.text", "wish.category"}
    assert before[EMAIL] == {"account.email", "invitation.email"}
    planted.database.run_now(erasing.erase, WHO, planted.now)
    after = looked_for(planted, CANARY, EMAIL, NICKNAME)
    assert (after[EMAIL], after[NICKNAME]) == (set(), set())
    assert after[CANARY] - OTHERS_WORDS.keys() - BANKS == UNTIL_LABEL
    told = planted.rows(tables.page_event)
    assert [(one["channel"], one["kind"], one["data"]) for one in told if one["kind"] == "erased"] == [
        (f"account:{WHO}", "erased", {})
    ]
    row = planted.rows(tables.account, tables.account.c.account_id == WHO)[0]
    assert (row["is_closed"], row["nickname"], row["password_hash"]) == (True, NOBODY, "")


@pytest.mark.both_stores
@pytest.mark.parametrize(("more", "is_dropped"), [(-MS, False), (timedelta(), True), (MS, True)])
def test_the_address_goes_when_the_labels_time_is_over(planted, more, is_dropped):
    run = planted.database.run_now
    assert run(ageing.drop_labels, planted.now + 2 * ageing.LABEL_KEPT) == 0, "while the account is open it is theirs"
    run(erasing.erase, WHO, planted.now)
    assert run(ageing.drop_labels, planted.now + ageing.LABEL_KEPT + more) == int(is_dropped)
    found = looked_for(planted, CANARY)[CANARY] & UNTIL_LABEL
    assert found == (set() if is_dropped else UNTIL_LABEL)
    assert run(ageing.drop_labels, planted.now + ageing.LABEL_KEPT + more) == 0
    assert planted.rows(tables.orders)[0]["address"]["country"] == "CN"


def test_a_command_that_its_shop_has_not_acknowledged_is_emptied_after_that(planted):
    run, command = planted.database.run_now, tables.shop_command
    change = lambda **values: run(lambda connection: connection.execute(update(command).values(**values)))  # once
    change(acked_at=None)
    run(erasing.erase, WHO, planted.now)
    late = planted.now + ageing.LABEL_KEPT
    run(ageing.drop_labels, late)
    assert looked_for(planted, CANARY)[CANARY] & UNTIL_LABEL == {"shop_command.data", "shop_command.payload"}
    change(acked_at=late)
    run(ageing.drop_labels, late)
    assert not looked_for(planted, CANARY)[CANARY] & UNTIL_LABEL


@pytest.mark.both_stores
def test_the_document_holds_every_row_of_ones_own_and_nothing_of_others(planted):
    add = planted.add
    add(tables.saved_address, address_id="adr_bob", account_id=OTHER, address={"name": "otherbird"}, title="otherbird")
    add(tables.order_message, message_id="msg_m", order_id="ord_1", account_id="owner_mer_1", is_from_merchant=True,
        text="otherbird", sent_at=planted.now)  # fmt: skip
    add(tables.owner_message, message_id="own_b", talk_id="tlk_1", number=2, is_from_asker=False, text="otherbird",
        sent_at=planted.now)  # fmt: skip
    document = planted.database.read_now(exporting.export, WHO, planted.now)
    given = {one.table.name for one in STANDINGS if one.is_given}
    assert {name for name, rows in document["parts"].items() if rows} == given, "the planted row of every table"
    assert document["left_out"].keys() == {one.table.name for one in STANDINGS} - given
    assert all(document["left_out"].values())
    told = repr(document)
    assert "otherbird" not in told
    assert "bobbybird" not in told
    assert OTHER not in told
    assert f"{OTHER}@" not in told
    assert "owner_mer_1" not in told
    assert [one["kind"] for one in document["messages_to_you"]] == ["order", "talk"]
    assert document["parts"]["order_message"][0]["text"] == CANARY
    assert document["parts"]["saved_address"] == [
        one for one in document["parts"]["saved_address"] if one["account_id"] == WHO
    ]
    assert document["pictures"][0] == {
        "parcel_id": "par_1", "picture_sha256": "ab" * 32, "address": f"/pictures/{'ab' * 32}",
    }  # fmt: skip


@pytest.mark.both_stores
def test_what_is_open_keeps_the_account_and_is_said(world):
    db = world.database

    def refused(who="ann"):
        with pytest.raises(RefusedError) as caught:
            db.run_now(erasing.erase, who, world.now)
        return caught.value.type, [one["name"] for one in caught.value.extra.get("open", [])], caught.value

    order_id = world.paid_order("ann")
    kind, names, error = refused()
    assert (kind, names) == ("still_open", ["orders"])
    assert "an order that has not ended" in error.text_en
    assert "未完成的订单" in error.text_zh
    world.listing(listing_id="lis_2")
    parcel_id = world.confirm("ann", "lis_2_p0").parcel_id
    assert refused()[1] == ["orders", "holds"]
    until = world.rows(tables.reservation, tables.reservation.c.parcel_id == parcel_id)[0]["until"]
    asked = lambda at: [one["name"] for one in db.read_now(erasing.open_matters, "ann", at)]  # three times
    assert [asked(until - MS), asked(until), asked(until + MS)] == [["orders", "holds"], ["orders"], ["orders"]]
    world.now = until
    world.happen(order_id, E.DISPUTE_OPENED)
    assert refused()[1] == ["disputes"]
    world.happen(order_id, E.RULED_REFUND, actor="olga")
    assert refused()[1] == ["refunds"]
    world.settle(world.refunds()[0]["payment_id"])
    db.run_now(erasing.erase, "ann", world.now)
    assert world.rows(tables.account, tables.account.c.account_id == "ann")[0]["is_closed"]
    with pytest.raises(RefusedError) as caught:
        db.run_now(erasing.erase, "ann", world.now)
    assert caught.value.status == 404
    assert refused("olga")[0] == "operator_stays"
    assert refused("owner_mer_1")[0] == "last_owner"
    world.add(tables.member, merchant_id="mer_1", account_id="bob", role="owner")
    db.run_now(erasing.erase, "owner_mer_1", world.now)
    assert [one["account_id"] for one in world.rows(tables.member)] == ["bob"]


def test_money_in_a_rebate_account_keeps_the_account(world):
    market = Market(world)
    market.switch(wait_s=0)
    market.sell("ann")
    market.pay_dues()
    market.settle("first")
    assert market.has("ann") > 0
    with pytest.raises(RefusedError) as caught:
        market.run(erasing.erase, "ann", world.now)
    assert [one["name"] for one in caught.value.extra["open"]] == ["rebates"]
    asked = market.ask("ann", market.has("ann"))
    market.confirm("ann", asked)
    with pytest.raises(RefusedError) as caught:
        market.run(erasing.erase, "ann", world.now)
    assert [one["name"] for one in caught.value.extra["open"]] == ["withdrawals"]
    market.paid_out(asked, OutcomeState.SUCCEEDED)
    market.sell("bob")
    market.sell("ann")
    market.run(erasing.erase, "ann", world.now)
    own = world.rows(tables.rebate_ticket, tables.rebate_ticket.c.account_id == "ann")
    assert [one["state"] for one in own] == ["refunded", "refunded"], "the one in line, and the one that came in line"
    market.pay_dues()
    market.settle("second")
    assert [place for place, *_ in market.places("bob")] == [1], "who is gone waits for nothing"
    assert market.has("ann") == 0


@pytest.mark.both_stores
def test_every_yes_ends_with_the_account_and_the_rooms_hear_of_it(world, monkeypatch):
    heard = []
    for use in Use:
        monkeypatch.setitem(consent.ON_WITHDRAWN, use, [lambda _, who, at, use=use: heard.append((use, who, at))])
    monkeypatch.setattr(erasing, "ON_ERASED", [lambda _, who, at: heard.append(("erased", who, at))])
    world.database.run_now(consent.give, "ann", Use.ON_SITE, world.now)
    world.database.run_now(erasing.erase, "ann", world.now)
    assert heard == [*((use, "ann", world.now) for use in Use), ("erased", "ann", world.now)]
    assert world.rows(tables.consent) == []
    assert world.database.read_now(lambda connection: connection.scalar(select(tables.sign_in.c.account_id))) is None


@pytest.mark.both_stores
def test_who_is_gone_has_left_every_open_group(world):
    market = GroupWorld(world)
    group_id = market.start("ann")
    market.join(group_id, "bob")
    market.run(erasing.erase, "bob", world.now)
    members = world.rows(tables.group_member)
    assert [(one["account_id"], one["state"]) for one in members if one["state"] == "joined"] == [("ann", "joined")]
    assert next(one["nickname"] for one in members if one["account_id"] == "bob") == NOBODY
    assert market.group(group_id)["state"] == "open"
    market.run(erasing.erase, "ann", world.now)
    assert market.group(group_id)["state"] == "failed", "the last one closes it"


@pytest.mark.parametrize(("sequence", "is_acknowledged", "left"), [
    (None, False, []), (7, True, [{}]), (7, False, [{"text": CANARY}]),
])  # fmt: skip
def test_a_question_to_an_attendant_goes_from_the_commands_too(world, sequence, is_acknowledged, left):
    world.add(tables.viewing_session, session_id="vis_1", account_id="ann", shop_id="teahouse", piece_id="lis_1_p0",
              answer={}, created_at=world.now, changed_at=world.now)  # fmt: skip
    world.add(tables.viewing_question, question_id="qst_1", session_id="vis_1", kind="text", text=CANARY,
              asked_at=world.now)  # fmt: skip
    world.add(tables.shop_command, command_id="cmd_1", shop_id="teahouse", type="AskAttendant",
              data={"text": CANARY}, created_at=world.now, sequence=sequence, payload=b"x",
              acked_at=world.now if is_acknowledged else None)  # fmt: skip
    world.database.run_now(erasing.erase, "ann", world.now)
    assert [row["data"] for row in world.rows(tables.shop_command)] == left
    assert world.rows(tables.viewing_question) == []
    late = lambda connection: connection.execute(update(tables.shop_command).values(acked_at=world.now))
    world.database.run_now(late)
    world.database.run_now(ageing.drop_labels, world.now)
    assert CANARY not in repr(world.rows(tables.shop_command)), "once its shop has it"
