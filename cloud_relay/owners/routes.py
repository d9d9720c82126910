"""HTTP of asking those who bought a thing: the day's list, a question, the talk that comes of it."""

from secrets import SystemRandom
from typing import Any
from urllib.parse import urlsplit

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.owners import asking, reading, rules, talking
from cloud_relay.relay import RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import Operator, SignedIn, account_id_of
from cloud_relay.web.routing import Router

router = Router(prefix="/api")

RANDOM = SystemRandom()
"""Who is drawn, and under which nickname, must not be guessed from what was drawn before."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OwnersBody(_Body):
    """Within how many days they bought it."""

    days: rules.Days


class TalkTextBody(_Body):
    """A question, an answer, or what follows."""

    text: str = Field(max_length=3000)


class TalkReportBody(_Body):
    """Why a message is reported."""

    reason: str = Field(max_length=1000)


def _host(relay: RelayDep) -> str:
    return urlsplit(relay.settings.relay.public_url).netloc


@router.post("/listings/{listing_id}/owner-lists", status_code=201)
async def list_owners(
    listing_id: str, body: OwnersBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> Response:
    """Who bought this and may be asked, drawn once a day: at most five nicknames, or none."""
    who = (account_id_of(principal), listing_id, body.days)
    return await once(201, asking.list_owners, *who, relay.clock.now(), RANDOM)


@router.post("/listed-owners/{owner_id}/talks", status_code=201)
async def ask(owner_id: str, body: TalkTextBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Put a question to one of today's list."""
    who = (account_id_of(principal), owner_id, body.text)
    return await once(201, asking.ask, *who, relay.clock.now(), RANDOM, _host(relay))


@router.get("/owner-talks")
async def talks(relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """One's own talks on either side, newest first."""
    return {"talks": await relay.db.read(reading.talks_of, account_id_of(principal), relay.clock.now())}


@router.get("/owner-talks/{talk_id}")
async def talk(talk_id: str, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """One talk with its messages."""
    return await relay.db.read(reading.read_talk, talk_id, account_id_of(principal), relay.clock.now())


@router.post("/owner-talks/{talk_id}/messages", status_code=201)
async def write(talk_id: str, body: TalkTextBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Answer, or write on."""
    who = (talk_id, account_id_of(principal), body.text)
    return await once(201, talking.write, *who, relay.clock.now(), _host(relay))


@router.post("/owner-talks/{talk_id}/decline")
async def decline(talk_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Say no to a question; who asked does not learn of it."""
    return await once(200, talking.decline, talk_id, account_id_of(principal), relay.clock.now())


@router.post("/owner-talks/{talk_id}/end")
async def end(talk_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """End a talk, or take a question back."""
    return await once(200, talking.end, talk_id, account_id_of(principal), relay.clock.now())


@router.post("/owner-talks/{talk_id}/mute")
async def mute(talk_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """End a talk and hear nothing more of the other one."""
    return await once(200, talking.mute, talk_id, account_id_of(principal), relay.clock.now())


@router.post("/owner-messages/{message_id}/report")
async def report(
    message_id: str, body: TalkReportBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> Response:
    """Report a message of the other one to the operators."""
    who = (message_id, account_id_of(principal), body.reason)
    return await once(200, talking.report, *who, relay.clock.now())


@router.get("/operator/owner-messages")
async def reports(relay: RelayDep, _: Operator) -> dict[str, Any]:
    """Reported messages that nobody dealt with yet."""
    return {"messages": await relay.db.read(reading.reported)}


@router.post("/operator/owner-messages/{message_id}/close")
async def close(message_id: str, relay: RelayDep, once: OnceDep, _: Operator) -> Response:
    """Note that a reported message was dealt with."""
    return await once(200, talking.close_report, message_id, relay.clock.now())
