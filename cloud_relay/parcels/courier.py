"""What a courier's page and app use: the parcel as a courier may see it, scans with their proof, photos."""

import hashlib
from datetime import datetime
from typing import Annotated, Any

from fastapi import File, Path, Response, UploadFile
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.catalog.image_check import clean_picture, measure_jpeg
from cloud_relay.orders.trade import Trade
from cloud_relay.orders.words import both
from cloud_relay.parcels import epcis, resolver, store, tracking
from cloud_relay.parcels.resolver import Asker
from cloud_relay.refusals import RefusedError
from cloud_relay.relay import RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.routing import Router

router = Router()

CourierLink = Annotated[str, Path(pattern=r"^[a-z0-9_-]{1,64}\.[A-Za-z0-9_-]{1,120}$")]
PHOTO_KIND = "courier"
PHOTOS_MAX = 20
"""Photos that one link may bring: a parcel has a few bad days, not a film."""
JPEG_START = b"\xff\xd8"
JPEG_COMMENT = b"\xff\xfe"
"""Markers SOI and COM of ITU-T T.81, table B.1."""


class ScanBody(BaseModel):
    """One scan: the code as read or typed, what is done with the parcel, where; `at` when it was made.

    `picture_sha256` is a photo that was sent before, `received_by` who took the parcel, `note` what went wrong. A
    delivery asks for one of the first two, damage for the photo: `proof` of each step in the answer to GET says which.
    """

    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=300)
    biz_step: str = Field(max_length=40)
    place: str = Field(min_length=1, max_length=120)
    at: AwareDatetime | None = None
    picture_sha256: str = Field(default="", pattern="^([0-9a-f]{64})?$")
    received_by: str = Field(default="", max_length=80)
    note: str = Field(default="", max_length=300)


class CorrectionBody(BaseModel):
    """Which of one's scans did not happen."""

    model_config = ConfigDict(extra="forbid")

    event_id: str = Field(max_length=64)


def view(connection: Connection, link: str) -> dict[str, Any]:
    """Return what a courier may see of the parcel: where it is and its journey. No name, no address."""
    parcel_id, _, token = link.partition(".")
    found = tracking.find_for_courier(connection, parcel_id, token)
    shown = resolver.resolve_parcel(connection, parcel_id, Asker(account_id=found.account_id))
    kept = ("parcel_id", "shop_name", "sscc", "state", "state_text", "journey")
    return {name: shown[name] for name in kept}


def _view(connection: Connection, link: str) -> dict[str, Any]:
    steps = [
        {
            "biz_step": step, "text": both(*tracking.STEP_WORDS[step]),
            "proof": tracking.PROOF_ASKED[step][0] if step in tracking.PROOF_ASKED else "",
        }
        for step in epcis.COURIER_STEPS
    ]  # fmt: skip
    return {**view(connection, link), "steps": steps}


@router.get("/api/courier/{link}")
async def courier_view(link: CourierLink, relay: RelayDep) -> dict[str, Any]:
    """What the courier link's page shows: where the parcel is and which steps may be recorded."""
    return await relay.db.read(_view, link)


def _scan(connection: Connection, link: str, body: ScanBody, now: datetime, trade: Trade) -> dict[str, Any]:
    parcel_id, _, token = link.partition(".")
    proof = epcis.Proof(body.picture_sha256, body.received_by, body.note)
    row = tracking.record_scan(
        connection, parcel_id, token, body.code, body.biz_step, body.place, body.at, now, trade, proof
    )
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


def _may_add_photo(connection: Connection, link: str) -> str:
    parcel_id, _, token = link.partition(".")
    tracking.find_for_courier(connection, parcel_id, token)
    if store.count_pictures(connection, parcel_id, PHOTO_KIND) >= PHOTOS_MAX:
        raise RefusedError("too_many_pictures", f"At most {PHOTOS_MAX} photos", f"最多 {PHOTOS_MAX} 张照片")
    return parcel_id


def named(jpeg: bytes, parcel_id: str) -> bytes:
    """Return the picture with the parcel in a comment: one photo of two parcels is two, each with its rights."""
    text = parcel_id.encode()
    return JPEG_START + JPEG_COMMENT + (len(text) + 2).to_bytes(2, "big") + text + jpeg.removeprefix(JPEG_START)


def _add_photo(
    connection: Connection, link: str, content: bytes, size_px: tuple[int, int], now: datetime
) -> dict[str, Any]:
    parcel_id = _may_add_photo(connection, link)
    sha256 = hashlib.sha256(content).hexdigest()
    values = {
        "picture_sha256": sha256, "owner_id": parcel_id, "kind": PHOTO_KIND, "media_type": "image/jpeg",
        "size_bytes": len(content), "width_px": size_px[0], "height_px": size_px[1], "parcel_id": parcel_id,
        "taken_at": now, "stored_at": now,
    }  # fmt: skip
    store.add_picture(connection, values)
    return {"parcel_id": parcel_id, "picture_sha256": sha256}


@router.post("/api/courier/{link}/pictures", status_code=201)
async def add_photo(link: CourierLink, picture: Annotated[UploadFile, File()], relay: RelayDep) -> JSONResponse:
    """Take a photo for the next scan: decoded apart, made smaller, stripped of all metadata, place included."""
    limits = relay.settings.limits
    parcel_id = await relay.db.read(_may_add_photo, link)
    cleaned = await clean_picture(await picture.read(limits.upload_bytes_max), limits.picture_pixels_max)
    size_px = await measure_jpeg(cleaned, limits.picture_pixels_max)
    content = named(cleaned, parcel_id)
    await relay.pictures.keep(content)
    return JSONResponse(await relay.db.run(_add_photo, link, content, size_px, relay.clock.now()), 201)
