"""HTTP of money: provider webhooks, a merchant's balances and payouts."""

import asyncio
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.accounts.roles import Deed
from cloud_relay.escrow import payouts, two_people, webhooks
from cloud_relay.escrow.providers.base import BadWebhookError
from cloud_relay.orders import timers
from cloud_relay.refusals import RefusedError
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn, account_id_of, require_deed
from cloud_relay.web.problems import Problem, not_found
from cloud_relay.web.routing import Router

router = Router()


class PayoutBody(BaseModel):
    """How much to pay out, in minor units of one currency."""

    model_config = ConfigDict(extra="forbid")

    amount_minor: int = Field(gt=0)
    currency: str = Field(min_length=3, max_length=3, pattern="^[A-Z]{3}$")


class RefusalBody(BaseModel):
    """Why a payout is refused; whoever asked for it reads that."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=300)


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
        await relay.trading.events.do(webhooks.Arrived(provider, event, body, now))
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
    """Pay out to the merchant's bank; a large payout waits for a second person."""
    require_deed(principal, merchant_id, Deed.PAY_OUT)
    provider = await _provider(relay, body.amount_minor, body.currency)
    return await once(
        201, two_people.ask, merchant_id, body.amount_minor, body.currency, provider, account_id_of(principal),
        relay.settings.trade.payout_alone_minor, relay.clock.now(),
    )  # fmt: skip


@router.post("/api/payout-approvals/{approval_id}/approve")
async def approve_payout(approval_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Start a large payout that somebody else asked for; for the merchant's own people, and for operators."""
    provider = await _provider(relay, *await relay.db.read(two_people.asked_for, approval_id))
    return await once(
        200, two_people.approve, approval_id, account_id_of(principal), provider, relay.clock.now(),
        merchant_ids=principal.reach(Deed.APPROVE_PAYOUT), is_operator=principal.is_operator,
    )  # fmt: skip


@router.post("/api/payout-approvals/{approval_id}/refuse")
async def refuse_payout(
    approval_id: str, body: RefusalBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> Response:
    """Refuse a large payout, or take one's own back."""
    return await once(
        200, two_people.refuse, approval_id, account_id_of(principal), body.reason, relay.clock.now(),
        merchant_ids=principal.reach(Deed.APPROVE_PAYOUT), is_operator=principal.is_operator,
    )  # fmt: skip


async def _provider(relay: Relay, amount_minor: int, currency: str) -> str:
    names = tuple(relay.trading.providers)
    if not names:
        raise RefusedError("no_provider", "No payment provider is set up", "尚未配置支付渠道")
    return await relay.db.read(payouts.choose_provider, names, amount_minor, currency)


async def work(relay: Relay) -> None:
    """What the trade does by the clock: deadlines of orders, payments without an answer, seals, checks of the book."""
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(timers.run(relay.db, relay.clock, relay.trading.trade), name="order deadlines")
            tasks.create_task(relay.trading.worker.run(), name="payments")
    finally:
        for provider in relay.trading.providers.values():
            await provider.close()
