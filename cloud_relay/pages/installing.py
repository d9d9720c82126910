"""Vitrine as an installed program: its manifest, and the page that stands where there is no network."""

from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from cloud_relay.web.language import language_of
from cloud_relay.web.principal import Principal
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import asset, render

router = Router(include_in_schema=False)


@router.get("/manifest.webmanifest")
async def manifest(request: Request) -> JSONResponse:
    """Return the web application manifest in the reader's language."""
    is_zh = language_of(request) == "zh"
    icon = {"src": asset("mark.svg"), "sizes": "any", "type": "image/svg+xml"}
    document: dict[str, Any] = {
        "id": "/", "name": "橱窗" if is_zh else "Vitrine", "short_name": "橱窗" if is_zh else "Vitrine",
        "description": "透过店铺自己的镜头亲眼看，再决定买。" if is_zh else "See the very piece. Then buy it.",
        "lang": "zh-Hans" if is_zh else "en", "start_url": "/", "scope": "/", "display": "standalone",
        "theme_color": "#1b3f9c", "background_color": "#f3f5f8",
        "shortcuts": [{"name": "扫一扫" if is_zh else "Scan a tag", "url": "/scan"}],
        "icons": [{**icon, "purpose": "any"}, {**icon, "purpose": "maskable"}],
    }  # fmt: skip
    return JSONResponse(document, media_type="application/manifest+json")


@router.get("/offline")
async def offline(request: Request) -> Response:
    """What a browser shows without a network for a page that was not seen before; the same for everybody."""
    page = render(request, Principal(language=language_of(request)), "offline.html")
    del page.headers["Vitrine-Reader"]  # it was not asked who reads
    return page
