"""HTTP of the rebate queue: a shopper's own tickets and withdrawals, the public proof, the operator's switch."""

from typing import Annotated, Any

from fastapi import Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, select

from cloud_relay.accounts import rules as accounts
from cloud_relay.accounts.proving import require_password
from cloud_relay.rebates import reading, rules, settling, store, switching, withdrawing
from cloud_relay.relay import RelayDep
from cloud_relay.tables import shop
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import Anyone, Operator, SignedIn, account_id_of
from cloud_relay.web.problems import not_found
from cloud_relay.web.routing import Router

router = Router(prefix="/api")

Market = Annotated[str, Path(max_length=60)]
Currency = Annotated[str, Path(pattern="^[A-Z]{3}$")]
STATED = rules.Terms()
"""What a market's terms are until an operator says otherwise."""
NAME = r"^[A-Za-z0-9._-]{1,40}$"
Name = Annotated[str, Path(pattern=NAME)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WithdrawalBody(_Body):
    """How much to withdraw, in minor units, from which market's rebates."""

    market: str = Field(max_length=60)
    currency: str = Field(pattern="^[A-Z]{3}$")
    amount_minor: int = Field(gt=0, le=rules.AMOUNT_MAX_MINOR)


class ConfirmBody(_Body):
    """The password proves that the account's own person confirms."""

    password: str = Field(max_length=accounts.PASSWORD_LENGTH_MAX)


class SwitchBody(_Body):
    """On or off, the terms, and why; what is left out takes the stated default."""

    is_on: bool
    feed_ppm: int = STATED.feed_ppm
    cap_ppm: int = STATED.cap_ppm
    wait_s: int = STATED.wait_s
    withdraw_min_minor: int = STATED.withdraw_min_minor
    withdraw_day_minor: int = STATED.withdraw_day_minor
    reason: str = Field(max_length=switching.REASON_MAX)


class SettlementBody(_Body):
    """A name that works once, and the currency of the queue."""

    name: str = Field(pattern=NAME)
    currency: str = Field(pattern="^[A-Z]{3}$")


@router.get("/me/rebates")
async def my_rebates(relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """One's rebate account: what it holds, each ticket with its place now, withdrawals."""
    return JSONResponse(await relay.db.read(reading.of_shopper, account_id_of(principal), relay.clock.now()))


@router.post("/me/rebate-withdrawals", status_code=201)
async def ask(body: WithdrawalBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """The first step of a withdrawal; nothing moves yet."""
    return await once(
        201, withdrawing.ask, account_id_of(principal), body.market, body.currency, body.amount_minor, relay.clock.now()
    )


@router.post("/me/rebate-withdrawals/{withdrawal_id}/confirm")
async def confirm(
    withdrawal_id: str, body: ConfirmBody, request: Request, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> Response:
    """The second step, with the password: the money leaves. Sent again it is the same withdrawal."""
    account_id = account_id_of(principal)
    if await relay.db.read(store.find_withdrawal, account_id, withdrawal_id) is None:
        raise not_found()
    await require_password(relay, request, account_id, body.password)
    provider = withdrawing.choose_provider(tuple(relay.trading.providers))
    return await once(200, withdrawing.confirm, account_id, withdrawal_id, provider, relay.clock.now())


@router.post("/me/rebate-withdrawals/{withdrawal_id}/give-up")
async def give_up(withdrawal_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Give up what was asked for and not confirmed."""
    return await once(200, withdrawing.give_up, account_id_of(principal), withdrawal_id, relay.clock.now())


@router.get("/rebates/{market}")
async def of_market(market: Market, relay: RelayDep, _: Anyone) -> JSONResponse:
    """Everything public of a market: terms and who decided them, pot, line, settlements. No shopper's name or id."""
    return _found(await relay.db.read(reading.of_market, market))


@router.get("/rebates/{market}/{currency}/line")
async def line(
    market: Market, currency: Currency, relay: RelayDep, _: Anyone, after: Annotated[int, Query(ge=0, lt=2**31)] = 0
) -> JSONResponse:
    """A part of the line: numbers, what each may get at most, what it got."""
    return JSONResponse(await relay.db.read(reading.line_of, market, currency, after))


@router.get("/rebates/{market}/{currency}/settlements/{name}")
async def proof(market: Market, currency: Currency, name: Name, relay: RelayDep, _: Anyone) -> JSONResponse:
    """One settlement with every payment in its order, so that anybody can make its hash again."""
    return _found(await relay.db.read(reading.proof_of, market, currency, name))


def _found(answer: dict[str, Any] | None) -> JSONResponse:
    if answer is None:
        raise not_found()
    return JSONResponse(answer)


def known_markets(connection: Connection, own: str) -> list[str]:
    """Return the markets that there are: this relay's own, those of shops, those that were decided about."""
    of_shops = connection.scalars(select(shop.c.market).where(shop.c.market != "").distinct())
    return sorted({own, *of_shops, *store.markets(connection)})


@router.put("/operator/rebates/{market}")
async def switch(market: Market, body: SwitchBody, relay: RelayDep, once: OnceDep, principal: Operator) -> Response:
    """Switch a market's rebates on or off and state its terms; the operator's name stands beside it, for everybody."""
    if market not in await relay.db.read(known_markets, relay.settings.relay.market):
        raise not_found()
    terms = rules.Terms(**body.model_dump(exclude={"reason"}))
    return await once(200, switching.decide, market, terms, body.reason, account_id_of(principal), relay.clock.now())


@router.post("/operator/rebates/{market}/settlements")
async def settle(market: Market, body: SettlementBody, relay: RelayDep, once: OnceDep, principal: Operator) -> Response:
    """Settle a queue now, under a name that works once: sent again it moves nothing and tells what was done."""
    if body.currency not in await relay.db.read(store.currencies, market):
        raise not_found()
    account_id = account_id_of(principal)
    return await once(200, settling.settle, market, body.currency, body.name, account_id, relay.clock.now())
