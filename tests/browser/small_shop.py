"""A relay with one shop and the sandbox bank, without a broker: for pages that need no bench."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from cloud_relay.accounts import service as accounts
from cloud_relay.app import build, put_together
from cloud_relay.bench_checks import store as checks
from cloud_relay.escrow.providers import sandbox_server
from cloud_relay.escrow.providers.sandbox import SandboxProvider
from cloud_relay.escrow.worker import PaymentWorker
from cloud_relay.settings import AccountSettings, LimitSettings, PaymentSettings, RelaySettings, Settings
from tests.browser.program import Program
from tests.cloud_relay.running import PASSWORD, PASSWORD_HASH
from tests.cloud_relay.trade_servers import SECRET, WEBHOOK_SECRET, serving

START_S = 30.0
SECRETS = {"VITRINE_PAYMENT_SECRET": SECRET, "VITRINE_PAYMENT_WEBHOOK_SECRET": WEBHOOK_SECRET}


class SmallShop:
    """`owner` and `shopper` speak JSON; the same people sign in on pages with (email, PASSWORD)."""

    def __init__(self, relay: Any, url: str) -> None:
        self.relay, self.url, self.db = relay, url, relay.db
        self.owner = self._program("owner")
        self.shopper = self._program("shopper")
        merchant = self.owner.call("POST", "/api/merchants", {"name_en": "Loom", "name_zh": "织布", "contact": "here"})
        self._operator().call(
            "POST", f"/api/operator/merchants/{merchant['merchant_id']}/decide", {"state": "verified"}
        )
        self.shop_id = self.open_shop(merchant["merchant_id"])

    def who(self, name: str) -> tuple[str, str]:
        return f"{name}@example.org", PASSWORD

    def _program(self, name: str) -> Program:
        return Program(self.url, *self.who(name), nickname=name)

    def _operator(self) -> Program:
        now = self.relay.clock.now()
        self.db.run_now(
            accounts.sign_up, email="operator@example.org", password_hash=PASSWORD_HASH, nickname="operator",
            language="en", now=now, is_operator=True,
        )  # fmt: skip
        return Program(self.url, *self.who("operator"))

    def open_shop(self, merchant_id: str, name: str = "Loom") -> str:
        body = {"merchant_id": merchant_id, "name_en": f"{name} house", "name_zh": "织布坊", "currency": "CNY",
                "shipping_minor": 1200, "gs1_prefix": "9521234"}  # fmt: skip
        shop_id = self.owner.call("POST", "/api/shops", body)["shop_id"]
        self.db.run_now(checks.set_live, shop_id, "")  # as if its bench check had passed
        return shop_id

    def listing(self, **values: Any) -> str:
        body = {
            "shop_id": self.shop_id,
            "title_en": "Linen shirt",
            "title_zh": "亚麻衬衫",
            "price_minor": 19900,
            **values,
        }
        listing_id = self.owner.call("POST", "/api/listings", body)["listing_id"]
        self.owner.call("POST", f"/api/listings/{listing_id}/publish")
        return listing_id

    def ask_the_bank(self) -> int:
        """What the relay's own payment worker does by the clock, which this relay has not; return how much was done."""

        async def work() -> int:
            provider = SandboxProvider(self.relay.settings.payment.url, SECRET, WEBHOOK_SECRET, timeout_s=20)
            worker = PaymentWorker(self.db, self.relay.clock, {"sandbox": provider}, self.relay.trading.trade)
            done = await worker.work_once()
            await provider.close()
            return done

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, work()).result()


@contextmanager
def _serving(relay: Any, port: int) -> Iterator[None]:
    """Serve the relay in a thread of its own; when it ends, every connection and client of it is closed."""
    config = uvicorn.Config(
        build(relay), "127.0.0.1", port, log_config=None, lifespan="off", timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)

    async def serve() -> None:
        await server.serve()
        for provider in relay.trading.providers.values():
            await provider.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    until = time.monotonic() + START_S
    while not server.started:
        assert time.monotonic() < until and thread.is_alive(), "the relay did not start"
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(START_S)


@contextmanager
def open_small_shop(
    folder: Path,
    free_port: Callable[[], int],
    also: tuple[str, ...] = (),
    secrets: dict[str, str] | None = None,
    **parts: Any,
) -> Iterator[SmallShop]:
    """Serve it while the block runs; `also` are more payment providers, `parts` more sections of the settings."""
    port, bank_port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    bank = sandbox_server.build(SECRET, WEBHOOK_SECRET, f"{url}/webhooks/sandbox")
    settings = Settings(
        data_dir=folder, relay=RelaySettings(public_url=url, host="127.0.0.1", port=port),
        secrets={**SECRETS, **(secrets or {})},
        limits=LimitSettings(requests_per_s=1e6, requests_burst=1_000_000),
        accounts=AccountSettings(documents_required=False),
        payment=PaymentSettings(url=f"http://127.0.0.1:{bank_port}", also=also), **parts,
    )  # fmt: skip
    relay = put_together(settings)
    try:
        with serving(bank, bank_port), _serving(relay, port):
            yield SmallShop(relay, url)
    finally:
        violations = relay.db.violations()
        relay.db.close()
        assert violations == []
