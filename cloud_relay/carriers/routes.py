"""HTTP of carriers: book a parcel, its label, what is said of it; the carriers' own webhooks. Their timer."""

from typing import Annotated, Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed, check_reach
from cloud_relay.carriers import service, store
from cloud_relay.carriers.base import BadCarrierWordError, Carrier, Carriers, Word
from cloud_relay.carriers.generic_http import GenericHttpCarrier
from cloud_relay.carriers.karrio import BadKarrioError, KarrioCarrier
from cloud_relay.carriers.manual import ManualCarrier
from cloud_relay.carriers.steps import BadStepsError
from cloud_relay.carriers.templates import BadTemplateError
from cloud_relay.carriers.times import BadZoneError
from cloud_relay.carriers.worker import CarrierWorker
from cloud_relay.parcels import store as parcels
from cloud_relay.refusals import RefusedError
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.settings import BadSettingsError, Settings
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import Principal, SignedIn, account_id_of
from cloud_relay.web.problems import Problem, not_found
from cloud_relay.web.routing import Router

router = Router()

Name = Annotated[str, Field(min_length=1, max_length=40)]


class BookingBody(BaseModel):
    """Which carrier takes the parcel."""

    model_config = ConfigDict(extra="forbid")

    carrier: Name


class DropBody(BaseModel):
    """What the carrier said of a booking in doubt."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=300)


def carriers_of(settings: Settings) -> Carriers:
    """Return the carriers of these settings; BadSettingsError names the key that cannot be used."""
    found: dict[str, Carrier] = {ManualCarrier.name: ManualCarrier()}
    told = settings.carrier
    is_karrio = told.kind == "karrio"
    if told.kind not in ("generic_http", "karrio"):
        raise BadSettingsError('[carrier] kind: "generic_http" or "karrio"')
    needs_url = bool(told.name and (told.url or not is_karrio))
    if told.name in found or (needs_url and not told.url.startswith(("http://", "https://"))):
        raise BadSettingsError("[carrier] name, url: a name of its own, and an address that begins with https://")
    if told.name:
        token = settings.secrets.get("VITRINE_CARRIER_TOKEN", "")
        webhook_secret = settings.secrets.get("VITRINE_CARRIER_WEBHOOK_SECRET", "")
        try:
            found[told.name] = (
                KarrioCarrier(told, token) if is_karrio else GenericHttpCarrier(told, token, webhook_secret)
            )
        except (BadKarrioError, BadTemplateError, BadStepsError, BadZoneError) as error:
            raise BadSettingsError(f"[carrier] {error}") from None
    return Carriers(found)


async def _require(relay: Relay, principal: Principal, parcel_id: str, deed: Deed) -> None:
    """Answer 404 unless the parcel is one of the principal's merchants', 403 when only the role is in the way."""
    found = await relay.db.read(parcels.load, parcel_id)
    if found is None or not check_reach(principal.reach(deed), found.merchant_id):
        raise not_found()


@router.post("/api/parcels/{parcel_id}/carrier", status_code=201)
async def book(parcel_id: str, body: BookingBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Book a parcel with a carrier; the answer comes to the order's page."""
    await _require(relay, principal, parcel_id, Deed.CANCEL_ORDER)
    if body.carrier not in relay.carriers.by_name or body.carrier == ManualCarrier.name:
        raise RefusedError("no_such_carrier", "There is no such carrier to book with", "没有可下单的该承运商", 422)
    args = (parcel_id, body.carrier, account_id_of(principal), relay.clock.now())
    return await once(201, service.start_booking, *args)


@router.post("/api/parcels/{parcel_id}/carrier/drop")
async def drop(parcel_id: str, body: DropBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Say that a booking in doubt does not exist at the carrier."""
    await _require(relay, principal, parcel_id, Deed.CANCEL_ORDER)
    return await once(200, service.drop_booking, parcel_id, body.reason, relay.clock.now())


@router.get("/api/parcels/{parcel_id}/carrier")
async def booking(parcel_id: str, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """The newest booking of a parcel, and every word of the carrier."""
    await _require(relay, principal, parcel_id, Deed.SEE)
    return await relay.db.read(_shown, parcel_id)


def _shown(connection: Connection, parcel_id: str) -> dict[str, Any]:
    return service.shown(connection, parcel_id, for_merchant=True)


@router.get("/api/parcels/{parcel_id}/carrier/label")
async def label(parcel_id: str, relay: RelayDep, principal: SignedIn) -> Response:
    """The carrier's label, PDF or PNG. Without one the shop's own is on the parcel: 404."""
    await _require(relay, principal, parcel_id, Deed.SEE)
    found = await relay.db.read(store.label_of, parcel_id)
    if found is None:
        raise not_found()
    ending = "pdf" if found[1] == "application/pdf" else "png"
    headers = {
        "Content-Disposition": f'attachment; filename="label-{parcel_id[-8:]}.{ending}"', "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    return Response(found[0], headers=headers, media_type=found[1])


@router.post("/carrier-hooks/{carrier}", include_in_schema=False)
async def webhook(carrier: str, request: Request, relay: RelayDep) -> Response:
    """Take a carrier's signed words: 204. What is not proved leaves no row: 400. Of a parcel not known yet: 503."""
    known = relay.carriers.by_name.get(carrier)
    if known is None:
        raise not_found()
    try:
        words = known.read_words(request.headers, await request.body(), relay.clock.now())
    except BadCarrierWordError as error:
        raise Problem(400, "bad_webhook", "This webhook is not proved", "无法验证此回调", str(error)) from None
    if not await relay.db.run(_take, relay, known, words):
        raise Problem(
            503, "not_yet", "Please send this again later", "请稍后重发", headers={"Retry-After": "60"}
        )  # fmt: skip
    return Response(status_code=204)


def _take(connection: Connection, relay: Relay, carrier: Carrier, words: list[Word]) -> bool:
    for tracking_no in dict.fromkeys(one.tracking_no for one in words):
        row = store.by_tracking_no(connection, carrier.name, tracking_no)
        if row is None:
            return False
        service.take_words(connection, carrier, row, words, relay.clock.now(), relay.trading.trade)
    return True


async def work(relay: Relay) -> None:
    """Book, ask again, poll."""
    by_name = relay.carriers.by_name
    worker = CarrierWorker(relay.db, relay.clock, by_name, relay.trading.trade, relay.settings.carrier.poll_s)
    try:
        await worker.run()
    finally:
        for carrier in by_name.values():
            await carrier.close()
