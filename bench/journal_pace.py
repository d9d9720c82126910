"""Journal appends of the product against raw sqlite3 with the same durability, interleaved."""

import asyncio
import json
import sqlite3
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure, median_text
from edge.journal import Journal
from wire.reports import PiecePacked

APPENDS = 400
IN_FLIGHT = 8
"""Bench, link and attendant write beside one another in a shop; works that wait together share one commit."""


def raw_rate(folder: Path, number: int) -> float:
    """Return rows a second of one 200-byte insert per commit, WAL, synchronous=FULL."""
    database = sqlite3.connect(folder / f"raw{number}.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, body TEXT)")
    body = json.dumps({"x": "y" * 190})
    started_s = time.perf_counter()
    for _ in range(APPENDS):
        database.execute("BEGIN")
        database.execute("INSERT INTO entry (body) VALUES (?)", (body,))
        database.execute("COMMIT")
    rate = APPENDS / (time.perf_counter() - started_s)
    database.close()
    return rate


async def journal_rate(folder: Path, number: int) -> float:
    """Return reports a second appended to a journal, each durable when its call returns."""
    journal = Journal(folder / f"journal{number}.db", "bench", now=lambda: datetime.now(UTC))
    await journal.open()
    report = PiecePacked(parcel_id="par_bench", at=datetime.now(UTC), packer="bench")

    async def append(count: int) -> None:
        for _ in range(count):
            await journal.append_report(report)

    started_s = time.perf_counter()
    await asyncio.gather(*(append(APPENDS // IN_FLIGHT) for _ in range(IN_FLIGHT)))
    rate = APPENDS / (time.perf_counter() - started_s)
    await journal.close()
    return rate


async def measure(folder: Path, rounds: int) -> Figure:
    """Interleave both and compare medians."""
    raw, ours = [], []
    for number in range(rounds):
        raw.append(raw_rate(folder, number))
        ours.append(await journal_rate(folder, number))
    return Figure(
        name="journal append", measured=median_text(ours, "/s", 0),
        yardstick=f"raw sqlite3 FULL {median_text(raw, '/s', 0)}",
        ratio=statistics.median(ours) / statistics.median(raw), limit=0.5, is_floor=True,
    )  # fmt: skip
