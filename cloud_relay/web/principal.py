"""Who asks: the account behind a cookie or a sign-in token, and the guards against requests forged by other sites."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends
from sqlalchemy import Connection, bindparam, select
from starlette.requests import HTTPConnection

from cloud_relay.accounts.roles import Deed, Reach, check_reach, reach
from cloud_relay.accounts.tokens import hash_token
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.settings import Settings
from cloud_relay.tables import account, member, sign_in
from cloud_relay.web.language import language_of
from cloud_relay.web.problems import Problem, not_found

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"

# made once: every request runs it
_FIND = (
    select(
        account.c.account_id, account.c.nickname, account.c.is_operator, sign_in.c.csrf, member.c.merchant_id,
        member.c.role,
    )
    .join(sign_in, sign_in.c.account_id == account.c.account_id)
    .outerjoin(member, member.c.account_id == account.c.account_id)
    .where(
        sign_in.c.token_sha256 == bindparam("token_sha256"), sign_in.c.expires_until > bindparam("now"),
        account.c.is_closed.is_(False),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks. `account_id` None is a visitor; `merchant_ids` are those the account is a member of, `roles` as what.

    `csrf` is the token that pages send back in X-CSRF-Token; it is empty for programs that use a bearer token.
    """

    account_id: str | None = None
    nickname: str = ""
    is_operator: bool = False
    merchant_ids: frozenset[str] = frozenset()
    roles: Mapping[str, str] = field(default_factory=dict)
    language: str = "en"
    csrf: str = ""
    token_sha256: str = ""

    @property
    def key(self) -> str:
        """The name under which idempotency keys and limits are counted."""
        return f"account:{self.account_id}" if self.account_id else "visitor"

    def reach(self, deed: Deed) -> Reach:
        """Return the merchants for whom this person may do a deed."""
        return reach(self.roles, deed)


def cookie_name(settings: Settings) -> str:
    """Return the cookie's name: with https the `__Host-` prefix binds it to this very host (RFC 6265bis 4.1.3.2)."""
    return "__Host-vitrine" if settings.is_https else "vitrine"


def find_principal(connection: Connection, token: str, now: datetime, language: str) -> Principal | None:
    """Return who holds this sign-in token, or None when it is unknown, expired or its account closed."""
    token_sha256 = hash_token(token)
    rows = connection.execute(_FIND, {"token_sha256": token_sha256, "now": now}).all()
    if not rows:
        return None
    first = rows[0]
    return Principal(
        account_id=first.account_id,
        nickname=first.nickname,
        is_operator=first.is_operator,
        merchant_ids=frozenset(row.merchant_id for row in rows if row.merchant_id),
        roles={row.merchant_id: row.role for row in rows if row.merchant_id},
        language=language,
        csrf=first.csrf,
        token_sha256=token_sha256,
    )


def check_origin(request: HTTPConnection, settings: Settings) -> None:
    """Refuse a request that another site's page made: browsers tell by Origin (or Sec-Fetch-Site)."""
    origin = request.headers.get("origin")
    if origin is None:
        is_foreign = request.headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")
    else:
        ours = urlsplit(settings.relay.public_url)
        is_foreign = origin != f"{ours.scheme}://{ours.netloc}" and urlsplit(origin).netloc != request.url.netloc
    if is_foreign:
        raise Problem(403, "foreign_origin", "This request came from another site", "该请求来自其他网站")


def _bearer(request: HTTPConnection) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def principal_of(request: HTTPConnection, relay: Relay) -> Principal:
    """Return who asks; a visitor when nobody is signed in. Unsafe methods with a cookie must prove their origin."""
    language = language_of(request)
    bearer = _bearer(request)
    cookie = request.cookies.get(cookie_name(relay.settings), "")
    token = bearer or cookie
    principal = Principal(language=language)
    if token:
        found = await relay.db.read(find_principal, token, relay.clock.now(), language)
        principal = found or principal
        if bearer and found is None:
            raise Problem(401, "bad_token", "This sign-in has ended; please sign in again", "登录已失效，请重新登录")
    is_unsafe = request.scope["type"] == "websocket" or request.scope["method"] not in SAFE_METHODS
    if is_unsafe and not bearer:
        check_origin(request, relay.settings)
        if principal.account_id and request.scope["type"] != "websocket":
            _check_csrf(request, principal)
    return principal


def _check_csrf(request: HTTPConnection, principal: Principal) -> None:
    sent = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(sent.encode(), principal.csrf.encode()):
        raise Problem(403, "bad_csrf", "Please reload the page and try again", "请刷新页面后重试")


async def _anyone(request: HTTPConnection, relay: RelayDep) -> Principal:
    return await principal_of(request, relay)


Anyone = Annotated[Principal, Depends(_anyone)]
"""Whoever asks, visitors too."""


async def _from_here(request: HTTPConnection, relay: RelayDep) -> None:
    check_origin(request, relay.settings)


FromHere = Annotated[None, Depends(_from_here)]
"""For signing in and up: no other site's page may do it, and whoever is signed in already is not asked for a token."""


async def _signed_in(principal: Anyone) -> Principal:
    if principal.account_id is None:
        raise Problem(401, "sign_in_first", "Please sign in first", "请先登录")
    return principal


SignedIn = Annotated[Principal, Depends(_signed_in)]
"""Somebody with an account; a visitor gets 401. `account_id` is never None."""


async def _operator(principal: SignedIn) -> Principal:
    if not principal.is_operator:
        raise not_found()
    return principal


Operator = Annotated[Principal, Depends(_operator)]
"""An operator; for everybody else the address does not exist."""


def account_id_of(principal: Principal) -> str:
    """Return the account of somebody signed in; for the type checker, who cannot know what SignedIn checked."""
    if principal.account_id is None:
        raise Problem(401, "sign_in_first", "Please sign in first", "请先登录")
    return principal.account_id


def require_deed(principal: Principal, merchant_id: str, deed: Deed) -> None:
    """Answer 404 unless the principal belongs to this merchant, 403 when their role does not allow the deed."""
    if not check_reach(principal.reach(deed), merchant_id):
        raise not_found()
