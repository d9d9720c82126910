"""The courier's page on a phone: camera or typing, large buttons, scans kept while there is no network."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.program import Program
from tests.browser.whole_mall import SHOPPER
from tests.cloud_relay.site import jpeg

PHONE = {"size": (390, 844), "has_touch": True, "is_mobile": True}
DETECTOR = """value => {
  window.BarcodeDetector = class {
    static async getSupportedFormats() { return ["qr_code", "code_128"]; }
    async detect(video) { return video.videoWidth ? [{ rawValue: value }] : []; }
  };
}"""
"""Chromium on this system has no code reader of its own; the camera behind it is Chromium's test picture."""


ELSEWHERE_MS = 20_000
"""Until another person's open page shows it, on a machine that has other things to do."""
PHOTO = {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": jpeg(2000, 1500, "green")}


@pytest.fixture(scope="module")
def parcels(mall):
    """Two parcels of the small shop on their way: bought by a program, packed by hand, their photos confirmed."""
    shopper = Program(mall.url, *SHOPPER)
    order_ids = [shopper.buy("紫釉马克杯") for _ in range(2)]
    return [handed_over(mall, shopper, order_id) for order_id in order_ids]


def handed_over(mall, shopper, order_id):
    photo = shopper.wait(order_id, "photo_offered")["photo_sha256"]
    answer = {"answer": "confirmed", "picture_sha256": photo}
    shopper.call("POST", f"/api/orders/{order_id}/photo", answer)
    order = shopper.wait(order_id, "handed_over")
    link = mall.courier_link("studio", order["parcel_id"])
    return {"order_id": order_id, "parcel_id": order["parcel_id"], "link": link}


@pytest.fixture(scope="module")
def parcel(parcels):
    return parcels[0]


def steps(mall, parcel):
    query = "SELECT biz_step, place FROM tracking_event WHERE parcel_id = ? AND source = 'courier' ORDER BY recorded_at"
    return [(row["biz_step"], row["place"]) for row in mall.rows(query, parcel["parcel_id"])]


def event(mall, parcel, step):
    """Return the newest event of this step as the relay keeps it."""
    query = "SELECT epcis, at, recorded_at FROM tracking_event WHERE parcel_id = ? AND biz_step = ? ORDER BY at DESC"
    row = mall.rows(query, parcel["parcel_id"], step)[0]
    return {**row, "epcis": json.loads(row["epcis"])}


def test_the_camera_reads_the_code(person, mall, parcel):
    courier = person(**PHONE, permissions=["camera"])
    page = courier.page
    page.add_init_script(f"({DETECTOR})({parcel['parcel_id']!r})")
    page.goto(f"{parcel['link']}?lang=zh")
    page.get_by_role("button", name="用摄像头扫描").tap()
    expect(page.get_by_label("标签上的码")).to_have_value(parcel["parcel_id"])
    page.get_by_label("您在哪里？").fill("汉堡")
    page.get_by_role("button", name="已取件").tap()
    expect(page.locator("[data-live=journey]")).to_contain_text("已装车 · 汉堡")
    assert steps(mall, parcel)[-1] == ("loading", "汉堡")


def test_scans_without_a_network_are_kept_and_sent_later_in_order_once(person, mall, parcel):
    courier = person(**PHONE)
    page = courier.page
    page.goto(f"{parcel['link']}?lang=en")
    page.get_by_label("Code on the label").fill(parcel["parcel_id"])
    courier.context.set_offline(True)
    for place, step in (("Tunnel", "Arrived at a stop"), ("Tunnel", "Departed"), ("Pass", "Out for delivery")):
        page.get_by_label("Where are you?").fill(place)
        page.get_by_role("button", name=step).tap()
        expect(page.get_by_text("No network: kept here")).to_be_visible()
    expect(page.locator("[data-part=waiting-list] li")).to_have_count(3)
    assert ("arriving", "Tunnel") not in steps(mall, parcel)
    courier.context.set_offline(False)
    expect(page.locator("[data-live=journey]")).to_contain_text("Out for delivery · Pass")
    expect(page.locator("[data-part=waiting]")).to_be_hidden()
    assert steps(mall, parcel)[-3:] == [("arriving", "Tunnel"), ("departing", "Tunnel"), ("delivering", "Pass")]
    assert event(mall, parcel, "arriving")["at"] < event(mall, parcel, "delivering")["at"]


def test_a_scan_outlives_the_page_and_an_answer_that_was_lost(person, mall, parcel):
    """The relay recorded the scan but its answer never arrived, and the page was closed: it is still one scan."""
    courier = person(**PHONE, service_workers="block")  # what a service worker fetches, no route of the page's sees
    page = courier.page
    page.goto(f"{parcel['link']}?lang=en")
    page.get_by_label("Code on the label").fill(parcel["parcel_id"])
    page.get_by_label("Where are you?").fill("Halle")
    page.route("**/scans", lambda route: (route.fetch(), route.abort()))
    page.get_by_role("button", name="Arrived at a stop").tap()
    expect(page.locator("[data-part=waiting-list] li")).to_have_count(1)
    made = event(mall, parcel, "arriving")
    page.unroute("**/scans")
    page.goto(f"{parcel['link']}?lang=en")
    expect(page.locator("[data-part=waiting]")).to_be_hidden()
    expect(page.locator("[data-live=journey]")).to_contain_text("Arrived · Halle")
    assert steps(mall, parcel).count(("arriving", "Halle")) == 1
    assert event(mall, parcel, "arriving") == made


def test_several_parcels_in_a_row(person, mall, parcels):
    courier = person(**PHONE)
    page = courier.page
    for one in parcels:
        page.goto(f"{one['link']}?lang=en")
    expect(page.get_by_role("heading", name="Parcels with you")).to_contain_text("2")
    for one in parcels:
        page.get_by_label("Code on the label").fill(f"https://any.example/p/{one['parcel_id']}?s=")
        page.get_by_role("button", name="Add this parcel").tap()
    expect(page.get_by_text("2 of 2 scanned")).to_be_visible()
    page.get_by_label("Where are you?").fill("Leipzig")
    page.get_by_role("button", name="Arrived at a stop").tap()
    expect(page.get_by_text("Recorded: Arrived at a stop × 2")).to_be_visible()
    assert [steps(mall, one).count(("arriving", "Leipzig")) for one in parcels] == [1, 1]
    page.get_by_label("Code on the label").fill("https://any.example/p/par_somebody_elses")
    page.get_by_role("button", name="Add this parcel").tap()
    expect(page.get_by_role("alert")).to_contain_text("none of your parcels'")


def test_what_is_wrong_is_said_at_once(person, parcel):
    courier = person(**PHONE)
    page = courier.page
    page.goto(f"{parcel['link']}?lang=en")
    page.get_by_role("button", name="Out for delivery").tap()
    expect(page.get_by_role("alert")).to_contain_text("First scan or type the code")
    page.get_by_label("Code on the label").fill("095212340000000099")
    page.get_by_label("Where are you?").fill("Berlin")
    page.get_by_role("button", name="Out for delivery").tap()
    expect(page.get_by_role("alert")).to_contain_text("This code is not this parcel's")


def test_a_wrong_scan_is_declared_wrong_and_stays_visible(person, mall, parcel):
    courier = person(**PHONE)
    page = courier.page
    page.goto(f"{parcel['link']}?lang=en")
    page.get_by_label("Code on the label").fill(parcel["parcel_id"])
    page.get_by_label("Where are you?").fill("Bremen")
    page.get_by_role("button", name="Departed").tap()
    wrong = page.locator("[data-live=journey] li", has_text="Departed · Bremen")
    wrong.get_by_role("button", name="That was wrong").tap()
    expect(page.locator("[data-live=journey] li.wrong").first).to_contain_text("recorded in error")


def test_the_label_opens_a_page_by_who_asks(person, mall, parcel):
    """Everybody learns that the label is genuine; its shopper where the parcel is; nobody an address."""
    stranger, shopper = person(), person(SHOPPER)
    stranger.go(f"/p/{parcel['parcel_id']}?lang=en")
    expect(stranger.page.get_by_role("heading", name="This label is genuine")).to_be_visible()
    assert "Kaiserstraße" not in stranger.page.content()
    shopper.go(f"/p/{parcel['parcel_id']}?lang=en")
    expect(shopper.page.get_by_role("heading", level=1)).to_have_text("Plum-glazed cup")
    expect(shopper.page.get_by_role("heading", name="Its journey")).to_be_visible()
    assert "Kaiserstraße" not in shopper.page.content()


def test_what_went_wrong_at_the_door_reaches_the_shopper_with_its_photo(person, mall, parcel, eyes):
    courier, shopper = person(**PHONE), person(SHOPPER)
    page = courier.page
    shopper.go(f"/orders/{parcel['order_id']}?lang=en")
    page.goto(f"{parcel['link']}?lang=en")
    page.get_by_label("Code on the label").fill(parcel["parcel_id"])
    page.get_by_label("Where are you?").fill("Potsdam")
    page.get_by_text("It did not work").tap()
    page.get_by_label("Damaged on the way").check()
    page.get_by_role("button", name="Record what happened").tap()
    expect(page.get_by_role("alert")).to_contain_text("Take a photo of the damage")
    page.get_by_label("In a few words").fill("one corner is wet")
    page.locator("[data-photo=exception] input").set_input_files(PHOTO)
    expect(page.locator("[data-photo=exception] img")).to_be_visible()
    eyes.look(page, "courier-exception")
    page.get_by_role("button", name="Record what happened").tap()
    expect(page.locator("[data-live=journey]")).to_contain_text(
        "Damaged on the way · Potsdam — one corner is wet (with a photo)"
    )
    told = event(mall, parcel, "damaged")["epcis"]
    assert (told["bizStep"], told["disposition"]) == ("inspecting", "damaged")
    line = shopper.page.locator("li", has_text="Damaged on the way: Potsdam").first
    expect(line).to_contain_text("one corner is wet", timeout=ELSEWHERE_MS)
    sha256 = told["vitrine:picture"].rsplit("/", 1)[1]
    expect(shopper.page.locator(f"img[src*='{sha256}']").first).to_be_visible(timeout=ELSEWHERE_MS)
    assert shopper.context.request.get(f"{mall.url}/pictures/{sha256}").ok
    assert courier.context.request.get(f"{mall.url}/pictures/{sha256}").status == 404
    notes = [row["data"] for row in mall.rows("SELECT data FROM shop_command WHERE type = 'NoteForShop'")]
    assert any("one corner is wet" in note for note in notes), "the bench got a note"


def test_a_delivery_wants_a_proof_and_a_photo_taken_offline_is_one(person, mall, parcel, eyes):
    courier = person(**PHONE)
    page = courier.page
    page.goto(f"{parcel['link']}?lang=zh")
    page.get_by_label("标签上的码").fill(parcel["parcel_id"])
    page.get_by_label("您在哪里？").fill("柏林")
    page.get_by_role("button", name="已送达").tap()
    expect(page.get_by_role("alert")).to_contain_text("请填写签收人或拍照")
    courier.context.set_offline(True)
    page.locator("[data-photo=delivered] input").set_input_files(PHOTO)
    page.get_by_label("谁签收的？").fill("邻居 Schulz")
    page.get_by_role("button", name="已送达").tap()
    expect(page.get_by_text("已保存在手机上")).to_be_visible()
    eyes.look(page, "courier-kept-zh")
    courier.context.set_offline(False)
    expect(page.locator("[data-live=state]")).to_contain_text("已送达", timeout=20_000)
    proof = event(mall, parcel, "delivered")["epcis"]
    assert proof["vitrine:receivedBy"] == "邻居 Schulz"
    papers = {paper["type"]: paper["bizTransaction"] for paper in proof["bizTransactionList"]}
    assert papers["recadv"] == proof["vitrine:picture"]
