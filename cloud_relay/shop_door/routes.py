"""HTTP of the shop door."""

from typing import Annotated, Any

from fastapi import Path, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.authority import ShopCertificate
from cloud_relay.broker import AdmissionError
from cloud_relay.catalog.image_check import measure_jpeg
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.shop_door import enrolment
from cloud_relay.shop_door.pictures import PictureDesk
from cloud_relay.shop_link import LinkDownError
from cloud_relay.web.guard import Buckets
from cloud_relay.web.problems import Problem
from cloud_relay.web.routing import Router
from wire.reports import PictureOffered

router = Router(prefix="/shop-door")

GUESSES_PER_S, GUESSES_BURST = 1 / 6, 20
"""Ten tries a minute from one address: a technician mistypes twice, and 80 bits stay unguessed."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EnrolBody(_Body):
    """A box's first request."""

    claim_code: str = Field(max_length=80)
    csr_pem: str = Field(max_length=16_384)


class RenewBody(_Body):
    """A box's later request, signed with its present key over shop_id, csr_pem, at and nonce, one a line."""

    shop_id: str = Field(max_length=64)
    csr_pem: str = Field(max_length=16_384)
    at: str = Field(max_length=40)
    nonce: str = Field(min_length=8, max_length=200)
    signature_b64url: str = Field(max_length=300)


def new_guesses() -> Buckets:
    """Return the count of tries for one door; it stands in the application's state."""
    return Buckets(GUESSES_PER_S, GUESSES_BURST)


def desk(relay: Relay) -> PictureDesk:
    """Return the desk that takes this relay's pictures."""
    return PictureDesk(relay.settings.door_url, relay.settings.limits.upload_bytes_max, relay.link)


def _answer(relay: Relay, certificate: ShopCertificate) -> dict[str, Any]:
    mqtt = relay.settings.mqtt
    return {
        "shop_id": certificate.shop_id,
        "certificate_pem": certificate.pem,
        "ca_pem": relay.authority.ca_pem,
        "relay_keys": relay.authority.public_keys_for_shop(),
        "mqtt": {"host": mqtt.public_host or mqtt.host, "port": mqtt.port},
        "resolver_url": relay.settings.relay.public_url,
    }


def _limit_guesses(request: Request, relay: Relay) -> None:
    address = request.client.host if request.client else ""
    guesses: Buckets = request.app.state.guesses
    if not guesses.take(address, relay.clock.monotonic()):
        raise Problem(
            429, "too_many_requests", "Too many tries; wait a minute", "尝试过多，请稍候", headers={"Retry-After": "60"}
        )


@router.get("/ca.pem", response_class=PlainTextResponse)
async def ca(relay: RelayDep) -> PlainTextResponse:
    """The relay's CA certificate; the claim text carries its fingerprint."""
    return PlainTextResponse(relay.authority.ca_pem, media_type="application/x-pem-file")


@router.post("/enrol")
async def enrol(body: EnrolBody, request: Request, relay: RelayDep) -> JSONResponse:
    """Let a box in with a one-time claim code."""
    _limit_guesses(request, relay)
    now = relay.clock.now()
    fresh = await relay.db.run(enrolment.enrol, relay.authority, body.claim_code, body.csr_pem, now)
    certificate = fresh.certificate
    await _admit(relay, certificate.shop_id, is_new_box=fresh.is_new_box)
    return JSONResponse(_answer(relay, certificate))


@router.post("/renew")
async def renew(body: RenewBody, request: Request, relay: RelayDep) -> JSONResponse:
    """Give a known box its next certificate."""
    _limit_guesses(request, relay)
    wish = enrolment.Renewal(**body.model_dump())
    certificate = await relay.db.run(enrolment.renew, relay.authority, wish, relay.clock.now())
    return JSONResponse(_answer(relay, certificate))


async def _admit(relay: Relay, shop_id: str, *, is_new_box: bool) -> None:
    """Let the shop in at the broker now; if that fails, the link does it when it is up again and the box tries on."""
    try:
        if is_new_box:
            await relay.link.fence(shop_id)
        await relay.link.admit(shop_id)
    except (LinkDownError, AdmissionError) as error:
        relay.metrics.count("admissions_late")
        raise Problem(
            503, "broker_away", "The broker is away; try again", "消息服务暂不可用，请重试", str(error)[:200]
        ) from None


@router.put("/pictures/{token}", status_code=201)
async def put_picture(
    token: Annotated[str, Path(min_length=20, max_length=100)], request: Request, relay: RelayDep
) -> JSONResponse:
    """Take the JPEG that was offered, by its SHA-256. Bytes are kept as they came: the shop signed them."""
    content = await request.body()
    pictures, now = desk(relay), relay.clock.now()
    await relay.db.read(pictures.find_upload, token, content, now)
    size_px = await measure_jpeg(content, relay.settings.limits.picture_pixels_max)
    await relay.pictures.keep(content)
    sha256 = await relay.db.run(pictures.take_upload, token, content, size_px, now)
    return JSONResponse({"picture_sha256": sha256}, 201)


def join(relay: Relay) -> None:
    """Hear of the pictures that shops offer."""
    relay.link.on_report(PictureOffered, desk(relay).take_offer)
