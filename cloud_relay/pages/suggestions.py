"""Pages of suggestions: one of them with its reasons; all of one's own stand on /together."""

from fastapi import Request
from fastapi.responses import Response

from cloud_relay.relay import RelayDep
from cloud_relay.suggestions import reading
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(include_in_schema=False)


@router.get("/together/suggestions/{suggestion_id}")
async def suggestion(suggestion_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """Why one is asked, what one would pay, accepting and declining; live."""
    found = await relay.db.read(reading.of_one, account_id_of(principal), suggestion_id, relay.clock.now())
    return render(request, principal, "suggestion.html", one=found)
