"""Pages of asking those who bought a thing: one's questions and those that one is asked, and one talk."""

from fastapi import Request
from fastapi.responses import Response

from cloud_relay.owners import reading
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(include_in_schema=False)


@router.get("/account/talks")
async def talks(request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """One's talks on either side, live."""
    found = await relay.db.read(reading.talks_of, account_id_of(principal), relay.clock.now())
    return render(request, principal, "talks.html", talks=found)


@router.get("/account/talks/{talk_id}")
async def talk(talk_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """One talk: its messages, answering, declining, ending, muting."""
    found = await relay.db.read(reading.read_talk, talk_id, account_id_of(principal), relay.clock.now())
    return render(request, principal, "talk.html", talk=found)
