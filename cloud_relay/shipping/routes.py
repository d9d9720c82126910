"""HTTP of shipping terms: a merchant reads and replaces a shop's price list and tax rates."""

from typing import Any

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.accounts.roles import Deed
from cloud_relay.relay import RelayDep
from cloud_relay.shipping import rules, service
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.routing import Router

router = Router(prefix="/api/shops")


class ShippingBody(BaseModel):
    """A shop's whole price list and tax rates; `version` is the one that was read (0: none yet)."""

    model_config = ConfigDict(extra="forbid")

    is_used: bool = True
    zones: list[dict[str, Any]] = Field(default_factory=list, max_length=rules.ZONES_MAX)
    rates: list[dict[str, Any]] = Field(default_factory=list, max_length=rules.RATES_MAX)
    is_tax_on_top: bool = False
    version: int = Field(ge=0)


@router.get("/{shop_id}/shipping")
async def read_shipping(shop_id: str, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """A shop's zones, weights and prices, and its tax rates."""
    return await relay.db.read(service.read_shipping, principal.reach(Deed.SEE), shop_id)


@router.put("/{shop_id}/shipping")
async def change_shipping(
    shop_id: str, body: ShippingBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> Response:
    """Replace them; orders that are placed already keep what they were placed with."""
    given = body.model_dump(include={"zones", "rates", "is_tax_on_top"})
    reach, now = principal.reach(Deed.KEEP_SHOP), relay.clock.now()
    return await once(200, service.change_shipping, reach, shop_id, given, body.version, now, is_used=body.is_used)
