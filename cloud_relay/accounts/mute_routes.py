"""HTTP of one's own list of muted people; each room mutes by its own handles."""

from typing import Any

from fastapi import Response

from cloud_relay import muting
from cloud_relay.relay import RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.routing import Router

router = Router(prefix="/api/mutes")


@router.get("")
async def muted(relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """Whom one muted, by the nicknames under which one met them."""
    return {"mutes": await relay.db.read(muting.list_of, account_id_of(principal))}


@router.delete("/{mute_id}")
async def undo(mute_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Hear of them again."""
    return await once(200, muting.undo, account_id_of(principal), mute_id, relay.clock.now())
