"""The page on which a shopper scans a tag with the phone's camera, or types its code."""

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud_relay.relay import RelayDep
from cloud_relay.showroom.routes import read_text
from cloud_relay.web.principal import Anyone
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(include_in_schema=False)

SHOWN_MAX = 80
"""Of a strange code so much is shown: enough to see what was read."""


@router.get("/scan")
async def scan(
    request: Request, relay: RelayDep, principal: Anyone,
    code: Annotated[str | None, Query(max_length=300)] = None,
    here: Annotated[str, Query(max_length=64, pattern="^[a-z0-9_-]*$")] = "",
) -> Response:  # fmt: skip
    """Scan or type; what was read leads on, or this page says why not. `here` is the shop that one stands in."""
    found = {"path": "", "reason": ""} if code is None else read_text(request, relay, code, here)
    if found["path"]:
        return RedirectResponse(found["path"], 303)
    return render(
        request, principal, "scan.html", reason=found["reason"], text_read=(code or "")[:SHOWN_MAX],
        here=here,
    )  # fmt: skip
