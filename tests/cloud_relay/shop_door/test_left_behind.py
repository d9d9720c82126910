"""What a dead box left: the next one hears first the plan and every parcel that the old one was told of."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from cloud_relay import put_back, tables
from cloud_relay.parcels import work
from cloud_relay.shop_door import left_behind, store
from wire.commands import PhotoAnswer, ReplacePlan, TakeOverParcel


@pytest.fixture
def market(world):
    world.listing(listing_id="lis_4", pieces=4)
    world.add(tables.shop_link, shop_id="teahouse", next_sequence=9, report_sequence=4)
    plan = {"plan": {"version": 1, "shop_id": "teahouse", "shop_name": {"en": "T"}, "merchant_id": "mer_1",
                     "merchant_name": {"en": "M"}}}  # fmt: skip
    world.add(tables.shop_command, command_id="cmd_plan", shop_id="teahouse", type="ReplacePlan", data=plan,
              sequence=1, payload=b"x", ack_state="done", created_at=world.now)  # fmt: skip
    return world


def run(world, fn, *args):
    return world.database.run_now(fn, *args)


def sent(world, ack_state="done", types=()):
    """Mark what waits as sent to the old box."""
    rows = [row for row in world.commands() if row["sequence"] is None and (not types or row["type"] in types)]
    for number, row in enumerate(rows, start=world.rows(tables.shop_link)[0]["next_sequence"]):
        values = {"sequence": number, "payload": b"signed", "ack_state": ack_state}
        where = tables.shop_command.c.command_id == row["command_id"]
        run(
            world,
            lambda c, where=where, values=values: c.execute(update(tables.shop_command).where(where).values(values)),
        )
    link = update(tables.shop_link).values(next_sequence=tables.shop_link.c.next_sequence + len(rows))
    run(world, lambda c: c.execute(link))


def parcel_of(world, order_id):
    (line,) = world.rows(tables.order_line, tables.order_line.c.order_id == order_id)
    return line["parcel_id"]


def collected(world):
    return run(world, left_behind.collect, "teahouse")


def change(world, table, values, *where):
    run(world, lambda c: c.execute(update(table).where(*where).values(values)))


def test_a_first_box_and_a_shop_without_work_hear_nothing_of_parcels(market):
    assert run(market, left_behind.collect, "elsewhere") == []
    (plan,) = collected(market)
    assert isinstance(plan, ReplacePlan)


def test_what_was_never_sent_is_not_taken_over_and_what_was_sent_is_even_without_an_answer(market):
    order_id = market.paid_order(listing_id="lis_4")
    assert len(collected(market)) == 1, "the old box heard nothing of it"
    sent(market, ack_state="")
    _, parcel = collected(market)
    assert isinstance(parcel, TakeOverParcel)
    assert (parcel.order_id, parcel.label.label_no, parcel.serials, parcel.ends) == (order_id, 1, (), "")


def test_labels_photo_and_answer_are_told_as_the_relay_knows_them(market):
    order_id = market.paid_order(listing_id="lis_4")
    sent(market)
    parcel_id = parcel_of(market, order_id)
    for serial, number, state in (("OLD1", 0, "voided"), ("NEW1", 1, "read")):
        run(market, lambda c, s=serial, n=number, st=state: c.execute(insert(tables.label).values(
            label_serial=s, parcel_id=parcel_id, label_no=n, state=st, changed_at=market.now)))  # fmt: skip
    photo = "f" * 64
    change(market, tables.parcel, {"state": "photographed", "photo_sha256": photo})
    assert collected(market)[1].photo_sha256 == "", "a picture that nobody holds cannot be asked about"
    market.add(tables.picture, picture_sha256=photo, owner_id="teahouse", size_bytes=1, stored_at=market.now)
    data = {"parcel_id": parcel_id, "picture_sha256": photo, "answer": "confirmed", "reason": ""}
    market.add(tables.shop_command, command_id="cmd_z", shop_id="teahouse", type="AnswerPhoto", subject=parcel_id,
               data=data, created_at=market.now, ack_state="")  # fmt: skip
    told = collected(market)[1]
    assert (told.serials, told.void_serials) == (("NEW1",), ("OLD1",))
    assert (told.photo_sha256, told.photo_answer) == (photo, PhotoAnswer.CONFIRMED)


def test_ended_parcels_are_left_alone_and_given_up_ones_are_taken_apart(market):
    first, second = market.paid_order(listing_id="lis_4"), market.paid_order(listing_id="lis_4")
    sent(market)
    change(market, tables.parcel, {"state": "handed_over"}, tables.parcel.c.order_id == first)
    assert [one.order_id for one in collected(market)[1:]] == [second]
    run(market, work.release, "teahouse", parcel_of(market, second), "given up", market.now)
    assert collected(market)[1].ends == "", "it waits in the outbox by itself"
    sent(market)
    assert collected(market)[1].ends == "release"


def test_it_goes_out_before_whatever_waits(market):
    market.paid_order(listing_id="lis_4")
    sent(market, ack_state="accepted")
    market.later(60)
    waiting = market.paid_order(listing_id="lis_4")
    market.later(60)
    commands = collected(market)
    run(market, lambda c: store.open_link(c, "teahouse", has_new_journal=True))
    run(market, left_behind.send, "teahouse", commands, market.now)
    rows = [row for row in market.commands() if row["sequence"] is None]
    order = [row["type"] for row in sorted(rows, key=lambda row: (row["created_at"], row["command_id"]))]
    assert order == ["ReplacePlan", "TakeOverParcel", "PreparePiece", "LabelParcel", "PreparePiece", "LabelParcel"]
    assert all(row["ack_state"] == "" for row in rows) and waiting


def test_a_database_put_back_moves_deadlines_numbers_and_money_aside(market):
    placed = market.place("ann", listing_id="lis_1")
    before = market.order(placed.order_id)
    held = market.rows(tables.reservation)
    change(market, tables.shop_link, {"is_online": True, "session": "s"})
    made_at, now = market.now, market.now + timedelta(days=1)
    run(market, put_back.prepare, made_at, now)
    after = market.order(placed.order_id)
    assert after["due_at"] - before["due_at"] == timedelta(days=1)
    assert after["pay_until"] - before["pay_until"] == timedelta(days=1) and len(held) == len(
        market.rows(tables.reservation)
    )
    (link,) = market.rows(tables.shop_link)
    assert (link["is_online"], link["session"]) == (False, "")
    assert market.rows(tables.shop)[0]["next_sscc"] > put_back.SSCC_JUMP
    assert market.database.read_now(put_back.is_marked) and market.database.read_now(put_back.unasked) == 1
    run(market, put_back.clear_mark)
    assert not market.database.read_now(put_back.is_marked)
