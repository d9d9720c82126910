"""`./vitrine bench relay`: relay and broker in a small cgroup, many shops connected, orders coming in steadily."""

import asyncio
import hashlib
import io
import random
import resource
import secrets
import shutil
import statistics
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image
from sqlalchemy import insert

from bench import small_box
from bench.figures import Figure
from bench.light_shop import LightShop
from bench.order_pace import ADDRESS, ROOT, SECRETS
from cloud_relay import tables
from cloud_relay.authority import Authority
from cloud_relay.db import Database
from cloud_relay.settings import load
from cloud_relay.shop_door.enrolment import make_claim
from demo.ports import Ports, free_block
from demo.steps import until
from demo.supervisor import Program, Supervisor, port_answers, python_module, run_once

MEMORY_BYTES, PROCESSORS = 512 * 1024 * 1024, 1.0
RESIDENT_MB = 200.0
ORDERS_PER_MINUTE = 10
ENROLLING = 8
ORDER_S = 120.0
"""A loaded machine takes long over an order; more than this is an order lost."""

PICTURE_PX = (1920, 1080)
READERS = 10
"""Open pages that hear of every change (server-sent events), one for each order of a minute."""


@dataclass(slots=True)
class Load:
    """What was asked of the relay, and what came of it."""

    started: int = 0
    released: int = 0
    order_s: list[float] = field(default_factory=list)
    answer_ms: list[float] = field(default_factory=list)
    resident_mb: list[float] = field(default_factory=list)
    events: int = 0


def still_picture() -> bytes:
    """Return a JPEG of a bench camera's size that no other shop sends: soft shapes and the noise of a sensor."""
    seed = np.random.default_rng(secrets.randbits(32))
    width, height = PICTURE_PX
    soft = Image.fromarray(seed.integers(0, 255, (27, 48, 3), dtype=np.uint8)).resize((width, height))
    noisy = np.clip(np.asarray(soft, dtype=np.int16) + seed.integers(-6, 6, (height, width, 3)), 0, 255)
    out = io.BytesIO()
    Image.fromarray(noisy.astype(np.uint8)).save(out, "JPEG", quality=90)
    return out.getvalue()


def stock(data: Path, shops: int, orders: int) -> tuple[str, list[str], list[str]]:
    """Fill a relay's database; return the shopper's token, the shops' claim texts, and a listing for each order."""
    settings = load(data)
    database, now, token = Database(settings.database_url), datetime.now(UTC), secrets.token_urlsafe(24)
    authority = Authority(data / "pki")
    names = [f"shop-{number:03d}" for number in range(shops)]
    listings = [f"lis_{number:04d}" for number in range(orders)]

    def fill(connection: Any) -> list[str]:
        def add(table: Any, rows: list[dict[str, Any]]) -> None:
            connection.execute(insert(table), rows)

        add(tables.account, [{"account_id": "acc_bench", "email": "bench@example.org", "created_at": now}])
        add(tables.sign_in, [{
            "token_sha256": hashlib.sha256(token.encode()).hexdigest(), "account_id": "acc_bench", "csrf": "x",
            "created_at": now, "expires_until": now + timedelta(days=1),
        }])  # fmt: skip
        add(tables.merchant, [{"merchant_id": f"mer_{name}", "state": "verified", "applied_at": now} for name in names])
        add(tables.shop, [{
            "shop_id": name, "merchant_id": f"mer_{name}", "name_en": name, "hours": [], "cameras": [],
            "sender_lines": [name], "currency": "EUR", "shipping_minor": 500, "market": "default",
            "is_live": True, "live_reason": "",
        } for name in names])  # fmt: skip
        add(tables.listing, [{
            "listing_id": listing_id, "shop_id": names[number % shops], "title_en": f"Bowl {number}",
            "title_zh": f"碗 {number}", "price_minor": 2500, "currency": "EUR", "state": "published", "attributes": {},
            "on_hand": 1, "created_at": now, "search_text": "bowl",
        } for number, listing_id in enumerate(listings)])  # fmt: skip
        add(tables.piece, [{
            "piece_id": f"pie_{listing_id}", "listing_id": listing_id, "shop_id": names[number % shops],
            "code": f"{1000 + number}",
        } for number, listing_id in enumerate(listings)])  # fmt: skip
        return [make_claim(connection, name, settings, authority, now)[0] for name in names]

    claims = database.run_now(fill)
    database.close()
    return token, claims, listings


async def open_relay(folder: Path, ports: Ports, supervisor: Supervisor, box: small_box.Cgroup | None) -> None:
    """Start broker and relay in the box, and the payment provider, which is another company's machine, beside it."""
    url, data, log = f"http://127.0.0.1:{ports.relay}", folder / "relay", folder / "bench.log"
    mosquitto = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if mosquitto is None:
        raise RuntimeError("mosquitto is missing; install it: apt-get install mosquitto")

    async def start(name: str, arguments: list[str], port: int, *, is_inside: bool) -> None:
        async def listens() -> bool:
            return await port_answers(port)

        enclosed = box.inside(arguments) if box is not None and is_inside else arguments
        # as the unit sets it
        environment = {**SECRETS, "MALLOC_ARENA_MAX": "2"}
        await supervisor.start(Program(name, enclosed, log, listens, environment, ready_s=120))

    configuration = str(data / "mosquitto" / "mosquitto.conf")
    await start("broker", [mosquitto, "-c", configuration], ports.broker, is_inside=True)
    provider = python_module(
        "cloud_relay.escrow.providers.sandbox_server", "--port", str(ports.provider), "--webhook-url",
        f"{url}/webhooks/sandbox",
    )  # fmt: skip
    await start("provider", provider, ports.provider, is_inside=False)
    await start("relay", python_module("cloud_relay", "run", "--data", str(data)), ports.relay, is_inside=True)
    await listening(ports.door)


async def listening(port: int) -> None:
    """Wait until the door listens too."""

    async def listens() -> bool:
        return await port_answers(port)

    await until(listens, 60, f"port {port} listens")


async def enrol_all(claims: list[str], folder: Path, ports: Ports) -> list[LightShop]:
    """Let every shop in through the door, each from an address of its own, and connect it."""
    shops = [
        LightShop(f"shop-{number:03d}", f"127.0.{1 + number // 200}.{1 + number % 200}", still_picture)
        for number in range(len(claims))
    ]
    gate = asyncio.Semaphore(ENROLLING)

    async def let_in(shop: LightShop, claim: str) -> None:
        async with gate:
            await shop.enrol(claim, folder)
            shop.connect(folder, "127.0.0.1", ports.broker)

    await asyncio.gather(*(let_in(shop, claim) for shop, claim in zip(shops, claims, strict=True)))
    return shops


class Market:
    """The shopper's side of the load: pages, orders from placing to receipt."""

    def __init__(self, url: str, token: str, shops: list[LightShop], load: Load) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        # the relay closes what is idle for five seconds; no request may meet that
        limits = httpx.Limits(max_keepalive_connections=0)
        self.http = httpx.AsyncClient(base_url=url, headers=headers, timeout=60, limits=limits)
        self._shops, self._load = shops, load

    async def get(self, path: str, **query: str) -> httpx.Response:
        """Ask for something; how long it took is noted."""
        started_s = time.perf_counter()
        answer = await self.http.get(path, params=query)
        self._load.answer_ms.append((time.perf_counter() - started_s) * 1000)
        return answer.raise_for_status()

    async def post(self, path: str, body: Any) -> Any:
        """Do something once."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        started_s = time.perf_counter()
        answer = await self.http.post(path, json=body, headers=headers)
        self._load.answer_ms.append((time.perf_counter() - started_s) * 1000)
        if not answer.is_success:
            raise RuntimeError(f"POST {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else None

    async def online(self) -> int:
        """Return how many shops the relay knows to be there."""
        return int((await self.get("/healthz")).json()["shops_online"])

    async def order(self, listing_id: str) -> None:
        """Look round, buy, watch the order, confirm the photo, follow the courier, confirm receipt."""
        self._load.started += 1
        started_s = time.perf_counter()
        for path, query in (("/", {}), ("/search", {"q": "bowl"}), (f"/l/{listing_id}", {}), ("/api/search", {})):
            await self.get(path, **query)
        body = {"listing_id": listing_id, "address": ADDRESS, "payment_method": "sandbox:ok",
                "agrees_photo_window": True}  # fmt: skip
        order_id = (await self.post("/api/orders", body))["order_id"]
        order = await self._becomes(order_id, "photo_offered")
        await self.get(f"/orders/{order_id}")
        answer = {"answer": "confirmed", "picture_sha256": order["photo_sha256"]}
        await self.post(f"/api/orders/{order_id}/photo", answer)
        await self._becomes(order_id, "handed_over")
        parcel_id, token = self._link(order)
        scan = {"code": parcel_id, "biz_step": "delivered", "place": "Berlin", "received_by": "Ann"}
        await self.post(f"/api/courier/{parcel_id}.{token}/scans", scan)
        await self._becomes(order_id, "delivered")
        await self.post(f"/api/orders/{order_id}/receipt", {})
        await self._becomes(order_id, "released")
        self._load.released += 1
        self._load.order_s.append(time.perf_counter() - started_s)

    async def _becomes(self, order_id: str, state: str) -> dict[str, Any]:
        until_s = time.monotonic() + ORDER_S
        while True:
            order: dict[str, Any] = (await self.get(f"/api/orders/{order_id}")).json()
            if order["state"] == state:
                return order
            if time.monotonic() > until_s:
                raise RuntimeError(f"{order_id} is {order['state']} after {ORDER_S:.0f} s, not {state}")
            await asyncio.sleep(0.5)

    def _link(self, order: dict[str, Any]) -> tuple[str, str]:
        known = {parcel_id: trip for shop in self._shops for parcel_id, trip in shop.trips.items()}
        parcel_id = next(parcel_id for parcel_id in known if parcel_id in str(order))
        return parcel_id, known[parcel_id].courier_token

    async def listen(self) -> None:
        """Keep a page open that hears of everything this account may hear of; until cancelled."""
        query = {"channels": "account:acc_bench"}
        async with self.http.stream("GET", "/api/events", params=query, timeout=None) as events:
            async for line in events.aiter_lines():
                self._load.events += line.startswith("data:")


async def watch(pid: int, load: Load) -> None:
    """Note the relay's memory every second; until cancelled."""
    while True:
        load.resident_mb.append(small_box.resident_mb(pid)[0])
        await asyncio.sleep(1)


async def run_orders(market: Market, listings: list[str], minutes: float) -> None:
    """Begin an order every six seconds, a little unevenly, and see each through."""
    gap_s = minutes * 60 / len(listings)
    async with asyncio.TaskGroup() as orders:
        for listing_id in listings:
            orders.create_task(market.order(listing_id))
            await asyncio.sleep(gap_s * random.uniform(0.7, 1.3))


async def measure(folder: Path, shops: int, minutes: float, *, has_box: bool = True) -> list[Figure]:
    """Make a relay, connect the shops, run the orders; return what it took.

    Without a box nothing is limited, and only what the relay itself took is measured.
    """
    _allow_many_files()
    ports, supervisor, data = free_block(first=8200), Supervisor(print, ROOT), folder / "relay"
    await run_once(
        python_module(
            "cloud_relay", "init", "--data", str(data), "--public-url", f"http://127.0.0.1:{ports.relay}",
            "--mqtt-port", str(ports.broker), "--door-port", str(ports.door),
            "--payment-url", f"http://127.0.0.1:{ports.provider}",
        ),
        ROOT,
    )  # fmt: skip
    token, claims, listings = stock(data, shops, max(1, round(ORDERS_PER_MINUTE * minutes)))
    (folder / "boxes").mkdir()
    box = small_box.make(small_box.name_here(), MEMORY_BYTES, PROCESSORS) if has_box else None
    light: list[LightShop] = []
    try:
        await open_relay(folder, ports, supervisor, box)
        print(f"{shops} shops enrol and connect …", flush=True)
        light = await enrol_all(claims, folder / "boxes", ports)
        return await _under_load(supervisor, ports, token, light, listings, minutes, box)
    finally:
        await asyncio.gather(*(shop.close() for shop in light), return_exceptions=True)
        await supervisor.stop()
        if box is not None:
            box.remove()


async def _under_load(
    supervisor: Supervisor, ports: Ports, token: str, shops: list[LightShop], listings: list[str], minutes: float,
    box: small_box.Cgroup | None,
) -> list[Figure]:  # fmt: skip
    processes = {name: supervisor.program(name).process for name in ("relay", "broker")}
    pids = {name: process.pid for name, process in processes.items() if process is not None}
    load = Load()
    market = Market(f"http://127.0.0.1:{ports.relay}", token, shops, load)
    await _all_online(market, len(shops))
    idle_mb, used_s = small_box.resident_mb(pids["relay"])[0], small_box.processor_s(pids["relay"])
    print(f"all are online; {len(listings)} orders in {minutes:g} min …", flush=True)
    beside = [asyncio.create_task(watch(pids["relay"], load))]
    beside += [asyncio.create_task(market.listen()) for _ in range(READERS)]
    started_s = time.perf_counter()
    try:
        await run_orders(market, listings, minutes)
        await _all_confirmed(shops)
        online = await market.online()
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await market.http.aclose()
    share = (small_box.processor_s(pids["relay"]) - used_s) / (time.perf_counter() - started_s)
    _tell(load, shops, idle_mb, supervisor.restarts)
    return _figures(load, shops, pids, box, online, share)


async def _all_online(market: Market, count: int) -> None:
    async def are_online() -> bool:
        return await market.online() >= count

    await until(are_online, 120, f"{count} shops online", every_s=0.5)


async def _all_confirmed(shops: list[LightShop]) -> None:
    async def are_confirmed() -> bool:
        return all(shop.confirmed >= shop.reported for shop in shops)

    await until(are_confirmed, ORDER_S, "every report confirmed")


def _tell(load: Load, shops: list[LightShop], idle_mb: float, restarts: int) -> None:
    broken = [error for shop in shops for error in shop.broken]
    if broken or restarts:
        raise RuntimeError(f"{restarts} restarts; uploads that failed: {broken[:3]}")
    slow_ms = statistics.quantiles(load.answer_ms, n=20)[-1]
    middle_ms, middle_mb = statistics.median(load.answer_ms), statistics.median(load.resident_mb)
    print(
        f"relay's memory {idle_mb:.0f} MB before the orders, {middle_mb:.0f} MB in the middle of them; an order "
        f"{statistics.median(load.order_s):.1f} s; {len(load.answer_ms)} answers, half within {middle_ms:.0f} ms, 95 % "
        f"within {slow_ms:.0f} ms; {load.events} events to {READERS} pages; {sum(shop.commands for shop in shops)} "
        f"commands, {sum(shop.reported for shop in shops)} reports",
        flush=True,
    )


def _figures(
    load: Load, shops: list[LightShop], pids: dict[str, int], box: small_box.Cgroup | None, online: int, share: float
) -> list[Figure]:
    peak_mb, broker_mb = (small_box.resident_mb(pids[name])[1] for name in ("relay", "broker"))
    limit_mb = MEMORY_BYTES / 1024 / 1024

    def most(name: str, measured: float, unit: str, goal: float) -> Figure:
        return Figure(
            name=name, measured=f"{measured:.2f} {unit}" if goal < 10 else f"{measured:.0f} {unit}",
            yardstick=f"goal {goal:g} {unit}", ratio=measured / goal, limit=1, is_floor=False,
        )  # fmt: skip

    def all_of(name: str, count: int, whole: int) -> Figure:
        return Figure(name=name, measured=str(count), yardstick=str(whole), ratio=count / whole, limit=1, is_floor=True)

    whole = "relay, broker and the files they read, in their cgroup"
    return [
        most(f"relay with {len(shops)} shops: memory at its peak (VmHWM)", peak_mb, "MB", RESIDENT_MB),
        *([] if box is None else [most(whole, box.peak_bytes() / 1024 / 1024, "MB", limit_mb)]),
        most("broker: memory at its peak", broker_mb, "MB", limit_mb - RESIDENT_MB),
        most("relay: share of one processor", share, "", PROCESSORS),
        all_of("shops online at the end", online, len(shops)),
        all_of("orders from placing to the merchant's money", load.released, load.started),
    ]


def _allow_many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 8192), hard), hard))
