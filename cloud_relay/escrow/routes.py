"""HTTP of money: provider webhooks, a merchant's balances and payouts."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed
from cloud_relay.escrow import payouts, webhooks
from cloud_relay.escrow.providers.base import BadWebhookError
from cloud_relay.orders import timers
from cloud_relay.refusals import RefusedError
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn, require_deed
from cloud_relay.web.problems import Problem, not_found

router = APIRouter()


class PayoutBody(BaseModel):
    """How much to pay out, in minor units of one currency."""

    model_config = ConfigDict(extra="forbid")

    amount_minor: int = Field(gt=0)
    currency: str = Field(min_length=3, max_length=3, pattern="^[A-Z]{3}$")


@router.post("/webhooks/{provider}", include_in_schema=False)
async def webhook(provider: str, request: Request, relay: RelayDep) -> Response:
    """Take a provider's signed event: stored once with its effect, then 204. What is not proved leaves no row: 400."""
    known = relay.trading.providers.get(provider)
    if known is None:
        raise not_found()
    body = await request.body()
    now = relay.clock.now()
    try:
        event = known.read_event(request.headers, body, now)
        await relay.db.run(webhooks.take, provider, event, body, now, relay.trading.trade)
    except BadWebhookError as error:
        raise Problem(400, "bad_webhook", "This webhook is not proved", "无法验证此回调", str(error)) from None
    except webhooks.NotYetError:
        raise Problem(
            503, "not_yet", "Please send this again later", "请稍后重发", headers={"Retry-After": "5"}
        ) from None
    return Response(status_code=204)


@router.get("/api/merchants/{merchant_id}/money")
async def money(merchant_id: str, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """A merchant's balances, newest postings and payouts."""
    require_deed(principal, merchant_id, Deed.SEE_MONEY)
    return await relay.db.read(payouts.money_of, merchant_id)


@router.post("/api/merchants/{merchant_id}/payouts", status_code=201)
async def start_payout(
    merchant_id: str, body: PayoutBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> Response:
    """Pay out to the merchant's bank."""
    require_deed(principal, merchant_id, Deed.PAY_OUT)
    provider = next(iter(relay.trading.providers), None)
    if provider is None:
        raise RefusedError("no_provider", "No payment provider is set up", "尚未配置支付渠道")
    return await once(201, _start, merchant_id, body.amount_minor, body.currency, provider, relay.clock.now())


def _start(connection: Connection, *args: Any) -> dict[str, Any]:
    out = payouts.start(connection, *args)
    return {
        "payout_id": out.payout_id, "state": out.state, "amount_minor": out.amount_minor, "currency": out.currency,
    }  # fmt: skip


async def work(relay: Relay) -> None:
    """What the trade does by the clock: deadlines of orders, payments without an answer, seals, checks of the book."""
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(timers.run(relay.db, relay.clock, relay.trading.trade), name="order deadlines")
            tasks.create_task(relay.trading.worker.run(), name="payments")
    finally:
        for provider in relay.trading.providers.values():
            await provider.close()
