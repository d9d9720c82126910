"""HTTP of true colour: the merchant keeps what a spot's camera saw of the colour card."""

from typing import Annotated

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.accounts.roles import Deed
from cloud_relay.relay import RelayDep
from cloud_relay.viewing import colour_card
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.routing import Router

router = Router()

Channel = Annotated[float, Field(ge=0, le=255, allow_inf_nan=False)]


class CardBody(BaseModel):
    """The card's 24 patches as the camera shows them, row by row from dark skin to black: sRGB, 0 to 255."""

    model_config = ConfigDict(extra="forbid")
    patches: list[tuple[Channel, Channel, Channel]] = Field(min_length=24, max_length=24)


@router.put("/api/pieces/{piece_id}/colour")
async def keep_card(piece_id: str, body: CardBody, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Keep a photographed card for the piece's spot; answers with the correction and the error that remains (ΔE00)."""
    kept = await relay.db.run(
        colour_card.keep_card, principal.reach(Deed.TEACH), account_id_of(principal), piece_id, body.patches,
        relay.clock.now(),
    )  # fmt: skip
    return JSONResponse(kept)


@router.delete("/api/pieces/{piece_id}/colour", status_code=204)
async def forget_card(piece_id: str, relay: RelayDep, principal: SignedIn) -> Response:
    """Forget the card: pictures are shown as the camera gives them."""
    await relay.db.run(colour_card.forget_card, principal.reach(Deed.TEACH), piece_id)
    return Response(status_code=204)
