"""What a courier lays beside a scan: proof of delivery, exceptions with a photo; and who gets to know."""

import hashlib

import pytest
from jsonschema import Draft202012Validator

from cloud_relay import tables
from cloud_relay.orders import reading
from cloud_relay.parcels import courier, epcis, resolver, store, tracking
from cloud_relay.parcels.resolver import Asker
from cloud_relay.refusals import RefusedError
from tests.cloud_relay.parcels.epcis_schema import DOCUMENT
from tests.cloud_relay.parcels.test_reports import TOKEN, Bench
from tests.cloud_relay.site import jpeg
from tests.cloud_relay.trade_world import START
from wire.commands import NoteForShop


@pytest.fixture
def bench(world):
    bench = Bench(world, world.paid_order())
    bench.hand_over()
    world.later(3600)
    return bench


def photograph(bench, content=b"", token=TOKEN):
    """Lay a photo at the relay as the courier's page does; return its name."""
    content = courier.named(content or jpeg(64, 48), bench.parcel_id)
    link = f"{bench.parcel_id}.{token}"
    return bench.run(courier._add_photo, link, content, (64, 48), bench.world.now)["picture_sha256"]


def scan(bench, step, **proof):
    values = (bench.parcel_id, TOKEN, bench.parcel.sscc, step, "Berlin", None, bench.world.now, bench.world.trade)
    return bench.run(tracking.record_scan, *values, epcis.Proof(**proof))


def test_a_delivery_with_its_proof_is_one_epcis_event_with_a_reference(bench):
    picture = photograph(bench)
    scan(bench, "delivered", picture_sha256=picture, received_by="Mei Lin 林梅")
    (command,) = bench.world.commands("RecordTracking")
    event = command["data"]["event"]
    root = bench.world.trade.resolver_url
    assert (event["bizStep"], event["disposition"]) == ("accepting", "retail_sold")
    assert {"type": "recadv", "bizTransaction": f"{root}/pictures/{picture}"} in event["bizTransactionList"]
    assert event["vitrine:receivedBy"] == "Mei Lin 林梅"
    document = bench.read(store.document_of, bench.parcel, bench.world.now, bench.world.trade)
    assert [error.message for error in Draft202012Validator(DOCUMENT).iter_errors(document)] == []
    line = bench.read(reading.timeline, bench.order_id)[-1]
    assert line["picture_sha256"] == picture
    assert line["text"] == {
        "en": "Delivered: Berlin · taken by Mei Lin 林梅",
        "zh": "已送达：Berlin · 签收人：Mei Lin 林梅",
    }
    shown = bench.read(resolver.resolve_parcel, bench.parcel_id, Asker("ann"))["journey"][-1]
    assert (shown["picture_sha256"], shown["received_by"]) == (picture, "Mei Lin 林梅")


def test_a_name_alone_is_a_proof_too_and_nothing_is_none(bench):
    scan(bench, "delivered", received_by="the neighbour")
    (command,) = bench.world.commands("RecordTracking")
    papers = {paper["type"]: paper["bizTransaction"] for paper in command["data"]["event"]["bizTransactionList"]}
    assert papers["recadv"] == command["data"]["event"]["eventID"] + "#received-by"
    bare = epcis.event(_happened("delivered"), "https://x", bench.world.now)
    assert "bizTransactionList" not in bare


@pytest.mark.parametrize(
    ("step", "proof", "sentence"),
    [
        ("delivered", {}, ("who took it", "签收人")),
        ("delivered", {"note": "left it there"}, ("who took it", "签收人")),
        ("damaged", {"note": "wet"}, ("photo of the damage", "损坏")),
        ("damaged", {"received_by": "Ann"}, ("photo of the damage", "损坏")),
    ],
)
def test_a_scan_without_the_proof_it_asks_for_is_refused_with_a_sentence(bench, step, proof, sentence):
    before = bench.parcel.state
    with pytest.raises(RefusedError, match="proof_missing") as refused:
        scan(bench, step, **proof)
    assert sentence[0] in refused.value.text_en
    assert sentence[1] in refused.value.text_zh
    assert bench.parcel.state == before
    assert not bench.world.commands("RecordTracking")


def test_the_api_says_which_step_asks_for_which_proof(bench):
    steps = bench.read(courier._view, f"{bench.parcel_id}.{TOKEN}")["steps"]
    asked = {one["biz_step"]: one["proof"] for one in steps if one["proof"]}
    assert asked == {"delivered": "name_or_photo", "damaged": "photo"}


def _happened(step):
    return epcis.Happened(event_id="evt_1", step=step, at=START, epcs=("https://x/00/1",), read_point="https://x/p")


@pytest.mark.parametrize(
    ("step", "biz_step", "disposition"),
    [
        ("refused", "holding", "returned"),
        ("damaged", "inspecting", "damaged"),
        ("nobody_home", "holding", "in_transit"),
    ],
)
def test_an_exception_reaches_shopper_merchant_bench_and_log(bench, step, biz_step, disposition):
    picture = photograph(bench)
    scan(bench, step, picture_sha256=picture, note="the bell is broken")
    (command,) = bench.world.commands("RecordTracking")
    event = command["data"]["event"]
    assert (event["bizStep"], event["disposition"]) == (biz_step, disposition)
    assert event["vitrine:picture"].endswith(f"/pictures/{picture}")
    (note,) = bench.world.commands(NoteForShop.__name__)
    assert "the bell is broken" in note["data"]["note"] and "紫砂茶壶" in note["data"]["note"]
    told = {
        row["account_id"]: row["kind"] for row in bench.world.rows(tables.notice) if step_words(step) in row["text_en"]
    }
    assert told == {"ann": "tracking", "owner_mer_1": "courier_calls"}
    line = bench.read(reading.timeline, bench.order_id)[-1]
    assert (line["step"], line["reason"], line["picture_sha256"]) == (step, "the bell is broken", picture)
    assert bench.world.order(bench.order_id)["state"] == "handed_over", "a person decides what follows"
    assert bench.parcel.state == "in_transit"


def step_words(step):
    return tracking.STEP_WORDS[step][0]


def test_a_photo_of_another_parcel_is_no_proof(bench):
    with pytest.raises(RefusedError, match="unknown_picture"):
        scan(bench, "delivered", picture_sha256="0" * 64)
    own = bench.parcel.photo_sha256
    with pytest.raises(RefusedError, match="unknown_picture"):
        scan(bench, "delivered", picture_sha256=own)
    with pytest.raises(RefusedError, match="not_found"):
        photograph(bench, token="guess")
    assert not bench.world.commands("RecordTracking")


def test_one_photo_of_two_parcels_is_two_pictures_and_the_same_twice_is_one(bench):
    content = jpeg(64, 48)
    first, second = courier.named(content, "par_1"), courier.named(content, "par_2")
    assert hashlib.sha256(first).digest() != hashlib.sha256(second).digest()
    assert photograph(bench, content) == photograph(bench, content)
    assert bench.read(store.count_pictures, bench.parcel_id, courier.PHOTO_KIND) == 1


def test_a_link_brings_no_endless_photos(bench, monkeypatch):
    monkeypatch.setattr(courier, "PHOTOS_MAX", 2)
    for colour in ("red", "green"):
        photograph(bench, jpeg(64, 48, colour))
    with pytest.raises(RefusedError, match="too_many_pictures"):
        photograph(bench, jpeg(64, 48, "blue"))


async def test_a_photo_over_http_is_cleaned_and_only_the_parties_see_it(site):
    mall = await handed_over(site)
    link, ann, bob = mall["link"], mall["ann"], mall["bob"]
    photo = jpeg(4000, 300, "green", exif=b"Exif\x00\x00" + b"where it was taken")
    sent = await site.call("POST", f"/api/courier/{link}/pictures", status=201, files={"picture": ("x.jpg", photo)})
    picture = sent["picture_sha256"]
    body = {
        "code": mall["parcel_id"],
        "biz_step": "damaged",
        "place": "Bremen",
        "picture_sha256": picture,
        "note": "wet",
    }
    await site.call("POST", f"/api/courier/{link}/scans", body, status=201)
    shown = await site.call("GET", f"/pictures/{picture}", headers=ann)
    assert shown.headers["content-type"] == "image/jpeg" and b"where it was taken" not in shown.content
    assert hashlib.sha256(shown.content).hexdigest() == picture
    for headers in (bob, {}):
        await site.call("GET", f"/pictures/{picture}", headers=headers, status=404)
    await site.call("POST", f"/api/courier/{link}/pictures", status=422, files={"picture": ("x.jpg", b"no picture")})
    view = await site.call("GET", f"/api/courier/{link}")
    assert view["journey"][-1]["note"] == "wet"
    assert "damaged" in [step["biz_step"] for step in view["steps"]]


async def handed_over(site):
    """A parcel of Ann's on its way, as the shop box would report it, without a bank: written where the room writes."""
    _, shop_id, _ = await site.merchant("tea")
    ann, bob = site.account("ann"), site.account("bob")
    me = (await site.call("GET", "/api/me", headers=ann))["account_id"]
    row = {
        "parcel_id": "par_1", "shop_id": shop_id, "piece_id": "pie_1", "account_id": me, "state": "handed_over",
        "courier_token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest(), "created_at": site.clock.now(),
        "changed_at": site.clock.now(),
    }  # fmt: skip
    made = {
        "listing_id": "lis_1", "shop_id": shop_id, "title_en": "Teapot", "price_minor": 9900, "currency": "CNY",
        "attributes": {}, "created_at": site.clock.now(),
    }  # fmt: skip
    piece = {"piece_id": "pie_1", "listing_id": "lis_1", "shop_id": shop_id, "code": "p-1"}
    for table, values in ((tables.listing, made), (tables.piece, piece), (tables.parcel, row)):
        site.db.run_now(
            lambda connection, table=table, values=values: connection.execute(table.insert().values(values))
        )
    return {"link": f"par_1.{TOKEN}", "parcel_id": "par_1", "ann": ann, "bob": bob}
