"""The sandbox bank as a program of its own: real HTTP, its own book, webhooks that come twice, late and out of order.

Start: python -m cloud_relay.escrow.providers.sandbox_server --port 8090 --webhook-url http://127.0.0.1:8080/webhooks/sandbox
Secrets come from VITRINE_PAYMENT_SECRET and VITRINE_PAYMENT_WEBHOOK_SECRET, the same as the relay's.
"""

import argparse
import asyncio
import contextlib
import hmac
import json
import os
import random
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cloud_relay.escrow.providers.json_peer import JsonPeer, PeerError
from cloud_relay.escrow.providers.sandbox import sign

SILENCE_S = 120.0
"""How long a charge that falls silent keeps the connection open without a byte; every caller gives up before."""
RETRY_S_MAX = 60.0
WEBHOOK_TIMEOUT_S = 10.0
AT_ONCE = 16
"""Events that are told at the same time: a thousand refunds are no reason to open a thousand connections."""
SLOWED_S = 1.0
"""Pause after 429, as the relay's Retry-After has it."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS payment (id TEXT PRIMARY KEY, kind TEXT, state TEXT, amount_minor INTEGER, currency TEXT,
  charge_id TEXT, reason TEXT, reference TEXT);
CREATE TABLE IF NOT EXISTS movement (kind TEXT, payment_id TEXT, amount_minor INTEGER, currency TEXT, at REAL,
  reference TEXT);
CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, body TEXT, sent INTEGER DEFAULT 0);
CREATE INDEX IF NOT EXISTS payment_charge ON payment (charge_id);
CREATE INDEX IF NOT EXISTS event_unsent ON event (sent) WHERE sent = 0;
"""


@dataclass
class Behaviour:
    """How the webhooks misbehave: how many copies, how late, shuffled, silent; and how slow a slow answer is."""

    copies: int = 1
    delay_s: float = 0.0
    is_shuffled: bool = False
    is_silent: bool = False
    slow_s: float = 3.0
    refunds_fail: bool = False


@dataclass
class Bank:
    """The provider's own truth, in its own database."""

    secret: str
    webhook_secret: str
    webhook_url: str
    database: sqlite3.Connection
    behaviour: Behaviour = field(default_factory=Behaviour)
    chance: random.Random = field(default_factory=random.SystemRandom)
    wakeup: asyncio.Event = field(default_factory=asyncio.Event)

    def find(self, payment_id: str) -> dict[str, Any] | None:
        """Return a payment as it goes over the wire."""
        row = self.database.execute("SELECT * FROM payment WHERE id = ?", (payment_id,)).fetchone()
        return dict(row) if row else None

    def book(self, kind: str, body: dict[str, Any], state: str, reason: str = "") -> dict[str, Any]:
        """Write a payment once; a repeat gets the first answer. An event goes out for a new one."""
        known = self.find(body["id"])
        if known is not None:
            return known
        reference = f"sbx_{kind}_{body['id']}"
        row = (
            body["id"],
            kind,
            state,
            body["amount_minor"],
            body["currency"],
            body.get("charge_id", ""),
            reason,
            reference,
        )
        with self.database:
            self.database.execute("INSERT INTO payment VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            if state == "succeeded":
                self._list(kind, body, reference)
        found = self.find(body["id"])
        assert found is not None
        self.announce(f"payment.{state}", found)
        return found

    def _list(self, kind: str, body: dict[str, Any], reference: str) -> None:
        """Add a line to the list that the relay's ledger is compared with; a charge-back stands under its charge."""
        name, key = ("charge_back", body["charge_id"]) if kind == "chargeback" else (kind, body["id"])
        amount = body["amount_minor"] if kind == "charge" else -body["amount_minor"]
        line = (name, key, amount, body["currency"], time.time(), reference)
        self.database.execute("INSERT INTO movement VALUES (?, ?, ?, ?, ?, ?)", line)

    def announce(self, type_: str, payment: dict[str, Any]) -> None:
        """Queue an event; the sender keeps at it until somebody answers 2xx."""
        event_id = f"evt_{type_.rpartition('.')[2]}_{payment['id']}"
        body = json.dumps({"id": event_id, "type": type_, "payment": payment})
        with self.database:
            self.database.execute("INSERT OR IGNORE INTO event (id, body) VALUES (?, ?)", (event_id, body))
        self.wakeup.set()

    def refunded(self, charge_id: str) -> int:
        """Return what of a charge went back already."""
        query = "SELECT COALESCE(SUM(amount_minor), 0) FROM payment WHERE charge_id = ? AND state = 'succeeded'"
        return int(self.database.execute(query, (charge_id,)).fetchone()[0])

    def held(self, currency: str) -> int:
        """Return what we hold: charges less refunds, payouts and charge-backs."""
        query = """SELECT COALESCE(SUM(CASE kind WHEN 'charge' THEN amount_minor ELSE -amount_minor END), 0)
        FROM payment WHERE state = 'succeeded' AND currency = ?"""
        return int(self.database.execute(query, (currency,)).fetchone()[0])


def _bank(request: Request) -> Bank:
    bank: Bank = request.app.state.bank
    return bank


def _is_allowed(request: Request) -> bool:
    sent = request.headers.get("authorization", "").removeprefix("Bearer ")
    return hmac.compare_digest(sent.encode(), _bank(request).secret.encode())


def _no(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status)


async def _charge(request: Request) -> Response:
    if not _is_allowed(request):
        return _no(401, "unauthorized")
    bank, body = _bank(request), await request.json()
    token = str(body["method"]).partition(":")[2]
    if token not in ("ok", "decline", "slow", "timeout_charged"):
        return _no(422, "unknown method")
    if token == "slow":  # noqa: S105  # a way of payment, not a secret
        await asyncio.sleep(bank.behaviour.slow_s)
    if token == "decline":  # noqa: S105  # as above
        return JSONResponse(bank.book("charge", body, "failed", "declined"))
    answer = bank.book("charge", body, "succeeded")
    if token == "timeout_charged":  # noqa: S105  # as above
        await asyncio.sleep(SILENCE_S)
    return JSONResponse(answer)


async def _refund(request: Request) -> Response:
    if not _is_allowed(request):
        return _no(401, "unauthorized")
    bank, body = _bank(request), await request.json()
    known = bank.find(body["id"])
    if known is not None:
        return JSONResponse(known)
    charge = bank.find(body["charge_id"])
    if charge is None or charge["state"] != "succeeded" or charge["currency"] != body["currency"]:
        return _no(422, "no such charge")
    if bank.behaviour.refunds_fail:
        return JSONResponse({**body, "state": "failed", "reason": "bank closed", "reference": ""})
    if bank.refunded(charge["id"]) + int(body["amount_minor"]) > charge["amount_minor"]:
        return _no(422, "more than was charged")
    return JSONResponse(bank.book("refund", body, "succeeded"))


async def _pay_out(request: Request) -> Response:
    if not _is_allowed(request):
        return _no(401, "unauthorized")
    bank, body = _bank(request), await request.json()
    if bank.find(body["id"]) is None and int(body["amount_minor"]) > bank.held(body["currency"]):
        return JSONResponse(bank.book("payout", body, "failed", "not enough held"))
    return JSONResponse(bank.book("payout", body, "succeeded"))


async def _find(request: Request) -> Response:
    if not _is_allowed(request):
        return _no(401, "unauthorized")
    found = _bank(request).find(request.path_params["payment_id"])
    return JSONResponse(found) if found else _no(404, "unknown")


async def _movements(request: Request) -> Response:
    if not _is_allowed(request):
        return _no(401, "unauthorized")
    window = (float(request.query_params["first"]), float(request.query_params["after"]))
    found = _bank(request).database.execute("SELECT * FROM movement WHERE at >= ? AND at < ? ORDER BY at", window)
    return JSONResponse({"movements": [dict(row) for row in found]})


async def _balance(request: Request) -> Response:
    if not _is_allowed(request):
        return _no(401, "unauthorized")
    return JSONResponse({"held_minor": _bank(request).held(request.path_params["currency"])})


async def _behave(request: Request) -> Response:
    if not _is_allowed(request):
        return _no(401, "unauthorized")
    for name, value in (await request.json()).items():
        setattr(_bank(request).behaviour, name, type(getattr(_bank(request).behaviour, name))(value))
    _bank(request).wakeup.set()
    return JSONResponse({})


async def _charge_back(request: Request) -> Response:
    """The cardholder's bank takes a charge back: our own hand in this, for tests and demonstrations."""
    if not _is_allowed(request):
        return _no(401, "unauthorized")
    bank, body = _bank(request), await request.json()
    charge = bank.find(body["charge_id"])
    if charge is None or charge["state"] != "succeeded":
        return _no(422, "no such charge")
    back = {"id": f"cbk_{charge['id']}", "amount_minor": charge["amount_minor"], "currency": charge["currency"]}
    bank.book("chargeback", {**back, "charge_id": charge["id"]}, "succeeded")
    bank.announce("payment.charged_back", charge)
    return JSONResponse({})


async def _send_webhooks(bank: Bank) -> None:
    """Deliver every queued event until it is answered 2xx, as the behaviour says; wrong answers are tried again."""
    wait_s = 0.05
    peer, peer_url = JsonPeer(bank.webhook_url, WEBHOOK_TIMEOUT_S), bank.webhook_url
    try:
        while True:
            bank.wakeup.clear()
            rows = bank.database.execute("SELECT * FROM event WHERE sent = 0 ORDER BY rowid").fetchall()
            if bank.behaviour.is_silent or not rows:
                await bank.wakeup.wait()
                continue
            await asyncio.sleep(bank.behaviour.delay_s)
            batch = [row for row in rows for _ in range(max(1, bank.behaviour.copies))]
            if bank.behaviour.is_shuffled:
                bank.chance.shuffle(batch)
            if peer_url != bank.webhook_url:
                await peer.close()
                peer, peer_url = JsonPeer(bank.webhook_url, WEBHOOK_TIMEOUT_S), bank.webhook_url
            delivered, is_all, is_slowed = await _deliver_all(bank, peer, batch)
            with bank.database:
                bank.database.executemany("UPDATE event SET sent = 1 WHERE id = ?", [(name,) for name in delivered])
            wait_s = 0.05 if is_all else min(RETRY_S_MAX, 2 * wait_s)
            if is_slowed:  # whoever asks for patience is not asked sooner because there is more to tell
                await asyncio.sleep(SLOWED_S)
            elif not is_all:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(bank.wakeup.wait(), wait_s)
    finally:
        await peer.close()


async def _deliver_all(bank: Bank, peer: JsonPeer, batch: list[sqlite3.Row]) -> tuple[set[str], bool, bool]:
    """Tell these events, a few at once; return (the delivered, whether all arrived, whether patience was asked for).

    What is left when the other side asks for patience is not told now.
    """
    delivered: set[str] = set()
    is_all = True
    for start in range(0, len(batch), AT_ONCE):
        part = batch[start : start + AT_ONCE]
        statuses = await asyncio.gather(*(_deliver(bank, peer, row["body"].encode()) for row in part))
        are_taken = [HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES for status in statuses]
        delivered |= {row["id"] for row, is_taken in zip(part, are_taken, strict=True) if is_taken}
        is_all = is_all and all(are_taken)
        if HTTPStatus.TOO_MANY_REQUESTS in statuses:
            return delivered, False, True
    return delivered, is_all, False


async def _deliver(bank: Bank, peer: JsonPeer, body: bytes) -> int:
    """Tell one event; return the HTTP status of the answer, 0 for none."""
    headers = {"Sandbox-Signature": sign(bank.webhook_secret, int(time.time()), body)}
    try:
        status, _ = await peer.call("POST", urlsplit(bank.webhook_url).path, body, headers)
    except PeerError:
        return 0
    return status


def build(secret: str, webhook_secret: str, webhook_url: str, data: Path | None = None) -> Starlette:
    """Return the bank as an ASGI application; `data` is the folder of its book (none: in memory)."""
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(data / "bank.sqlite3" if data else ":memory:", check_same_thread=False)
    database.row_factory = sqlite3.Row
    # in WAL a commit outlives a killed program without waiting for the disk; only a power cut may take the last ones
    database.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {SCHEMA}")

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.bank = Bank(secret, webhook_secret, webhook_url, database)
        sender = asyncio.create_task(_send_webhooks(app.state.bank))
        yield
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
        database.close()

    routes = [
        Route("/charges", _charge, methods=["POST"]),
        Route("/refunds", _refund, methods=["POST"]),
        Route("/payouts", _pay_out, methods=["POST"]),
        Route("/payments/{payment_id}", _find),
        Route("/balance/{currency}", _balance),
        Route("/movements", _movements),
        Route("/behaviour", _behave, methods=["POST"]),
        Route("/charge-backs", _charge_back, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    """Run the bank until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--webhook-url", default="http://127.0.0.1:8080/webhooks/sandbox")
    parser.add_argument("--data", type=Path, default=None, help="folder of its book; without one it is in memory")
    given = parser.parse_args()
    secrets = os.environ["VITRINE_PAYMENT_SECRET"], os.environ["VITRINE_PAYMENT_WEBHOOK_SECRET"]
    app = build(*secrets, given.webhook_url, given.data)
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
