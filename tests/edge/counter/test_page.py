"""The till's page over HTTP: who comes in, what it takes, what it refuses, and that a code alone opens nothing."""

import asyncio
import contextlib
from dataclasses import replace

import httpx
import pytest
import zxingcpp
from PIL import Image

from drivers.base import Condition, DeviceStatus
from drivers.label_printer import LabelPrinter, Media
from edge.attendant.doors import PinDoor
from edge.attendant.server import AttendantServer
from edge.counter.counter import Around, Counter
from edge.counter.doors import MemberDoor
from edge.counter.opening import till_page
from edge.counter.receipts import ReceiptTooLongError, claim_url, draw_receipt, receipt_rows
from edge.counter.routes import till_routes
from edge.counter.sale import Sale
from edge.labels import find_typeface
from tests.edge.counter.conftest import PLAN
from wire.counter import CounterLine
from wire.envelope import decode_envelope
from wire.plan import Text
from wire.values import new_id

MEDIA = Media(width_mm=72.0, length_mm=120.0, dots_per_mm=8)


class PaperTray(LabelPrinter):
    """Keeps what is printed."""

    def __init__(self, printed: list[Image.Image]) -> None:
        self.printed = printed

    @property
    def media(self) -> Media:
        return MEDIA

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def status(self) -> DeviceStatus:
        return DeviceStatus(condition=Condition.ONLINE)

    async def print_label(self, image: Image.Image) -> None:
        self.printed.append(image)


class NoRoom:
    """The attendant's page is not asked in these tests."""

    language = "en"


class Page:
    def __init__(self, shop, counter, http, printed, seconds) -> None:
        self.shop, self.counter, self.http, self.printed, self.seconds = shop, counter, http, printed, seconds

    async def post(self, name, **body):
        return await self.http.post(f"/till/api/{name}", json=body)

    async def sign_in(self, pin="1357", account_id="acc_1"):
        return await self.post("sign-in", account_id=account_id, pin=pin)

    async def state(self):
        return (await self.http.get("/till/api/state")).json()

    async def until(self, is_so):
        loop = asyncio.get_running_loop()
        until_s = loop.time() + 60
        while not is_so(state := await self.state()):
            assert loop.time() < until_s, state
            await asyncio.sleep(0.02)
        return state


@pytest.fixture
async def page(world, tmp_path):
    await world.start()
    await world.stop()
    await world.start()  # the journal is open; this till is replaced by the counter's own
    world.running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await world.running
    printed: list[Image.Image] = []
    printer = world.devices.add("receipts", "label_printer", "tray", lambda: PaperTray(printed))
    around = Around(
        journal=world.journal, plan=lambda: world.plan, is_relay_near=lambda: False, take_still=no_camera,
        cameras=("front",), pictures=None, is_private=lambda: False, printer=printer,
    )  # fmt: skip
    counter = Counter(around, world.till.ways)
    seconds = [1_000_000.0]
    door = MemberDoor(around.plan, tmp_path / "till_secret", lambda: seconds[0])
    attendant = PinDoor("2468", tmp_path / "attendant_secret", lambda: seconds[0])
    server = AttendantServer(NoRoom(), attendant, 0, till_routes(counter, door), ("/till",))
    tasks = [asyncio.create_task(counter.run()), asyncio.create_task(server.run())]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=30) as http:
        yield Page(world, counter, http, printed, seconds)
    server.stop()
    await tasks[1]
    tasks[0].cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await tasks[0]
    world.running = None
    await world.stop()


async def no_camera(_camera):
    raise AssertionError("no picture is taken here")


async def test_a_sale_from_sign_in_to_the_printed_receipt(page):
    assert (await page.http.get("/till")).status_code == 303
    assert (await page.post("scan", text="4701")).status_code == 401
    members = (await page.http.get("/till/api/members")).json()["members"]
    assert members == [{"account_id": "acc_1", "name": "Wang"}], "only who has a PIN"
    assert (await page.sign_in()).status_code == 200
    assert (await page.post("scan", text="4701")).status_code == 200
    state = await page.state()
    assert (state["sale"]["total_minor"], state["is_relay_near"]) == (38_000, False)
    sale_id = state["sale"]["sale_id"]
    assert (await page.post("pay", sale_id=sale_id, device="terminal")).status_code == 200
    state = await page.until(lambda now: now["receipts"] and now["receipts"][0]["receipt"] == "printed")
    assert state["receipts"][0]["receipt_no"] == 1
    assert state["waiting"] == {"sales": 1, "listings": 0}
    assert len(page.printed) == 1
    assert page.printed[0].size == (576, 960)
    await page.post("receipt", sale_id=sale_id)
    await page.until(lambda _now: len(page.printed) == 2)


async def test_wrong_pins_lock_one_member_for_a_while(page):
    for _ in range(5):
        assert (await page.sign_in("0000")).status_code == 403
    locked = await page.sign_in()
    assert (locked.status_code, locked.headers["retry-after"]) == (429, "31")
    page.seconds[0] += 32
    assert (await page.sign_in()).status_code == 200


@pytest.mark.parametrize("account_id", ["acc_2", "acc_3", ""])
async def test_nobody_without_a_pin_comes_in(page, account_id):
    assert (await page.sign_in("1357", account_id)).status_code == 403


async def test_a_new_pin_ends_every_sign_in(page):
    await page.sign_in()
    member = page.shop.plan.till_members[0]
    page.shop.plan = replace(page.shop.plan, till_members=(replace(member, role="packer"),))
    assert (await page.http.get("/till/api/state")).status_code == 401


async def test_owners_and_managers_give_money_back_and_nobody_else(page):
    member = page.shop.plan.till_members[0]
    await page.sign_in()
    await page.post("scan", text="CUP-1")
    sale_id = (await page.state())["sale"]["sale_id"]
    await page.post("pay", sale_id=sale_id, device="drawer")
    await page.post("answer", sale_id=sale_id, answer="came", tendered_minor=2_500)
    assert (await page.state())["may_refund"]
    page.shop.plan = replace(page.shop.plan, till_members=(replace(member, role="packer"),))
    await page.sign_in()
    assert not (await page.state())["may_refund"]
    answer = await page.post("refund", sale_id=sale_id, is_restocked=True)
    assert (answer.status_code, answer.json()["title"]) == (409, "may_not_refund")
    page.shop.plan = replace(page.shop.plan, till_members=(replace(member, role="manager"),))
    await page.sign_in()
    assert (await page.post("refund", sale_id=sale_id, is_restocked=True)).status_code == 200
    assert [one["refund"] for one in (await page.state())["receipts"]] == ["runs"]


async def test_a_refusal_says_why_in_both_languages(page):
    await page.sign_in()
    answer = await page.post("scan", text="no such thing")
    assert answer.status_code == 409
    assert answer.json()["title"] == "strange"
    assert answer.json()["text"]["zh"]


@pytest.mark.parametrize(
    ("name", "body"),
    [("scan", {"text": 5}), ("quantity", {"sale_id": "x", "line_no": "0", "quantity": 1}),
     ("pay", {"sale_id": "x" * 65, "device": "y"}), ("scan", {"text": "x" * 301}),
     ("listing", {"title_en": "x", "price_minor": True, "stock": 1, "currency": "CNY"})],
)  # fmt: skip
async def test_bodies_of_another_shape_are_refused(page, name, body):
    await page.sign_in()
    assert (await page.post(name, **body)).status_code == 422


async def test_only_json_from_this_page_is_taken(page):
    await page.sign_in()
    assert (await page.http.post("/till/api/scan", data={"text": "4701"})).status_code == 422
    strange = await page.http.post("/till/api/scan", json={"text": "4701"}, headers={"origin": "http://evil.example"})
    assert strange.status_code == 403
    other_name = await page.http.get("/till/api/state", headers={"host": "till.example"})
    assert other_name.status_code == 421


async def test_a_listing_written_offline_waits_for_the_relay(page):
    await page.sign_in()
    answer = await page.post(
        "listing", title_en="Rice bowl", title_zh="饭碗", price_minor=4200, currency="CNY", stock=3, code="4720",
        is_published=True,
    )  # fmt: skip
    assert answer.json()["is_relay_near"] is False
    (envelope,) = [decode_envelope(one.payload) for one in await page.shop.journal.unsent_reports()]
    assert envelope.type == "ListingWritten"
    assert (envelope.data["title"]["zh"], envelope.data["stock"], envelope.data["is_published"]) == ("饭碗", 3, True)
    assert (await page.state())["waiting"]["listings"] == 1
    nameless = await page.post("listing", title_en=" ", price_minor=1, currency="CNY", stock=1)
    assert nameless.json()["title"] == "no_title"


def sold(**values) -> Sale:
    lines = (CounterLine(listing_id="l", title=Text(en="Teapot", zh="茶壶"), price_minor=38_000, piece_id="p"),)
    facts = {
        "sale_id": "s", "lines": lines, "currency": "CNY", "way": "cash", "asked_minor": 38_000, "receipt_no": 7,
        "tendered_minor": 40_000, "paid_at": "2026-11-22T05:30:00.000Z",
    }  # fmt: skip
    return Sale(**{**facts, **values})


def test_the_receipt_names_shop_number_goods_total_and_change():
    text = " ".join(" ".join(row) for row in receipt_rows(sold(), replace(PLAN, time_zone="Asia/Shanghai")))
    for part in ("茶馆 Tea house", "No. 7", "2026-11-22 13:30", "1 × 茶壶 Teapot", "380.00 CNY", "Change 找零 20.00"):
        assert part in text, part
    assert "COPY" not in text
    assert "COPY 副本" in " ".join(row[0] for row in receipt_rows(sold(copies=2), PLAN))


def test_the_code_on_the_receipt_is_where_its_holder_keeps_the_purchase():
    sale, plan = sold(sale_id=new_id("sale")), replace(PLAN, resolver_url="https://mall.example/")
    drawn = draw_receipt(sale, plan, MEDIA, find_typeface())
    (code,) = zxingcpp.read_barcodes(drawn.convert("L"), formats=zxingcpp.BarcodeFormat.QRCode)
    assert code.text == f"https://mall.example/r/{sale.sale_id}"
    for none in (sold(shopper_code="vs1.x"), sold(refund_of="s")):
        assert claim_url(none, plan) == ""
    assert claim_url(sale, None) == ""
    small = replace(MEDIA, length_mm=40.0)
    assert zxingcpp.read_barcodes(draw_receipt(sale, plan, small, find_typeface()).convert("L")) == []


def test_a_receipt_that_does_not_fit_is_not_cut_off():
    many = tuple(
        CounterLine(listing_id="l", title=Text(en=f"A very long thing number {n}" * 3, zh="长"), price_minor=100)
        for n in range(60)
    )
    with pytest.raises(ReceiptTooLongError):
        draw_receipt(sold(lines=many), PLAN, MEDIA, find_typeface())
    drawn = draw_receipt(sold(), PLAN, MEDIA, find_typeface())
    assert drawn.size == (576, 960)
    assert drawn.histogram()[0] > 1000, "nothing was drawn"


def test_a_box_without_a_counter_has_no_till(tmp_path):
    assert till_page(None, tmp_path) == ([], ())
