"""HTTP of one's saved addresses."""

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.accounts import addresses
from cloud_relay.relay import RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.routing import Router

router = Router(prefix="/api/me/addresses")


class AddressBody(BaseModel):
    """An address as it stands on a label; `title` is what one calls it oneself."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(default="", max_length=addresses.TITLE_LENGTH_MAX)
    is_default: bool = False
    name: str = Field(max_length=300)
    lines: list[str] = Field(min_length=1, max_length=4)
    postal_code: str = Field(default="", max_length=20)
    city: str = Field(max_length=100)
    country: str = Field(min_length=2, max_length=2)
    phone: str = Field(default="", max_length=40)


@router.get("")
async def list_addresses(relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """One's saved addresses, the default one first."""
    found = await relay.db.read(addresses.list_addresses, account_id_of(principal))
    return JSONResponse({"addresses": found})


@router.post("", status_code=201)
async def save_address(body: AddressBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Save an address."""
    given, now = body.model_dump(), relay.clock.now()
    return await once(201, addresses.save_address, account_id_of(principal), given, now)


@router.put("/{address_id}")
async def change_address(
    address_id: str, body: AddressBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> JSONResponse:
    """Write one of one's addresses anew."""
    given, now = body.model_dump(), relay.clock.now()
    return await once(200, addresses.change_address, account_id_of(principal), address_id, given, now)


@router.post("/{address_id}/default")
async def make_default(address_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Begin every checkout with this one."""
    return await once(200, addresses.make_default, account_id_of(principal), address_id, relay.clock.now())


@router.delete("/{address_id}")
async def delete_address(address_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Delete one of one's addresses; it can be taken back for a day."""
    args = (account_id_of(principal), address_id, relay.clock.now())
    return JSONResponse(await relay.db.run(addresses.delete_address, *args))


@router.post("/{address_id}/restore")
async def restore_address(address_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Take a deleted address back."""
    return await once(200, addresses.restore_address, account_id_of(principal), address_id, relay.clock.now())
