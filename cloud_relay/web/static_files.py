"""Serves the pages' own scripts, styles and pictures; each address names its content, so it never goes stale."""

from fastapi.responses import FileResponse

from cloud_relay.web.problems import not_found
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import FOLDER

router = Router(include_in_schema=False)

MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@router.get("/sw.js")
async def service_worker() -> FileResponse:
    """Return the service worker from the root, because it may only serve addresses below its own."""
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return FileResponse(FOLDER / "static" / "sw.js", media_type="text/javascript", headers=headers)


@router.get("/static/{_version}/{name}")
async def static_file(_version: str, name: str) -> FileResponse:
    """Return one file of `web/static`; the version only keeps a changed file from being taken from a cache."""
    file = FOLDER / "static" / name
    if file.suffix not in MEDIA_TYPES or file.parent != FOLDER / "static" or not file.is_file():
        raise not_found()
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return FileResponse(file, media_type=MEDIA_TYPES[file.suffix], headers=headers)
