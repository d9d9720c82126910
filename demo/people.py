"""The demonstration's accounts, and a signed-in person as an HTTP client."""

import uuid
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Person:
    """One sign-in of the demonstration; printed at the start, for this machine only."""

    email: str
    password: str
    nickname: str
    language: str


OPERATOR = Person("operator@vitrine.example", "operator-demo-1", "Operator", "en")
SHOPPER = Person("shopper@vitrine.example", "shopper-demo-1", "Mei", "en")
MERCHANTS = {
    "teahouse": Person("teahouse@vitrine.example", "teahouse-demo-1", "茶舍掌柜", "zh"),
    "studio": Person("studio@vitrine.example", "studio-demo-1", "Lena", "en"),
}


def plain_http(**options: Any) -> httpx.AsyncClient:
    """Return a client for this machine's own addresses: no TLS, so no trust store, which takes 50 ms to load."""
    return httpx.AsyncClient(verify=False, **options)  # noqa: S501  # loopback, without TLS


class RelayRefusedError(RuntimeError):
    """The relay said no; the message is what it said."""


class Caller:
    """Speaks JSON with the relay as one person: bearer sign-in, one Idempotency-Key per deed."""

    def __init__(self, relay_url: str) -> None:
        self.http = plain_http(base_url=relay_url, timeout=20, headers={"Accept": "application/json"})

    async def sign_up(self, person: Person) -> None:
        """Make the account, unless it is there already."""
        body = {"email": person.email, "password": person.password, "nickname": person.nickname}
        answer = await self.http.post("/api/accounts", json={**body, "language": person.language})
        if answer.status_code not in (httpx.codes.CREATED, httpx.codes.CONFLICT):
            raise RelayRefusedError(answer.text)
        self.http.cookies.clear()

    async def sign_in(self, person: Person) -> None:
        """Sign in and speak as this person from here on."""
        answer = await self.call("POST", "/api/sign-in", {"email": person.email, "password": person.password})
        self.http.cookies.clear()
        self.http.headers["Authorization"] = f"Bearer {answer['token']}"

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Send one request and return the parsed answer; raise RelayRefusedError for a problem document."""
        headers = {} if method == "GET" else {"Idempotency-Key": str(uuid.uuid4())}
        answer = await self.http.request(method, path, json=body, headers=headers, **options)
        if not answer.is_success:
            raise RelayRefusedError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if "json" in answer.headers.get("content-type", "") else answer.content

    async def close(self) -> None:
        """Let go of the connection."""
        await self.http.aclose()
