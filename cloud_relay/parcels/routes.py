"""HTTP of parcels: what codes resolve to, the EPCIS document. Couriers have a file of their own."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Concatenate, ParamSpec

from fastapi import Query, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from cloud_relay.orders.trade import Trade
from cloud_relay.parcels import reports, resolver, store
from cloud_relay.parcels.resolver import Asker
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.showroom.routes import shown_tag
from cloud_relay.web.principal import Anyone, Principal, SignedIn
from cloud_relay.web.problems import not_found
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router()
P = ParamSpec("P")

EPCIS_TYPE = "application/ld+json"


def _asker(principal: Principal) -> Asker:
    return Asker(principal.account_id, principal.merchant_ids, principal.is_operator)


async def _shown(
    request: Request, relay: Relay, principal: Principal, fn: Callable[Concatenate[Connection, P], dict[str, Any]],
    *args: P.args, **kwargs: P.kwargs,
) -> Response:  # fmt: skip
    """Answer a code's address: JSON for programs that ask for it, else the page."""
    try:
        found = await relay.db.read(fn, *args, **kwargs)
    except LookupError:
        raise not_found() from None
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse(jsonable_encoder(found), headers={"Vary": "Accept"})
    page = render(request, principal, "resolver.html", found=found)
    page.headers["Vary"] = "Accept"
    return page


@router.get("/01/{gtin}")
async def goods_class(
    gtin: str, request: Request, relay: RelayDep, principal: Anyone, t: Annotated[str, Query(max_length=40)] = "",
    here: Annotated[str, Query(max_length=64)] = "",
) -> Response:  # fmt: skip
    """GS1 Digital Link of a kind of goods; with `t` it stood on that tag of a showroom."""
    if t:
        return await shown_tag(request, relay, principal, t, gtin=gtin, here=here)
    return await _shown(
        request, relay, principal, resolver.resolve_goods, gtin, "", _asker(principal), relay.clock.now()
    )


@router.get("/01/{gtin}/21/{serial}")
async def goods(gtin: str, serial: str, request: Request, relay: RelayDep, principal: Anyone) -> Response:
    """GS1 Digital Link of one piece: what a tag and a label's goods code hold."""
    return await _shown(
        request, relay, principal, resolver.resolve_goods, gtin, serial, _asker(principal), relay.clock.now()
    )


@router.get("/00/{sscc}")
async def parcel_by_sscc(sscc: str, request: Request, relay: RelayDep, principal: Anyone) -> Response:
    """GS1 Digital Link of a parcel."""
    return await _shown(request, relay, principal, resolver.resolve_sscc, sscc, _asker(principal))


@router.get("/p/{parcel_id}")
async def parcel(parcel_id: str, request: Request, relay: RelayDep, principal: Anyone) -> Response:
    """A parcel of a merchant without GS1 numbers, or of any."""
    return await _shown(request, relay, principal, resolver.resolve_parcel, parcel_id, _asker(principal))


@router.get("/m/{merchant_id}")
async def merchant(merchant_id: str, request: Request, relay: RelayDep, principal: Anyone) -> Response:
    """The merchant of a label's merchant code."""
    return await _shown(request, relay, principal, resolver.resolve_merchant, merchant_id)


def _document(connection: Connection, parcel_id: str, asker: Asker, now: datetime, trade: Trade) -> dict[str, Any]:
    found = store.load(connection, parcel_id)
    if found is None or not asker.may_see(found):
        raise not_found()
    return store.document_of(connection, found, now, trade)


@router.get("/api/parcels/{parcel_id}/epcis")
async def epcis_document(parcel_id: str, relay: RelayDep, principal: SignedIn) -> Response:
    """The parcel's journey as an EPCIS 2.0 document (JSON-LD), for its parties."""
    now, trade = relay.clock.now(), relay.trading.trade
    found = await relay.db.read(_document, parcel_id, _asker(principal), now, trade)
    return JSONResponse(found, media_type=EPCIS_TYPE)


def join(relay: Relay) -> None:
    """Have parcel reports of shops folded by this room."""
    reports.join(relay.link, relay.trading.trade)
