"""HTTP of the bank account: statements in, decisions, payment files out; where a merchant is paid out. Its timer."""

import asyncio
import logging
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import File, Response, UploadFile
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed
from cloud_relay.escrow import payouts
from cloud_relay.escrow.bank import book, payout_accounts, service
from cloud_relay.escrow.bank.service import NAME, Desk, Tell
from cloud_relay.escrow.bank.statements import BadStatementError, read_statement
from cloud_relay.escrow.providers.base import Outcome
from cloud_relay.escrow.settle import settle
from cloud_relay.orders.trade import Trade
from cloud_relay.refusals import RefusedError
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.trading import desk_of
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import Operator, SignedIn, account_id_of, require_deed
from cloud_relay.web.problems import Problem, not_found
from cloud_relay.web.routing import Router

router = Router()
log = logging.getLogger(__name__)

LOOK_S = 60.0
"""How often money that came short is looked at: its order may be over now, and then it goes back."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DecisionBody(_Body):
    """What an operator decides about an entry that fits nothing."""

    deed: Literal["assign", "send_back", "keep", "credit", "seen", "book"]
    order: str = Field(default="", max_length=64)
    holder: str = Field(default="", max_length=70)
    iban: str = Field(default="", max_length=42)
    reason: str = Field(default="", max_length=300)


class ReasonBody(_Body):
    """Why the bank took nothing of a file."""

    reason: str = Field(min_length=1, max_length=300)


class PayeeBody(_Body):
    """Where a transfer goes whose account nobody knew."""

    holder: str = Field(min_length=1, max_length=70)
    iban: str = Field(min_length=1, max_length=42)


class PayoutAccountBody(_Body):
    """Where a merchant is paid out: an IBAN, or at Stripe the id of its connected account."""

    provider: str = Field(default=NAME, max_length=40)
    holder: str = Field(min_length=1, max_length=70)
    account: str = Field(min_length=1, max_length=42)
    bic: str = Field(default="", max_length=14)


def teller(trade: Trade, now: datetime) -> Tell:
    """Return what tells orders and merchants of a transfer, in the transaction that saw it."""

    def tell(connection: Connection, transfer: book.BankTransfer, outcome: Outcome) -> None:
        if transfer.kind == book.PAYOUT:
            payouts.settle(connection, transfer.payment_id, outcome, now)
        else:
            settle(connection, transfer.payment_id, outcome, now, trade)

    return tell


def open_desk(relay: Relay) -> Desk:
    """Return the desk of the account; RefusedError while bank transfers are not set up."""
    if NAME not in relay.trading.providers:
        raise RefusedError("no_bank", "Bank transfers are not set up on this relay", "本平台尚未配置银行转账")
    now = relay.clock.now()
    return desk_of(relay.settings, now, teller(relay.trading.trade, now))


@router.post("/api/operator/bank/statements", status_code=201)
async def take_statement(
    statement: Annotated[UploadFile, File()], relay: RelayDep, principal: Operator
) -> dict[str, int]:
    """Import a statement, CSV or camt.053: all of it or, when something is unclear, nothing. Repeats add nothing."""
    desk = open_desk(relay)
    content = await statement.read(relay.settings.limits.upload_bytes_max)
    try:
        found = await asyncio.to_thread(read_statement, content, desk.currency, desk.minor_digits)
    except BadStatementError as error:
        title = ("This statement cannot be read; nothing of it was taken", "无法读取此对账单，未导入任何内容")
        raise Problem(422, "bad_statement", *title, str(error)) from None
    name = statement.filename or "statement"
    return await relay.db.run(service.take_statement, desk, found, name, account_id_of(principal))


@router.post("/api/operator/bank/entries/{entry_id}/decide")
async def decide(
    entry_id: str, body: DecisionBody, relay: RelayDep, once: OnceDep, principal: Operator
) -> JSONResponse:
    """Say what an entry is that fits nothing."""
    given = body.model_dump(exclude={"deed"})
    return await once(
        200, service.decide, open_desk(relay), entry_id, body.deed, account_id_of(principal), **given
    )  # fmt: skip


@router.post("/api/operator/bank/transfers/{payment_id}/account")
async def give_account(
    payment_id: str, body: PayeeBody, relay: RelayDep, once: OnceDep, _principal: Operator
) -> JSONResponse:
    """Say where a refund goes whose payer's account the statement did not name."""
    return await once(200, service.give_account, open_desk(relay), payment_id, body.holder, body.iban)


@router.post("/api/operator/bank/files", status_code=201)
async def make_file(relay: RelayDep, once: OnceDep, principal: Operator) -> JSONResponse:
    """Make a payment file of everything that waits to be sent."""
    return await once(201, service.make_file, open_desk(relay), account_id_of(principal))


@router.get("/api/operator/bank/files/{file_id}")
async def read_file(file_id: str, relay: RelayDep, _principal: Operator) -> Response:
    """The very bytes of a payment file (ISO 20022 pain.001): the bank knows a second upload by its MsgId."""
    content = await relay.db.read(book.find_file, file_id)
    if content is None:
        raise not_found()
    headers = {"Content-Disposition": f'attachment; filename="{file_id}.xml"', "Cache-Control": "no-store"}
    return Response(content, headers=headers, media_type="application/xml")


@router.post("/api/operator/bank/files/{file_id}/refused")
async def refuse_file(
    file_id: str, body: ReasonBody, relay: RelayDep, once: OnceDep, _principal: Operator
) -> JSONResponse:
    """Note that the bank took nothing of a file; its transfers wait for the next one."""
    return await once(200, _refuse_file, file_id, body.reason, relay.clock.now())


def _refuse_file(connection: Connection, file_id: str, reason: str, now: datetime) -> dict[str, str]:
    if not book.refuse_file(connection, file_id, reason, now):
        raise RefusedError("not_found", "Not found", "没有找到", 404)
    return {"file_id": file_id, "state": "refused"}


@router.get("/api/merchants/{merchant_id}/payout-accounts")
async def read_accounts(merchant_id: str, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """Where a merchant is paid out."""
    require_deed(principal, merchant_id, Deed.SEE_MONEY)
    return {"payout_accounts": await relay.db.read(payout_accounts.accounts_of, merchant_id)}


@router.put("/api/merchants/{merchant_id}/payout-accounts")
async def set_account(
    merchant_id: str, body: PayoutAccountBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> JSONResponse:
    """Set where a merchant is paid out; every member is told."""
    require_deed(principal, merchant_id, Deed.PAY_OUT)
    return await once(
        200, payout_accounts.set_account, merchant_id, account_id_of(principal), relay.clock.now(), **body.model_dump()
    )  # fmt: skip


async def work(relay: Relay) -> None:
    """Send back what came short for orders that are over."""
    if NAME not in relay.trading.providers:
        await asyncio.Event().wait()  # there is nothing to do on this relay, now or later
    while True:
        count = await relay.db.keep_running(service.send_back_ended, open_desk(relay))
        if count:
            log.info("short transfers go back", extra={"entries": count})
        await asyncio.sleep(LOOK_S)
