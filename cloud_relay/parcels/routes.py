"""HTTP of parcels: what codes resolve to, couriers' scans, the EPCIS document."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Concatenate, ParamSpec

from fastapi import APIRouter, Path, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.orders.trade import Trade
from cloud_relay.orders.words import both
from cloud_relay.parcels import epcis, reports, resolver, store, tracking
from cloud_relay.parcels.resolver import Asker
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import Anyone, Principal, SignedIn
from cloud_relay.web.problems import not_found
from cloud_relay.web.templating import render

router = APIRouter()
P = ParamSpec("P")

CourierLink = Annotated[str, Path(pattern=r"^[a-z0-9_-]{1,64}\.[A-Za-z0-9_-]{1,120}$")]
EPCIS_TYPE = "application/ld+json"


class ScanBody(BaseModel):
    """One scan: the code as read or typed, what is done with the parcel, where; `at` only if it was kept a while."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=300)
    biz_step: str = Field(max_length=40)
    place: str = Field(min_length=1, max_length=120)
    at: AwareDatetime | None = None


class CorrectionBody(BaseModel):
    """Which of one's scans did not happen."""

    model_config = ConfigDict(extra="forbid")

    event_id: str = Field(max_length=64)


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
async def goods_class(gtin: str, request: Request, relay: RelayDep, principal: Anyone) -> Response:
    """GS1 Digital Link of a kind of goods."""
    return await _shown(request, relay, principal, resolver.resolve_goods, gtin, "", _asker(principal))


@router.get("/01/{gtin}/21/{serial}")
async def goods(gtin: str, serial: str, request: Request, relay: RelayDep, principal: Anyone) -> Response:
    """GS1 Digital Link of one piece: what a tag and a label's goods code hold."""
    return await _shown(request, relay, principal, resolver.resolve_goods, gtin, serial, _asker(principal))


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


def _courier_view(connection: Connection, parcel_id: str, token: str) -> dict[str, Any]:
    found = tracking.find_for_courier(connection, parcel_id, token)
    shown = resolver.resolve_parcel(connection, parcel_id, Asker(account_id=found.account_id))
    kept = ("parcel_id", "shop_name", "sscc", "state", "state_text", "journey")
    steps = [{"biz_step": step, "text": both(*tracking.STEP_WORDS[step])} for step in epcis.COURIER_STEPS]
    return {**{name: shown[name] for name in kept}, "steps": steps}


@router.get("/api/courier/{link}")
async def courier_view(link: CourierLink, relay: RelayDep) -> dict[str, Any]:
    """What the courier link's page shows: where the parcel is and which steps may be recorded. No name, no address."""
    parcel_id, _, token = link.partition(".")
    return await relay.db.read(_courier_view, parcel_id, token)


def _scan(connection: Connection, link: str, body: ScanBody, now: datetime, trade: Trade) -> dict[str, Any]:
    parcel_id, _, token = link.partition(".")
    row = tracking.record_scan(connection, parcel_id, token, body.code, body.biz_step, body.place, body.at, now, trade)
    return _event_json(row)


def _event_json(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("event_id", "parcel_id", "biz_step", "place", "at", "recorded_at")}


@router.post("/api/courier/{link}/scans", status_code=201)
async def scan(link: CourierLink, body: ScanBody, relay: RelayDep, once: OnceDep) -> Response:
    """Record a scan of this parcel; it reaches the shop box, the shopper and the relay's log."""
    return await once(201, _scan, link, body, relay.clock.now(), relay.trading.trade)


def _correct(connection: Connection, link: str, event_id: str, now: datetime) -> dict[str, Any]:
    parcel_id, _, token = link.partition(".")
    return _event_json(tracking.correct(connection, parcel_id, token, event_id, now))


@router.post("/api/courier/{link}/corrections", status_code=201)
async def correct(link: CourierLink, body: CorrectionBody, relay: RelayDep, once: OnceDep) -> Response:
    """Declare one of the scans made through this link wrong; both stay in the log."""
    return await once(201, _correct, link, body.event_id, relay.clock.now())


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
