"""Placing and paying orders over HTTP against a raw double-entry loop on the same SQLite; one merchant against many."""

import asyncio
import hashlib
import secrets
import sqlite3
import statistics
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert

from bench.figures import Figure, median_text
from cloud_relay import tables
from cloud_relay.db import Database
from demo.ports import Ports, free_block
from demo.supervisor import Program, Supervisor, port_answers, python_module, run_once

ORDERS = 200
IN_FLIGHT = 8
ROOT = Path(__file__).resolve().parent.parent
SECRETS = {"VITRINE_PAYMENT_SECRET": "bench-payment", "VITRINE_PAYMENT_WEBHOOK_SECRET": "bench-webhook"}
ADDRESS = {"name": "Bench", "lines": ["Row 1"], "postal_code": "10115", "city": "Berlin", "country": "DE"}


def raw_rate(folder: Path, number: int) -> float:
    """Return transfers a second of a bare loop: transfer, two postings, outbox row, one commit each, FULL."""
    database = sqlite3.connect(folder / f"raw{number}.db", isolation_level=None)
    database.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE transfer (reference TEXT PRIMARY KEY, at TEXT);"
        "CREATE TABLE posting (reference TEXT, line INT, debit TEXT, credit TEXT, amount INT,"
        " PRIMARY KEY (reference, line));"
        "CREATE TABLE outbox (id INTEGER PRIMARY KEY, body TEXT);"
    )
    started_s = time.perf_counter()
    for one in range(ORDERS):
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO transfer VALUES (?, ?)", (f"t{one}", "2026"))
        for line in range(2):
            database.execute("INSERT INTO posting VALUES (?,?,?,?,?)", (f"t{one}", line, "psp", f"escrow{one}", 100))
        database.execute("INSERT INTO outbox (body) VALUES (?)", ("x" * 200,))
        database.execute("COMMIT")
    rate = ORDERS / (time.perf_counter() - started_s)
    database.close()
    return rate


def stock(url: str, rounds: int) -> tuple[str, dict[str, list[list[str]]]]:
    """Fill a relay's database: a shopper, one merchant with everything, and as many merchants as orders.

    Returns the shopper's sign-in token, and for each kind of round the listings to buy, one piece each.
    """
    database, now, token = Database(url), datetime.now(UTC), secrets.token_urlsafe(24)
    listings: dict[str, list[list[str]]] = {"one": [], "many": []}

    def fill(connection: Any) -> None:
        def add(table: Any, rows: list[dict[str, Any]]) -> None:
            connection.execute(insert(table), rows)

        add(tables.account, [{"account_id": "acc_bench", "email": "bench@example.org", "created_at": now}])
        add(tables.sign_in, [{
            "token_sha256": hashlib.sha256(token.encode()).hexdigest(), "account_id": "acc_bench", "csrf": "x",
            "created_at": now, "expires_until": now + timedelta(days=1),
        }])  # fmt: skip
        names = ["one", *(f"m{number}" for number in range(ORDERS))]
        add(tables.merchant, [{"merchant_id": f"mer_{name}", "state": "verified", "applied_at": now} for name in names])
        add(tables.shop, [{
            "shop_id": f"shop-{name}", "merchant_id": f"mer_{name}", "name_en": name, "hours": [], "cameras": [],
            "sender_lines": [name], "currency": "EUR", "shipping_minor": 500, "market": "default",
            "is_live": True, "live_reason": "",
        } for name in names])  # fmt: skip
        for kind, made in listings.items():
            for number in range(rounds):
                shops = ["one"] * ORDERS if kind == "one" else names[1:]
                ids = [f"lis_{kind}_{number}_{place}" for place in range(ORDERS)]
                add(tables.listing, [{
                    "listing_id": listing_id, "shop_id": f"shop-{name}", "title_en": "Bowl", "price_minor": 2500,
                    "currency": "EUR", "state": "published", "attributes": {}, "on_hand": 1, "created_at": now,
                } for listing_id, name in zip(ids, shops, strict=True)])  # fmt: skip
                add(tables.piece, [{
                    "piece_id": f"pie_{listing_id}", "listing_id": listing_id, "shop_id": f"shop-{name}",
                    "code": listing_id,
                } for listing_id, name in zip(ids, shops, strict=True)])  # fmt: skip
                made.append(ids)

    database.run_now(fill)
    database.close()
    return token, listings


async def place_all(relay_url: str, token: str, listing_ids: list[str]) -> float:
    """Buy each listing once, eight at a time; return orders a second. Every order must be paid."""
    headers = {"Authorization": f"Bearer {token}"}
    todo = iter(listing_ids)
    async with httpx.AsyncClient(base_url=relay_url, headers=headers, timeout=60) as http:

        async def buy() -> None:
            for listing_id in todo:
                body = {"listing_id": listing_id, "address": ADDRESS, "payment_method": "sandbox:ok",
                        "agrees_photo_window": True}  # fmt: skip
                key = {"Idempotency-Key": listing_id}
                answer = await http.post("/api/orders", json=body, headers=key)
                if answer.status_code != httpx.codes.CREATED or answer.json()["state"] != "paid":
                    raise RuntimeError(f"order of {listing_id}: {answer.status_code} {answer.text[:300]}")

        started_s = time.perf_counter()
        await asyncio.gather(*(buy() for _ in range(IN_FLIGHT)))
        return len(listing_ids) / (time.perf_counter() - started_s)


async def init_relay(folder: Path, ports: Ports) -> None:
    """Make the settings and keys of a relay in folder/relay."""
    await run_once(
        python_module(
            "cloud_relay", "init", "--data", str(folder / "relay"), "--public-url", f"http://127.0.0.1:{ports.relay}",
            "--mqtt-port", str(ports.broker), "--door-port", str(ports.door),
            "--payment-url", f"http://127.0.0.1:{ports.provider}",
        ),
        ROOT,
    )  # fmt: skip


async def open_relay(
    folder: Path, ports: Ports, supervisor: Supervisor, bank: Path | None = None, more: Mapping[str, str] | None = None
) -> None:
    """Start the payment provider (its book in `bank`) and a relay; no broker is needed to sell."""
    url, data = f"http://127.0.0.1:{ports.relay}", folder / "relay"

    async def listens(port: int) -> bool:
        return await port_answers(port)

    provider = python_module(
        "cloud_relay.escrow.providers.sandbox_server", "--port", str(ports.provider), "--webhook-url",
        f"{url}/webhooks/sandbox", *(("--data", str(bank)) if bank else ()),
    )  # fmt: skip
    relay = python_module("cloud_relay", "run", "--data", str(data))
    log = folder / "bench.log"
    await supervisor.start(Program("provider", provider, log, lambda: listens(ports.provider), SECRETS))
    await supervisor.start(Program("relay", relay, log, lambda: listens(ports.relay), {**SECRETS, **(more or {})}))


async def measure(folder: Path, rounds: int) -> list[Figure]:
    """Interleave raw loop, one merchant and many merchants; compare medians."""
    ports, supervisor = free_block(), Supervisor(print, ROOT)
    await init_relay(folder, ports)
    settings = folder / "relay" / "relay.toml"
    text = settings.read_text() + "\n[limits]\nrequests_per_s = 100000.0\nrequests_burst = 100000\n"
    settings.write_text(text)
    token, listings = stock(f"sqlite:///{folder / 'relay' / 'relay.sqlite3'}", rounds)
    raw, one, many = [], [], []
    try:
        await open_relay(folder, ports, supervisor)
        url = f"http://127.0.0.1:{ports.relay}"
        for number in range(rounds):
            raw.append(raw_rate(folder, number))
            one.append(await place_all(url, token, listings["one"][number]))
            many.append(await place_all(url, token, listings["many"][number]))
    finally:
        await supervisor.stop()
    return [
        Figure(
            name="place and pay an order over HTTP", measured=median_text(many, "/s", 0),
            yardstick=f"raw double-entry loop {median_text(raw, '/s', 0)}",
            ratio=statistics.median(many) / statistics.median(raw), limit=0.2, is_floor=True,
        ),
        Figure(
            name="200 orders of one merchant", measured=median_text(one, "/s", 0),
            yardstick=f"of 200 merchants {median_text(many, '/s', 0)}",
            ratio=statistics.median(one) / statistics.median(many), limit=0.9, is_floor=True,
        ),
    ]  # fmt: skip
