"""HTTP of pictures and clips of quote requests; a clip is played in pieces (byte ranges), as phones ask for it."""

import re
from typing import Annotated

from fastapi import File, Request, Response, UploadFile
from fastapi.responses import JSONResponse

from cloud_relay.accounts.roles import Deed
from cloud_relay.catalog.image_check import clean_picture
from cloud_relay.onboarding.vault import vault_in
from cloud_relay.quotes import attachments
from cloud_relay.quotes.clip_check import clean_clip
from cloud_relay.quotes.rules import CLIP_BYTES_MAX
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.routing import Router

router = Router(prefix="/api")

HEADERS = {
    "Cache-Control": "no-store, private",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Accept-Ranges": "bytes",
}
"""Kept by nobody, because it is deleted with the quote; opened by itself it runs nothing."""


@router.post("/quote-requests/{quote_request_id}/pictures", status_code=201)
async def add_picture(
    quote_request_id: str, picture: Annotated[UploadFile, File()], relay: RelayDep, principal: SignedIn
) -> JSONResponse:
    """Add a picture of what is wanted: decoded apart, made smaller, stripped of all metadata, sealed."""
    limits, account_id = relay.settings.limits, account_id_of(principal)
    await relay.db.read(attachments.may_add_picture, account_id, quote_request_id, relay.clock.now())
    cleaned = await clean_picture(await picture.read(limits.upload_bytes_max), limits.picture_pixels_max)
    vault, now = vault_in(relay.settings.data_dir), relay.clock.now()
    added = await relay.db.run(attachments.add_picture, account_id, quote_request_id, cleaned, vault, now)
    return JSONResponse(added, 201)


@router.post("/quotes/{quote_id}/clip", status_code=201)
async def add_clip(
    quote_id: str, clip: Annotated[UploadFile, File()], relay: RelayDep, principal: SignedIn
) -> JSONResponse:
    """Add a short clip of the goods to one's own quote, in place of an older one; its sound is not kept."""
    may = principal.reach(Deed.LIST)
    await relay.db.read(attachments.may_add_clip, may, quote_id, relay.clock.now())
    cleaned = await clean_clip(await clip.read(CLIP_BYTES_MAX + 1))
    vault, now = vault_in(relay.settings.data_dir), relay.clock.now()
    return JSONResponse(await relay.db.run(attachments.add_clip, may, quote_id, cleaned, vault, now), 201)


@router.get("/quote-attachments/{attachment_id}", response_class=Response)
async def read(attachment_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """A picture or clip, while its quote or request stands; `Range: bytes=` gives a piece of it."""
    content, media_type = await relay.db.read(
        attachments.read, account_id_of(principal), principal.reach(Deed.SEE), attachment_id,
        vault_in(relay.settings.data_dir), relay.clock.now(),
    )  # fmt: skip
    is_clip = media_type.startswith("video/")
    shown = f'attachment; filename="clip.{media_type[6:]}"' if is_clip else "inline"
    headers = {**HEADERS, "Content-Disposition": shown}
    asked = request.headers.get("range", "")
    if not asked.startswith("bytes="):
        return Response(content, media_type=media_type, headers=headers)
    part = piece_of(asked, len(content))
    if part is None:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{len(content)}"})
    first, last = part
    headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    return Response(content[first : last + 1], 206, headers, media_type)


def piece_of(asked: str, size: int) -> tuple[int, int] | None:
    """Return (first, last) byte of a single range of a content of `size` bytes, None for one that is not in it.

    RFC 9110, 14.1.2: `bytes=0-99`, `bytes=100-`, `bytes=-100` (the last so many). Of several the first is given.
    """
    found = re.fullmatch(r"bytes=(\d{0,12})-(\d{0,12})(?:,.*)?", asked.replace(" ", ""), re.ASCII)
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        first, last = max(0, size - int(found[2])), size - 1
    else:
        first, last = int(found[1]), min(int(found[2] or size - 1), size - 1)
    return (first, last) if first <= last else None


@router.delete("/quote-attachments/{attachment_id}")
async def remove(attachment_id: str, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Delete a picture of one's own request, or a clip of one's own quote."""
    who = (account_id_of(principal), principal.reach(Deed.LIST))
    return JSONResponse(await relay.db.run(attachments.remove, *who, attachment_id, relay.clock.now()))
