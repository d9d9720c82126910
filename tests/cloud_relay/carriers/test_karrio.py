"""One real carrier through Karrio's own library and over real HTTP: booked, refused, in doubt, followed to the door."""

import asyncio
import importlib.util
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cloud_relay import children, tables
from cloud_relay.carriers import karrio, service, store
from cloud_relay.carriers.base import BadCarrierWordError, CarrierRefusedError, CarrierUnknownError, Shipment
from cloud_relay.carriers.karrio import KarrioCarrier
from cloud_relay.carriers.routes import carriers_of
from cloud_relay.carriers.steps import step_for
from cloud_relay.carriers.times import zone_of
from cloud_relay.settings import BadSettingsError, CarrierSettings, Settings
from tests.cloud_relay.carriers import dhl_peer
from tests.cloud_relay.trade_servers import serving
from tests.cloud_relay.trade_world import ADDRESS

needs_library = pytest.mark.skipif(
    importlib.util.find_spec("karrio") is None, reason="requirements/karrio.txt is not installed"
)
SHIPPER = {"address_line1": "Lange Gasse", "address_line2": "8", "postal_code": "53113", "city": "Bonn",
           "country_code": "DE"}  # fmt: skip
TOLD = CarrierSettings(
    name="dhl", kind="karrio", extension="dhl_parcel_de", service="dhl_parcel_de_paket", shipper=json.dumps(SHIPPER),
    account=json.dumps({"test_mode": True}), timeout_s=60.0, time_zone="Europe/Berlin", url="http://127.0.0.1:1",
)  # fmt: skip
TO = replace(ADDRESS, name="Mei Lin", lines=("Kaiserstraße", "12"), postal_code="10115", city="Berlin", country="DE")
SHIPMENT = Shipment(
    shipment_id="shp_0123456789", parcel_id="par_1", order_id="ord_1", to=TO, sender_name="Teahouse", weight_g=300
)


@pytest.fixture
def peer():
    return dhl_peer.Peer()


@pytest.fixture
def told(peer, free_port):
    with serving(dhl_peer.build(peer), free_port()) as url:
        yield replace(TOLD, url=url)


@needs_library
async def test_a_parcel_is_booked_with_its_address_and_weight_and_followed_to_the_door(told, peer):
    carrier = KarrioCarrier(told, dhl_peer.secrets())
    booked = await carrier.book(SHIPMENT)
    assert (booked.tracking_no, booked.label, booked.label_media_type) == (
        dhl_peer.NUMBER, dhl_peer.PDF, "application/pdf",
    )  # fmt: skip
    assert booked.tracking_url.startswith("https://") and dhl_peer.NUMBER in booked.tracking_url
    ((sent,),) = [one["shipments"] for one in peer.orders]
    assert (sent["refNo"], sent["product"]) == (SHIPMENT.shipment_id, "V01PAK")
    assert (sent["consignee"]["name1"], sent["consignee"]["postalCode"]) == ("Mei Lin", "10115")
    assert (sent["shipper"]["name1"], sent["shipper"]["city"]) == ("Teahouse", "Bonn")
    assert sent["details"]["weight"] == {"uom": "kg", "value": 0.5}, "goods and packing"
    peer.events = [
        ("20.11.2026 08:15", "SHRCU", "handed in", "Bonn"), ("21.11.2026 09:00", "XRAYD", "by customs", "Köln"),
        ("22.11.2026 14:30", "DLVRD", "delivered", "Berlin"),
    ]  # fmt: skip
    words = sorted(await carrier.words(dhl_peer.NUMBER), key=lambda one: one.at)
    steps = [(step_for(one.raw, dict(carrier.steps)), one.raw, one.place) for one in words]
    assert steps == [("departing", "in_transit", "Bonn"), ("", "XRAYD", "Köln"), ("delivered", "delivered", "Berlin")]
    assert words[0].at == datetime(2026, 11, 20, 7, 15, tzinfo=UTC), "a quarter past eight in Bonn"
    assert all(one.is_zone_known for one in words)


@needs_library
async def test_a_certain_no_is_told_with_its_reason_and_what_nobody_knows_is_never_taken_for_one(told, peer):
    carrier = KarrioCarrier(told, dhl_peer.secrets())
    peer.status = 400
    with pytest.raises(CarrierRefusedError, match="postalCode"):
        await carrier.book(SHIPMENT)
    peer.status = 503
    with pytest.raises(CarrierUnknownError, match="later"):
        await carrier.book(SHIPMENT)
    assert len(peer.orders) == 2, "nothing is sent twice by itself"
    assert not carrier.can_find
    with pytest.raises(CarrierUnknownError):
        await carrier.find(SHIPMENT)


@needs_library
async def test_a_carrier_that_took_the_order_and_fell_silent_is_in_doubt(told, peer, monkeypatch):
    deadlines, unbounded = [], asyncio.timeout

    def told_when(_):
        deadlines.append(unbounded(None))
        return deadlines[-1]

    monkeypatch.setattr(children.asyncio, "timeout", told_when)
    peer.is_silent = True
    booking = asyncio.create_task(KarrioCarrier(told, dhl_peer.secrets()).book(SHIPMENT))
    try:
        assert await asyncio.to_thread(peer.was_asked.wait, 90), "the order reached the carrier"
        deadlines[0].reschedule(asyncio.get_running_loop().time())
        with pytest.raises(CarrierUnknownError, match="no answer in 60 s"):
            await booking
    finally:
        peer.may_answer.set()
    assert len(peer.orders) == 1


NO = {"booked": None, "messages": [("400", "1 of 1 failed"), ("Error", "postalCode: unknown")]}


@pytest.mark.parametrize(
    ("extension", "said", "is_proved"),
    [
        ("dhl_parcel_de", NO, True),
        ("ups", NO, False),
        ("", NO, False),
        ("dhl_parcel_de", {"messages": [("Error", "label failed"), ("400", "x")]}, False),
        ("dhl_parcel_de", {"messages": [("404", "x")]}, False),
        ("dhl_parcel_de", {"messages": [("429", "x")]}, False),
        ("dhl_parcel_de", {"messages": [("500", "x")]}, False),
        ("dhl_parcel_de", {"messages": []}, False),
        ("dhl_parcel_de", {"failed": "URLError"}, False),
    ],
)
def test_a_no_is_believed_only_of_an_extension_that_is_proved_to_have_made_nothing(extension, said, is_proved):
    found = karrio.no_booking("x", extension, said)
    assert isinstance(found, CarrierRefusedError if is_proved else CarrierUnknownError)


@pytest.mark.parametrize(
    ("zone", "at", "is_known"),
    [
        ("Europe/Berlin", datetime(2026, 7, 1, 6, 15, tzinfo=UTC), True),
        ("", datetime(2026, 7, 1, 8, 15, tzinfo=UTC), False),
    ],
)
def test_the_z_that_the_library_writes_is_no_zone(zone, at, is_known):
    event = {"status": "in_transit", "at": "2026-07-01T08:15:00.000Z"}
    found = karrio.word_of(event, "TN1", zone_of(zone))
    assert (found.at, found.is_zone_known) == (at, is_known)
    exact = karrio.word_of({**event, "at": "2026-07-01T08:15:00+02:00"}, "TN1", None)
    assert (exact.at, exact.is_zone_known) == (datetime(2026, 7, 1, 6, 15, tzinfo=UTC), True)
    for broken in ("", "Z", "yesterday", "2026-13-01T08:15:00.000Z"):
        assert karrio.word_of({**event, "at": broken}, "TN1", None) is None


@needs_library
@pytest.mark.full
async def test_a_wrong_key_an_absent_carrier_and_an_event_that_cannot_be_read(told, peer):
    with pytest.raises(CarrierRefusedError, match="wrong key"):
        await KarrioCarrier(told, dhl_peer.secrets(password="other")).book(SHIPMENT)
    away = KarrioCarrier(TOLD, dhl_peer.secrets())
    with pytest.raises(CarrierUnknownError, match="refused"):
        await away.book(SHIPMENT)
    with pytest.raises(CarrierUnknownError, match="refused"):
        await away.words(dhl_peer.NUMBER)
    peer.events = [("nonsense", "DLVRD", "delivered", "Berlin")]
    with pytest.raises(CarrierUnknownError, match="nonsense"):
        await KarrioCarrier(told, dhl_peer.secrets()).words(dhl_peer.NUMBER)


@needs_library
async def test_it_sends_no_webhook():
    with pytest.raises(BadCarrierWordError):
        KarrioCarrier(TOLD, "{}").read_words({}, b"{}", datetime.now(UTC))


def test_without_the_library_the_settings_say_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(karrio.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadSettingsError, match=r"\[carrier\] kind = .* requirements/karrio.txt"):
        carriers_of(Settings(data_dir=tmp_path, carrier=TOLD))


@needs_library
@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"extension": ""}, "extension"), ({"extension": "no_such_post"}, "karrio-no_such_post"),
        ({"extension": "../generic"}, "extension"), ({"service": ""}, "service"), ({"shipper": "{}"}, "address_line1"),
        ({"shipper": "["}, "shipper: no JSON"), ({"account": "[]"}, "account: a JSON object"),
        ({"url": "ftp://x"}, "url"),
        ({"time_zone": "Europe"}, "time_zone"),
        ({"kind": "pigeon"}, "kind"), ({"statuses": ("x=flying",)}, "flying"), ({"name": "manual"}, "name"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_stop_the_start_and_say_why(changed, says, tmp_path):
    with pytest.raises(BadSettingsError, match=says):
        carriers_of(Settings(data_dir=tmp_path, carrier=replace(TOLD, **changed)))


@needs_library
def test_it_needs_no_forwarder(tmp_path):
    found = carriers_of(Settings(data_dir=tmp_path, carrier=replace(TOLD, url=""))).by_name
    assert list(found) == ["manual", "dhl"]


@pytest.mark.parametrize(("weight_g", "told_g"), [(300, 300), (0, 0)])
def test_a_shipment_tells_what_its_goods_weigh(world, weight_g, told_g):
    change = tables.listing.update().values(weight_g=weight_g)
    world.paid_order("ann")
    world.database.run_now(lambda connection: connection.execute(change))
    parcel_id = world.rows(tables.parcel)[0]["parcel_id"]
    shipment_id = world.database.run_now(service.start_booking, parcel_id, "dhl", "mo", world.now)["shipment_id"]
    row = world.database.read_now(store.load, shipment_id)
    assert world.database.read_now(service.shipment_of, row).weight_g == told_g
