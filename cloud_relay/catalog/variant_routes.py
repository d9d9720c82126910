"""HTTP of a listing's variants."""

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.accounts.roles import Deed
from cloud_relay.catalog import variants
from cloud_relay.catalog.variant_rules import AXES_MAX, VARIANTS_MAX
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.routing import Router

router = Router(prefix="/api")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WordsBody(_Body):
    """A word in both languages; one of them may be missing."""

    en: str = Field(default="", max_length=60)
    zh: str = Field(default="", max_length=60)


class VariantBody(_Body):
    """One variant: a choice on every axis; without `variant_id` it is a new one."""

    variant_id: str = Field(default="", max_length=64)
    choices: list[WordsBody] = Field(min_length=1, max_length=AXES_MAX)
    price_difference_minor: int = 0
    sku: str = Field(default="", max_length=60)
    gtin: str = Field(default="", max_length=14)
    is_offered: bool = True


class VariantsBody(_Body):
    """All axes and variants of a listing; `version` refuses a change of something one has not seen."""

    axes: list[WordsBody] = Field(max_length=AXES_MAX)
    variants: list[VariantBody] = Field(max_length=VARIANTS_MAX)
    version: int | None = None


@router.put("/listings/{listing_id}/variants")
async def set_variants(listing_id: str, body: VariantsBody, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Replace a listing's axes and variants; the shop's new plan goes out with it."""
    given = body.model_dump()
    changed = await relay.db.run(
        variants.set_variants, principal.reach(Deed.LIST), listing_id, given["axes"], given["variants"], body.version,
        relay.settings.relay.public_url, relay.clock.now(),
    )  # fmt: skip
    return JSONResponse(changed)
