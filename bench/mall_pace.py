"""What only the whole mall shows: commands, payment to printer, a shop box's start, the first picture."""

import asyncio
import sqlite3
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.commands_pace import command_figure
from bench.figures import Figure, median_text
from demo.bench_check import go_live
from demo.goods import DemoShop, studio, teahouse
from demo.hands import Bench, Hands
from demo.mall import ROOT, Mall
from demo.people import SHOPPER, Caller
from demo.ports import free_block
from demo.seed import seed_people, seed_shop, wait_for_shop
from demo.shop_files import PIN
from demo.shopper import Look
from demo.steps import until
from demo.supervisor import Supervisor
from demo.walk import ADDRESS

READY_S, IDLE_S = 3.0, 5.0
PRINTER_MS, FRAME_MS, IDLE_MB = 150.0, 300.0, 150.0


async def measure(folder: Path, rounds: int) -> list[Figure]:
    """Open a mall of its own, measure, close it."""
    supervisor = Supervisor(print, ROOT)
    mall = Mall(folder, free_block(), (teahouse("BENCH1"), studio()), supervisor)
    mall.check()
    try:
        await asyncio.gather(mall.open_relay(), *(mall.open_world(shop) for shop in mall.shops))
        await seed_people(mall)
        for shop in mall.shops:
            await mall.enrol(shop, await seed_shop(mall, shop, lambda _line: None))
        ready_s, idle_mb = await shop_box(mall, supervisor, mall.shops[0])
        caller = Caller(mall.relay_url)
        await caller.sign_in(SHOPPER)
        frames = await first_frames(caller, rounds)
        printers = await printer_waits(mall, caller, rounds)
        await caller.close()
        commands = await command_figure(mall, supervisor, rounds)
    finally:
        await supervisor.stop()
    return [
        commands,
        _limit("paid to first byte at the printer", printers, "ms", PRINTER_MS),
        _limit("offer to first decoded picture, loopback", frames, "ms", FRAME_MS),
        _limit("shop box with two idle cameras: ready", [ready_s], "s", READY_S),
        _limit("shop box with two idle cameras: memory", [idle_mb], "MB", IDLE_MB),
    ]


def _limit(name: str, values: list[float], unit: str, most: float) -> Figure:
    ratio = statistics.median(values) / most
    yardstick = f"goal {most:g} {unit}"
    return Figure(
        name=name, measured=median_text(values, unit), yardstick=yardstick, ratio=ratio, limit=1, is_floor=False
    )


async def shop_box(mall: Mall, supervisor: Supervisor, shop: DemoShop) -> tuple[float, float]:
    """Start a shop's daemon; return seconds until it serves, and its resident memory after a while of idling.

    What a first order or bench check adds (35 MB: fonts and the libraries that read codes) is not idling.
    """
    started_s = time.perf_counter()
    await mall.open_edge(shop)
    ready_s = time.perf_counter() - started_s
    await wait_for_shop(mall, shop)
    await asyncio.sleep(IDLE_S)
    process = supervisor.program(f"edge of {shop.name}").process
    assert process is not None
    status = Path(f"/proc/{process.pid}/status").read_text()  # noqa: ASYNC240  # procfs answers from memory
    kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    await go_live(mall, shop, lambda _line: None)
    return ready_s, kilobytes / 1024


async def first_frames(caller: Caller, rounds: int) -> list[float]:
    """Look at a piece that stands in the window, again and again; return offer-to-picture milliseconds."""
    found = await caller.call("GET", "/api/search", params={"q": "朱泥"})
    listing = await caller.call("GET", f"/api/listings/{found['hits'][0]['listing_id']}")
    times: list[float] = []
    for _ in range(rounds + 1):
        look = Look(caller, listing["pieces"][0]["piece_id"])
        await look.ask()
        await look.wait_turn(20)
        times.append(await look.open())
        await look.leave()
        await asyncio.sleep(1)
    return times[1:]


async def printer_waits(mall: Mall, caller: Caller, rounds: int) -> list[float]:
    """Buy and pack first, pay later: return milliseconds from the payment's commit to the printer's first byte."""
    shop = mall.shops[0]
    bench = Bench(mall.attendant_url(shop), PIN, mall.control_url(shop))
    hands = asyncio.create_task(Hands(bench, lambda _line: None, lambda _link: None).run())
    listings = (await caller.call("GET", "/api/search", params={"q": ""}))["hits"]
    times: list[float] = []
    try:
        for hit in [hit for hit in listings if hit["shop"]["shop_id"] == shop.name][:rounds]:
            listing = await caller.call("GET", f"/api/listings/{hit['listing_id']}")
            piece = next(piece for piece in listing["pieces"] if piece["state"] == "free")
            reserved = await caller.call("POST", "/api/reservations", {"piece_id": piece["piece_id"]})
            times.append(await _pay(mall, caller, reserved["parcel_id"]))
    finally:
        hands.cancel()
    return times


async def _pay(mall: Mall, caller: Caller, parcel_id: str) -> float:
    async def packed() -> bool:
        return bool((await caller.call("GET", f"/p/{parcel_id}"))["state"] == "packed")

    await until(packed, 60, "packed")
    body = {"parcel_id": parcel_id, "address": ADDRESS, "payment_method": "sandbox:ok", "agrees_photo_window": True}
    order = await caller.call("POST", "/api/orders", body)

    async def photographed() -> dict[str, str] | None:
        found = await caller.call("GET", f"/api/orders/{order['order_id']}")
        return found if found["state"] == "photo_offered" else None

    shown = await until(photographed, 60, "photographed")
    waited_ms = _printer_wait_ms(mall, order["order_id"], parcel_id)
    answer = {"answer": "confirmed", "picture_sha256": shown["photo_sha256"]}
    await caller.call("POST", f"/api/orders/{order['order_id']}/photo", answer)

    async def gone() -> bool:
        return bool((await caller.call("GET", f"/api/orders/{order['order_id']}"))["state"] == "handed_over")

    await until(gone, 60, "handed over")
    return waited_ms


def _printer_wait_ms(mall: Mall, order_id: str, parcel_id: str) -> float:
    with sqlite3.connect(mall.database_url.removeprefix("sqlite:///")) as database:
        (paid_at,) = database.execute("SELECT paid_at FROM orders WHERE order_id = ?", (order_id,)).fetchone()
        query = (
            "SELECT json_extract(data, '$.first_byte_at') FROM shop_report WHERE type = 'LabelPrinted' "
            "AND json_extract(data, '$.parcel_id') = ?"
        )
        (first_at,) = database.execute(query, (parcel_id,)).fetchone()
    moments = [datetime.fromisoformat(text).astimezone(UTC) for text in (paid_at, first_at)]
    return (moments[1] - moments[0]).total_seconds() * 1000
