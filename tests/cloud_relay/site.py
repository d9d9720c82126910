"""The relay's public application over ASGI, without a broker: people, goods, and a clock moved by hand."""

import io
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from PIL import Image

from cloud_relay.accounts import service as accounts
from cloud_relay.app import build, put_together
from cloud_relay.bench_checks import store as checks
from cloud_relay.settings import AccountSettings, LimitSettings, RelaySettings, Settings
from tests.cloud_relay.fixed_clock import FixedClock
from tests.cloud_relay.running import PASSWORD, PASSWORD_HASH

URL = "http://127.0.0.1:8080"
BROAD = LimitSettings(requests_per_s=1e6, requests_burst=1_000_000)


def jpeg(width=640, height=480, colour="red", **options) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "JPEG", **options)
    return out.getvalue()


class Site:
    password = PASSWORD

    def __init__(self, relay, app, http, clock) -> None:
        self.relay, self.app, self.http, self.clock, self.db = relay, app, http, clock, relay.db

    def account(self, name: str, *, is_operator: bool = False) -> dict[str, str]:
        """Make an account; return the headers that sign its requests."""
        now = self.clock.now()
        account_id = self.db.run_now(
            accounts.sign_up, email=f"{name}@example.org", password_hash=PASSWORD_HASH, nickname=name, language="en",
            now=now, is_operator=is_operator,
        )  # fmt: skip
        fresh = self.db.run_now(accounts.begin_sign_in, account_id, self.relay.settings.accounts, now)
        return {"Authorization": f"Bearer {fresh.token}"}

    async def call(self, method: str, path: str, body=None, headers=None, status: int | None = 200, **options):
        if body is not None:
            options["json"] = body
        answer = await self.http.request(method, path, headers=headers, **options)
        assert status is None or answer.status_code == status, (answer.status_code, answer.text)
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.json() if is_json and status is not None else answer

    async def merchant(self, name: str, **shop) -> tuple[str, str, dict[str, str]]:
        """Make a verified merchant with a shop; return merchant id, shop id and the owner's headers."""
        headers, operator = self.account(name), self.account(f"op-{name}", is_operator=True)
        applied = await self.call("POST", "/api/merchants", {"name_en": name, "contact": "here"}, headers, 201)
        merchant_id = applied["merchant_id"]
        await self.call("POST", f"/api/operator/merchants/{merchant_id}/decide", {"state": "verified"}, operator)
        body = {"merchant_id": merchant_id, "name_en": name, **shop}
        made = await self.call("POST", "/api/shops", body, headers, 201)
        self.db.run_now(checks.set_live, made["shop_id"], "")  # as if its bench check had passed
        return merchant_id, made["shop_id"], headers

    async def listing(self, shop_id: str, headers, *, pieces=1, is_published=True, **values) -> tuple[str, list[str]]:
        """Make a listing with pieces; return its id and theirs."""
        body = {"shop_id": shop_id, "title_en": "Teapot", "title_zh": "紫砂茶壶", "price_minor": 9900, **values}
        listing_id = (await self.call("POST", "/api/listings", body, headers, 201))["listing_id"]
        ids = []
        for number in range(pieces):
            piece = {"listing_id": listing_id, "code": f"{listing_id[-6:]}-{number}", "spot": {"camera": "front"}}
            ids.append((await self.call("POST", "/api/pieces", piece, headers, 201))["piece_id"])
        if is_published:
            await self.call("POST", f"/api/listings/{listing_id}/publish", headers=headers)
        return listing_id, ids


@asynccontextmanager
async def open_site(folder: Path, database_url: str = "", **parts):
    clock = FixedClock()
    secrets = {
        "VITRINE_PAYMENT_SECRET": "secret", "VITRINE_PAYMENT_WEBHOOK_SECRET": "webhook secret",
        "VITRINE_DATABASE_URL": database_url,
    }  # fmt: skip
    elsewhere = AccountSettings(documents_required=False)  # most tests need a merchant, not how it was checked
    parts = {"limits": BROAD, "secrets": secrets, "accounts": elsewhere, **parts}
    settings = Settings(data_dir=folder, relay=RelaySettings(public_url=URL), **parts)
    relay = put_together(settings, clock)
    app = build(relay)
    try:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=URL) as http:
            yield Site(relay, app, http, clock)
    finally:
        violations = relay.db.violations()
        relay.db.close()
        assert violations == []


@pytest.fixture
async def site(database_url: str, tmp_path: Path):
    """Return the relay's public application over ASGI, without a broker."""
    folder = tmp_path / "site"
    folder.mkdir()
    async with open_site(folder, database_url) as found:
        yield found
