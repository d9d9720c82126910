"""A carrier over real HTTP: booked once whatever the answers do, its words mapped or shown as they came."""

import asyncio
import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_relay import db, tables
from cloud_relay.carriers import service, store, templates
from cloud_relay.carriers.base import (
    BadCarrierWordError,
    CarrierRefusedError,
    CarrierUnknownError,
    Shipment,
    Word,
)
from cloud_relay.carriers.generic_http import NAMES, SIGNATURE_HEADER, GenericHttpCarrier, sign
from cloud_relay.carriers.manual import ManualCarrier
from cloud_relay.carriers.routes import carriers_of
from cloud_relay.carriers.steps import STEPS, BadStepsError, step_for, steps_of
from cloud_relay.carriers.times import read_time, zone_of
from cloud_relay.carriers.worker import CarrierWorker
from cloud_relay.db import DatabaseBusyError
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.parcels import epcis
from cloud_relay.refusals import RefusedError
from cloud_relay.settings import BadSettingsError, CarrierSettings, Settings
from tests.cloud_relay.carriers import carrier_peer
from tests.cloud_relay.trade_servers import PATIENT_S, SILENT_S, serving, with_silence
from tests.cloud_relay.trade_world import ADDRESS, WorldClock

BODY = {
    "ref": "{parcel_id}",
    "to": {"name": "{name}", "street": "{line_1}", "all": "{lines}", "place": "{city} {country}"},
}
TOLD = CarrierSettings(
    name="post", title_en="The Post", title_zh="邮政", url="http://127.0.0.1:1", timeout_s=PATIENT_S, book_path="/book",
    book_body=json.dumps(BODY), find_path="/book/{shipment_id}", tracking_no_at="shipment.number",
    tracking_url_at="links.0", label_at="shipment.label", words_path="/track/{tracking_no}", poll_s=600.0,
    statuses=("sorted=storing", "Zugestellt=delivered"),
)  # fmt: skip


@pytest.fixture
def peer():
    return carrier_peer.Peer()


@pytest.fixture
def told(peer, free_port):
    with serving(carrier_peer.build(peer), free_port()) as url:
        yield replace(TOLD, url=url)


@pytest.fixture
async def carrier(told, answer_s):
    told = replace(told, timeout_s=answer_s)
    carrier = GenericHttpCarrier(told, carrier_peer.TOKEN, carrier_peer.WEBHOOK_SECRET)
    yield carrier
    await carrier.close()


@pytest.fixture
def worker(world, carrier):
    return CarrierWorker(
        world.database, WorldClock(world), {"post": carrier, "manual": ManualCarrier()}, world.trade, 600
    )


@pytest.fixture
async def slow_try(world, told, peer, parcel_id):
    """A try to book that goes on until the peer may answer."""
    peer.was_asked, peer.may_answer = threading.Event(), threading.Event()
    carrier = GenericHttpCarrier(told, carrier_peer.TOKEN, "")
    worker = CarrierWorker(world.database, WorldClock(world), {"post": carrier}, world.trade, 600)
    book(world, parcel_id)
    trying = asyncio.create_task(worker.work_once())
    assert await asyncio.to_thread(peer.was_asked.wait, 30)
    yield trying
    peer.may_answer.set()
    await trying
    await carrier.close()


@pytest.fixture
def parcel_id(world):
    world.paid_order("ann")
    return world.rows(tables.parcel)[0]["parcel_id"]


def book(world, parcel_id):
    return world.database.run_now(service.start_booking, parcel_id, "post", "mo", world.now)


def shown(world, parcel_id, *, for_merchant=True):
    return world.database.read_now(lambda c: service.shown(c, parcel_id, for_merchant=for_merchant))


def hand_over(world, parcel_id):
    order_id = world.rows(tables.parcel, tables.parcel.c.parcel_id == parcel_id)[0]["order_id"]
    world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER)
    change = tables.parcel.update().where(tables.parcel.c.parcel_id == parcel_id)
    world.database.run_now(lambda c: c.execute(change.values(state="handed_over")))
    return order_id


def word(status, at, **more):
    return {"status": status, "time": at.isoformat(), **more}


async def test_a_parcel_is_booked_with_its_address_and_the_label_kept(world, worker, peer, parcel_id):
    book(world, parcel_id)
    await worker.work_once()
    found = shown(world, parcel_id)["booking"]
    assert (found["state"], found["tracking_no"]) == ("booked", "TN000001")
    assert found["tracking_url"] == "https://carrier.example/TN000001"
    assert world.database.read_now(store.label_of, parcel_id) == (carrier_peer.PDF, "application/pdf")
    assert peer.bodies[0] == {
        "ref": parcel_id,
        "to": {"name": ADDRESS.name, "street": ADDRESS.lines[0], "all": list(ADDRESS.lines), "place": "杭州 CN"},
    }


async def test_a_busy_database_has_no_parcel_booked_twice_and_no_word_lost(world, worker, peer, parcel_id, busy_once):
    book(world, parcel_id)
    met = busy_once(world.database)
    await worker.work_once()
    assert met == {"claim", "_booked"}
    assert shown(world, parcel_id)["booking"]["state"] == "booked"
    assert (len(peer.bodies), shown(world, parcel_id)["booking"]["tracking_no"]) == (1, "TN000001")
    hand_over(world, parcel_id)
    peer.events["TN000001"] = [word("sorted", world.now)]
    world.later(601)
    await worker.work_once()
    assert met == {"claim", "_booked", "take_words"}
    assert len(world.rows(tables.carrier_word)) == 1


async def test_a_claim_that_had_to_wait_begins_when_it_is_taken(world, worker, parcel_id, monkeypatch):
    """Else another relay process took a try for dead that is not, and booked a second time."""
    book(world, parcel_id)
    real, tried = world.database.run, []

    async def run(fn, *arguments):
        tried.append(fn)
        if len(tried) == 1:
            world.later(store.TRY_S)
            raise DatabaseBusyError("others write")
        if fn is not store.claim:
            (row,) = world.rows(tables.carrier_shipment)
            assert row["trying_since"] == world.now
        return await real(fn, *arguments)

    monkeypatch.setattr(world.database, "run", run)
    monkeypatch.setattr(db, "BUSY_S", 0.001)
    await worker.work_once()
    assert [fn.__name__ for fn in tried] == ["claim", "claim", "_booked"]


@with_silence
async def test_a_parcel_is_booked_once_however_often_it_is_asked_and_however_the_answers_get_lost(
    world, worker, peer, parcel_id
):
    book(world, parcel_id)
    with pytest.raises(RefusedError, match="booked_already"):
        book(world, parcel_id)
    peer.is_silent = True
    await worker.work_once()
    assert shown(world, parcel_id)["booking"]["is_doubtful"]
    assert await worker.work_once() == 0, "not before the time to ask again"
    peer.is_silent = False
    world.later(3600)
    await worker.work_once()
    assert shown(world, parcel_id)["booking"]["tracking_no"] == "TN000001"
    assert (len(peer.bookings), len(peer.bodies)) == (1, 1), "it was asked about, not booked again"


async def test_where_a_carrier_cannot_be_asked_a_person_decides(world, told, peer, parcel_id):
    def worker_of(carrier):
        return CarrierWorker(world.database, WorldClock(world), {"post": carrier}, world.trade, 600)

    hasty = GenericHttpCarrier(replace(told, find_path="", timeout_s=SILENT_S), carrier_peer.TOKEN, "")
    patient = GenericHttpCarrier(replace(told, find_path=""), carrier_peer.TOKEN, "")
    worker = worker_of(hasty)
    peer.is_silent = True
    book(world, parcel_id)
    await worker.work_once()
    world.later(3600)
    await worker.work_once()
    world.later(3600)
    assert await worker.work_once() == 0
    assert len(peer.bodies) == 1
    world.database.run_now(service.drop_booking, parcel_id, "the Post knows nothing of it", world.now)
    peer.is_silent = False
    book(world, parcel_id)
    await worker_of(patient).work_once()
    assert shown(world, parcel_id)["booking"]["state"] == "booked"
    for one in (hasty, patient):
        await one.close()


async def test_a_booking_is_not_given_up_while_the_carrier_is_being_asked(world, slow_try, peer, parcel_id):
    with pytest.raises(RefusedError, match="being_booked"):
        world.database.run_now(service.drop_booking, parcel_id, "I am in a hurry", world.now)
    peer.may_answer.set()
    await slow_try
    assert shown(world, parcel_id)["booking"]["state"] == "booked"
    assert len(peer.bookings) == 1


async def test_a_try_is_made_by_one_process_alone_until_its_time_is_over(world, parcel_id):
    shipment_id = book(world, parcel_id)["shipment_id"]

    def claim():
        return world.database.run_now(store.claim, shipment_id, world.now, world.now + timedelta(seconds=10))

    assert claim() is not None
    world.later(store.TRY_S - 1)
    assert claim() is None
    world.later(1)
    assert claim() is not None, "the process that tried it has died"


async def test_what_was_booked_after_it_was_given_up_keeps_its_number_and_the_merchant_must_cancel_it(
    world, slow_try, peer, parcel_id
):
    world.later(store.TRY_S)
    world.database.run_now(service.drop_booking, parcel_id, "the Post knows nothing of it", world.now)
    peer.may_answer.set()
    await slow_try
    late = shown(world, parcel_id)["booking"]
    assert (late["state"], late["tracking_no"]) == ("refused", "TN000001")
    assert "cancel it there" in late["reason"]
    assert world.database.read_now(store.label_of, parcel_id) is None
    told = [row["text_en"] for row in world.rows(tables.notice) if row["kind"] == "carrier_booked_late"]
    assert told and all("TN000001" in text for text in told)
    order_id = hand_over(world, parcel_id)
    row = world.database.read_now(store.by_tracking_no, "post", "TN000001")
    said = [Word(tracking_no="TN000001", raw="delivered", at=world.now)]
    world.database.run_now(service.take_words, ManualCarrier(), row, said, world.now, world.trade)
    assert world.order(order_id)["state"] == "handed_over", "no word of a booking given up moves the order"


async def test_a_refusal_is_told_with_its_reason_and_another_try_may_be_made(world, worker, peer, parcel_id):
    peer.refuses = "postal code is unknown"
    book(world, parcel_id)
    await worker.work_once()
    assert shown(world, parcel_id)["booking"]["reason"] == "postal code is unknown"
    assert shown(world, parcel_id, for_merchant=False)["booking"] is None
    peer.refuses = ""
    book(world, parcel_id)
    await worker.work_once()
    assert shown(world, parcel_id, for_merchant=False)["booking"]["tracking_no"] == "TN000001"


def test_what_is_not_paid_or_is_gone_already_is_not_booked(world, parcel_id):
    world.place("bob", listing_id="lis_1")
    unpaid = next(one["parcel_id"] for one in world.rows(tables.parcel) if one["parcel_id"] != parcel_id)
    hand_over(world, parcel_id)
    for name in (unpaid, parcel_id):
        with pytest.raises(RefusedError, match="not_to_be_sent"):
            book(world, name)


async def test_words_are_mapped_and_an_unknown_one_is_shown_as_it_came_and_moves_nothing(
    world, worker, peer, parcel_id
):
    book(world, parcel_id)
    await worker.work_once()
    order_id = hand_over(world, parcel_id)
    peer.events["TN000001"] = [
        word("Sorted", world.now, place="Hangzhou"), word("X-RAYED", world.now, text="by customs"),
        {"status": None, "time": "yesterday"}, "nonsense",
    ]  # fmt: skip
    world.later(600)
    await worker.work_once()
    words = shown(world, parcel_id)["words"]
    assert [(one["raw"], one["step"]) for one in words] == [("X-RAYED", ""), ("Sorted", "storing")]
    steps = [(one["biz_step"], one["place"], one["source"]) for one in world.rows(tables.tracking_event)]
    assert ("storing", "Hangzhou", "carrier") in steps and len(steps) == 1
    assert world.order(order_id)["state"] == "handed_over"
    peer.events["TN000001"].append(word("zugestellt", world.now, text="signed by Wang"))
    world.later(600)
    await worker.work_once()
    assert world.order(order_id)["state"] == "delivered"
    assert shown(world, parcel_id)["booking"]["state"] == "arrived"
    world.later(600)
    assert await worker.work_once() == 0, "what has arrived is not asked about any more"


async def test_what_is_said_before_the_hand_over_counts_when_it_was_handed_over(world, worker, peer, parcel_id):
    book(world, parcel_id)
    await worker.work_once()
    peer.events["TN000001"] = [word("delivered", world.now)]
    world.later(600)
    await worker.work_once()
    assert world.rows(tables.tracking_event) == []
    order_id = hand_over(world, parcel_id)
    world.later(600)
    await worker.work_once()
    assert world.order(order_id)["state"] == "delivered"


async def test_a_webhook_is_believed_only_with_its_signature_over_the_very_bytes(carrier):
    now = datetime.now(UTC)
    body = json.dumps({"shipment": {"number": "TN1"}, "events": [word("delivered", now)]}).encode()
    header = {SIGNATURE_HEADER: sign(carrier_peer.WEBHOOK_SECRET, int(now.timestamp()), body)}
    assert [one.tracking_no for one in carrier.read_words(header, body, now)] == ["TN1"]
    forged = {SIGNATURE_HEADER: sign("other", int(now.timestamp()), body)}
    for headers, content, at in (
        ({}, body, now), (forged, body, now), (header, body + b" ", now), (header, body, now + timedelta(seconds=301)),
    ):  # fmt: skip
        with pytest.raises(BadCarrierWordError):
            carrier.read_words(headers, content, at)


@pytest.mark.parametrize(
    ("text", "zone", "at", "is_known"),
    [
        ("2030-07-01T10:00:00", "Asia/Shanghai", datetime(2030, 7, 1, 2, tzinfo=UTC), True),
        ("2030-07-01T10:00:00Z", "Asia/Shanghai", datetime(2030, 7, 1, 10, tzinfo=UTC), True),
        ("2030-07-01T10:00:00+02:00", "", datetime(2030, 7, 1, 8, tzinfo=UTC), True),
        ("2030-07-01 10:00", "", datetime(2030, 7, 1, 10, tzinfo=UTC), False),
        ("0001-01-01T00:00:00", "Asia/Shanghai", None, None),
        ("9999-12-31T23:59:00-02:00", "", None, None),
    ],
)  # fmt: skip
def test_a_time_without_a_zone_is_the_carriers_own_or_not_known(text, zone, at, is_known):
    if at is None:
        with pytest.raises(ValueError, match="year"):
            read_time(text, zone_of(zone))
        return
    assert read_time(text, zone_of(zone)) == (at, is_known)


async def test_what_happened_by_a_clock_nobody_knows_counts_from_when_it_was_heard(world, worker, peer, parcel_id):
    book(world, parcel_id)
    await worker.work_once()
    order_id = hand_over(world, parcel_id)
    world.later(600)
    said = world.now - timedelta(hours=9)
    peer.events["TN000001"] = [{"status": "delivered", "time": said.replace(tzinfo=None).isoformat()}]
    await worker.work_once()
    (kept,) = shown(world, parcel_id)["words"]
    assert (kept["at"], kept["is_zone_known"]) == (said, False), "shown as the carrier wrote it"
    (event,) = world.rows(tables.tracking_event)
    assert (event["biz_step"], event["at"]) == ("delivered", world.now)
    assert world.order(order_id)["state"] == "delivered"


async def test_a_zone_that_is_told_later_makes_no_known_word_new(world, worker, told, peer, parcel_id):
    """The technician sets `time_zone`: what the carrier said before is the same word, better read, and done once."""
    book(world, parcel_id)
    await worker.work_once()
    hand_over(world, parcel_id)
    peer.events["TN000001"] = [{"status": "sorted", "time": "2026-11-20T08:15:00"}]
    world.later(600)
    await worker.work_once()
    before = world.rows(tables.tracking_event)
    berlin = GenericHttpCarrier(replace(told, time_zone="Europe/Berlin"), carrier_peer.TOKEN, "")
    row = world.database.read_now(lambda c: store.of_parcel(c, parcel_id)[0])
    said = await berlin.words("TN000001")
    assert world.database.run_now(service.take_words, berlin, row, said, world.now, world.trade) == 0
    (kept,) = shown(world, parcel_id)["words"]
    assert (kept["at"], kept["is_zone_known"]) == (datetime(2026, 11, 20, 7, 15, tzinfo=UTC), True)
    assert world.rows(tables.tracking_event) == before, "its effect came once"
    said = [replace(said[0], at=said[0].at + timedelta(hours=1), written="2026-11-20T09:15:00")]
    assert world.database.run_now(service.take_words, berlin, row, said, world.now, world.trade) == 1, (
        "an hour later is new"
    )
    await berlin.close()


async def test_without_a_webhook_secret_nothing_is_believed(told):
    carrier = GenericHttpCarrier(told, "", "")
    body, now = b"{}", datetime.now(UTC)
    with pytest.raises(BadCarrierWordError):
        carrier.read_words({SIGNATURE_HEADER: sign("", int(now.timestamp()), body)}, body, now)
    await carrier.close()


SHIPMENT = Shipment(shipment_id="shp_1", parcel_id="par_1", order_id="ord_1", to=ADDRESS)


async def test_wrong_token_absence_and_a_label_that_is_none_are_not_taken_for_a_booking(carrier, told, peer, free_port):
    stranger = GenericHttpCarrier(told, "wrong", "")
    with pytest.raises(CarrierRefusedError, match="who are you"):
        await stranger.book(SHIPMENT)
    away = GenericHttpCarrier(replace(told, url=f"http://127.0.0.1:{free_port()}"), "", "")
    with pytest.raises(CarrierUnknownError):
        await away.book(SHIPMENT)
    peer.label = b"<script>"
    with pytest.raises(CarrierUnknownError, match="PDF"):
        await carrier.book(SHIPMENT)
    peer.label = b""
    assert (await carrier.book(replace(SHIPMENT, shipment_id="shp_2"))).label == b"", "our own label then"
    for one in (stranger, away):
        await one.close()


async def test_the_manual_carrier_books_nothing():
    with pytest.raises(CarrierRefusedError):
        await ManualCarrier().book(SHIPMENT)
    assert await ManualCarrier().words("x") == []


@pytest.mark.parametrize("raw", ["Out for Delivery", "OUT-FOR-DELIVERY", " out_for_delivery "])
def test_a_word_is_one_however_it_is_spelt(raw):
    assert step_for(raw, STEPS) == epcis.OUT_FOR_DELIVERY


def test_every_step_of_the_table_is_one_of_ours_and_settings_are_checked():
    assert set(STEPS.values()) <= set(epcis.COURIER_STEPS)
    assert step_for("sorted", steps_of(["sorted=storing"])) == "storing"
    for line in ("sorted", "sorted=flying", "=storing"):
        with pytest.raises(BadStepsError):
            steps_of([line])


@given(st.text(max_size=60))
def test_what_a_person_typed_never_changes_the_messages_shape(typed):
    template = templates.read_template('{"a": "{name}", "b": ["x {name} y", 7]}', NAMES, "body")
    assert json.loads(json.dumps(templates.fill(template, {"name": typed}))) == {"a": typed, "b": [f"x {typed} y", 7]}
    assert "/" not in templates.fill_path("{name}", {"name": typed})


@pytest.mark.parametrize(
    "told",
    [
        replace(TOLD, book_body="{"), replace(TOLD, book_body='{"a": "{secret}"}'), replace(TOLD, url="ftp://x"),
        replace(TOLD, name="manual"), replace(TOLD, statuses=("x=flying",)), replace(TOLD, words_path="/{name}"),
        replace(TOLD, time_zone="Europe"), replace(TOLD, time_zone="../../etc/passwd"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_stop_the_start_and_say_why(told, tmp_path):
    with pytest.raises(BadSettingsError, match=r"\[carrier\]"):
        carriers_of(Settings(data_dir=tmp_path, carrier=told))


def test_without_settings_there_is_the_couriers_page_alone(tmp_path):
    assert list(carriers_of(Settings(data_dir=tmp_path)).by_name) == ["manual"]
