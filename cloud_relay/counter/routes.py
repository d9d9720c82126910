"""HTTP of the counter: PINs for the till, counter sales, a shopper's own code; and what shops report of it."""

import asyncio
import hashlib
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed
from cloud_relay.counter import claims, codes, drafts, pins, refunds, service
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn, account_id_of, require_deed
from cloud_relay.web.qr import picture_of
from cloud_relay.web.routing import Router
from wire.counter import CounterRefunded, CounterSold, ListingWritten
from wire.pins import check_pin, hash_pin

router = Router(prefix="/api")


class PinBody(BaseModel):
    """A member's new PIN."""

    model_config = ConfigDict(extra="forbid")

    pin: str = Field(min_length=4, max_length=12)


@router.put("/merchants/{merchant_id}/members/{account_id}/pin")
async def set_pin(
    merchant_id: str, account_id: str, body: PinBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> JSONResponse:
    """Give a member a PIN for the till; everybody may set their own, owners everybody's."""
    is_self = account_id == principal.account_id
    require_deed(principal, merchant_id, Deed.SEE if is_self else Deed.CHOOSE_MEMBERS)
    pin = check_pin(body.pin)
    pins.check_not_easy(pin)
    pin_hash = await asyncio.to_thread(hash_pin, pin)
    url = relay.settings.relay.public_url
    return await once(200, pins.set_pin, merchant_id, account_id, pin_hash, url, relay.clock.now())


@router.delete("/merchants/{merchant_id}/members/{account_id}/pin")
async def remove_pin(
    merchant_id: str, account_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> JSONResponse:
    """Take a member's PIN away: they are out of every till with its next connection."""
    is_self = account_id == principal.account_id
    require_deed(principal, merchant_id, Deed.SEE if is_self else Deed.CHOOSE_MEMBERS)
    return await once(
        200, pins.set_pin, merchant_id, account_id, "", relay.settings.relay.public_url, relay.clock.now()
    )


@router.get("/merchants/{merchant_id}/counter-sales")
async def counter_sales(merchant_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """What the merchant's shops sold over their counters, newest first, and what is owed for it."""
    require_deed(principal, merchant_id, Deed.SEE_MONEY)
    return JSONResponse(await relay.db.read(service.sales_of, merchant_id))


@router.get("/me/counter-code")
async def my_code(relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """The shopper's own code: shown at a till, the receipt stands among their own orders."""
    code = codes.code_of(account_id_of(principal), code_keys(relay)[-1])
    return JSONResponse({"code": code, "qr": picture_of(code)}, headers={"Cache-Control": "no-store"})


@router.get("/me/counter-sales")
async def my_sales(relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """What the shopper bought at counters where they showed their code."""
    return JSONResponse({"sales": await relay.db.read(service.sales_to, account_id_of(principal))})


@router.post("/counter-sales/{sale_id}/claim")
async def claim(sale_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Make a purchase one's own by the code on its receipt."""
    return await once(200, claims.claim, sale_id, account_id_of(principal), relay.clock.now())


def code_keys(relay: Relay) -> list[bytes]:
    """Return the keys that prove shoppers' codes, newest last: they follow the relay's own signing keys."""
    raw = (Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    keys = relay.authority.signing_keys().values()
    return [hashlib.sha256(b"vitrine-counter-code-1" + key.private_bytes(*raw)).digest() for key in keys]


def join(relay: Relay) -> None:
    """Hear what shops sell and write at their counters."""
    trade, url = relay.trading.trade, relay.settings.relay.public_url

    def on_sold(connection: Connection, shop_id: str, sale: CounterSold, now: datetime) -> None:
        service.take_sale(connection, shop_id, sale, now, trade, code_keys(relay))

    def on_refunded(connection: Connection, shop_id: str, refund: CounterRefunded, now: datetime) -> None:
        refunds.take_refund(connection, shop_id, refund, now, trade)

    def on_written(connection: Connection, shop_id: str, written: ListingWritten, now: datetime) -> None:
        drafts.take_listing(connection, shop_id, written, now, url)

    relay.link.on_report(CounterSold, on_sold)
    relay.link.on_report(CounterRefunded, on_refunded)
    relay.link.on_report(ListingWritten, on_written)
    relay.link.on_picture(drafts.take_picture)
