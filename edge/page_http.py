"""What the pages of this box have in common over HTTP: bodies that are JSON objects, and problems as documents."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from wire.codec import to_json
from wire.plan import Text

KEEP_ALIVE_S = 15.0
"""How often an event stream says that it is still there."""
WHOLE_MAX = 10**15
"""Larger numbers are not whole any more once a page's script has read them (2^53)."""

Body = dict[str, Any]


class BadBodyError(Exception):
    """The request's body is not what the address takes; the message says what it takes."""


def problem(status: int, code: str, detail: Text | str, headers: dict[str, str] | None = None) -> Response:
    """Return a problem document (RFC 9457); a `Text` is there for the page in both languages too."""
    body: dict[str, Any] = {"type": "about:blank", "title": code, "status": status}
    body |= {"detail": detail} if isinstance(detail, str) else {"detail": detail.en, "text": to_json(detail)}
    return JSONResponse(body, status, headers, "application/problem+json")


async def json_body(request: Request) -> Body:
    """Return the object of a JSON body; only JSON is taken, so that no form of another page can send it."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise BadBodyError("send application/json")
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise BadBodyError("the body is not JSON") from None
    if not isinstance(body, dict):
        raise BadBodyError("the body is no object")
    return body


def text_of(body: Body, key: str, length_max: int, default: str | None = None) -> str:
    """Return one text of a body; one that may be missing has a `default`."""
    value = body.get(key, default)
    if not isinstance(value, str) or len(value) > length_max:
        raise BadBodyError(f"{key}: must be a text of at most {length_max} characters")
    return value


def whole_of(body: Body, key: str) -> int:
    """Return one whole number of a body, 0 when it is missing."""
    value = body.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > WHOLE_MAX:
        raise BadBodyError(f"{key}: must be a whole number")
    return value
