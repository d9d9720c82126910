"""`--once`: a scripted shopper walks one order the whole way, over HTTP, MQTT and WebRTC, and leaves a report."""

import asyncio
import io
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import zxingcpp
from PIL import Image

from demo.hands import Bench, Hands
from demo.mall import Mall
from demo.people import MERCHANTS, SHOPPER, Caller
from demo.shop_files import PIN
from demo.shopper import Look
from demo.steps import StepFailedError, Steps, check, until
from demo.supervisor import Supervisor
from demo.viewer import ViewerError

ADDRESS = {
    "name": "Mei Lin 林梅", "lines": ["Kaiserstraße 12", "3. OG links"], "postal_code": "10115", "city": "Berlin",
    "country": "DE", "phone": "+49 30 1234567",
}  # fmt: skip
COURIER_STOPS = (("departing", "Yixing depot"), ("arriving", "Berlin hub"), ("delivered", "Berlin, Kaiserstraße"))
RECEIVER = "Mei Lin 林梅"


class Walk:
    """One order's way. What later steps need is kept here."""

    def __init__(self, mall: Mall, report: Path, nonce: str, say: Callable[[str], None]) -> None:
        self.mall, self.report, self.nonce = mall, report, nonce
        self.shop = mall.shops[0]
        self.steps = Steps(say)
        self.shopper = Caller(mall.relay_url)
        self.facts: dict[str, Any] = {}
        self.link: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._bench = Bench(mall.attendant_url(self.shop), PIN, mall.control_url(self.shop))
        self.hands = Hands(self._bench, lambda _line: None, self._on_link)
        world = mall.run_folder(self.shop)
        self.labels_before = len(printed(world))
        self.bytes_before = (world / "printer.bin").stat().st_size if (world / "printer.bin").exists() else 0

    def _on_link(self, link: str) -> None:
        if not self.link.done():
            self.link.set_result(link)

    async def run(self) -> None:
        """Every step in order; the first that does not hold raises."""
        step = self.steps.step
        async with step("sign in"):
            await self.shopper.sign_in(SHOPPER)
        async with step("search in Chinese and English"):
            listing_id = await self.search()
        async with step("look at another piece in the window, steer its camera, leave it"):
            await self.look_in_the_window()
        async with step("ask to look; the shop answers being_brought"):
            look = await self.ask(listing_id)
        async with step("the attendant brings the piece; the turn begins"):
            await look.wait_turn(60)
        async with step("first live picture over WebRTC"):
            self.facts["first_frame_ms"] = round(await look.open(), 1)
        async with step("steer to the back, go near, read the engraving"):
            motion_ms, _ = await look.steer_and_read(self.nonce)
            self.facts["steer_to_motion_ms"] = round(motion_ms, 1)
        async with step("a question is answered by the attendant"):
            check(await look.question("measure_it"), "the answer is empty")
        async with step("confirm this piece: reserved, still taken, engraving legible on it"):
            await self.confirm(look)
        async with step("leave the camera"):
            self.facts["frames"] = await look.leave()
        async with step("packed, waiting for its label; nothing printed yet"):
            await self.packed()
        async with step("place the order and pay into held money"):
            await self.pay()
        async with step("label printed, applied by robot, read back, photographed"):
            await self.photographed()
        async with step("the photo shows label and nonce; confirm it"):
            await self.confirm_photo()
        async with step("handed over; the courier has the link"):
            await asyncio.wait_for(asyncio.shield(self.link), 60)
            await self.order_becomes("handed_over")
        async with step("the courier scans at each stop; shop and shopper see it"):
            await self.courier_scans()
        async with step("confirm receipt: the money goes to the merchant"):
            await self.receive()
        async with step("ledger, label and parcel events agree"):
            await self.settle()

    async def search(self) -> str:
        """Find the teapot by a word inside its Chinese name and by an English one."""
        hits = {}
        for words in ("茶壶", "teapot", "石瓢"):
            answer = await self.shopper.call("GET", "/api/search", params={"q": words})
            hits[words] = {hit["listing_id"]: hit for hit in answer["hits"]}
        (listing_id,) = hits["石瓢"]
        check(listing_id in hits["茶壶"] and listing_id in hits["teapot"], f"not found by every word: {hits}")
        viewing = hits["石瓢"][listing_id]["viewing"]["state"]
        check(viewing == "now", f"the hit says viewing is {viewing}")
        return str(listing_id)

    async def look_in_the_window(self) -> None:
        """Look at a piece that stays where it is, through the camera that hangs there; leaving frees it at once."""
        hits = (await self.shopper.call("GET", "/api/search", params={"q": "西施"}))["hits"]
        listing = await self.shopper.call("GET", f"/api/listings/{hits[0]['listing_id']}")
        look = Look(self.shopper, listing["pieces"][0]["piece_id"])
        answer = await look.ask()
        check(answer["answer"] == "now" and answer["camera"] == "front", f"the shop answered {answer}")
        await look.wait_turn(20)
        await look.open()
        await look.move(pan=0.5)
        await look.leave()

        async def is_free() -> bool:
            camera = await self.shopper.call("GET", f"/api/shops/{self.shop.name}/cameras/front")
            return bool(camera["can_view"] and not camera["waiting"])

        await until(is_free, 6, "the window's camera is free for the next")

    async def ask(self, listing_id: str) -> Look:
        """Ask to look at piece 4711."""
        listing = await self.shopper.call("GET", f"/api/listings/{listing_id}")
        piece = next(piece for piece in listing["pieces"] if piece["code"] == "4711")
        look = Look(self.shopper, piece["piece_id"])
        answer = await look.ask()
        check(answer["answer"] == "being_brought", f"the shop answered {answer}")
        return look

    async def confirm(self, look: Look) -> None:
        """Reserve the piece and read the engraving in its full-resolution still."""
        reservation = await look.confirm()
        self.facts["parcel_id"] = reservation["parcel_id"]

        async def still() -> bytes | None:
            checkout = await self.shopper.call("GET", f"/api/checkout/{self.facts['parcel_id']}")
            sha256 = checkout.get("still_sha256")
            return await self.picture(sha256) if sha256 else None

        jpeg = await until(still, 20, "the still at the checkout")
        (self.report / "still.jpg").write_bytes(jpeg)
        check(self.nonce in codes_of(jpeg), f"the still shows {codes_of(jpeg)}")

    async def picture(self, sha256: str) -> bytes | None:
        """Return a picture that is stored at the relay by now."""
        answer = await self.shopper.http.get(f"/pictures/{sha256}")
        return answer.content if answer.is_success else None

    async def packed(self) -> None:
        """Wait until the bench reports it packed; the printer must not have moved."""

        async def look() -> bool:
            parcel = await self.shopper.call("GET", f"/p/{self.facts['parcel_id']}")
            return bool(parcel["state"] == "packed")

        await until(look, 60, "packed and waiting for its label")
        check(self.labels() == [], f"a label came out before the payment: {self.labels()}")

    def labels(self) -> list[dict[str, Any]]:
        """Return the printer's own truth of what came out since the walk began; the bench check's label was before."""
        return printed(self.mall.run_folder(self.shop))[self.labels_before :]

    async def pay(self) -> None:
        """Order with address and delivery time; the total is known before paying."""
        checkout = await self.shopper.call("GET", f"/api/checkout/{self.facts['parcel_id']}")
        total = checkout["price_minor"] + checkout["shipping_minor"]
        check(checkout["total_minor"] == total, f"the total is not price and shipping: {checkout}")
        now = datetime.now(UTC)
        order = await self.shopper.call(
            "POST", "/api/orders",
            {
                "parcel_id": self.facts["parcel_id"], "address": ADDRESS, "payment_method": "sandbox:ok",
                "delivery_from": (now + timedelta(days=3)).isoformat(), "agrees_photo_window": True,
                "delivery_until": (now + timedelta(days=9)).isoformat(), "total_minor": total,
            },
        )  # fmt: skip
        self.facts["order_id"] = order["order_id"]

    async def order(self) -> dict[str, Any]:
        """Return the order as the shopper sees it."""
        order: dict[str, Any] = await self.shopper.call("GET", f"/api/orders/{self.facts['order_id']}")
        return order

    async def order_becomes(self, state: str, timeout_s: float = 60) -> dict[str, Any]:
        """Wait for an order's state."""

        async def look() -> dict[str, Any] | None:
            order = await self.order()
            return order if order["state"] == state else None

        return await until(look, timeout_s, f"order {state}")

    async def photographed(self) -> None:
        """Wait for the photo and keep it."""
        order = await self.order_becomes("photo_offered", 90)
        self.facts["photo_sha256"] = order["photo_sha256"]

        async def photo() -> bytes | None:
            return await self.picture(order["photo_sha256"])

        (self.report / "parcel.jpg").write_bytes(await until(photo, 20, "the parcel's photo at the relay"))

    async def confirm_photo(self) -> None:
        """Read the label in the photo, then answer."""
        codes = codes_of((self.report / "parcel.jpg").read_bytes())
        check(any(code.endswith(f"/21/{self.nonce}") for code in codes), f"the photo's codes are {codes}")
        answer = {"answer": "confirmed", "picture_sha256": self.facts["photo_sha256"]}
        await self.shopper.call("POST", f"/api/orders/{self.facts['order_id']}/photo", answer)

    async def courier_scans(self) -> None:
        """Scan at each stop through the link that was shown once; the shopper's story shows each."""
        token = (await self.link).rsplit("/", 1)[-1]
        async with httpx.AsyncClient(base_url=self.mall.relay_url, timeout=10) as courier:
            for biz_step, place in COURIER_STOPS:
                body = {"code": self.facts["parcel_id"], "biz_step": biz_step, "place": place}
                body |= {"received_by": RECEIVER} if biz_step == "delivered" else {}
                answer = await courier.post(f"/api/courier/{token}/scans", json=body)
                check(answer.is_success, f"scan {biz_step}: {answer.status_code} {answer.text}")
        await self.order_becomes("delivered")

    async def receive(self) -> None:
        """Confirm receipt; the order is complete."""
        await self.shopper.call("POST", f"/api/orders/{self.facts['order_id']}/receipt", {})
        await self.order_becomes("released")

    async def settle(self) -> None:
        """Read the books, the events and the printer's truth; write what the report needs of them."""
        order = await self.order()
        self.facts["sscc"] = order["sscc"]
        merchant = Caller(self.mall.relay_url)
        await merchant.sign_in(MERCHANTS[self.shop.name])
        merchant_id = (await merchant.call("GET", "/api/merchants/mine"))["merchants"][0]["merchant_id"]
        money = await merchant.call("GET", f"/api/merchants/{merchant_id}/money")
        await merchant.close()
        check(any(balance["amount_minor"] > 0 for balance in money["balances"]), f"the merchant has {money}")
        self.facts["ledger"] = self.ledger()
        escrow = f"escrow:{self.facts['order_id']}"
        held = sum(
            row["amount_minor"] * ((row["credit"] == escrow) - (row["debit"] == escrow)) for row in self.facts["ledger"]
        )
        check(self.facts["ledger"] and held == 0, f"{held} are still held")
        self.facts["epcis"] = await self.shopper.call("GET", f"/api/parcels/{self.facts['parcel_id']}/epcis")
        applied = [label for label in self.labels() if label["applied_at"]]
        check(len(applied) == 1, f"labels applied: {applied}")

    def ledger(self) -> list[dict[str, Any]]:
        """Return the order's postings, straight from the database."""
        query = (
            "SELECT p.reference, p.debit, p.credit, p.amount_minor, p.currency FROM posting p JOIN transfer t "
            "ON t.reference = p.reference WHERE t.order_id = ? ORDER BY t.created_at, p.reference, p.line"
        )
        path = self.mall.database_url.removeprefix("sqlite:///")
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query, (self.facts["order_id"],))]

    def write_report(self, *, is_ok: bool, restarts: int) -> None:
        """Write report.json and what the printer got, drew and swears to."""
        world = self.mall.run_folder(self.shop)
        if (world / "printer.bin").exists():
            (self.report / "printer.bin").write_bytes((world / "printer.bin").read_bytes()[self.bytes_before :])
        (self.report / "labels_printed.json").write_text(json.dumps(self.labels(), ensure_ascii=False, indent=1))
        applied = [label for label in self.labels() if label["applied_at"]]
        if applied:
            Image.open(world / applied[-1]["png"]).save(self.report / "label.png")
        viewing = {name: self.facts.get(name) for name in ("first_frame_ms", "frames", "steer_to_motion_ms")}
        report = {
            "ok": is_ok, "nonce": self.nonce, "steps": self.steps.done, "order_id": self.facts.get("order_id"),
            "parcel_id": self.facts.get("parcel_id"), "sscc": self.facts.get("sscc"), "viewing": viewing,
            "database": self.mall.database_url, "ledger": self.facts.get("ledger", []),
            "epcis": self.facts.get("epcis", {}), "restarts": restarts,
        }  # fmt: skip
        (self.report / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def printed(world: Path) -> list[dict[str, Any]]:
    """Return every label that came out of a world's printer, as the simulator swears."""
    file = world / "labels_printed.json"
    labels: list[dict[str, Any]] = json.loads(file.read_text()) if file.exists() else []
    return labels


def codes_of(jpeg: bytes) -> list[str]:
    """Return the texts of every code in a picture."""
    picture = Image.open(io.BytesIO(jpeg))
    return sorted({code.text for code in zxingcpp.read_barcodes(picture) if code.text})


async def walk(mall: Mall, supervisor: Supervisor, report: Path, nonce: str, say: Callable[[str], None]) -> bool:
    """Walk one order into the folder `report`; return whether every step held and nothing had to be restarted."""
    way = Walk(mall, report, nonce, say)
    hands = asyncio.create_task(way.hands.run())
    try:
        await way.run()
        async with way.steps.step("nothing died on the way"):
            check(supervisor.restarts == 0, f"{supervisor.restarts} restarts")
    except (StepFailedError, ViewerError, RuntimeError, httpx.HTTPError, TimeoutError, KeyError, ValueError) as error:
        say(f"the walk ended here: {type(error).__name__}: {error}")
    finally:
        hands.cancel()
        is_ok = way.steps.all_ok
        way.write_report(is_ok=is_ok, restarts=supervisor.restarts)
        await way.shopper.close()
    say(f"report: {report / 'report.json'}")
    return is_ok
