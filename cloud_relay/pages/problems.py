"""Errors as friendly pages for people, in both languages; programs still get problem documents."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from cloud_relay.pages.local_path import sign_in_path
from cloud_relay.web.language import language_of
from cloud_relay.web.principal import Principal, principal_of
from cloud_relay.web.problems import Problem, problem_response, wants_page
from cloud_relay.web.templating import render

NEXT_STEPS = {
    404: (
        "It may be sold or withdrawn, or the address misspelt. Orders and parcels show only to their own people.",
        "它可能已售出、已下架，或者地址有误。订单和包裹只有相关的人能看到，请先登录。",
    ),
    429: ("Wait a few seconds, then load the page again.", "请稍等几秒再刷新页面。"),
    503: ("Wait a few seconds, then load the page again; nothing is lost.", "请稍等几秒再刷新页面，内容不会丢失。"),
}  # fmt: skip
OTHERWISE = (
    "Go back and try again. If it stays so, tell the operator what you did.",
    "请返回重试；若仍有问题，请告知运营人员。",
)


async def problem_page(problem: Problem, request: Request) -> Response:
    """Return the page of a problem; whoever must sign in first is led there and comes back afterwards."""
    if problem.status == 401:
        return RedirectResponse(sign_in_path(request.url.path, request.url.query), 303)
    return render(request, await _reader(request), "problem.html", problem.status, problem=_shown(problem))


def _shown(problem: Problem) -> dict[str, Any]:
    next_en, next_zh = NEXT_STEPS.get(problem.status, OTHERWISE)
    return {
        "title": {"en": problem.title_en, "zh": problem.title_zh}, "detail": problem.detail,
        "next": {"en": next_en, "zh": next_zh}, "status": problem.status,
    }  # fmt: skip


async def _reader(request: Request) -> Principal:
    try:
        return await principal_of(request, request.app.state.relay)
    except Problem:  # a bearer token that has ended, on an address that is not there
        return Principal(language=language_of(request))


def page_for_anyone(problem: Problem, request: Request) -> Response:
    """Return the page of a problem without asking the database who reads it."""
    reader = Principal(language=language_of(request))
    return render(request, reader, "problem.html", problem.status, problem=_shown(problem))


async def _bug_page(request: Request, _: Exception) -> Response:
    """Say that it is our fault; the error itself goes on to the log. Asks no database: that may be what is broken."""
    problem = Problem(500, "bug", "Something broke on our side", "我们这边出了问题")
    return page_for_anyone(problem, request) if wants_page(request) else problem_response(problem, request)


def install(app: FastAPI) -> None:
    """Have people's requests answered with pages when something is wrong."""
    app.state.problem_page = problem_page
    app.add_exception_handler(Exception, _bug_page)
