"""HTTP of an order's thread."""

from typing import Any
from urllib.parse import urlsplit

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed
from cloud_relay.relay import RelayDep
from cloud_relay.threads import service
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.routing import Router

router = Router(prefix="/api")


class MessageBody(BaseModel):
    """What one writes to the other side."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=3000)


class ReportBody(BaseModel):
    """Why a message is reported."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(max_length=1000)


@router.get("/orders/{order_id}/messages")
async def read_messages(order_id: str, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """The thread of an order, for its parties."""
    account_id, reach = account_id_of(principal), principal.reach(Deed.SEE)

    def read(connection: Connection) -> list[dict[str, Any]]:
        service.side_of(connection, order_id, account_id, reach)
        return service.read_thread(connection, order_id, account_id)

    return {"messages": await relay.db.read(read)}


@router.post("/orders/{order_id}/messages", status_code=201)
async def write_message(
    order_id: str, body: MessageBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> Response:
    """Write to the other side of an order."""
    host = urlsplit(relay.settings.relay.public_url).netloc
    who = (account_id_of(principal), principal.reach(Deed.SEE))
    return await once(201, service.write_message, order_id, *who, body.text, relay.clock.now(), host)


@router.post("/messages/{message_id}/report")
async def report_message(
    message_id: str, body: ReportBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> Response:
    """Report a message of the other side to the operators."""
    who = (account_id_of(principal), principal.reach(Deed.SEE))
    return await once(200, service.report_message, message_id, *who, body.reason, relay.clock.now())
