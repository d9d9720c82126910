"""Paying by bank transfer: the code that a banking app reads, the statement, what fits nothing; then the carrier."""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import expect

from cloud_relay.bench_checks import store as checks
from cloud_relay.carriers.routes import carriers_of
from cloud_relay.carriers.worker import CarrierWorker
from cloud_relay.settings import BankSettings, CarrierSettings
from cloud_relay.tables import carrier_shipment
from tests.browser.conftest import PHONE
from tests.browser.small_shop import open_small_shop
from tests.cloud_relay.carriers import carrier_peer
from tests.cloud_relay.escrow.bank_world import HEAD, OWN, SHOPPER_IBAN
from tests.cloud_relay.trade_servers import serving
from tests.ports import free_port

BANK = BankSettings(holder=OWN.holder, iban=OWN.iban, bic=OWN.bic, name="Commerzbank", currency="EUR")
ADDRESS = {"name": "Ann", "lines": ["Lane 1"], "postal_code": "10115", "city": "Berlin", "country": "DE"}


@pytest.fixture(scope="module")
def peer():
    return carrier_peer.Peer()


@pytest.fixture(scope="module")
def shop(tmp_path_factory, peer):
    with serving(carrier_peer.build(peer), free_port()) as url:
        carrier = CarrierSettings(
            name="post", title_en="The Post", title_zh="邮政", url=url, book_path="/book",
            book_body='{"to": "{lines}"}',
            find_path="/book/{shipment_id}", tracking_no_at="shipment.number", tracking_url_at="links.0",
            label_at="shipment.label", words_path="/track/{tracking_no}",
        )  # fmt: skip
        folder = tmp_path_factory.mktemp("bank-shop")
        secrets = {"VITRINE_CARRIER_TOKEN": carrier_peer.TOKEN}
        with open_small_shop(folder, free_port, ("bank_transfer",), secrets, bank=BANK, carrier=carrier) as shop:
            yield shop


def goods_in_euro(shop):
    """Another shop of the same merchant that sells in euro, with two pieces; return the listing."""
    merchant_id = shop.owner.call("GET", "/api/merchants/mine")["merchants"][0]["merchant_id"]
    body = {"merchant_id": merchant_id, "name_en": "Loom Berlin", "name_zh": "柏林织布", "currency": "EUR",
            "shipping_minor": 490}  # fmt: skip
    shop_id = shop.owner.call("POST", "/api/shops", body)["shop_id"]
    shop.db.run_now(checks.set_live, shop_id, "")  # as if its bench check had passed
    listing_id = shop.listing(shop_id=shop_id)
    for code in ("B-1", "B-2"):
        shop.owner.call("POST", "/api/pieces", {"listing_id": listing_id, "code": code})
    return listing_id


def buy(shop, listing_id):
    body = {"listing_id": listing_id, "address": ADDRESS, "payment_method": "bank_transfer:iban",
            "agrees_photo_window": True}  # fmt: skip
    return shop.shopper.call("POST", "/api/orders", body)


def code_on(page):
    picture = page.locator(".transfer img").screenshot()
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)), zxingcpp.BarcodeFormat.QRCode)
    return found[0].text.split("\n")


def statement(*lines):
    return {"name": "january.csv", "mimeType": "text/csv", "buffer": "\n".join([HEAD, *lines]).encode()}


@pytest.mark.timeout(400)
def test_paid_by_transfer_what_fits_nothing_is_decided_and_the_carrier_takes_it(shop, guest, eyes, peer):
    listing_id = goods_in_euro(shop)
    placed, other = buy(shop, listing_id), buy(shop, listing_id)
    shopper = guest("shopper", **PHONE)
    page = shopper.page
    shopper.go(f"/orders/{placed['order_id']}?lang=en")
    expect(page.locator(".transfer")).to_contain_text("DE89 3704 0044 0532 0130 00")
    lines = code_on(page)
    reference, amount = lines[9], lines[7]
    assert (lines[0], lines[6], amount) == ("BCD", OWN.iban, f"EUR{placed['total_minor'] / 100:.2f}")
    eyes.look(page, "order-bank-transfer")

    operator = guest("operator")
    desk = operator.page
    operator.go("/operator/bank?lang=en")
    paid, total = amount.removeprefix("EUR"), f"{other['total_minor'] / 100:.2f}"
    desk.locator("[name=statement]").set_input_files(statement(
        f"2026-11-20;{paid};EUR;Order {reference};Ann;{SHOPPER_IBAN};B1",
        f"2026-11-20;{total};EUR;for the shirt;Ann;{SHOPPER_IBAN};B2",
        "2026-11-21;-7.50;EUR;account fee;Bank;;B3",
    ))  # fmt: skip
    desk.get_by_role("button", name="Import").click()
    expect(desk.locator(".entry")).to_have_count(2)
    eyes.look(desk, "operator-bank-waiting")
    entry = desk.locator(".entry", has_text="for the shirt")
    entry.get_by_label("Order or reference").fill("nonsense")
    entry.get_by_role("button", name="Decide").click()
    expect(entry.locator("[data-errors]")).to_contain_text("No order waits")
    entry.get_by_label("Order or reference").fill(other["order_id"][-6:].upper())
    entry.get_by_role("button", name="Decide").click()
    expect(desk.locator(".entry")).to_have_count(1)
    states = {shop.shopper.call("GET", f"/api/orders/{one['order_id']}")["state"] for one in (placed, other)}
    assert states == {"paid"}
    operator.go("/operator/books?lang=en")
    expect(desk.locator(".case", has_text="bank_transfer")).to_contain_text("Agrees")

    owner = guest("owner")
    carried(shop, owner, eyes, peer, placed["order_id"])
    owner.go("/merchant/money?lang=zh")
    owner.page.get_by_label("户名").fill("织布坊")
    owner.page.get_by_label("IBAN").fill("DE00 0000")
    owner.page.get_by_role("button", name="保存").click()
    expect(owner.page.locator("[data-live=payout-account] [data-errors]")).to_contain_text("IBAN")
    owner.page.get_by_label("IBAN").fill("FR14 2004 1010 0505 0001 3M02 606")
    owner.page.get_by_role("button", name="保存").click()
    expect(owner.page.locator("[data-live=payout-account]")).to_contain_text("FR1420041010050500013M02606")


def carried(shop, owner, eyes, peer, order_id):
    """The owner books the parcel with the carrier, and sees what it says of it."""
    page = owner.page
    owner.go(f"/orders/{order_id}?lang=en")
    page.get_by_role("button", name="Book with The Post").click()
    expect(page.locator("[data-live=carrier]")).to_contain_text("Being booked")
    work(shop)
    peer.events["TN000001"] = [
        {"status": "X-RAYED", "time": "2026-11-21T09:00:00Z", "place": "Leipzig"},
        {"status": "In transit", "time": "2026-11-21T08:00:00Z"},
    ]
    work(shop, later=True)
    page.reload()
    expect(page.locator("[data-live=carrier]")).to_contain_text("X-RAYED")
    expect(page.get_by_role("link", name="TN000001")).to_be_visible()
    with page.expect_download() as got:
        page.get_by_role("link", name="The carrier's label").click()
    assert got.value.suggested_filename.endswith(".pdf")
    assert got.value.path().read_bytes() == carrier_peer.PDF
    eyes.look(page, "order-carrier")


def work(shop, *, later=False):
    """What the relay's own timer does; this small shop runs none. `later`: whatever is planned is due now."""
    relay = shop.relay
    if later:
        change = carrier_shipment.update().values(next_try_at=relay.clock.now())
        shop.db.run_now(lambda connection: connection.execute(change))

    async def once():
        carrier = carriers_of(relay.settings).by_name["post"]
        await CarrierWorker(relay.db, relay.clock, {"post": carrier}, relay.trading.trade, 600).work_once()
        await carrier.close()

    with ThreadPoolExecutor(1) as aside:  # Playwright has a loop of its own in this thread
        aside.submit(asyncio.run, once()).result()
