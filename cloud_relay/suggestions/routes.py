"""HTTP of suggestions: one's own, accepting, declining."""

from fastapi.responses import JSONResponse, Response

from cloud_relay.relay import RelayDep
from cloud_relay.suggestions import answering, reading
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.routing import Router

router = Router(prefix="/api")


@router.get("/suggestions")
async def my_suggestions(relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """What one may order together with others now, the newest first."""
    found = await relay.db.read(reading.open_of, account_id_of(principal), relay.clock.now())
    return JSONResponse({"suggestions": found})


@router.get("/suggestions/{suggestion_id}")
async def my_suggestion(suggestion_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """One suggestion; 404 unless it went to who asks."""
    found = await relay.db.read(reading.of_one, account_id_of(principal), suggestion_id, relay.clock.now())
    return JSONResponse(found)


@router.post("/suggestions/{suggestion_id}/accept")
async def accept(suggestion_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Accept: the first begins the group order, the others come into it."""
    return await once(200, answering.accept, account_id_of(principal), suggestion_id, relay.clock.now())


@router.post("/suggestions/{suggestion_id}/decline")
async def decline(suggestion_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Decline; nobody is told who did."""
    return await once(200, answering.decline, account_id_of(principal), suggestion_id, relay.clock.now())
