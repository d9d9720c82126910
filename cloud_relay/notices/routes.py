"""HTTP of notices: reading them, choosing how one is told, and the way out of every mail."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from cloud_relay.notices import rules, service, store
from cloud_relay.notices.push_crypto import BadPushKeyError, browser_key
from cloud_relay.notices.quiet import QuietHours, clean
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.problems import Problem, not_found
from cloud_relay.web.routing import Router

router = Router(prefix="/api/notices")


class ReadBody(BaseModel):
    """Which notices were read."""

    model_config = ConfigDict(extra="forbid")

    notice_ids: list[Annotated[str, Field(max_length=64)]] = Field(max_length=service.PAGE)


@router.get("")
async def read_notices(
    relay: RelayDep, principal: SignedIn, before: Annotated[datetime | None, Query()] = None
) -> dict[str, Any]:
    """One's newest notices and how many are unread; `before` asks for older ones."""
    return await relay.db.read(service.notices_of, account_id_of(principal), before)


@router.post("/read", status_code=204)
async def mark_read(body: ReadBody, relay: RelayDep, principal: SignedIn) -> Response:
    """Note that notices were read."""
    await relay.db.run(service.mark_read, account_id_of(principal), body.notice_ids, relay.clock.now())
    return Response(status_code=204)


@router.post("/read-all")
async def mark_all_read(relay: RelayDep, principal: SignedIn) -> dict[str, int]:
    """Note that every notice was read."""
    return await relay.db.run(service.mark_all_read, account_id_of(principal), relay.clock.now())


@router.post("/{notice_id}/unread")
async def mark_unread(notice_id: str, relay: RelayDep, principal: SignedIn) -> dict[str, str]:
    """Keep a notice for later."""
    try:
        return await relay.db.run(service.mark_unread, account_id_of(principal), notice_id, relay.clock.now())
    except LookupError:
        raise not_found() from None


class QuietBody(BaseModel):
    """From when until when neither mail nor push is sent, on the clock of an IANA zone; `is_on` false: never."""

    model_config = ConfigDict(extra="forbid")

    is_on: bool = True
    quiet_from: str = Field(default="22:00", max_length=5)
    quiet_until: str = Field(default="07:00", max_length=5)
    time_zone: str = Field(default="UTC", max_length=64)


@router.get("/quiet")
async def quiet(relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """One's quiet hours."""
    return quiet_json(await relay.db.read(store.quiet_of, account_id_of(principal)))


@router.put("/quiet")
async def keep_quiet(body: QuietBody, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """Set one's quiet hours: what happens in them is told by mail and push when they end, by the page at once."""
    hours = clean(body.quiet_from, body.quiet_until, body.time_zone) if body.is_on else None
    await relay.db.run(store.keep_quiet, account_id_of(principal), hours)
    return quiet_json(hours)


def quiet_json(hours: QuietHours | None) -> dict[str, Any]:
    """Return quiet hours as pages show them; without any, those that the form suggests."""
    suggested = QuietHours(quiet_from="22:00", quiet_until="07:00", time_zone="")
    return {"is_on": hours is not None, **asdict(hours or suggested)}


class ChoiceBody(BaseModel):
    """Switches of one topic; what is not sent stays as it is."""

    model_config = ConfigDict(extra="forbid")

    by_push: bool | None = None
    by_mail: bool | None = None


class PushKeysBody(BaseModel):
    """A browser's keys, base64url (PushSubscription.toJSON)."""

    model_config = ConfigDict(extra="forbid")

    p256dh: str = Field(max_length=120)
    auth: str = Field(max_length=40)


class PlaceBody(BaseModel):
    """Where a browser is told: what its own PushSubscription says."""

    model_config = ConfigDict(extra="ignore")

    endpoint: str = Field(max_length=1000)
    keys: PushKeysBody


class EndpointBody(BaseModel):
    """Which browser is to be forgotten."""

    model_config = ConfigDict(extra="forbid")

    endpoint: str = Field(max_length=1000)


def choices_json(connection: Connection, account_id: str) -> list[dict[str, Any]]:
    """Return every topic with how the account is told of it."""
    chosen = store.choices_of(connection, account_id)
    return [
        {"topic": topic, "title": {"en": title[0], "zh": title[1]}, "by_push": chosen[topic].by_push,
         "by_mail": chosen[topic].by_mail}
        for topic, title in rules.TOPICS.items()
    ]  # fmt: skip


@router.get("/choices")
async def choices(relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """How one is told of what, and the key with which browsers ask for push messages."""
    topics = await relay.db.read(choices_json, account_id_of(principal))
    return {"topics": topics, "push_key": relay.notices.push_key, "has_mail": relay.notices.has_mail}


@router.put("/choices/{topic}")
async def choose(topic: str, body: ChoiceBody, relay: RelayDep, principal: SignedIn) -> dict[str, Any]:
    """Switch how one is told of a topic."""
    if topic not in rules.TOPICS:
        raise not_found()
    await relay.db.run(store.choose, account_id_of(principal), topic, body.model_dump(exclude_none=True))
    return {"topics": await relay.db.read(choices_json, account_id_of(principal))}


@router.post("/push", status_code=201)
async def keep_place(body: PlaceBody, relay: RelayDep, principal: SignedIn) -> dict[str, str]:
    """Tell this browser, too."""
    try:
        browser_key(body.keys.p256dh, body.keys.auth)
    except BadPushKeyError as error:
        words = ("This browser's keys cannot be used", "此浏览器的密钥无效", str(error))
        raise Problem(422, "bad_push_key", *words) from None
    if not rules.is_https(body.endpoint):
        raise Problem(422, "bad_push_address", "A push address begins with https://", "推送地址必须以 https:// 开头")
    keys = (body.keys.p256dh, body.keys.auth, principal.language)
    push_id = await relay.db.run(store.keep_place, account_id_of(principal), body.endpoint, *keys, relay.clock.now())
    return {"push_id": push_id}


@router.post("/push/forget", status_code=204)
async def forget_place(body: EndpointBody, relay: RelayDep, principal: SignedIn) -> Response:
    """Tell this browser nothing more."""
    await relay.db.run(store.forget_place, account_id_of(principal), body.endpoint)
    return Response(status_code=204)


def join(relay: Relay) -> None:
    """Have the worker woken by every notice that is written."""
    relay.db.listen("notices", relay.notices.wake)


async def work(relay: Relay) -> None:
    """Carry notices out of the house."""
    await relay.notices.work()
