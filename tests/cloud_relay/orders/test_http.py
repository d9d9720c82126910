"""The trade over HTTP on a whole relay with a real bank: pay, follow, answer, scan, rule; and who may not."""

import asyncio
import contextlib
import hashlib
import json
import time

import httpx

from cloud_relay import tables
from cloud_relay.escrow.providers import sandbox
from cloud_relay.orders import service
from cloud_relay.orders.effects import Happening
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.parcels import reports as parcel_room
from cloud_relay.settings import PaymentSettings
from tests.cloud_relay import running
from tests.cloud_relay.trade_servers import PATIENT_S, SECRET, SILENT_S, WEBHOOK_SECRET
from wire import reports

ADDRESS = {"name": "王小明", "lines": ["西湖路 1 号"], "postal_code": "310000", "city": "杭州", "country": "CN"}
PHOTO, TOKEN = "f" * 64, "courier-token-1"
SECRETS = {"VITRINE_PAYMENT_SECRET": SECRET, "VITRINE_PAYMENT_WEBHOOK_SECRET": WEBHOOK_SECRET}


@contextlib.asynccontextmanager
async def mall(folder, free_port, bank, answer_s=PATIENT_S):
    """A relay with one shop, its owner, two shoppers and an operator."""
    payment = PaymentSettings(url=bank.url, timeout_s=answer_s)
    async with running.house(folder, free_port, payment=payment, secrets=SECRETS) as house:
        bank.send_webhooks_to(f"{house.settings.relay.public_url}/webhooks/sandbox")
        yield await Mall(house, bank).open()


class Mall:
    def __init__(self, house, bank):
        self.house, self.bank, self.db = house, bank, house.db

    async def open(self):
        house = self.house
        shop = {"currency": "CNY", "shipping_minor": 1200, "gs1_prefix": "9521234", "sender_lines": ["Teahouse"]}
        self.merchant_id, self.shop_id, self.owner = await house.merchant("owner", **shop)
        self.ann_id, self.ann = house.account("ann")
        self.bob_id, self.bob = house.account("bob")
        self.olga_id, self.olga = house.account("olga", is_operator=True)
        self.listing_id = await self.listing(3)
        return self

    async def listing(self, pieces):
        body = {
            "shop_id": self.shop_id,
            "title_en": "Teapot",
            "title_zh": "紫砂茶壶",
            "price_minor": 9900,
            "gtin": "9521234543213",
        }
        listing_id = (await self.house.post("/api/listings", body, self.owner, 201))["listing_id"]
        for number in range(pieces):
            piece = {"listing_id": listing_id, "code": f"{listing_id[-6:]}-{number}"}
            await self.house.post("/api/pieces", piece, self.owner, 201)
        await self.house.post(f"/api/listings/{listing_id}/publish", {}, self.owner)
        return listing_id

    def order_body(self, **body):
        base = {"listing_id": self.listing_id, "address": ADDRESS, "payment_method": "sandbox:ok"}
        return {**base, "agrees_photo_window": True, **body}

    async def order(self, headers=None, status=201, **body):
        return await self.house.post("/api/orders", self.order_body(**body), headers or self.ann, status)

    async def story(self, order_id, headers=None, status=200):
        return await self.house.get(f"/api/orders/{order_id}", headers or self.ann, status)

    async def act(self, order_id, what, body=None, headers=None, status=200):
        return await self.house.post(f"/api/orders/{order_id}/{what}", body, headers or self.ann, status)

    async def at_bench(self, order_id, *, hand_over=False):
        """What the shop box would report; MQTT is the shop link's own test."""
        now, trade = self.house.relay.clock.now(), self.house.relay.trading.trade
        parcel_id = (await self.story(order_id))["parcel_id"]
        said = [
            reports.LabelPrinted(parcel_id=parcel_id, at=now, label_serial=f"{order_id}-1", label_no=1),
            reports.ParcelPhotographed(parcel_id=parcel_id, at=now, label_serial=f"{order_id}-1", picture_sha256=PHOTO),
        ]
        if hand_over:
            digest = hashlib.sha256(TOKEN.encode()).hexdigest()
            said = [
                reports.HandedOver(
                    parcel_id=parcel_id, at=now, label_serial=f"{order_id}-1", scanned="x", courier_token_sha256=digest
                )
            ]
        for report in said:
            await self.db.run(parcel_room.take_report, self.shop_id, report, now, trade)
        return parcel_id

    def rows(self, table, *where):
        query = table.select().where(*where)
        return self.db.read_now(lambda connection: [dict(row) for row in connection.execute(query).mappings()])

    def balance(self, account):
        entries = self.rows(tables.posting)
        raised = sum(row["amount_minor"] for row in entries if row["credit"] == account)
        return raised - sum(row["amount_minor"] for row in entries if row["debit"] == account)


async def test_from_the_piece_to_the_payout(tmp_path, free_port, bank, eventually):
    async with mall(tmp_path / "r", free_port, bank) as mall_:
        house, get, post = mall_.house, mall_.house.get, mall_.house.post
        listing = await get(f"/api/listings/{mall_.listing_id}")
        piece = {"piece_id": listing["pieces"][0]["piece_id"]}
        kept = await post("/api/reservations", piece, mall_.ann, 201)
        assert (await post("/api/reservations", piece, mall_.ann, 201))["parcel_id"] == kept["parcel_id"]
        assert (await post("/api/reservations", piece, mall_.bob, 409))["type"].endswith("out_of_stock")
        longer = await post(f"/api/reservations/{kept['parcel_id']}/extend", {}, mall_.ann)
        assert longer["until"] > kept["until"]
        checkout = await get(f"/api/checkout/{kept['parcel_id']}", mall_.ann)
        assert (checkout["price_minor"], checkout["shipping_minor"], checkout["total_minor"]) == (9900, 1200, 11100)
        assert "commission" not in str(checkout)
        await get(f"/api/checkout/{kept['parcel_id']}", mall_.bob, 404)
        placed = await mall_.order(listing_id="", parcel_id=kept["parcel_id"], total_minor=11100)
        assert (placed["state"], placed["payment_state"]) == ("paid", "succeeded")
        order_id = placed["order_id"]
        parcel_id = await mall_.at_bench(order_id)
        assert (await mall_.story(order_id))["state"] == "photo_offered"
        stale = {"answer": "confirmed", "picture_sha256": "0" * 64}
        assert (await mall_.act(order_id, "photo", stale, status=409))["type"].endswith("newer_photo")
        await mall_.act(order_id, "photo", {"answer": "confirmed", "picture_sha256": PHOTO})
        await mall_.at_bench(order_id, hand_over=True)
        link = f"/api/courier/{parcel_id}.{TOKEN}"
        shown = await get(link)
        assert "address" not in str(shown) and "王小明" not in json.dumps(shown, ensure_ascii=False)
        await get(f"/api/courier/{parcel_id}.guess", None, 404)
        scan = {"code": shown["sscc"], "biz_step": "arriving", "place": "Shanghai"}
        await post(f"{link}/scans", scan, None, 201)
        wrong = {**scan, "code": "952123400000000000"}
        assert (await post(f"{link}/scans", wrong, None, 422))["type"].endswith("wrong_parcel")
        delivered = {**scan, "biz_step": "delivered", "place": "door"}
        assert (await post(f"{link}/scans", delivered, None, 422))["type"].endswith("proof_missing")
        await post(f"{link}/scans", {**delivered, "received_by": "the neighbour"}, None, 201)
        story = await mall_.story(order_id)
        assert story["state"] == "delivered" and story["release_at"]
        assert {"placed", "payment_succeeded", "photographed", "handed_over", "tracking"} <= {
            line["kind"] for line in story["timeline"]
        }
        assert (await mall_.act(order_id, "receipt"))["state"] == "released"
        assert (await mall_.act(order_id, "receipt"))["state"] == "released", "a second click changes nothing"
        money = await get(f"/api/merchants/{mall_.merchant_id}/money", mall_.owner)
        assert money["balances"] == [{"currency": "CNY", "amount_minor": 10545}]
        await post(
            f"/api/merchants/{mall_.merchant_id}/payouts", {"amount_minor": 10546, "currency": "CNY"}, mall_.owner, 409
        )
        await post(
            f"/api/merchants/{mall_.merchant_id}/payouts", {"amount_minor": 10545, "currency": "CNY"}, mall_.owner, 201
        )
        await eventually(lambda: mall_.rows(tables.payout)[0]["state"] == "succeeded", what="the payout")
        assert bank.held() == 555
        document = await get(f"/api/parcels/{parcel_id}/epcis", mall_.ann)
        assert document["type"] == "EPCISDocument"
        resolved = await house.http.get(f"/00/{shown['sscc']}", headers={**mall_.ann, "Accept": "application/json"})
        assert resolved.json()["order_id"] == order_id
        notices = await get("/api/notices", mall_.ann)
        assert notices["notices"][0]["kind"] == "money_released"


async def test_who_is_no_party_finds_nothing_and_changes_nothing(tmp_path, free_port, bank):
    async with mall(tmp_path / "r", free_port, bank) as mall_:
        order_id = (await mall_.order())["order_id"]
        parcel_id = await mall_.at_bench(order_id)
        before = await mall_.story(order_id)
        photo = {"answer": "confirmed", "picture_sha256": PHOTO}
        tries = [
            ("GET", f"/api/orders/{order_id}", None), ("GET", f"/api/orders/{order_id}/evidence", None),
            ("POST", f"/api/orders/{order_id}/cancel", None), ("POST", f"/api/orders/{order_id}/photo", photo),
            ("POST", f"/api/orders/{order_id}/receipt", None),
            ("POST", f"/api/orders/{order_id}/dispute", {"reason": "x"}),
            ("POST", f"/api/orders/{order_id}/dispute/withdraw", None),
            ("POST", f"/api/orders/{order_id}/pay", {"payment_method": "sandbox:ok"}),
            ("GET", f"/api/parcels/{parcel_id}/epcis", None),
            ("GET", f"/api/merchants/{mall_.merchant_id}/money", None),
            ("GET", f"/api/merchants/{mall_.merchant_id}/orders", None),
            ("POST", f"/api/merchants/{mall_.merchant_id}/payouts", {"amount_minor": 1, "currency": "CNY"}),
            ("GET", "/api/operator/disputes", None),
            ("POST", "/api/operator/disputes/dis_x/rule", {"ruling": "refund", "reason": "x"}),
        ]  # fmt: skip
        http = mall_.house.http
        for method, path, body in tries:
            theirs = await http.request(method, path, json=body, headers=mall_.bob)
            assert theirs.status_code == 404, (path, theirs.text)
            assert (await http.request(method, path, json=body)).status_code == 401, path
        absent = await http.get("/api/orders/ord_absent", headers=mall_.bob)
        foreign = await http.get(f"/api/orders/{order_id}", headers=mall_.bob)
        assert absent.json() == foreign.json(), "nobody learns which orders there are"
        for what, body in (("photo", photo), ("receipt", None), ("dispute", {"reason": "x"})):
            await mall_.act(order_id, what, body, mall_.owner, 404)
        assert await mall_.story(order_id) == before
        assert (await mall_.story(order_id, mall_.owner))["order_id"] == order_id
        assert (await mall_.story(order_id, mall_.olga))["order_id"] == order_id


async def test_a_key_makes_an_order_once(tmp_path, free_port, bank):
    async with mall(tmp_path / "r", free_port, bank) as mall_:
        headers = {**mall_.ann, "Idempotency-Key": "key-1"}
        first = await mall_.order(headers)
        assert await mall_.order(headers) == first
        await mall_.order(headers, 422, address={**ADDRESS, "city": "上海"})
        both = {**mall_.ann, "Idempotency-Key": "key-2"}
        body = mall_.order_body()
        answers = await asyncio.gather(
            *(mall_.house.http.post("/api/orders", json=body, headers=both) for _ in range(4))
        )
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["order_id"] for answer in answers}) == 1
        assert len(mall_.rows(tables.orders)) == 2
        assert bank.held() == 2 * 11100


BAD_BODIES = [
    {"address": {**ADDRESS, "name": "Ann\x1b@\x1dV\x00Bob"}},
    {"address": {**ADDRESS, "lines": ["a\u202eb"]}},
    {"address": {**ADDRESS, "lines": ["x" * 301]}},
    {"address": {**ADDRESS, "country": "China"}},
    {"payment_method": "cash"},
    {"agrees_photo_window": False},
    {"surprise": 1},
    {"delivery_until": "2020-01-01T00:00:00Z"},
]


async def test_a_bad_order_is_refused_in_words(tmp_path, free_port, bank):
    async with mall(tmp_path / "r", free_port, bank) as mall_:
        for body in BAD_BODIES:
            answer = await mall_.order(status=422, **body)
            assert answer["title_en"] and answer["title_zh"], body
        assert not mall_.rows(tables.orders)
        await mall_.order(address={**ADDRESS, "name": "^XZ^XA~JA 🫖", "lines": ["x" * 300]})


async def test_the_bank_falls_silent_and_its_webhooks_come_twice_late_and_shuffled(
    tmp_path, free_port, bank, eventually
):
    async with mall(tmp_path / "r", free_port, bank, SILENT_S) as mall_:
        bank.behave(copies=3, delay_s=0.2, is_shuffled=True)
        silent = (mall_.order(payment_method="sandbox:timeout_charged") for _ in range(2))
        placed = [*await asyncio.gather(*silent)]
        placed.append(await mall_.order(headers=mall_.bob, payment_method="sandbox:ok"))
        for one in placed:
            await eventually(lambda one=one: self_state(mall_, one["order_id"]) == "paid", what="the webhook")
        await eventually(lambda: len(mall_.rows(tables.provider_event)) == 3, what="every event once")
        assert len(mall_.rows(tables.transfer)) == 3
        assert -mall_.balance("psp:sandbox") == bank.held() == 3 * 11100


def self_state(mall_, order_id):
    return mall_.rows(tables.orders, tables.orders.c.order_id == order_id)[0]["state"]


async def test_a_webhook_that_is_not_proved_leaves_no_row(tmp_path, free_port, bank):
    async with mall(tmp_path / "r", free_port, bank, SILENT_S) as mall_:
        bank.behave(is_silent=True)
        order_id = (await mall_.order(payment_method="sandbox:timeout_charged"))["order_id"]
        (paid,) = mall_.rows(tables.payment)
        payment = {
            "id": paid["payment_id"], "state": "succeeded", "amount_minor": 11100, "currency": "CNY", "reference": "x",
        }  # fmt: skip
        body = json.dumps({"id": "evt_1", "type": "payment.succeeded", "payment": payment}).encode()
        now = int(time.time())

        async def send(content, signature):
            headers = {"Sandbox-Signature": signature} if signature else {}
            return (await mall_.house.http.post("/webhooks/sandbox", content=content, headers=headers)).status_code

        good = sandbox.sign(WEBHOOK_SECRET, now, body)
        respelt = json.dumps(json.loads(body), indent=1).encode()
        forged = [
            (body, ""), (body, "t=1,v1=0"), (body, sandbox.sign("other", now, body)), (body + b" ", good),
            (respelt, good), (body, sandbox.sign(WEBHOOK_SECRET, now - 400, body)), (b"", good),
        ]  # fmt: skip
        for content, signature in forged:
            assert await send(content, signature) == 400
        assert not mall_.rows(tables.provider_event)
        assert self_state(mall_, order_id) == "unpaid"
        unknown = json.dumps({"id": "evt_2", "type": "weather.changed"}).encode()
        assert await send(unknown, sandbox.sign(WEBHOOK_SECRET, now, unknown)) == 204
        assert mall_.rows(tables.provider_event)[0]["applied_at"] is None
        assert {await send(body, good) for _ in range(3)} == {204}, "the right one, and its repeats"
        assert self_state(mall_, order_id) == "paid"
        early = json.dumps(
            {"id": "evt_3", "type": "payment.charged_back", "payment": {**payment, "id": "pay_x"}}
        ).encode()
        assert await send(early, sandbox.sign(WEBHOOK_SECRET, now, early)) == 204
        assert len(mall_.rows(tables.transfer)) == 1


async def test_a_charge_back_that_overtakes_the_success_waits_for_it(tmp_path, free_port, bank, eventually):
    async with mall(tmp_path / "r", free_port, bank, SILENT_S) as mall_:
        bank.behave(is_silent=True)
        order_id = (await mall_.order(payment_method="sandbox:timeout_charged"))["order_id"]
        (paid,) = mall_.rows(tables.payment)
        bank.charge_back(paid["payment_id"])
        bank.behave(is_silent=False, is_shuffled=True, copies=2)
        await eventually(lambda: self_state(mall_, order_id) == "charged_back", 20, "both events, in whatever order")
        assert mall_.balance(f"escrow:{order_id}") == 0
        assert mall_.balance("psp:sandbox") == bank.held() == 0


async def test_a_dispute_and_its_ruling(tmp_path, free_port, bank, eventually):
    async with mall(tmp_path / "r", free_port, bank) as mall_:
        order_id = (await mall_.order())["order_id"]
        assert (await mall_.act(order_id, "receipt", status=409))["type"].endswith("nothing_received")
        await mall_.act(order_id, "dispute", {"reason": "I changed my mind"})
        (open_,) = (await mall_.house.get("/api/operator/disputes", mall_.olga))["disputes"]
        path = f"/api/operator/disputes/{open_['dispute_id']}/rule"
        rule = mall_.house.post
        assert open_["can_release"] is False
        assert (await rule(path, {"ruling": "release", "reason": "x"}, mall_.olga, 409))["type"].endswith(
            "not_handed_over"
        )
        for part in (0, 11100):
            await rule(path, {"ruling": "split", "reason": "x", "to_shopper_minor": part}, mall_.olga, 422)
        await rule(path, {"ruling": "refund", "reason": "fair"}, mall_.olga)
        await rule(path, {"ruling": "refund", "reason": "fair"}, mall_.olga, 404)
        await eventually(lambda: bank.held() == 0, what="the refund at the bank")
        await eventually(lambda: mall_.balance("psp:sandbox") == 0, what="the refund in our book")
        evidence = await mall_.house.get(f"/api/orders/{order_id}/evidence", mall_.ann)
        assert evidence["order"]["dispute"]["ruling"] == "ruled_refund"


async def test_sixty_four_shoppers_and_five_pieces_over_http(tmp_path, free_port, bank):
    async with mall(tmp_path / "r", free_port, bank) as mall_:
        listing_id = await mall_.listing(5)
        people = [mall_.house.account(f"shopper{number}")[1] for number in range(64)]
        body = mall_.order_body(listing_id=listing_id)
        async with httpx.AsyncClient(base_url=mall_.house.settings.relay.public_url, timeout=60) as http:
            answers = await asyncio.gather(*(http.post("/api/orders", json=body, headers=one) for one in people))
        statuses = [answer.status_code for answer in answers]
        assert statuses.count(201) == 5 and statuses.count(409) == 59
        assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {
            "urn:vitrine:problem:out_of_stock"
        }
        paid = [answer.json()["state"] for answer in answers if answer.status_code == 201]
        assert paid == ["paid"] * 5
        assert bank.held() == 5 * 11100


async def test_deadlines_pass_by_themselves(tmp_path, free_port, bank, eventually):
    async with mall(tmp_path / "r", free_port, bank) as mall_:
        bank.behave(is_silent=True)
        order_id = (await mall_.order(payment_method="sandbox:decline"))["order_id"]
        past = mall_.house.relay.clock.now()
        mall_.db.run_now(
            lambda connection: connection.execute(tables.orders.update().values(due_at=past, pay_until=past))
        )
        await eventually(lambda: self_state(mall_, order_id) == "expired", what="the timer task")
        cancelled = (await mall_.order(headers=mall_.bob))["order_id"]
        await mall_.act(cancelled, "cancel", headers=mall_.bob)
        now, trade = mall_.house.relay.clock.now(), mall_.house.relay.trading.trade
        mall_.db.run_now(service.apply, cancelled, Happening(event=E.CANCEL_DONE), now, trade)
        await eventually(lambda: mall_.balance("psp:sandbox") == 0, what="the refund by the worker")
