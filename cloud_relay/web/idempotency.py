"""Doing a POST once however often it is sent: the answer is stored in the transaction of its effect."""

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Concatenate, ParamSpec

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import Depends, Header, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from sqlalchemy import Connection, bindparam, insert, select, update

from cloud_relay.relay import Relay, RelayDep
from cloud_relay.tables import idempotency_key
from cloud_relay.web.principal import Anyone
from cloud_relay.web.problems import Problem

P = ParamSpec("P")
KEY_PATTERN = re.compile(r"[\x21-\x7e]{1,120}")
SECRETS = (b"password", b"pin")
"""Names of fields that a plain hash of their request would give away, for it is fast and without salt: such a body's
hash is made with the relay's own key."""

_row = idempotency_key.c
_IS_IT = (_row.principal == bindparam("of"), _row.key == bindparam("named"))
# made once: they are part of placing an order, whose speed is promised
_FIND = select(_row.request_sha256, _row.status, _row.response).where(*_IS_IT)
_CLAIM = insert(idempotency_key)
_FINISH = update(idempotency_key).where(*_IS_IT).values(status=bindparam("status"), response=bindparam("response"))


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What the first request with this key was answered."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Claim:
    """One Idempotency-Key of one principal, and the hash of the request it came with."""

    principal: str
    key: str
    request_sha256: str


def begin(connection: Connection, claim: Claim | None, now: datetime) -> StoredAnswer | None:
    """Claim the key within this transaction; return the stored answer if the request was done before.

    Another body under the same key is 422; the same one while the first is still at work is 409.
    """
    if claim is None:
        return None
    found = connection.execute(_FIND, {"of": claim.principal, "named": claim.key}).one_or_none()
    if found is None:
        row = {"principal": claim.principal, "key": claim.key, "request_sha256": claim.request_sha256}
        connection.execute(_CLAIM, {**row, "created_at": now})
        return None
    if found.request_sha256 != claim.request_sha256:
        title = ("This Idempotency-Key was used for another request", "该 Idempotency-Key 已用于另一请求")
        raise Problem(422, "idempotency_key_reused", *title)
    if found.status is None:
        title = ("The same request is still being worked on", "相同的请求正在处理")
        raise Problem(409, "request_in_flight", *title, headers={"Retry-After": "1"})
    return StoredAnswer(found.status, found.response)


def finish(connection: Connection, claim: Claim | None, status: int, body: Any) -> None:
    """Store the answer of a claimed request within this transaction."""
    if claim is not None:
        names = {"of": claim.principal, "named": claim.key}
        connection.execute(_FINISH, {**names, "status": status, "response": body})


def forget(connection: Connection, claim: Claim | None) -> None:
    """Give a claimed key back: the request surely had no effect and may be sent again."""
    if claim is not None:
        key = idempotency_key.c
        where = (key.principal == claim.principal, key.key == claim.key, key.status.is_(None))
        connection.execute(idempotency_key.delete().where(*where))


def plain(value: Any) -> Any:
    """Return `value` as JSON can carry it (times as RFC 3339, models as objects)."""
    return value if isinstance(value, dict) and _is_plain(value) else jsonable_encoder(value)


def _is_plain(value: dict[str, Any]) -> bool:
    return all(isinstance(part, str | int | float | bool | None) for part in value.values())


@dataclass(frozen=True, slots=True)
class Once:
    """Runs a use case of one transaction once per key. `claim` is None when the request brought no key."""

    relay: Relay
    claim: Claim | None

    async def __call__(
        self, status: int, fn: Callable[Concatenate[Connection, P], Any], *args: P.args, **kwargs: P.kwargs
    ) -> JSONResponse:
        """Run `fn(connection, …)` and its stored answer in one transaction; return the answer as JSON with `status`.

        What `fn` raises is not stored: the request had no effect and may be sent again.
        """
        now = self.relay.clock.now()

        def work(connection: Connection) -> StoredAnswer:
            stored = begin(connection, self.claim, now)
            if stored is not None:
                return stored
            body = plain(fn(connection, *args, **kwargs))
            finish(connection, self.claim, status, body)
            return StoredAnswer(status, body)

        answer = await self.relay.db.run(work)
        return JSONResponse(answer.body, answer.status)


async def claim_of(
    request: Request,
    relay: RelayDep,
    principal: Anyone,
    key: Annotated[str | None, Header(alias="Idempotency-Key", max_length=120)] = None,
) -> Claim | None:
    """Return the claim of this request, or None without the header."""
    if key is None:
        return None
    if not KEY_PATTERN.fullmatch(key):
        raise Problem(
            422, "bad_idempotency_key", "Idempotency-Key: 1 to 120 visible characters", "Idempotency-Key 无效"
        )
    body = await request.body()
    head = json.dumps([request.method, request.url.path]).encode()
    return Claim(principal.key, key, _hash(relay, head, body))


def _hash(relay: Relay, head: bytes, body: bytes) -> str:
    # a name may be written in escapes
    if b"\\u" not in body and not any(name in body for name in SECRETS):
        return hashlib.sha256(head + b"\n" + body).hexdigest()
    _, key = relay.authority.signer()
    raw = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return hmac.digest(hashlib.sha256(b"vitrine-claim-1" + raw).digest(), head + b"\n" + body, "sha256").hex()


async def _once(relay: RelayDep, claim: Annotated[Claim | None, Depends(claim_of)]) -> Once:
    return Once(relay, claim)


ClaimDep = Annotated[Claim | None, Depends(claim_of)]
"""For use cases of several transactions: call `begin` in the first, `finish` in the last."""
OnceDep = Annotated[Once, Depends(_once)]
"""For use cases of one transaction: `return await once(201, service.fn, …)`."""
