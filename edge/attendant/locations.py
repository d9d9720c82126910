"""The attendant's page of locations: what lies where, and a count that carries the version which it saw."""

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from edge.locations.counting import PIECES_MAX, UnknownCodesError
from edge.locations.shelves import LOCATION_LENGTH_MAX, LocationRefusedError
from edge.page_http import Body, json_body
from wire.values import BadValueError

if TYPE_CHECKING:
    from edge.attendant.room import AttendantRoom

STATIC = Path(__file__).parent / "static"
CODE_LENGTH_MAX, REASON_LENGTH_MAX = 40, 200

WORDS = {
    "stale": ("It changed meanwhile. Look again, then correct", "期间有变动，请重新查看后再更正"),
    "kept": ("Something is being taken from here now. Try again in a moment", "正在从这里取货，请稍后再试"),
    "unknown_code": ("No piece of this shop has the code", "本店没有这个编号："),
}


def routes(room: "AttendantRoom") -> list[Route]:
    """Return the page and its two addresses."""

    async def page(_request: Request) -> Response:
        return FileResponse(STATIC / "locations.html")

    async def listed(_request: Request) -> Response:
        return JSONResponse({"locations": await room.locations.list() if room.locations else []})

    async def correct(request: Request) -> Response:
        location, codes, version, reason = _count(await json_body(request))
        if room.locations is None:
            raise BadValueError("locations: this shop keeps none")
        try:
            return JSONResponse({"accepted": True, **await room.locations.correct(location, codes, version, reason)})
        except UnknownCodesError as error:
            english, chinese = WORDS["unknown_code"]
            listed = ", ".join(error.codes[:5])
            return _refused({"en": f"{english} {listed}", "zh": f"{chinese} {listed}"})
        except LocationRefusedError as error:
            english, chinese = WORDS[error.reason]
            return _refused({"en": english, "zh": chinese})

    return [
        Route("/locations", page),
        Route("/api/locations", listed),
        Route("/api/locations", correct, methods=["POST"]),
    ]


def _refused(text: dict[str, str]) -> Response:
    return JSONResponse({"accepted": False, "text": text}, 409)


def _count(given: Body) -> tuple[str, list[str], int, str]:
    """Return location, codes, version and reason of a count; BadValueError names what is wrong."""
    location, codes = given.get("location"), given.get("codes")
    version, reason = given.get("version"), given.get("reason", "")
    if not isinstance(location, str) or not 0 < len(location.strip()) <= LOCATION_LENGTH_MAX:
        raise BadValueError(f"location: 1 to {LOCATION_LENGTH_MAX} characters")
    if not isinstance(codes, list) or len(codes) > PIECES_MAX or not all(_is_code(code) for code in codes):
        raise BadValueError(f"codes: a list of at most {PIECES_MAX} codes")
    if not isinstance(version, int) or isinstance(version, bool):
        raise BadValueError("version: a whole number")
    if not isinstance(reason, str) or len(reason) > REASON_LENGTH_MAX:
        raise BadValueError(f"reason: at most {REASON_LENGTH_MAX} characters")
    return location, [code.strip() for code in codes], version, reason


def _is_code(code: object) -> bool:
    return isinstance(code, str) and 0 < len(code) <= CODE_LENGTH_MAX
