"""HTTP of accounts and merchants."""

from typing import Annotated, Literal

from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud_relay.accounts import passwords, rules, service, store
from cloud_relay.accounts.proving import network_address, require_password
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import FromHere, Operator, SignedIn, account_id_of, cookie_name
from cloud_relay.web.problems import Problem
from cloud_relay.web.routing import Router
from wire.values import BadValueError

router = Router(prefix="/api")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignUpBody(_Body):
    """What a new account brings."""

    email: str = Field(max_length=254)
    password: str = Field(max_length=rules.PASSWORD_LENGTH_MAX)
    nickname: str = Field(max_length=rules.NICKNAME_LENGTH_MAX)
    language: Literal["en", "zh"] = "en"


class SignInBody(_Body):
    """Address and password."""

    email: str = Field(max_length=254)
    password: str = Field(max_length=rules.PASSWORD_LENGTH_MAX)


class MeBody(_Body):
    """What one may change of oneself."""

    nickname: str | None = Field(default=None, max_length=rules.NICKNAME_LENGTH_MAX)
    language: Literal["en", "zh"] | None = None


class PasswordBody(_Body):
    """The old password proves who asks."""

    password: str = Field(max_length=rules.PASSWORD_LENGTH_MAX)
    new_password: str = Field(max_length=rules.PASSWORD_LENGTH_MAX)


class MerchantBody(_Body):
    """What a merchant applies with."""

    name_en: str = Field(default="", max_length=100)
    name_zh: str = Field(default="", max_length=100)
    contact: str = Field(max_length=1000)


def _set_cookie(relay: Relay, response: Response, token: str) -> None:
    response.set_cookie(
        cookie_name(relay.settings), token, max_age=relay.settings.accounts.sign_in_days * 86400, path="/",
        secure=relay.settings.is_https, httponly=True, samesite="lax",
    )  # fmt: skip


def signed_in_answer(relay: Relay, fresh: service.NewSignIn, status: int) -> JSONResponse:
    """Return the answer to whoever was just signed in: the token for programs, the cookie for browsers."""
    response = JSONResponse({"token": fresh.token, "csrf": fresh.csrf, "account": fresh.account}, status)
    response.headers["Cache-Control"] = "no-store"
    _set_cookie(relay, response, fresh.token)
    return response


@router.post("/accounts", status_code=201)
async def sign_up(body: SignUpBody, relay: RelayDep, _: FromHere) -> JSONResponse:
    """Make an account and sign it in."""
    email = rules.clean_email(body.email)
    rules.check_password(body.password, email)
    password_hash = await passwords.hash_password(body.password)
    now = relay.clock.now()
    account_id = await relay.db.run(
        service.sign_up,
        email=email,
        password_hash=password_hash,
        nickname=body.nickname,
        language=body.language,
        now=now,
    )
    fresh = await relay.db.run(service.begin_sign_in, account_id, relay.settings.accounts, now)
    return signed_in_answer(relay, fresh, 201)


@router.post("/sign-in")
async def sign_in(body: SignInBody, request: Request, relay: RelayDep, _: FromHere) -> JSONResponse:
    """Sign in: a cookie for pages, a bearer token for programs."""
    try:
        email = rules.clean_email(body.email)
    except BadValueError:
        email = body.email[:254]
    keys = rules.attempt_keys(email, network_address(request))
    now, settings = relay.clock.now(), relay.settings.accounts
    account_id, stored = await relay.db.read(service.look_up, email, keys, now)
    is_right = await passwords.is_right_password(stored, body.password)
    if account_id is None or not is_right:
        await relay.db.run(service.count_failure, keys, settings, now)
        relay.metrics.count("sign_ins", result="refused")
        raise Problem(401, "bad_sign_in", "Address or password is wrong", "邮箱或密码错误")
    relay.metrics.count("sign_ins", result="done")
    return signed_in_answer(relay, await relay.db.run(service.begin_sign_in, account_id, settings, now, keys[0]), 200)


@router.post("/sign-out", status_code=204)
async def sign_out(relay: RelayDep, principal: SignedIn) -> Response:
    """End this sign-in."""
    await relay.db.run(store.delete_sign_in, principal.token_sha256)
    response = Response(status_code=204)
    response.delete_cookie(cookie_name(relay.settings), path="/", secure=relay.settings.is_https, httponly=True)
    return response


@router.get("/me")
async def me(relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Who is signed in, their merchants, and the CSRF token for unsafe requests."""
    return JSONResponse(await relay.db.read(service.me, account_id_of(principal), principal.csrf))


@router.patch("/me")
async def change_me(body: MeBody, relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Change nickname or language."""
    changed = await relay.db.run(service.change_me, account_id_of(principal), body.nickname, body.language)
    return JSONResponse(changed)


@router.post("/me/password", status_code=204)
async def change_password(body: PasswordBody, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """Set a new password; every other sign-in ends."""
    account_id = account_id_of(principal)
    email = await require_password(relay, request, account_id, body.password)
    rules.check_password(body.new_password, email)
    fresh = await passwords.hash_password(body.new_password)
    await relay.db.run(service.change_password, account_id, fresh, principal.token_sha256)
    return Response(status_code=204)


@router.post("/merchants", status_code=201)
async def apply_as_merchant(body: MerchantBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> JSONResponse:
    """Apply for a merchant's account."""
    account_id, now = account_id_of(principal), relay.clock.now()
    return await once(201, service.apply_as_merchant, account_id, body.name_en, body.name_zh, body.contact, now)


@router.get("/merchants/mine")
async def my_merchants(relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """The merchants one belongs to."""
    return JSONResponse({"merchants": await relay.db.read(service.my_merchants, account_id_of(principal))})


@router.get("/operator/merchants")
async def list_merchants(
    relay: RelayDep,
    _: Operator,
    state: Annotated[Literal["pending", "verified", "refused", "suspended"] | None, Query()] = None,
) -> JSONResponse:
    """Merchants for the operator, newest first."""
    return JSONResponse({"merchants": await relay.db.read(service.list_merchants, state)})
