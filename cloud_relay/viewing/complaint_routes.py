"""HTTP of complaints: a companion complains of what was said, the operator reads and closes."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.relay import RelayDep
from cloud_relay.viewing import complaints
from cloud_relay.web.principal import Anyone, Operator
from cloud_relay.web.routing import Router

router = Router()


class ComplaintBody(BaseModel):
    """Which message; its words are known here."""

    model_config = ConfigDict(extra="forbid")
    said_id: str = Field(max_length=64)


@router.post("/api/viewing/{session_id}/together/complaints", status_code=202)
async def complain(session_id: str, body: ComplaintBody, relay: RelayDep, principal: Anyone) -> dict[str, Any]:
    """Report what another companion said to the operator."""
    now = relay.clock.now()
    await relay.db.run(complaints.complain, session_id, principal.account_id, body.said_id, now)
    return {}


@router.get("/api/operator/complaints")
async def read_complaints(relay: RelayDep, _operator: Operator) -> dict[str, Any]:
    """The complaints that nobody dealt with yet."""
    return {"complaints": await relay.db.read(complaints.open_complaints)}


@router.post("/api/operator/complaints/{complaint_id}/close")
async def close(complaint_id: str, relay: RelayDep, _operator: Operator) -> dict[str, Any]:
    """Note that a complaint was dealt with."""
    await relay.db.run(complaints.close, complaint_id, relay.clock.now())
    return {"complaint_id": complaint_id}
