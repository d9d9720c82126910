"""HTTP of notices."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.notices import service
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import SignedIn, account_id_of

router = APIRouter(prefix="/api/notices")


class ReadBody(BaseModel):
    """Which notices were read."""

    model_config = ConfigDict(extra="forbid")

    notice_ids: list[Annotated[str, Field(max_length=64)]] = Field(max_length=service.PAGE)


@router.get("")
async def read_notices(
    relay: RelayDep, principal: SignedIn, before: Annotated[datetime | None, Query()] = None
) -> dict[str, Any]:
    """One's newest notices and how many are unread; `before` asks for older ones."""
    return await relay.db.read(service.notices_of, account_id_of(principal), before)


@router.post("/read", status_code=204)
async def mark_read(body: ReadBody, relay: RelayDep, principal: SignedIn) -> Response:
    """Note that notices were read."""
    await relay.db.run(service.mark_read, account_id_of(principal), body.notice_ids, relay.clock.now())
    return Response(status_code=204)
