"""HTTP of group orders: begin, come in, pledge, leave, talk. Thin: each route is one use case."""

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.groups import chat, closing, pledging, reading, rules, service
from cloud_relay.orders.placing import Placed
from cloud_relay.orders.routes import Country, OrderBody, PostalCode, place_and_pay, wish_of
from cloud_relay.orders.trade import Trade
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.web.idempotency import ClaimDep, OnceDep
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.routing import Router

router = Router(prefix="/api")

Id = Annotated[str, Field(min_length=1, max_length=64)]
ChosenId = Annotated[str, Query(max_length=64)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class GroupBody(_Body):
    """Which promotion, on which goods, and how long the group may wait to be complete."""

    promotion_id: Id
    listing_id: Id
    close_after_s: int = rules.CLOSE_S


class PledgeBody(OrderBody):
    """One piece of a listing, where it goes and how it is paid; nothing that is reserved already."""

    parcel_id: Literal[""] = ""
    more_parcel_ids: list[str] = Field(default_factory=list, max_length=0)
    piece_id: str = Field(default="", max_length=64)


class MessageBody(_Body):
    """What one says to the group."""

    text: str = Field(max_length=3000)


class ReportBody(_Body):
    """Why a message is reported."""

    reason: str = Field(max_length=1000)


class LookBody(_Body):
    """The viewing that the others may come into."""

    session_id: Id


def _started(connection: Connection, account_id: str, body: GroupBody, now: datetime) -> dict[str, str]:
    args = (account_id, body.promotion_id, body.listing_id, now)
    return {"group_id": service.start(connection, *args, close_after_s=body.close_after_s)}


def _joined(connection: Connection, account_id: str, group_id: str, now: datetime) -> dict[str, str]:
    return {"group_id": group_id, "member_id": service.join(connection, account_id, group_id, now)}


def _left(connection: Connection, account_id: str, group_id: str, now: datetime, trade: Trade) -> dict[str, str]:
    closing.leave(connection, account_id, group_id, now, trade)
    return {"group_id": group_id}


def _our_host(relay: Relay) -> str:
    return urlsplit(relay.settings.relay.public_url).netloc


@router.post("/groups", status_code=201)
async def start(body: GroupBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Begin a group order and be its first member."""
    return await once(201, _started, account_id_of(principal), body, relay.clock.now())


@router.get("/groups")
async def mine(relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """The groups that one is in, the open ones first."""
    return {"groups": await relay.db.read(reading.groups_of, account_id_of(principal), relay.clock.now())}


@router.get("/groups/{group_id}")
async def read_group(group_id: str, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """A group order for whoever holds its id: how far it is; for members who pays what, and what was said."""
    asked = (group_id, account_id_of(principal), relay.clock.now())
    return await relay.db.read(reading.read_group, *asked, is_operator=principal.is_operator)


@router.post("/groups/{group_id}/join")
async def join(group_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Come in by the group's link."""
    return await once(200, _joined, account_id_of(principal), group_id, relay.clock.now())


@router.post("/groups/{group_id}/leave")
async def leave(group_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Leave before it closes; what one has paid goes back."""
    trade = relay.trading.trade
    return await once(200, _left, account_id_of(principal), group_id, relay.clock.now(), trade)


@router.get("/groups/{group_id}/checkout")
async def checkout(
    group_id: str, listing_id: ChosenId, relay: RelayDep, principal: SignedIn, variant_id: ChosenId = "",
    country: Country = "CN", postal_code: PostalCode = "",
) -> dict[str, Any]:  # fmt: skip
    """What a pledge costs now, and what of it comes back when the group is complete."""
    trading = relay.trading
    return await relay.db.read(
        reading.read_pledge, group_id, account_id_of(principal), listing_id, variant_id, trading.trade,
        trading.methods, relay.clock.now(), country=country, postal_code=postal_code,
    )  # fmt: skip


@router.post("/groups/{group_id}/pledges", status_code=201)
async def pledge(group_id: str, body: PledgeBody, relay: RelayDep, principal: SignedIn, claim: ClaimDep) -> Response:
    """Pledge one piece and pay it; `state` is `pledged`, `paid` when that completed the group, or `unpaid`."""
    account_id, wish, now = account_id_of(principal), wish_of(body), relay.clock.now()

    def work(connection: Connection) -> list[Placed]:
        return [pledging.pledge(connection, account_id, group_id, wish, now, relay.trading.trade)]

    return await place_and_pay(relay, claim, work)


@router.post("/groups/{group_id}/messages", status_code=201)
async def say(group_id: str, body: MessageBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Say something to the group; ways to reach each other elsewhere are refused (422 `contact_data`)."""
    args = (account_id_of(principal), group_id, body.text, relay.clock.now(), _our_host(relay))
    return await once(201, chat.say, *args)


@router.post("/groups/{group_id}/look", status_code=201)
async def look(group_id: str, body: LookBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Post the way into one's live viewing, so that the others come in by one click."""
    args = (account_id_of(principal), group_id, body.session_id, relay.clock.now())
    return await once(201, chat.invite_to_look, *args)


@router.post("/group-messages/{message_id}/report")
async def report(message_id: str, body: ReportBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Report another member's message to the operators."""
    return await once(200, chat.report, account_id_of(principal), message_id, body.reason, relay.clock.now())


@router.post("/groups/{group_id}/members/{member_id}/mute")
async def mute(group_id: str, member_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Hear nothing more of a member."""
    args = (account_id_of(principal), group_id, member_id, relay.clock.now())
    return await once(200, chat.mute, *args, is_muted=True)


@router.delete("/groups/{group_id}/members/{member_id}/mute")
async def unmute(group_id: str, member_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Hear a member again."""
    args = (account_id_of(principal), group_id, member_id, relay.clock.now())
    return await once(200, chat.mute, *args, is_muted=False)
