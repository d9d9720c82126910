"""HTTP of tags: making and voiding them, their sheets as PDF, and what a scanned one leads to."""

import asyncio
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Path, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.accounts.roles import Deed
from cloud_relay.on_site import reading as on_site
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.showroom import printing, rules, service
from cloud_relay.showroom.faces import face_of
from cloud_relay.showroom.rules import SIZES, TagKind
from cloud_relay.showroom.service import Wanted
from cloud_relay.showroom.sheets import BadSheetError, draw_sheet
from cloud_relay.showroom.typeface import FontMissingError, find_typeface
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import Anyone, Principal, SignedIn, account_id_of
from cloud_relay.web.problems import Problem
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render
from wire.commands import PrintTags, StopTags
from wire.tags import TagsPrinted

router = Router()

_drawing = asyncio.Lock()
"""One sheet at a time: a page is 35 MB while it is drawn, and the smallest relay has 512."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WantedBody(_Body):
    """So many tags of a listing's variant, or of a place."""

    listing_id: str = Field(default="", max_length=64)
    variant_id: str = Field(default="", max_length=64)
    location: str = Field(default="", max_length=rules.LOCATION_LENGTH_MAX)
    copies: int = Field(default=1, ge=1, le=rules.COPIES_MAX)


class TagsBody(_Body):
    """The tags of one sheet."""

    shop_id: str = Field(max_length=64)
    kind: TagKind
    tags: list[WantedBody] = Field(min_length=1, max_length=rules.TAGS_MAX)


class VoidBody(_Body):
    """Tags that shall count no more."""

    tag_ids: list[str] = Field(min_length=1, max_length=rules.TAGS_MAX)


@router.post("/api/tags", status_code=201)
async def make_tags(body: TagsBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Make the tags of one sheet."""
    wanted = [Wanted(**one.model_dump()) for one in body.tags]
    return await once(
        201, service.make_tags, principal.reach(Deed.LIST), account_id_of(principal), body.shop_id, body.kind, wanted,
        relay.settings.relay.public_url, relay.clock.now(),
    )  # fmt: skip


@router.post("/api/tags/void")
async def void_tags(body: VoidBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Make tags void; one of another merchant is not found."""
    url, now = relay.settings.relay.public_url, relay.clock.now()
    return await once(200, service.void_tags, principal.reach(Deed.LIST), body.tag_ids, url, now)


@router.get("/api/tag-sheets/{sheet_id}", response_class=Response)
async def sheet(
    sheet_id: str, relay: RelayDep, principal: SignedIn, size: Annotated[str, Query(max_length=8)] = ""
) -> Response:
    """A sheet's active tags as PDF, on A4 cut in `size` (40, 24, 8 or 2 to a page)."""
    rows = await relay.db.read(service.sheet_of, principal.reach(Deed.LIST), sheet_id)
    chosen = SIZES.get(size) or SIZES[rules.SIZE_OF_KIND[TagKind(rows[0]["kind"])]]
    root = relay.settings.relay.public_url.rstrip("/")
    faces = [face_of(row, root) for row in rows]
    try:
        async with _drawing:
            pdf = await asyncio.to_thread(lambda: draw_sheet(faces, chosen, find_typeface()))
    except BadSheetError as error:
        raise Problem(422, "bad_sheet", str(error), "此尺寸放不下，请换一种尺寸或减少数量") from None
    except FontMissingError as error:
        raise Problem(503, "font_missing", str(error), "平台缺少中文字体，请联系运营") from None
    headers = {"Content-Disposition": f'inline; filename="tags-{chosen.name}.pdf"', "Cache-Control": "no-store"}
    return Response(pdf, media_type="application/pdf", headers=headers)


@router.post("/api/tag-sheets/{sheet_id}/print")
async def print_sheet(sheet_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Have a sheet's active tags printed on the shop's own label printer, each once."""
    root = relay.settings.relay.public_url.rstrip("/")
    reach, account_id, now = principal.reach(Deed.LIST), account_id_of(principal), relay.clock.now()
    return await once(200, printing.ask, reach, account_id, sheet_id, root, now)


@router.post("/api/tag-sheets/{sheet_id}/stop")
async def stop_printing(sheet_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Have the shop print no more of this sheet; what came out counts."""
    return await once(200, printing.ask_stop, principal.reach(Deed.LIST), sheet_id, relay.clock.now())


async def shown_tag(
    request: Request, relay: Relay, principal: Principal, tag_id: str, *, gtin: str = "", here: str = ""
) -> Response:
    """Answer a scanned tag: people are led to the listing at once, or read clearly why not; programs get JSON."""
    found = await relay.db.read(
        service.resolve, tag_id, principal.merchant_ids, relay.clock.now(), gtin=gtin, here=here
    )
    status = {"unknown": 404, "mismatch": 404, "void": 410, "withdrawn": 410}.get(found["state"], 200)
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse(jsonable_encoder(found), status, headers={"Vary": "Accept"})
    if found["state"] == "goods":
        return RedirectResponse(found["address"], 303, headers={"Vary": "Accept", "Cache-Control": "no-store"})
    beside: dict[str, Any] = {}
    if found["state"] == "place":
        where = (principal.account_id, found["shop_id"], relay.clock.now())
        beside = await relay.db.read(on_site.beside_goods, *where, tag=tag_id)
    page = render(request, principal, "tag.html", status, found=found, **beside)
    page.headers["Vary"] = "Accept"
    return page


@router.get("/t/{tag_id}")
async def tag(
    tag_id: Annotated[str, Path(max_length=40)], request: Request, relay: RelayDep, principal: Anyone,
    here: Annotated[str, Query(max_length=64)] = "",
) -> Response:  # fmt: skip
    """What a tag of ours leads to; `here` is the shop in whose page somebody scans."""
    return await shown_tag(request, relay, principal, tag_id, here=here)


def our_hosts(request: Request, relay: Relay) -> frozenset[str]:
    """Return the names under which this relay is reached: the public one, and that of this very request."""
    return frozenset({urlsplit(relay.settings.relay.public_url).netloc.lower(), request.url.netloc.lower()})


def read_text(request: Request, relay: Relay, text: str, here: str = "") -> dict[str, Any]:
    """Return where a scanned or typed text leads (`path`), or the `reason` why nowhere."""
    found = rules.read_code(text, our_hosts(request, relay))
    mark = f"{'&' if '?' in found.path else '?'}here={here}" if here and found.path.startswith(("/t/", "/01/")) else ""
    return {"path": found.path + mark if found.path else "", "reason": found.reason}


def join(relay: Relay) -> None:
    """Hear how far shops are with printing tags, and when they cannot."""
    relay.link.on_report(TagsPrinted, printing.take_report)
    relay.link.on_ack(PrintTags, printing.take_answer)
    relay.link.on_ack(StopTags, printing.take_stop_answer)
