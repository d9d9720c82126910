"""From a purchase to suggestions among 100,000 shoppers and 1,000 promotions, on SQLite and PostgreSQL, and group ends.

The yardstick is a plain scan through the bare driver: all that the shoppers of one area want, joined with what the
promotions sell, without choosing a group, proving a reason or writing anything.
"""

import contextlib
import importlib.util
import os
import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import psycopg
from sqlalchemy import insert, text
from sqlalchemy.engine import make_url

from bench import together_people
from bench.figures import Report
from bench.postgres_cluster import NoPostgresError, postgres_cluster
from bench.together_people import NOW
from bench.viewing_pace import percentile
from cloud_relay import tables
from cloud_relay.db import Database
from cloud_relay.migrations import migrate
from cloud_relay.promotions.reading import terms
from cloud_relay.suggestions import rules, service, store, timers

PEOPLE, PROMOTIONS, PURCHASES = 100_000, 1_000, 200
P95_MS_MAX = 200
RAW_RATIO_MAX = 10
"""How many times the scan's time a whole answer may take: choosing groups, proving each reason, telling everybody."""
QUALITY_MIN = 0.95
"""What of the saving that no group could pass is found, where there are more candidates than can be looked through."""
GROUPS = 300
RAW = (
    "SELECT w.account_id, g.promotion_id, l.listing_id, l.price_minor FROM suggestion_want w "
    "JOIN suggestion_good g ON g.goods_key = w.goods_key JOIN listing l ON l.listing_id = g.listing_id "
    "WHERE w.area = {0} AND w.goods_key IN (SELECT goods_key FROM suggestion_want WHERE account_id = {0}) "
    "AND (w.listing_id = l.listing_id OR l.price_minor <= w.most_minor)"
)


@dataclass(slots=True)
class Town:
    """One filled database: the product's way to it, and a bare one."""

    name: str
    database: Database
    listings: int
    raw: Callable[[str, str], Any]
    ours_ms: list[float] = field(default_factory=list)
    raw_ms: list[float] = field(default_factory=list)
    own_ms: list[float] = field(default_factory=list)
    sent: int = 0


@contextlib.contextmanager
def sqlite_town(folder: Path, people: int, promotions: int) -> Iterator[Town]:
    """Fill an SQLite file; the bare way is Python's own driver."""
    path = folder / "together.sqlite3"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    listings = together_people.fill(database, people, promotions)
    database.run_now(lambda connection: connection.execute(text("ANALYZE")))
    with contextlib.closing(sqlite3.connect(path)) as bare:
        yield Town(
            "SQLite", database, listings, lambda area, who: bare.execute(_raw("?"), (area, who)).fetchall()
        )  # fmt: skip
    database.close()


@contextlib.contextmanager
def postgres_town(people: int, promotions: int) -> Iterator[Town]:
    """Fill a private PostgreSQL, durable as a relay's is; the bare way is psycopg."""
    with postgres_cluster(settings=()) as cluster:
        database = Database(cluster.create("together"))
        migrate(database)
        listings = together_people.fill(database, people, promotions)
        # what autovacuum does by itself within minutes: statistics for the planner
        database.run_now(lambda connection: connection.execute(text("ANALYZE")))
        address = make_url(database.url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as bare:
            yield Town(
                "PostgreSQL", database, listings,
                lambda area, who: bare.execute(_raw("%s"), (area, who)).fetchall(),
            )  # fmt: skip
        database.close()


def _raw(mark: str) -> str:
    return RAW.format(mark)


def buy(town: Town, number: int, people: int) -> tuple[str, str]:
    """Let somebody buy something, as the record room writes it; return who, and their area."""
    chance = random.Random(number * 7919)
    who, listing = f"acc_{chance.randrange(people):07}", chance.randrange(town.listings)
    at = NOW + timedelta(seconds=number)
    row = together_people.purchase(f"order:bench{number}/1", who, listing, at)

    def write(connection: Any) -> str:
        connection.execute(insert(tables.purchase), row)
        service.purchased(connection, row["purchase_id"], who, at)
        own = tables.shopper_profile.c
        area = connection.execute(tables.shopper_profile.select().where(own.account_id == who)).one().area
        return rules.area_key("CN", area)

    return who, town.database.run_now(write)


def ask(town: Town, number: int, people: int, *, is_counted: bool) -> None:
    """Measure one purchase: the row, the look for groups, all that is written, both commits; then the bare scan."""
    started_s, worked_s = time.perf_counter(), time.process_time()
    who, area = buy(town, number, people)
    town.database.run_now(timers.look_next, NOW + timedelta(seconds=number))
    ours, own = (time.perf_counter() - started_s) * 1000, (time.process_time() - worked_s) * 1000
    started_s = time.perf_counter()
    town.raw(area, who)
    raw = (time.perf_counter() - started_s) * 1000
    if is_counted:
        town.ours_ms.append(ours)
        town.raw_ms.append(raw)
        town.own_ms.append(own)


def quality(seed: int) -> float:
    """Return which share of the bound the bounded choice finds among 40 random candidates, a third of them not sure."""
    chance = random.Random(seed)
    row = {**together_people.promotion(seed), "listing_ids": []}
    own = terms(cast("Any", row))
    people = []
    for number in range(40):
        price = chance.randrange(5_500, 50_000)
        most = 10**9 if chance.random() < 0.66 else int(price * chance.uniform(0.7, 1.1))
        good = rules.Good(f"l{number}", "tea", price, 1)
        want = rules.Want(f"a{number:02}", "", rules.WantKind.WISH.value, "tea", "", most, "CNY")
        pick = rules.Goods(own, [good]).pick(want)
        if pick is not None:
            people.append(rules.Candidate(want.account_id, pick, 1))
    found = rules.best_group(own, people[0], people[1:], set())
    most = rules.bound(own, people[0].pick.price_minor, [one.pick.price_minor for one in people[1:]])
    return (found.saving_minor if found else 0) / most if most else 1.0


def add_figures(report: Report, town: Town, people: int, promotions: int) -> None:
    """Add a store's lines: the 95th percentile against the goal, the median against the bare scan."""
    key = town.name.lower()
    size = f"{people} shoppers, {promotions} promotions"
    late = percentile(town.ours_ms, 95)
    report.most(f"{key}_suggest_p95_ms", f"{town.name}, {size}: purchase to suggestions, p95 of {len(town.ours_ms)}",
                [late], "ms", P95_MS_MAX)  # fmt: skip
    report.against(f"{key}_suggest_ratio", f"{town.name}: median of a purchase", town.ours_ms, town.raw_ms,
                   "bare scan of one area", RAW_RATIO_MAX)  # fmt: skip
    report.values[f"{key}_suggestions_sent"] = town.sent
    report.values[f"{key}_own_p95_ms"] = percentile(town.own_ms, 95)


def measure(folder: Path, people: int = PEOPLE, promotions: int = PROMOTIONS, purchases: int = PURCHASES) -> Report:
    """Fill both stores with the same people and let some of them buy; PostgreSQL is left out where it is missing."""
    report = Report()
    report.values["load_before"] = os.getloadavg()[0]
    with contextlib.ExitStack() as stack:
        print(f"SQLite: {people} shoppers …", flush=True)
        towns = [stack.enter_context(sqlite_town(folder, people, promotions))]
        try:
            print(f"PostgreSQL: {people} shoppers …", flush=True)
            towns.append(stack.enter_context(postgres_town(people, promotions)))
        except NoPostgresError as error:
            report.left_out["postgresql_suggest_p95_ms"] = str(error)
        print("buying …", flush=True)
        warm = max(5, purchases // 20)
        for number in range(warm + purchases):
            for town in towns:
                ask(town, number, people, is_counted=number >= warm)
        for town in towns:
            town.sent = town.database.read_now(store.count)
            add_figures(report, town, people, promotions)
            assert town.database.violations() == []
    shares = [quality(seed) for seed in range(GROUPS)]
    report.least("group_quality", f"best of 40 candidates: saving found, mean of {GROUPS}", [statistics.mean(shares)],
                 "of the bound", QUALITY_MIN)  # fmt: skip
    report.values["group_quality_worst"] = min(shares)
    report.values["load_after"] = os.getloadavg()[0]
    _group_ends(report, folder)
    return report


def _group_ends(report: Report, folder: Path) -> None:
    """Add how fast groups that end in one second are settled, where that benchmark is there."""
    if importlib.util.find_spec("bench.group_expiry") is None:
        report.left_out["group_expiry_s"] = "bench/group_expiry.py is not here"
        return
    importlib.import_module("bench.group_expiry").run(report, folder)


def write(report: Report, folder: Path) -> None:
    """Write the table, and what was sent, as together.md."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [report.text(), ""]
    for store_name in ("SQLite", "PostgreSQL"):
        sent = report.values.get(f"{store_name.lower()}_suggestions_sent")
        if sent is not None:
            own = report.values[f"{store_name.lower()}_own_p95_ms"]
            own_work = f"{own:.0f} ms of a purchase (p95) are this process's own work"
            lines += [f"{store_name}: {sent} suggestions were sent; {own_work}, the rest is waiting.", ""]
    load = f"{report.values['load_before']:.1f} before, {report.values['load_after']:.1f} after"
    worst = report.values["group_quality_worst"]
    lines += [f"Load average of the machine: {load}. The worst of the groups of 40 found {worst:.2f} of its bound.", ""]
    (folder / "together.md").write_text("\n".join(lines), encoding="utf-8")
