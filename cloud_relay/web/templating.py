"""Renders pages: Jinja2 with autoescape, both languages side by side in the templates, assets by version."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cloud_relay.escrow import rules
from cloud_relay.web.amounts import money
from cloud_relay.web.language import COOKIE, LANGUAGES
from cloud_relay.web.principal import Principal
from cloud_relay.web.theme import THEME_COOKIE, THEMES, theme_of
from wire.values import parse_time

FOLDER = Path(__file__).parent
MINOR_DIGITS = rules.MINOR_DIGITS

PAGE_HEADERS = {
    # No inline script or style, nothing from elsewhere: what a shop or shopper typed can never become code.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_environment = Environment(
    loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip


@cache
def version() -> str:
    """Return a name for all static files as they are now: modules import one another, so they change together."""
    files = sorted((FOLDER / "static").iterdir())
    return hashlib.sha256(b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()[:10]


def asset(name: str) -> str:
    """Return the address of a static file; after a change it is another address, so browsers may keep it for ever."""
    return f"/static/{version()}/{name}"


def text_in(language: str) -> Callable[[Any], str]:
    """Return a function that picks this language from `{en, zh}` objects, falling back to the other one."""

    def pick(value: Any) -> str:
        if value is None or isinstance(value, str):
            return value or ""
        first, second = ("zh", "en") if language == "zh" else ("en", "zh")
        return str(value.get(first) or value.get(second) or "")

    return pick


def moment(value: Any) -> str:
    """Return a time as `2026-11-22 10:30` UTC."""
    when = parse_time(value) if isinstance(value, str) else value
    return when.strftime("%Y-%m-%d %H:%M UTC") if isinstance(when, datetime) else ""


def duration_in(language: str) -> Callable[[int], str]:
    """Return a function that says seconds in the largest unit that fits."""
    units = ((86400, "day", "天"), (3600, "hour", "小时"), (60, "minute", "分钟"), (1, "second", "秒"))

    def say(seconds: int) -> str:
        size, en, zh = next(unit for unit in units if seconds >= unit[0] or unit[0] == 1)
        count = round(seconds / size)
        return f"{count} {zh}" if language == "zh" else f"{count} {en}{'' if count == 1 else 's'}"

    return say


def _same_page(request: Request, **wish: str) -> str:
    """Return the address of this very page with one more wish in its query."""
    return f"{request.url.path}?{urlencode(dict(request.query_params) | wish)}"


def reader_of(principal: Principal) -> str:
    """Return under which name a browser keeps what somebody saw: the same for one account, and nothing else in it."""
    if principal.account_id is None:
        return "visitor"
    return hashlib.sha256(f"reader {principal.account_id}".encode()).hexdigest()[:16]


def render(
    request: Request, principal: Principal, template: str, status: int = 200, *, is_kept: bool = False,
    **values: Any,
) -> HTMLResponse:  # fmt: skip
    """Return a page in the reader's language; a `?lang=` or `?theme=` wish is remembered in a cookie.

    `is_kept`: the page holds only public things and the reader's own, and may be read again without a network.
    """
    language, theme = principal.language, theme_of(request)
    body = _environment.get_template(template).render(
        principal=principal, language=language, t=lambda en, zh: zh if language == "zh" else en, asset=asset,
        version=version(), money=money, moment=moment, text=text_in(language), duration=duration_in(language),
        other_language_url=_same_page(request, lang="en" if language == "zh" else "zh"), theme=theme,
        theme_urls={name: _same_page(request, theme=name) for name in THEMES}, **values,
    )  # fmt: skip
    keeping = {"Vitrine-Reader": reader_of(principal), **({"Vitrine-Keep": "yes"} if is_kept else {})}
    response = HTMLResponse(body, status, {**PAGE_HEADERS, **keeping})
    if "vitrine-refresh" in request.headers:
        return response  # of a page that may have been left meanwhile, for one in the other language
    if request.query_params.get("lang", "")[:2] in LANGUAGES:
        response.set_cookie(COOKIE, language, max_age=365 * 86400, samesite="lax", httponly=True)
    if request.query_params.get("theme") in THEMES:
        response.set_cookie(THEME_COOKIE, theme, max_age=365 * 86400, samesite="lax", httponly=True)
    return response
