"""HTTP of a shopper's record: purchases, consent, profile and wishes, everything as one document, and the end of it."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.accounts import rules as accounts
from cloud_relay.accounts.proving import require_password
from cloud_relay.records import consent, erasing, exporting, profile, reading, rules, wishes
from cloud_relay.records.uses import Use
from cloud_relay.records.wishes import Wished
from cloud_relay.relay import RelayDep
from cloud_relay.web.idempotency import OnceDep
from cloud_relay.web.principal import SignedIn, account_id_of, cookie_name
from cloud_relay.web.routing import Router

router = Router(prefix="/api")

Days = Annotated[int | None, Query(ge=1, le=reading.DAYS_MAX)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ConsentBody(_Body):
    """Yes or no to one use."""

    is_given: bool


class ProfileBody(_Body):
    """Where a shopper is, as far as they say; both may be empty."""

    country: str = Field(default="", max_length=10)
    area: str = Field(default="", max_length=200)


class WishBody(_Body):
    """What a shopper would buy with others."""

    category: str = Field(default="", max_length=rules.CATEGORY_LENGTH_MAX)
    listing_id: str = Field(default="", max_length=64)
    budget_minor: int
    currency: str = Field(pattern="^[A-Z]{3}$")
    pickup_point_id: str = Field(default="", max_length=64)
    wished_until: AwareDatetime


class EraseBody(_Body):
    """The password proves that the account's own person ends it."""

    password: str = Field(max_length=accounts.PASSWORD_LENGTH_MAX)


@router.get("/me/purchases")
async def purchases(relay: RelayDep, principal: SignedIn, days: Days = None) -> JSONResponse:
    """What one bought, online and at counters, the newest first; of the last `days` only, if given."""
    now = relay.clock.now()
    since = None if days is None else now - timedelta(days=days)
    return JSONResponse(await relay.db.read(reading.purchases_of, account_id_of(principal), since))


@router.get("/me/consent")
async def consents(relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """To which uses one says yes, and since when."""
    return JSONResponse(await relay.db.read(reading.consent_of, account_id_of(principal)))


@router.put("/me/consent/{use}")
async def choose(use: Use, body: ConsentBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Say yes to one use, or take it back: what was made of it goes at once."""
    return await once(200, _choose, account_id_of(principal), use, body.is_given, relay.clock.now())


def _choose(connection: Connection, account_id: str, use: Use, is_given: bool, now: datetime) -> dict[str, Any]:
    (consent.give if is_given else consent.withdraw)(connection, account_id, use, now)
    return reading.consent_of(connection, account_id)


@router.put("/me/profile")
async def change_profile(body: ProfileBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Say in which country and area one is, or nothing."""
    return await once(200, profile.change, account_id_of(principal), body.country, body.area, relay.clock.now())


@router.get("/me/wishes")
async def my_wishes(relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """One's wishes: open, over, and deleted ones that can be taken back."""
    return JSONResponse(await relay.db.read(wishes.wishes_of, account_id_of(principal), relay.clock.now()))


@router.post("/me/wishes", status_code=201)
async def wish_for(body: WishBody, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Wish for a kind of goods or one listing."""
    return await once(201, wishes.wish_for, account_id_of(principal), Wished(**body.model_dump()), relay.clock.now())


@router.delete("/me/wishes/{wish_id}")
async def delete_wish(wish_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Delete a wish; it can be taken back for a day."""
    return await once(200, wishes.delete_wish, account_id_of(principal), wish_id, relay.clock.now())


@router.post("/me/wishes/{wish_id}/restore")
async def restore_wish(wish_id: str, relay: RelayDep, once: OnceDep, principal: SignedIn) -> Response:
    """Take a deleted wish back."""
    return await once(200, wishes.restore_wish, account_id_of(principal), wish_id, relay.clock.now())


@router.get("/account/export")
async def export(relay: RelayDep, principal: SignedIn) -> JSONResponse:
    """Everything that stands about oneself, as one JSON document to keep."""
    document = await relay.db.read(exporting.export, account_id_of(principal), relay.clock.now())
    named = f'attachment; filename="vitrine-{relay.clock.now():%Y-%m-%d}.json"'
    return JSONResponse(document, headers={"Content-Disposition": named, "Cache-Control": "no-store"})


@router.post("/account/erase", status_code=204)
async def erase(body: EraseBody, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """End the account, with the password: every sign-in ends, and all goes that need not stand."""
    account_id = account_id_of(principal)
    await relay.db.read(erasing.check, account_id, relay.clock.now())
    await require_password(relay, request, account_id, body.password)
    await relay.db.run(erasing.erase, account_id, relay.clock.now())
    answer = Response(status_code=204)
    answer.delete_cookie(cookie_name(relay.settings), path="/", secure=relay.settings.is_https, httponly=True)
    return answer
