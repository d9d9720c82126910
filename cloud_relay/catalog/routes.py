"""HTTP of listings, pieces, stock, pictures and search."""

from typing import Annotated, Any, Literal

from fastapi import File, Path, Query, Request, UploadFile
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.accounts.roles import Deed
from cloud_relay.catalog import pictures, reading, service
from cloud_relay.catalog.image_check import clean_picture, measure_jpeg
from cloud_relay.intake.rules import take_in
from cloud_relay.intake.service import pass_on
from cloud_relay.relay import RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import Anyone, SignedIn, require_deed
from cloud_relay.web.routing import Router

router = Router()

FOR_EVER = "public, max-age=31536000, immutable"
"""A picture is named by its content, so it never changes."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ListingBody(_Body):
    """A new listing; its currency is the shop's, and another one is refused."""

    shop_id: str = Field(max_length=64)
    title_en: str = Field(default="", max_length=150)
    title_zh: str = Field(default="", max_length=150)
    description_en: str = Field(default="", max_length=8000)
    description_zh: str = Field(default="", max_length=8000)
    sku: str = Field(default="", max_length=60)
    gtin: str = Field(default="", max_length=14)
    price_minor: int
    currency: str | None = Field(default=None, min_length=3, max_length=3)
    weight_g: int = Field(default=0, ge=0, le=100_000)
    attributes: dict[str, str] = Field(default_factory=dict)
    on_hand: int = Field(default=0, ge=0, le=1_000_000)


class ListingChange(_Body):
    """What changes of a listing; `version` refuses a change of something one has not seen."""

    title_en: str | None = Field(default=None, max_length=150)
    title_zh: str | None = Field(default=None, max_length=150)
    description_en: str | None = Field(default=None, max_length=8000)
    description_zh: str | None = Field(default=None, max_length=8000)
    sku: str | None = Field(default=None, max_length=60)
    gtin: str | None = Field(default=None, max_length=14)
    price_minor: int | None = None
    weight_g: int | None = Field(default=None, ge=0, le=100_000)
    attributes: dict[str, str] | None = None
    version: int | None = None


class StockBody(_Body):
    """How many there are, and the version of the listing at which that was seen."""

    on_hand: int = Field(ge=0, le=1_000_000)
    version: int


class PieceBody(_Body):
    """One physical piece; `code` is what its own tag scans as, `spot` where a camera sees it."""

    listing_id: str = Field(max_length=64)
    code: str = Field(min_length=1, max_length=40)
    serial: str = Field(default="", max_length=20)
    location: str = Field(default="", max_length=40)
    spot: dict[str, Any] | None = None
    variant_id: str = Field(default="", max_length=64)
    state: Literal["free", "sample"] = "free"


class PieceChange(_Body):
    """What changes of a piece; `state` takes a free one out of stock, makes it a sample or puts it back."""

    code: str | None = Field(default=None, min_length=1, max_length=40)
    serial: str | None = Field(default=None, max_length=20)
    location: str | None = Field(default=None, max_length=40)
    spot: dict[str, Any] | None = None
    state: Literal["free", "gone", "sample"] | None = None
    variant_id: str | None = Field(default=None, max_length=64)
    version: int | None = None


def _changes(body: BaseModel) -> dict[str, Any]:
    """Return what was sent; null is "no change" but for `spot`, where it takes the piece off its camera."""
    sent = body.model_dump(exclude_unset=True)
    return {name: value for name, value in sent.items() if value is not None or name == "spot"}


@router.get("/api/search")
async def search(
    relay: RelayDep,
    q: Annotated[str, Query(max_length=2000)] = "",
    page: Annotated[int, Query(ge=1, le=reading.PAGES_MAX)] = 1,
) -> JSONResponse:
    """Listings that have every word of `q`, Chinese or English, each with whether it can be looked at now."""
    return JSONResponse(await relay.db.read(pass_on, take_in(q, page), relay.clock.now()))


@router.get("/api/listings/{listing_id}")
async def read_listing(listing_id: str, relay: RelayDep, principal: Anyone) -> JSONResponse:
    """One listing with its pieces."""
    found = await relay.db.read(
        reading.read_listing, listing_id, principal.merchant_ids, relay.clock.now(), is_operator=principal.is_operator
    )
    return JSONResponse(found)


@router.get("/api/merchants/{merchant_id}/goods")
async def merchant_goods(merchant_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """A merchant's shops, listings and pieces, for their own pages."""
    require_deed(principal, merchant_id, Deed.SEE)
    return JSONResponse({"shops": await relay.db.read(reading.merchant_goods, merchant_id)})


@router.post("/api/listings", status_code=201)
async def create_listing(body: ListingBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Make a draft listing."""
    values, now = body.model_dump(), relay.clock.now()
    return await once(201, service.create_listing, principal.reach(Deed.LIST), values, now)


@router.patch("/api/listings/{listing_id}")
async def change_listing(listing_id: str, body: ListingChange, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Change what a listing says."""
    changed = await relay.db.run(
        service.change_listing, principal.reach(Deed.LIST), listing_id, _changes(body), relay.settings.relay.public_url,
        relay.clock.now(),
    )  # fmt: skip
    return JSONResponse(changed)


@router.post("/api/listings/{listing_id}/publish")
async def publish(listing_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Show a listing to everybody."""
    now = relay.clock.now()
    return await once(200, service.move_listing, principal.reach(Deed.LIST), listing_id, "publish", now)


@router.post("/api/listings/{listing_id}/withdraw")
async def withdraw(listing_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Take a listing off the market."""
    now = relay.clock.now()
    return await once(200, service.move_listing, principal.reach(Deed.LIST), listing_id, "withdraw", now)


@router.post("/api/listings/{listing_id}/stock")
async def set_stock(
    listing_id: str, body: StockBody, relay: RelayDep, once: OnceDep, principal: SignedIn
) -> JSONResponse:
    """Correct the count."""
    now = relay.clock.now()
    return await once(200, service.set_stock, principal.reach(Deed.COUNT), listing_id, body.on_hand, body.version, now)


@router.post("/api/listings/{listing_id}/pictures", status_code=201)
async def add_picture(
    listing_id: str, picture: Annotated[UploadFile, File()], relay: RelayDep, principal: SignedIn
) -> JSONResponse:
    """Add a picture: JPEG, PNG or WebP; it is decoded apart, made smaller, and stripped of all metadata."""
    limits = relay.settings.limits
    await relay.db.read(pictures.may_add, principal.reach(Deed.LIST), listing_id)
    cleaned = await clean_picture(await picture.read(limits.upload_bytes_max), limits.picture_pixels_max)
    size_px = await measure_jpeg(cleaned, limits.picture_pixels_max)
    await relay.pictures.keep(cleaned)
    now = relay.clock.now()
    added = await relay.db.run(pictures.add_picture, principal.reach(Deed.LIST), listing_id, cleaned, size_px, now)
    return JSONResponse(added, 201)


@router.delete("/api/listings/{listing_id}/pictures/{picture_sha256}")
async def remove_picture(listing_id: str, picture_sha256: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Take a picture off a listing."""
    removed = await relay.db.run(pictures.remove_picture, principal.reach(Deed.LIST), listing_id, picture_sha256)
    return JSONResponse(removed)


@router.post("/api/pieces", status_code=201)
async def create_piece(body: PieceBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Add one physical piece; the shop's new plan goes out with it."""
    values, now, url = body.model_dump(), relay.clock.now(), relay.settings.relay.public_url
    return await once(201, service.create_piece, principal.reach(Deed.TAKE_IN), values, url, now)


@router.patch("/api/pieces/{piece_id}")
async def change_piece(piece_id: str, body: PieceChange, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Change a piece, its place or its spot; the shop's new plan goes out with it."""
    changed = await relay.db.run(
        service.change_piece, principal.reach(Deed.TEACH), piece_id, _changes(body), relay.settings.relay.public_url,
        relay.clock.now(),
    )  # fmt: skip
    return JSONResponse(changed)


@router.get("/pictures/{picture_sha256}", response_class=Response)
async def picture(
    picture_sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")], request: Request, relay: RelayDep, principal: Anyone
) -> Response:
    """A picture by its SHA-256: a listing's is everybody's, an order's is for its parties."""
    is_public = await relay.db.read(
        pictures.check_rights, picture_sha256, principal.account_id, principal.merchant_ids,
        is_operator=principal.is_operator,
    )  # fmt: skip
    headers = {"Cache-Control": FOR_EVER if is_public else "private, max-age=3600", "ETag": f'"{picture_sha256}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    content = await relay.pictures.load(picture_sha256)
    if content is None:
        raise reading.missing()
    return Response(content, media_type="image/jpeg", headers=headers)
