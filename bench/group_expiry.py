"""Group orders whose deadline is the same second: how long until every pledge is refunded, confirmed by the provider.

The whole relay runs, and the sandbox provider beside it; nobody touches anything. Yardstick: the same refunds asked of
the provider by a bare client, one after the other, without a ledger.
"""

import asyncio
import os
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, insert, select, text, update

from bench.figures import Figure, Report
from bench.order_pace import ADDRESS, ROOT, SECRETS, init_relay, open_relay
from bench.postgres_cluster import NoPostgresError, postgres_cluster
from cloud_relay import tables
from cloud_relay.db import Database
from cloud_relay.escrow.providers.sandbox_server import SCHEMA
from cloud_relay.migrations import migrate
from demo.ports import Ports, free_block
from demo.supervisor import Supervisor
from wire.codec import to_json
from wire.plan import Text
from wire.promotions import Promotion, PromotionKind

GROUPS, PLEDGES = 1000, 3
SECONDS_MAX = 30.0
PEOPLE, LISTINGS = 300, 100
PAID_MINOR = 8500
CURRENCY = "EUR"
PATIENCE_S = 600.0
ALONE = 200
"""How many refunds the bare client asks for."""


def _rows(now: datetime, groups: int) -> dict[Any, list[dict[str, Any]]]:
    """Return the rows of a market in which every group has its pledges paid and lacks one more person."""
    terms = to_json(Promotion(
        promotion_id="pro_1", kind=PromotionKind.GROUP_PRICE, title=Text(en="Together", zh="一起"), currency=CURRENCY,
        count=PLEDGES + 1, price_minor=8000,
    ))  # fmt: skip
    later = now + timedelta(days=1)
    people = [f"acc_{number}" for number in range(PEOPLE)]
    shop = {
        "shop_id": "shop-1", "merchant_id": "mer_1", "name_en": "Shop", "hours": [], "cameras": [],
        "sender_lines": ["Shop"], "currency": CURRENCY, "market": "default", "is_live": True, "live_reason": "",
    }  # fmt: skip
    rows: dict[Any, list[dict[str, Any]]] = {
        tables.account: [{"account_id": one, "email": f"{one}@example.org", "created_at": now} for one in people],
        tables.merchant: [{"merchant_id": "mer_1", "state": "verified", "applied_at": now}],
        tables.shop: [shop],
        tables.listing: [{
            "listing_id": f"lis_{number}", "shop_id": "shop-1", "title_en": "Bowl", "price_minor": 10_000,
            "currency": CURRENCY, "state": "published", "attributes": {}, "on_hand": 0, "created_at": now,
        } for number in range(LISTINGS)],
        tables.promotion: [{
            "promotion_id": "pro_1", "shop_id": "shop-1", "merchant_id": "mer_1", "kind": "group_price",
            "listing_ids": [], "currency": CURRENCY, "count": PLEDGES + 1, "price_minor": 8000, "from_at": now,
            "until_at": later, "created_at": now, "account_id": "acc_0",
        }],
        tables.group_order: [{
            "group_id": f"grp_{number}", "promotion_id": "pro_1", "shop_id": "shop-1", "merchant_id": "mer_1",
            "terms": terms, "started_by": "acc_0", "started_at": now, "close_until": later,
        } for number in range(groups)],
    }  # fmt: skip
    for table in (tables.group_member, tables.piece, tables.parcel, tables.orders, tables.order_line, tables.payment,
                  tables.transfer, tables.posting, tables.pledge):  # fmt: skip
        rows[table] = []
    for number in range(groups * PLEDGES):
        _add_pledge(rows, number, people[number % PEOPLE], now)
    return rows


def _add_pledge(rows: dict[Any, list[dict[str, Any]]], number: int, account_id: str, now: datetime) -> None:
    group_id, listing_id = f"grp_{number // PLEDGES}", f"lis_{number % LISTINGS}"
    ids = {"order_id": f"ord_{number}", "piece_id": f"pie_{number}", "parcel_id": f"par_{number}"}
    rows[tables.group_member].append({
        "member_id": f"mem_{number}", "group_id": group_id, "account_id": account_id, "joined_at": now,
    })  # fmt: skip
    rows[tables.piece].append({
        "piece_id": ids["piece_id"], "listing_id": listing_id, "shop_id": "shop-1", "code": ids["piece_id"],
        "state": "sold",
    })  # fmt: skip
    rows[tables.parcel].append({
        **ids, "shop_id": "shop-1", "account_id": account_id, "state": "waiting", "created_at": now, "changed_at": now,
    })  # fmt: skip
    rows[tables.orders].append({
        "order_id": ids["order_id"], "account_id": account_id, "shop_id": "shop-1", "merchant_id": "mer_1",
        "market": "default", "state": "pledged", "price_minor": 8000, "shipping_minor": PAID_MINOR - 8000,
        "total_minor": PAID_MINOR, "currency": CURRENCY, "payment_method": "sandbox:ok",
        "payment_provider": "sandbox", "address": ADDRESS, "photo_window_s": 3600, "release_after_s": 3600,
        "commission_ppm": 50_000, "placed_at": now, "paid_at": now,
    })  # fmt: skip
    rows[tables.order_line].append({**ids, "line": 1, "listing_id": listing_id, "title_en": "Bowl",
                                    "price_minor": 8000})  # fmt: skip
    rows[tables.payment].append({
        "payment_id": f"pay_{number}", "order_id": ids["order_id"], "provider": "sandbox", "state": "succeeded",
        "kind": "charge", "amount_minor": PAID_MINOR, "currency": CURRENCY, "method": "sandbox:ok", "started_at": now,
        "changed_at": now, "provider_reference": f"sbx_charge_pay_{number}",
    })  # fmt: skip
    reference = f"hold:pay_{number}"
    rows[tables.transfer].append({"reference": reference, "kind": "hold", "order_id": ids["order_id"],
                                  "created_at": now})  # fmt: skip
    rows[tables.posting].append({
        "reference": reference, "line": 1, "debit": "psp:sandbox", "credit": f"escrow:{ids['order_id']}",
        "amount_minor": PAID_MINOR, "currency": CURRENCY,
    })  # fmt: skip
    rows[tables.pledge].append({
        "order_id": ids["order_id"], "group_id": group_id, "member_id": f"mem_{number}", "listing_id": listing_id,
        "usual_minor": 10_000, "pledged_at": now,
    })  # fmt: skip


def fill(database: Database, groups: int) -> None:
    """Write a market of groups that wait."""
    rows = _rows(datetime.now(UTC), groups)

    def work(connection: Any) -> None:
        for table, all_of_it in rows.items():
            connection.execute(insert(table), all_of_it)

    database.run_now(work)
    # what autovacuum does by itself within minutes: statistics for the planner
    database.run_now(lambda connection: connection.execute(text("ANALYZE")))


def fill_provider(folder: Path, pledges: int) -> None:
    """Write the provider's own book of the charges, and those that the bare client gives back."""
    folder.mkdir(parents=True)
    charges = [f"pay_{number}" for number in range(pledges)] + [f"alone_{number}" for number in range(ALONE)]
    with closing(sqlite3.connect(folder / "bank.sqlite3")) as book, book:
        book.executescript(SCHEMA)
        book.executemany(
            "INSERT INTO payment VALUES (?, 'charge', 'succeeded', ?, ?, '', '', ?)",
            [(one, PAID_MINOR, CURRENCY, f"sbx_charge_{one}") for one in charges],
        )


async def bare_rate(ports: Ports) -> float:
    """Return refunds a second of a client that keeps no books."""
    headers = {"Authorization": f"Bearer {SECRETS['VITRINE_PAYMENT_SECRET']}"}
    url = f"http://127.0.0.1:{ports.provider}"
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
        started_s = time.perf_counter()
        for number in range(ALONE):
            body = {"id": f"bare_{number}", "charge_id": f"alone_{number}", "amount_minor": PAID_MINOR,
                    "currency": CURRENCY}  # fmt: skip
            (await http.post("/refunds", json=body)).raise_for_status()
        return ALONE / (time.perf_counter() - started_s)


def _left(connection: Any) -> tuple[int, int]:
    groups = select(func.count()).select_from(tables.group_order).where(tables.group_order.c.state == "open")
    done = select(func.count()).select_from(tables.payment)
    done = done.where(tables.payment.c.kind == "refund", tables.payment.c.state == "succeeded")
    return int(connection.scalar(groups) or 0), int(connection.scalar(done) or 0)


async def expire(folder: Path, url: str, groups: int) -> tuple[float, float, float]:
    """Let all groups end in one second; return (seconds until the groups ended, until all is refunded, bare rate)."""
    ports, supervisor = free_block(), Supervisor(print, ROOT)
    await init_relay(folder, ports)
    database = Database(url or f"sqlite:///{folder / 'relay' / 'relay.sqlite3'}")
    if url:
        migrate(database)
    fill(database, groups)
    fill_provider(folder / "bank", groups * PLEDGES)
    try:
        more = {"VITRINE_DATABASE_URL": url} if url else {}
        await open_relay(folder, ports, supervisor, bank=folder / "bank", more=more)
        bare = await bare_rate(ports)
        due_at = datetime.now(UTC) + timedelta(seconds=1)
        database.run_now(lambda connection: connection.execute(update(tables.group_order).values(close_until=due_at)))
        ended_s, all_s = await _watch(database, groups, due_at)
    finally:
        await supervisor.stop()
    assert database.violations() == []
    database.close()
    return ended_s, all_s, bare


async def _watch(database: Database, groups: int, due_at: datetime) -> tuple[float, float]:
    ended_s = 0.0
    while True:
        open_groups, refunded = await asyncio.to_thread(database.read_now, _left)
        passed_s = (datetime.now(UTC) - due_at).total_seconds()
        if not open_groups and not ended_s:
            ended_s = passed_s
        if refunded == groups * PLEDGES:
            return ended_s, passed_s
        if passed_s > PATIENCE_S:
            raise TimeoutError(f"{open_groups} groups open, {refunded} refunded after {passed_s:.0f} s")
        await asyncio.sleep(0.1)


def _add(report: Report, name: str, groups: int, measured: tuple[float, float, float]) -> None:
    ended_s, all_s, bare = measured
    alone_s = groups * PLEDGES / bare
    report.values[f"{name.lower()}_group_expiry_s"] = all_s
    report.values[f"{name.lower()}_groups_ended_s"] = ended_s
    report.figures.append(Figure(
        name=f"{name}: {groups} groups of {PLEDGES} end in one second, all refunds confirmed",
        measured=f"{all_s:.1f} s (groups ended after {ended_s:.1f} s; load {os.getloadavg()[0]:.1f})",
        yardstick=f"goal {SECONDS_MAX:g} s; a bare client's refunds alone {alone_s:.1f} s", ratio=all_s / SECONDS_MAX,
        limit=1, is_floor=False,
    ))  # fmt: skip


def run(report: Report, folder: Path, groups: int = GROUPS) -> None:
    """Measure both stores and add their lines; PostgreSQL is left out where it is missing."""
    print(f"SQLite: {groups} groups end …", flush=True)
    _add(report, "SQLite", groups, asyncio.run(expire(folder / "expiry_sqlite", "", groups)))
    try:
        with postgres_cluster(settings=()) as cluster:
            print(f"PostgreSQL: {groups} groups end …", flush=True)
            url = cluster.create("expiry")
            _add(report, "PostgreSQL", groups, asyncio.run(expire(folder / "expiry_postgres", url, groups)))
    except NoPostgresError as error:
        report.left_out["postgresql_group_expiry_s"] = str(error)
