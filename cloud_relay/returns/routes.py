"""HTTP of returns."""

from typing import Literal

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.accounts.roles import Deed
from cloud_relay.relay import RelayDep
from cloud_relay.returns import service
from cloud_relay.returns.rules import ReturnEvent
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.routing import Router

router = Router(prefix="/api/orders/{order_id}/return")


class AskBody(BaseModel):
    """Why it goes back."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(max_length=2000)


class AnswerBody(BaseModel):
    """The merchant's answer; a refusal says why."""

    model_config = ConfigDict(extra="forbid")

    answer: Literal["accept", "decline"]
    reason: str = Field(default="", max_length=2000)


class ArrivalBody(BaseModel):
    """The code on the return label, as scanned or typed."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(max_length=300)


@router.post("", status_code=201)
async def ask(order_id: str, body: AskBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Ask to send a delivered order back while its payment is held."""
    now, trade = relay.clock.now(), relay.trading.trade
    return await once(201, service.ask_return, account_id_of(principal), order_id, body.reason, now, trade)


@router.post("/answer")
async def answer(order_id: str, body: AnswerBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Accept or decline a return."""
    who = (principal.reach(Deed.CANCEL_ORDER), account_id_of(principal))
    now, trade = relay.clock.now(), relay.trading.trade
    return await once(200, service.answer_return, *who, order_id, ReturnEvent(body.answer), body.reason, now, trade)


@router.post("/arrival")
async def arrived(order_id: str, body: ArrivalBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Scan a return in: the held payment goes back."""
    who = (principal.reach(Deed.TAKE_IN), account_id_of(principal))
    return await once(200, service.scan_in, *who, order_id, body.code, relay.clock.now(), relay.trading.trade)
