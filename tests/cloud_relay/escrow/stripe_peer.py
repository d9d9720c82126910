"""Stripe as its documentation describes the calls that the adapter makes: written from docs.stripe.com/api by us.

Idempotency keys replay the first answer and refuse another body; charges, refunds and transfers move one balance; the
lists page by `starting_after`. `Page` is what the shopper does on Stripe's own page.
"""

import asyncio
import itertools
import time
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

KEY, WEBHOOK_SECRET = "sk_test_1", "whsec_test_1"
SILENCE_S = 30


class Stripe:
    def __init__(self):
        self.numbers = itertools.count(1)
        self.answers, self.sessions, self.charges, self.refunds, self.transfers = {}, {}, {}, {}, {}
        self.balance_transactions, self.versions = [], set()
        self.is_silent, self.fee = False, 0

    def new(self, prefix):
        return f"{prefix}_{next(self.numbers):08d}"

    def move(self, kind, amount, currency, source, fee=0):
        one = {
            "id": self.new("txn"), "object": "balance_transaction", "type": kind, "amount": amount, "fee": fee,
            "net": amount - fee, "currency": currency, "created": int(time.time()), "source": source,
        }  # fmt: skip
        self.balance_transactions.append(one)
        return one

    def held(self, currency):
        return sum(one["net"] for one in self.balance_transactions if one["currency"] == currency)

    def session_of(self, payment_id):
        return next(one for one in self.sessions.values() if one["client_reference_id"] == payment_id)

    def pay(self, payment_id):
        """The shopper's card is taken on Stripe's page."""
        session = self.session_of(payment_id)
        charge = self.add_charge(session, "succeeded")
        moved = self.move("charge", charge["amount"], charge["currency"], dict(charge), self.fee)
        charge["balance_transaction"] = moved
        session |= {"status": "complete", "payment_status": "paid", "payment_intent": charge["payment_intent"]}
        return charge

    def decline(self, payment_id):
        session = self.session_of(payment_id)
        charge = self.add_charge(session, "failed")
        charge["failure_message"] = "Your card was declined."
        session["payment_intent"] = charge["payment_intent"]

    def add_charge(self, session, status):
        intent = session["payment_intent"] or self.new("pi")
        wanted = session["wanted"]
        charge = {
            "id": self.new("ch"), "object": "charge", "amount": session["amount_total"], "status": status,
            "currency": session["currency"], "captured": status == "succeeded", "payment_intent": intent,
            "transfer_group": wanted["payment_intent_data[transfer_group]"], "failure_message": None,
            "metadata": {"payment_id": wanted["payment_intent_data[metadata][payment_id]"]},
            "balance_transaction": None,
        }  # fmt: skip
        self.charges[charge["id"]] = charge
        return charge

    def expire(self, payment_id):
        self.session_of(payment_id)["status"] = "expired"

    def dispute(self, charge):
        about = {"id": self.new("dp"), "object": "dispute", "charge": charge["id"], "metadata": {}}
        self.move("adjustment", -charge["amount"], charge["currency"], about)


def no(status, message, **more):
    return JSONResponse(problem(message, **more), status)


class Api:
    """The endpoints over one Stripe."""

    def __init__(self, stripe):
        self.stripe = stripe

    async def create(self, request, make):
        stripe, body = self.stripe, dict(parse_qsl((await request.body()).decode()))
        key = request.headers["Idempotency-Key"]
        stripe.versions.add(request.headers["Stripe-Version"])
        known = stripe.answers.get(key)
        if known is not None and known[0] != body:
            return no(400, "Keys can only be used with the same parameters", type="idempotency_error")
        if known is None:
            known = stripe.answers[key] = (body, *make(body))
        if stripe.is_silent:
            await asyncio.sleep(SILENCE_S)
        return JSONResponse(known[2], known[1])

    def session(self, body):
        if "expires_at" in body and int(body["expires_at"]) < time.time() + 1800:
            return 400, problem("expires_at must be at least 30 minutes")
        one = {
            "id": self.stripe.new("cs"), "object": "checkout.session", "status": "open", "payment_status": "unpaid",
            "amount_total": int(body["line_items[0][price_data][unit_amount]"]), "payment_intent": None,
            "currency": body["line_items[0][price_data][currency]"], "client_reference_id": body["client_reference_id"],
            "metadata": {"payment_id": body["metadata[payment_id]"]}, "url": "https://checkout.stripe.com/c/pay/x",
        }  # fmt: skip
        self.stripe.sessions[one["id"]] = {**one, "wanted": body}
        return 200, one

    def refund(self, body):
        charge = self.stripe.charges[body["charge"]]
        amount = int(body["amount"])
        given = sum(one["amount"] for one in self.stripe.refunds.values() if one["charge"] == charge["id"])
        if given + amount > charge["amount"]:
            return 400, problem("Refund amount is greater than left")
        one = {
            "id": self.stripe.new("re"), "object": "refund", "amount": amount, "currency": charge["currency"],
            "charge": charge["id"], "status": "succeeded", "metadata": {"payment_id": body["metadata[payment_id]"]},
        }  # fmt: skip
        self.stripe.refunds[one["id"]] = one
        self.stripe.move("refund", -amount, charge["currency"], one)
        return 200, one

    def transfer(self, body):
        amount = int(body["amount"])
        if amount > self.stripe.held(body["currency"]):
            return 400, problem("You have insufficient available funds", code="balance_insufficient")
        one = {
            "id": self.stripe.new("tr"), "object": "transfer", "amount": amount, "currency": body["currency"],
            "destination": body["destination"], "transfer_group": body["transfer_group"], "reversed": False,
            "metadata": {"payment_id": body["metadata[payment_id]"]},
        }  # fmt: skip
        self.stripe.transfers[one["id"]] = one
        self.stripe.move("transfer", -amount, body["currency"], one)
        return 200, one

    async def sessions(self, request):
        if request.method == "POST":
            return await self.create(request, self.session)
        return listed(request, self.stripe.sessions, "payment_intent")

    async def one_session(self, request):
        found = self.stripe.sessions.get(request.path_params["name"])
        return JSONResponse(found) if found else no(404, "No such session")

    async def charges(self, request):
        return listed(request, self.stripe.charges, "transfer_group")

    async def one_charge(self, request):
        return JSONResponse(self.stripe.charges[request.path_params["name"]])

    async def refunds(self, request):
        if request.method == "POST":
            return await self.create(request, self.refund)
        return listed(request, self.stripe.refunds, "charge")

    async def transfers(self, request):
        if request.method == "POST":
            return await self.create(request, self.transfer)
        return listed(request, self.stripe.transfers, "transfer_group")

    async def balance(self, _request):
        currencies = sorted({one["currency"] for one in self.stripe.balance_transactions})
        available = [{"amount": self.stripe.held(one), "currency": one} for one in currencies]
        return JSONResponse({"object": "balance", "available": available, "pending": []})

    async def moved(self, request):
        first, last = (int(request.query_params[f"created[{name}]"]) for name in ("gte", "lt"))
        found = [one for one in self.stripe.balance_transactions if first <= one["created"] < last]
        return listed(request, {one["id"]: one for one in found})


def problem(message, **more):
    return {"error": {"type": "invalid_request_error", "message": message} | more}


def listed(request, objects, name=""):
    """Return the newest first, those whose `name` is what the query asks for, a page at a time."""
    wanted = request.query_params.get(name)
    newest = [one for one in objects.values() if wanted in (None, one.get(name))][::-1]
    after, limit = request.query_params.get("starting_after"), int(request.query_params.get("limit", 10))
    if after:
        place = next(place for place, one in enumerate(newest) if one["id"] == after)
        newest = newest[place + 1 :]
    return JSONResponse({"object": "list", "data": newest[:limit], "has_more": len(newest) > limit})


def guarded(handler):
    async def guard(request: Request):
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return no(401, "Invalid API Key provided")
        return await handler(request)

    return guard


def build(stripe):
    api, both = Api(stripe), ["GET", "POST"]
    routes = [
        ("/v1/checkout/sessions", api.sessions, both), ("/v1/checkout/sessions/{name}", api.one_session, ["GET"]),
        ("/v1/charges", api.charges, ["GET"]), ("/v1/charges/{name}", api.one_charge, ["GET"]),
        ("/v1/refunds", api.refunds, both), ("/v1/transfers", api.transfers, both),
        ("/v1/balance", api.balance, ["GET"]), ("/v1/balance_transactions", api.moved, ["GET"]),
    ]  # fmt: skip
    return Starlette(routes=[Route(path, guarded(handler), methods=names) for path, handler, names in routes])
