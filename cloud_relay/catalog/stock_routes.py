"""HTTP of goods in and stock counts."""

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.accounts.roles import Deed
from cloud_relay.catalog import stock_taking
from cloud_relay.catalog.stock_taking import PIECES_MAX, Counted, NewPiece
from cloud_relay.relay import RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.routing import Router

router = Router(prefix="/api")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewPieceBody(_Body):
    """A piece that comes in; `code` is what its own tag scans as."""

    code: str = Field(min_length=1, max_length=40)
    serial: str = Field(default="", max_length=20)
    location: str = Field(default="", max_length=40)
    variant_id: str = Field(default="", max_length=64)


class GoodsInBody(_Body):
    """Pieces of one listing that come in together."""

    pieces: list[NewPieceBody] = Field(min_length=1, max_length=PIECES_MAX)
    reason: str = Field(default="", max_length=200)


class CountBody(_Body):
    """What was counted, the version of the listing at which that was seen, and the pieces that were not found."""

    on_hand: int = Field(ge=0, le=1_000_000)
    version: int
    missing: list[str] = Field(default_factory=list, max_length=PIECES_MAX)
    reason: str = Field(default="", max_length=200)


@router.post("/listings/{listing_id}/goods-in", status_code=201)
async def take_in(
    listing_id: str, body: GoodsInBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> JSONResponse:
    """Take pieces in, all or none."""
    pieces = [NewPiece(**one.model_dump()) for one in body.pieces]
    return await once(
        201, stock_taking.take_in, principal.reach(Deed.TAKE_IN), account_id_of(principal), listing_id, pieces,
        body.reason, relay.settings.relay.public_url, relay.clock.now(),
    )  # fmt: skip


@router.post("/listings/{listing_id}/counts", status_code=201)
async def count(listing_id: str, body: CountBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Correct the stock to what was counted."""
    counted = Counted(
        version=body.version, on_hand=body.on_hand, missing=tuple(dict.fromkeys(body.missing)), reason=body.reason
    )
    return await once(
        201, stock_taking.count, principal.reach(Deed.COUNT), account_id_of(principal), listing_id, counted,
        relay.settings.relay.public_url, relay.clock.now(),
    )  # fmt: skip


@router.post("/stock-changes/{change_id}/undo")
async def undo(change_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Undo goods in or a count, once."""
    reach, url = principal.reach(Deed.COUNT), relay.settings.relay.public_url
    return await once(200, stock_taking.undo, reach, change_id, url, relay.clock.now())
