"""Errors as RFC 9457 problem documents, in the reader's language."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from cloud_relay.db import DatabaseBusyError
from cloud_relay.refusals import RefusedError
from cloud_relay.web.language import language_of
from wire.values import BadValueError

MEDIA_TYPE = "application/problem+json"

PROGRAMS = (
    "/api/",
    "/whep/",
    "/webhooks/",
    "/pictures/",
    "/static/",
    "/shop-door/",
    "/metrics",
    "/healthz",
    "/openapi",
)
"""Addresses that programs ask: their errors are documents even for a browser; elsewhere people get a page."""


class Problem(Exception):  # noqa: N818  # RFC 9457's own word
    """An answer that is an error: `type_` is a short name (`out_of_stock`), the titles are for people.

    `detail` says more; `extra` goes into the document beside the standard members.
    """

    def __init__(
        self, status: int, type_: str, title_en: str, title_zh: str, detail: str = "", *,
        headers: dict[str, str] | None = None, **extra: Any,
    ) -> None:  # fmt: skip
        super().__init__(f"{status} {type_}: {title_en} {detail}".strip())
        self.status, self.type, self.title_en, self.title_zh = status, type_, title_en, title_zh
        self.detail, self.headers, self.extra = detail, headers, extra


def not_found() -> Problem:
    """Return the one answer for what is not there and for what is not yours: nobody learns which."""
    return Problem(404, "not_found", "Not found", "没有找到")


def problem_document(problem: Problem, language: str) -> dict[str, Any]:
    """Return the body of a problem document."""
    title = problem.title_zh if language == "zh" else problem.title_en
    body = {"type": f"urn:vitrine:problem:{problem.type}", "title": title, "status": problem.status}
    both = {"title_en": problem.title_en, "title_zh": problem.title_zh}
    return {**body, **both, **({"detail": problem.detail} if problem.detail else {}), **problem.extra}


def problem_response(problem: Problem, request: Request) -> JSONResponse:
    """Return `problem` as the answer to `request`."""
    document = problem_document(problem, language_of(request))
    return JSONResponse(document, problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


def refusal(error: RefusedError) -> Problem:
    """Return a room's refusal as a problem."""
    return Problem(error.status, error.type, error.text_en, error.text_zh, **error.extra)


def _validation(error: RequestValidationError) -> Problem:
    places = [
        {"field": ".".join(str(part) for part in one["loc"]), "message": str(one["msg"])[:200]}
        for one in error.errors()
    ]
    detail = "; ".join(f"{place['field']}: {place['message']}" for place in places[:5])
    return Problem(422, "bad_request_body", "Something in the request is wrong", "请求内容有误", detail, errors=places)


_HTTP_TITLES = {
    404: ("not_found", "Not found", "没有找到"),
    405: ("method_not_allowed", "This address does not do that", "此地址不支持该操作"),
}


def _http(error: HTTPException) -> Problem:
    type_, en, zh = _HTTP_TITLES.get(error.status_code, ("http_error", str(error.detail), str(error.detail)))
    return Problem(error.status_code, type_, en, zh, headers=dict(error.headers) if error.headers else None)


def wants_page(request: Request) -> bool:
    """Tell whether a person's browser asks: a GET of something that is no program's address, HTML accepted."""
    is_page = request.method in ("GET", "HEAD") and not request.url.path.startswith(PROGRAMS)
    return is_page and "text/html" in request.headers.get("accept", "")


async def _answer(problem: Problem, request: Request) -> Response:
    show = getattr(request.app.state, "problem_page", None)
    if show is not None and wants_page(request):
        page: Response = await show(problem, request)
        return page
    return problem_response(problem, request)


def install(app: FastAPI) -> None:
    """Have every known error of `app` answered as a problem document; an unknown one is a bug and answers 500.

    People's browsers get a page instead where `app.state.problem_page` makes one.
    """

    @app.exception_handler(Problem)
    async def _on_problem(request: Request, error: Problem) -> Response:
        return await _answer(error, request)

    @app.exception_handler(RefusedError)
    async def _on_refused(request: Request, error: RefusedError) -> Response:
        return await _answer(refusal(error), request)

    @app.exception_handler(BadValueError)
    async def _on_bad_value(request: Request, error: BadValueError) -> Response:
        problem = Problem(422, "bad_value", "A value cannot be accepted", "有一项内容无法接受", str(error))
        return await _answer(problem, request)

    @app.exception_handler(DatabaseBusyError)
    async def _on_busy(request: Request, _: DatabaseBusyError) -> Response:
        title = ("Very busy; please try again", "系统繁忙，请稍后再试")
        return await _answer(Problem(503, "busy", *title, headers={"Retry-After": "1"}), request)

    @app.exception_handler(RequestValidationError)
    async def _on_validation(request: Request, error: RequestValidationError) -> Response:
        return await _answer(_validation(error), request)

    @app.exception_handler(HTTPException)
    async def _on_http(request: Request, error: HTTPException) -> Response:
        return await _answer(_http(error), request)
