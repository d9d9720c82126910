"""What shops and couriers say, in a real database: parcel, labels, order, timeline, shop box, notices."""

import hashlib
from datetime import timedelta

import pytest
from jsonschema import Draft202012Validator

from cloud_relay import tables
from cloud_relay.orders import reading
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.parcels import epcis, resolver, store, tracking
from cloud_relay.parcels import reports as room
from cloud_relay.parcels.resolver import Asker
from cloud_relay.refusals import RefusedError
from tests.cloud_relay.parcels.epcis_schema import DOCUMENT
from wire import reports
from wire.plan import Text
from wire.reports import Ack, AckState, PictureKind

TOKEN = "courier-token-1"
PHOTO = "f" * 64


@pytest.fixture
def bench(world):
    """An order of Ann's at the bench, with shortcuts to report about it."""
    return Bench(world, world.paid_order())


class Bench:
    def __init__(self, world, order_id):
        self.world, self.order_id = world, order_id
        self.run, self.read = world.database.run_now, world.database.read_now

    @property
    def parcel_id(self):
        lines = self.world.rows(tables.order_line, tables.order_line.c.order_id == self.order_id)
        return lines[0]["parcel_id"]

    @property
    def parcel(self):
        return self.read(store.load, self.parcel_id)

    def report(self, type_, shop_id="teahouse", **values):
        self.world.later(1)
        report = type_(parcel_id=self.parcel_id, at=self.world.now, **values)
        self.run(room.take_report, shop_id, report, self.world.now, self.world.trade)

    def to_photo(self, serial="L1", label_no=1):
        self.report(reports.PiecePicked)
        self.report(reports.PiecePacked)
        self.report(reports.LabelPrinted, label_serial=serial, label_no=label_no)
        self.report(reports.LabelApplied, label_serial=serial)
        self.report(reports.LabelRead, label_serial=serial)
        self.report(reports.ParcelPhotographed, label_serial=serial, picture_sha256=PHOTO)

    def hand_over(self):
        self.to_photo()
        self.world.happen(self.order_id, E.PHOTO_CONFIRMED)
        digest = hashlib.sha256(TOKEN.encode()).hexdigest()
        self.report(reports.HandedOver, label_serial="L1", scanned="x", courier_token_sha256=digest)

    def scan(self, step="arriving", place="Shanghai", code=None, token=TOKEN, at=None):
        code = self.parcel.sscc if code is None else code
        proof = epcis.Proof(received_by="the neighbour") if step == "delivered" else epcis.NO_PROOF
        values = (self.parcel_id, token, code, step, place, at, self.world.now, self.world.trade, proof)
        return self.run(tracking.record_scan, *values)


def test_the_bench_leads_to_the_shoppers_photo(bench):
    bench.to_photo()
    assert bench.world.order(bench.order_id)["state"] == "photo_offered"
    assert bench.parcel.photo_sha256 == PHOTO
    kinds = [row["kind"] for row in bench.world.rows(tables.notice, tables.notice.c.account_id == "ann")]
    assert kinds == ["order_paid", "photo_ready"]
    timeline = bench.read(reading.timeline, bench.order_id)
    assert [line["kind"] for line in timeline][-1] == "photographed"
    assert timeline[-1]["picture_sha256"] == PHOTO
    assert bench.world.rows(tables.label)[0]["state"] == "read"


def test_another_shops_parcel_is_refused(bench):
    bench.world.shop(merchant_id="mer_2", shop_id="studio", gs1_prefix="")
    with pytest.raises(RefusedError, match="unknown_parcel"):
        bench.report(reports.PiecePicked, shop_id="studio")
    assert bench.parcel.state == "preparing"


def test_an_objection_voids_the_label_for_the_courier(bench):
    bench.to_photo()
    old_sscc = bench.parcel.sscc
    bench.world.happen(bench.order_id, E.PHOTO_OBJECTED, reason="wrong name")
    bench.report(reports.LabelVoided, label_serial="L1")
    bench.report(reports.LabelPrinted, label_serial="L2", label_no=2)
    assert bench.parcel.sscc != old_sscc
    (voided,) = [row["epcis"] for row in bench.read(store.tracking_of, bench.parcel_id) if row["biz_step"] == "voided"]
    assert (voided["bizStep"], voided["action"]) == ("decommissioning", "DELETE")
    assert voided["epcList"] == [f"{bench.world.trade.resolver_url}/00/{old_sscc}"]
    bench.report(reports.ParcelPhotographed, label_serial="L2", picture_sha256="e" * 64)
    bench.world.happen(bench.order_id, E.PHOTO_CONFIRMED)
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    bench.report(reports.HandedOver, label_serial="L2", scanned="x", courier_token_sha256=digest)
    with pytest.raises(RefusedError, match="wrong_parcel"):
        bench.scan(code=old_sscc)
    with pytest.raises(RefusedError, match="void_label"):
        bench.scan(code=f"{bench.parcel.uri('http://x')}?s=L1")
    assert bench.scan(code=f"{bench.parcel.uri('http://x')}?s=L2")["biz_step"] == "arriving"
    assert bench.read(resolver.resolve_sscc, old_sscc, Asker("ann"))["is_current"] is False


def test_each_scan_reaches_shop_shopper_and_log(bench):
    bench.hand_over()
    bench.world.later(3600)
    event = bench.scan()
    (command,) = bench.world.commands("RecordTracking")
    assert command["data"]["event_id"] == event["event_id"]
    assert command["data"]["event"]["bizStep"] == "arriving"
    assert bench.parcel.state == "in_transit"
    notices = bench.world.rows(tables.notice, tables.notice.c.kind == "tracking")
    assert "Shanghai" in notices[0]["text_en"] and "已到达" in notices[0]["text_zh"]
    channels = [row["channel"] for row in bench.world.rows(tables.page_event, tables.page_event.c.kind == "tracking")]
    assert f"order:{bench.order_id}" in channels
    assert not [channel for channel in channels if channel.startswith("shop:")], "a shop's channel is public"


def test_a_second_press_is_not_a_second_scan(bench):
    bench.hand_over()
    first = bench.scan()
    bench.world.later(59)
    assert bench.scan()["event_id"] == first["event_id"]
    bench.world.later(2)
    assert bench.scan()["event_id"] != first["event_id"]
    assert len(bench.world.commands("RecordTracking")) == 2


def test_delivery_starts_the_clock_of_the_money(bench):
    bench.hand_over()
    bench.scan("delivered", "front door")
    order = bench.world.order(bench.order_id)
    assert order["state"] == "delivered"
    assert order["release_at"] == bench.world.now + timedelta(seconds=order["release_after_s"])
    bench.world.later(600)
    bench.scan("delivered", "front door")
    assert bench.world.order(bench.order_id)["release_at"] == order["release_at"], "a repeat moves no deadline"
    bench.scan("storing", "depot")
    assert bench.parcel.state == "delivered"


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"token": "guess"}, "not_found"),
        ({"code": "952000000000000000"}, "wrong_parcel"),
        ({"step": "flying"}, "unknown_step"),
        ({"at": "old"}, "bad_time"),
        ({"at": "ahead"}, "bad_time"),
    ],
)
def test_a_scan_that_cannot_be_is_refused(bench, values, error):
    bench.hand_over()
    times = {"old": -timedelta(days=8), "ahead": timedelta(minutes=6)}
    if "at" in values:
        values = {"at": bench.world.now + times[values["at"]]}
    with pytest.raises(RefusedError, match=error):
        bench.scan(**values)
    assert not bench.world.commands("RecordTracking")
    assert bench.scan()["biz_step"] == "arriving", "the right one is taken"


def test_no_courier_link_before_the_hand_over(bench):
    bench.to_photo()
    with pytest.raises(RefusedError, match="not_found"):
        bench.scan(token="")


def test_a_wrong_scan_is_declared_and_stays(bench):
    bench.hand_over()
    wrong = bench.scan()
    run, now = bench.run, bench.world.now
    declared = run(tracking.correct, bench.parcel_id, TOKEN, wrong["event_id"], now)
    again = run(tracking.correct, bench.parcel_id, TOKEN, wrong["event_id"], now)
    assert again["event_id"] == declared["event_id"] != wrong["event_id"]
    assert declared["epcis"]["eventID"] == wrong["epcis"]["eventID"]
    with pytest.raises(RefusedError, match="not_found"):
        run(tracking.correct, bench.parcel_id, "guess", wrong["event_id"], now)
    delivered = bench.scan("delivered")
    with pytest.raises(RefusedError, match="delivery_stands"):
        run(tracking.correct, bench.parcel_id, TOKEN, delivered["event_id"], now)
    texts = [line["text"]["en"] for line in bench.read(reading.timeline, bench.order_id)]
    assert "Arrived: Shanghai (recorded in error)" in texts


def test_the_journey_exports_as_a_valid_epcis_document(bench):
    bench.hand_over()
    for step in ("departing", "arriving", "delivering", "delivered"):
        bench.world.later(7200)
        bench.scan(step, f"place of {step}")
    document = bench.read(store.document_of, bench.parcel, bench.world.now, bench.world.trade)
    assert [error.message for error in Draft202012Validator(DOCUMENT).iter_errors(document)] == []
    events = document["epcisBody"]["eventList"]
    objects = [event for event in events if event["type"] == "ObjectEvent"]
    assert [event["bizStep"] for event in objects] == [
        "picking", "packing", "commissioning", "shipping", "departing", "arriving", "transporting", "accepting",
    ]  # fmt: skip
    sscc_uri = f"{bench.world.trade.resolver_url}/00/{bench.parcel.sscc}"
    assert all(event["epcList"] == [sscc_uri] for event in objects[2:])
    (enclosed,) = [event for event in events if event["type"] == "AggregationEvent"]
    assert (enclosed["parentID"], enclosed["childEPCs"]) == (sscc_uri, objects[0]["epcList"])


def test_a_piece_that_is_gone_ends_the_order_and_frees_nothing(bench):
    bench.report(reports.PieceGone, reason="sold at the counter")
    assert bench.world.order(bench.order_id)["state"] == "refunded"
    assert bench.world.order(bench.order_id)["end_reason"] == "piece_gone"
    assert len(bench.world.refunds()) == 1
    listing = bench.world.rows(tables.listing)[0]
    assert (listing["on_hand"], listing["reserved"]) == (1, 0)
    assert bench.world.rows(tables.piece, tables.piece.c.piece_id == "lis_1_p0")[0]["state"] == "gone"


def test_a_piece_that_is_gone_ends_a_reservation_and_an_unpaid_order(world):
    kept = world.confirm("ann", "lis_1_p0")
    report = reports.PieceGone(parcel_id=kept.parcel_id, at=world.now)
    world.database.run_now(room.take_report, "teahouse", report, world.now, world.trade)
    assert world.rows(tables.reservation)[0]["state"] == "gone"
    unpaid = world.place("bob", listing_id="lis_1")
    report = reports.PieceGone(parcel_id=unpaid.parcel_id, at=world.now)
    world.database.run_now(room.take_report, "teahouse", report, world.now, world.trade)
    assert world.order(unpaid.order_id)["state"] == "cancelled"
    listing = world.rows(tables.listing)[0]
    assert (listing["on_hand"], listing["reserved"]) == (0, 0)


@pytest.mark.parametrize(
    ("ack", "state"),
    [(AckState.ACCEPTED, "cancelling"), (AckState.DONE, "cancelled"), (AckState.REFUSED, "handed_over"),
     (AckState.FAILED, "disputed"), (AckState.STALE, "disputed"), (AckState.UNSUPPORTED, "disputed")],
)  # fmt: skip
def test_the_shops_answer_ends_a_cancel(bench, ack, state):
    bench.world.happen(bench.order_id, E.CANCEL_ASKED)
    answer = Ack(command_id="c", state=ack, at=bench.world.now, journal_sequence=1, journal_hash="")
    world = bench.world
    world.database.run_now(room.take_cancel_ack, "teahouse", bench.parcel_id, answer, world.now, world.trade)
    assert world.order(bench.order_id)["state"] == state


def test_held_at_the_bench_tells_the_merchant(bench):
    bench.report(reports.ParcelHeld, reason="label_doubt")
    assert bench.parcel.held_reason == "label_doubt"
    assert [row["kind"] for row in bench.world.rows(tables.notice, tables.notice.c.kind == "parcel_held")] == [
        "parcel_held"
    ]
    bench.report(reports.ParcelResumed, answer="reprint")
    assert bench.parcel.held_reason == ""


def test_the_story_gives_reasons_in_words_and_no_code(bench):
    def why() -> dict[str, str]:
        return bench.read(reading.timeline, bench.order_id)[-1]["reason_text"]

    bench.report(reports.ParcelHeld, reason="paper_out", text=Text(en="Out of labels", zh="标签纸用完"))
    assert why() == {"en": "Out of labels", "zh": "标签纸用完"}
    bench.report(reports.LabelPrinted, label_no=1, label_serial="L1")
    bench.report(reports.LabelVoided, label_serial="L1", reason="label_two")
    assert why() == {"en": "two labels were on it", "zh": "贴了两张标签"}
    bench.report(reports.ParcelHeld, reason="a_code_of_tomorrow")
    assert why() == {"en": "", "zh": ""}


def test_a_stored_picture_of_the_packed_piece_is_in_the_story(bench):
    kind = PictureKind.PACKED
    bench.run(room.take_picture, "teahouse", bench.parcel_id, kind, "d" * 64, bench.world.now)
    assert bench.parcel.packed_sha256 == "d" * 64
    assert bench.read(reading.timeline, bench.order_id)[-1]["picture_sha256"] == "d" * 64


def test_who_asks_decides_what_a_code_shows(bench):
    bench.hand_over()
    parcel, read, now = bench.parcel, bench.read, bench.world.now
    stranger = read(resolver.resolve_sscc, parcel.sscc, Asker())
    assert set(stranger) == {"kind", "parcel_id", "shop_name", "shop_id", "is_current", "is_party"}
    assert set(read(resolver.resolve_sscc, parcel.sscc, Asker("bob"))) == set(stranger)
    for asker in (Asker("ann"), Asker("x", frozenset({"mer_1"})), Asker("olga", is_operator=True)):
        shown = read(resolver.resolve_parcel, parcel.parcel_id, asker)
        assert shown["order_id"] == bench.order_id
        assert "address" not in str(shown) and "西湖路" not in str(shown)
    goods = read(resolver.resolve_goods, "9521234543213", "lis_1_p0-code", Asker("ann"), now)
    assert goods["order_id"] == bench.order_id
    assert read(resolver.resolve_goods, "09521234543213", "lis_1_p0-code", Asker("bob"), now)["order_id"] is None
    assert read(resolver.resolve_goods, "9521234543213", "", Asker(), now)["piece_id"] is None
    assert read(resolver.resolve_merchant, "mer_1")["shops"][0]["shop_id"] == "teahouse"
    for missing in (("000000000000000000",), ("123",)):
        with pytest.raises(LookupError):
            read(resolver.resolve_sscc, *missing, Asker("olga", is_operator=True))
    with pytest.raises(LookupError):
        read(resolver.resolve_goods, "123", "", Asker(), now)
