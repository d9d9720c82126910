"""Search in a market of 200,000 listings, Chinese and English, on SQLite and PostgreSQL, beside a raw query loop."""

import contextlib
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.engine import make_url

from bench.figures import Report
from bench.market_goods import BEGUN_AT, fill
from bench.postgres_cluster import NoPostgresError, postgres_cluster
from bench.viewing_pace import percentile
from cloud_relay.catalog import words
from cloud_relay.catalog.reading import PAGE_SIZE
from cloud_relay.catalog.search_store import BATCH
from cloud_relay.db import Database
from cloud_relay.intake import service
from cloud_relay.intake.rules import take_in
from cloud_relay.migrations import migrate

LISTINGS = 200_000
P95_MS_MAX = 50
RAW_RATIO_MAX = 10
"""How many times a bare statement's time a whole answer may take: order by title, count, shops, pieces, pictures."""
NOW = BEGUN_AT + timedelta(days=365)
QUERIES: tuple[tuple[str, str, int], ...] = (
    ("Chinese", "茶壶", 1), ("Chinese", "紫砂茶壶", 1), ("Chinese", "青瓷 碗", 1), ("Chinese", "手工真丝围巾", 1),
    ("Chinese", "红色胡桃木椅子", 1), ("Chinese", "景德镇白瓷", 1), ("Chinese", "木偶", 1), ("Chinese", "底部落款", 1),
    ("one sign", "壶", 1), ("one sign", "茶", 1),
    ("English", "teapot", 1), ("English", "zisha teapot", 1), ("English", "blue silk scarf", 1),
    ("English", "hand-made walnut chair", 1), ("English", "Jingdezhen porcelain bowls", 1), ("English", "puppets", 1),
    ("English", "the maker's mark", 1), ("English", "old clock from Berlin", 1),
    ("beginning", "tea", 1), ("beginning", "por", 1), ("beginning", "celadon bow", 1),
    ("both", "celadon 茶壶", 1), ("both", "silk 围巾", 1),
    ("number", "SKU0000123", 1), ("nothing", "gramophone", 1), ("nothing", "留声机", 1),
    ("later page", "茶壶", 7), ("later page", "bowl", 20), ("everything", "", 1), ("everything", "", 3),
)  # fmt: skip
"""Kind, words, page. Frequent words are there on purpose: every fifth listing is a 茶壶."""

SQLITE_RAW = (
    "SELECT l.* FROM listing_search f CROSS JOIN search_entry e ON e.entry_no = f.rowid "
    "JOIN listing l ON l.listing_id = e.listing_id WHERE listing_search MATCH ? ORDER BY f.rowid DESC LIMIT ? OFFSET ?"
)
POSTGRES_RAW = (
    "SELECT l.* FROM (SELECT e.entry_no, e.listing_id FROM unnest(%s::tsquery[]) AS batch(match) "
    "CROSS JOIN LATERAL (SELECT entry_no, listing_id FROM search_entry WHERE words @@ batch.match OFFSET 0) e "
    "ORDER BY e.entry_no DESC LIMIT %s OFFSET %s) e JOIN listing l ON l.listing_id = e.listing_id"
)
RAW_ALL = (
    "SELECT l.* FROM search_entry e JOIN listing l ON l.listing_id = e.listing_id "
    "ORDER BY e.entry_no DESC LIMIT {0} OFFSET {0}"
)


@dataclass(slots=True)
class Market:
    """One filled database: the product's way to it, and a bare one."""

    name: str
    database: Database
    raw: Callable[[str, int], Any]


def ask(store: Market, query: str, page: int) -> dict[str, Any]:
    """Return what GET /api/search answers."""
    return store.database.read_now(service.pass_on, take_in(query, page), NOW)


@contextlib.contextmanager
def sqlite_store(folder: Path, count: int) -> Iterator[Market]:
    """Fill an SQLite file; the bare way is Python's own driver."""
    path = folder / "market.sqlite3"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    fill(database, count)
    with contextlib.closing(sqlite3.connect(path)) as bare:

        def raw(query: str, page: int) -> list[Any]:
            wanted, first = words.query_words(query), (page - 1) * PAGE_SIZE
            if not wanted:
                return bare.execute(RAW_ALL.format("?"), (PAGE_SIZE, first)).fetchall()
            return bare.execute(SQLITE_RAW, (words.fts5_query(wanted), PAGE_SIZE, first)).fetchall()

        yield Market("SQLite", database, raw)
    database.close()


@contextlib.contextmanager
def postgres_store(count: int) -> Iterator[Market]:
    """Fill a private PostgreSQL, durable as a relay's is; the bare way is psycopg."""
    with postgres_cluster(settings=()) as cluster:
        database = Database(cluster.create("market"))
        migrate(database)
        fill(database, count)
        # what autovacuum does by itself within minutes: statistics for the planner
        database.run_now(lambda connection: connection.execute(text("ANALYZE")))
        address = make_url(database.url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as bare:

            def raw(query: str, page: int) -> list[Any]:
                wanted, first = words.query_words(query), (page - 1) * PAGE_SIZE
                if not wanted:
                    return bare.execute(RAW_ALL.format("%s"), (PAGE_SIZE, first)).fetchall()
                matches = [words.tsquery(wanted, batch) for batch in range(count // BATCH, -1, -1)]
                return bare.execute(POSTGRES_RAW, (matches, PAGE_SIZE, first)).fetchall()

            yield Market("PostgreSQL", database, raw)
        database.close()


def _timed_ms(call: Callable[[], Any]) -> float:
    started_s = time.perf_counter()
    call()
    return (time.perf_counter() - started_s) * 1000


def pace(stores: list[Market], rounds: int) -> dict[str, dict[str, list[list[float]]]]:
    """Ask every query in every round of every store, ours and bare in turn; return milliseconds by store and way."""
    taken: dict[str, dict[str, list[list[float]]]] = {one.name: {"ours": [], "raw": []} for one in stores}
    for number in range(-1, rounds):
        for store in stores:
            ours, raw = [], []
            for _kind, query, page in QUERIES:
                raw.append(_timed_ms(lambda: store.raw(query, page)))  # noqa: B023  # called at once
                ours.append(_timed_ms(lambda: ask(store, query, page)))  # noqa: B023  # called at once
            if number >= 0:  # the first time everything is read from the disk
                taken[store.name]["ours"].append(ours)
                taken[store.name]["raw"].append(raw)
    return taken


def _slowest(rounds: list[list[float]]) -> dict[str, float]:
    """Return each query's median, the slowest first."""
    medians = [statistics.median(one[place] for one in rounds) for place in range(len(QUERIES))]
    named = {
        f"{query or '(everything)'}, page {page}": ms for (_, query, page), ms in zip(QUERIES, medians, strict=True)
    }
    return dict(sorted(named.items(), key=lambda one: -one[1]))


def add_figures(report: Report, name: str, taken: dict[str, list[list[float]]], count: int) -> None:
    """Add a store's lines: the 95th percentile of each round against the goal, and the median against the bare loop."""
    key = name.lower()
    ours, raw = taken["ours"], taken["raw"]
    late = [percentile(one, 95) for one in ours]
    report.most(f"{key}_p95_ms", f"{name}, {count} listings: search p95", late, "ms", P95_MS_MAX)
    middle, bare = ([statistics.median(one) for one in rounds] for rounds in (ours, raw))
    report.against(f"{key}_ratio", f"{name}: median of a search", middle, bare, "raw query loop", RAW_RATIO_MAX)
    report.values[f"{key}_ms"] = _slowest(ours)
    report.values[f"{key}_raw_ms"] = _slowest(raw)


def measure(folder: Path, rounds: int, count: int = LISTINGS) -> Report:
    """Fill both stores with the same market and search in them; PostgreSQL is left out where it is not installed."""
    report = Report()
    with contextlib.ExitStack() as stack:
        print(f"SQLite: {count} listings …", flush=True)
        stores = [stack.enter_context(sqlite_store(folder, count))]
        try:
            print(f"PostgreSQL: {count} listings …", flush=True)
            stores.append(stack.enter_context(postgres_store(count)))
        except NoPostgresError as error:
            report.left_out["postgresql_p95_ms"] = str(error)
        print("searching …", flush=True)
        for name, taken in pace(stores, rounds).items():
            add_figures(report, name, taken, count)
    report.values["listings"] = count
    return report


def write(report: Report, folder: Path) -> None:
    """Write the table and each store's slowest queries as market.md."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [report.text(), ""]
    for store in ("SQLite", "PostgreSQL"):
        slowest = list(report.values.get(f"{store.lower()}_ms", {}).items())[:5]
        if slowest:
            told = ", ".join(f"{query} {ms:.1f} ms" for query, ms in slowest)
            lines += [f"{store}, the slowest queries (medians): {told}.", ""]
    (folder / "market.md").write_text("\n".join(lines), encoding="utf-8")
