"""A whole relay in this process with a private mosquitto, made from the configuration that ships."""

import asyncio
import shutil
import signal
import socket
import ssl
import subprocess
import time
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from cloud_relay.accounts import service as accounts
from cloud_relay.accounts.passwords import hash_password_now
from cloud_relay.app import put_together, serve
from cloud_relay.authority import Authority
from cloud_relay.bench_checks import store as checks
from cloud_relay.broker.mosquitto import write_configuration
from cloud_relay.clock import RelayClock
from cloud_relay.settings import (
    AccountSettings,
    DatabaseSettings,
    DoorSettings,
    LimitSettings,
    MqttSettings,
    RelaySettings,
    Settings,
)

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
PASSWORD = "correct horse battery"
PASSWORD_HASH = hash_password_now(PASSWORD)


class Mosquitto:
    """The broker as a child process; it can be killed and started again, with or without its store."""

    def __init__(self, configuration: Path, port: int) -> None:
        self.configuration, self.port = configuration, port
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        log = self.configuration.with_name("mosquitto.log").open("ab")
        self.process = subprocess.Popen([MOSQUITTO, "-c", str(self.configuration)], stdout=log, stderr=log)
        log.close()
        until = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if time.monotonic() > until or self.process.poll() is not None:
                raise AssertionError(self.log())
            time.sleep(0.01)

    def kill(self, *, with_store: bool = False) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if with_store:
            shutil.rmtree(self.configuration.parent / "store")
            (self.configuration.parent / "store").mkdir()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)

    def log(self) -> str:
        return self.configuration.with_name("mosquitto.log").read_text(errors="replace")


def make_settings(folder: Path, free_port, **parts) -> Settings:
    folder.mkdir(parents=True, exist_ok=True)
    port, mqtt, door = free_port(), free_port(), free_port()
    return Settings(
        data_dir=folder,
        relay=RelaySettings(public_url=f"http://127.0.0.1:{port}", port=port),
        mqtt=MqttSettings(port=mqtt),
        door=DoorSettings(port=door),
        accounts=AccountSettings(documents_required=False),
        **{"limits": LimitSettings(requests_per_s=10_000, requests_burst=10_000), **parts},
    )


def start_broker(settings: Settings, clock) -> Mosquitto:
    authority = Authority(settings.data_dir / "pki")
    authority.prepare(clock.now(), settings.relay.name, settings.server_names)
    broker = Mosquitto(write_configuration(settings.data_dir / "mosquitto", settings, authority), settings.mqtt.port)
    broker.start()
    return broker


class House:
    """What a test holds of a running relay."""

    def __init__(self, relay, broker, http) -> None:
        self.relay, self.broker, self.http = relay, broker, http
        self.db, self.settings = relay.db, relay.settings
        self.door_tls = ssl.create_default_context(cafile=str(relay.authority.folder / "ca.pem"))

    def account(self, name: str, *, is_operator: bool = False) -> tuple[str, dict[str, str]]:
        """Make an account; return its id and the headers that sign its requests."""
        now = self.relay.clock.now()
        account_id = self.db.run_now(
            accounts.sign_up, email=f"{name}@example.org", password_hash=PASSWORD_HASH, nickname=name, language="en",
            now=now, is_operator=is_operator,
        )  # fmt: skip
        fresh = self.db.run_now(accounts.begin_sign_in, account_id, self.settings.accounts, now)
        return account_id, {"Authorization": f"Bearer {fresh.token}"}

    async def merchant(self, name: str, **shop) -> tuple[str, str, dict[str, str]]:
        """Make a verified merchant with one shop; return merchant id, shop id and the owner's headers."""
        _, headers = self.account(name)
        _, operator = self.account(f"op-{name}", is_operator=True)
        applied = await self.post("/api/merchants", {"name_en": name, "contact": "here"}, headers, 201)
        merchant_id = applied["merchant_id"]
        await self.post(f"/api/operator/merchants/{merchant_id}/decide", {"state": "verified"}, operator)
        made = await self.post("/api/shops", {"merchant_id": merchant_id, "name_en": name, **shop}, headers, 201)
        await self.db.run(checks.set_live, made["shop_id"], "")  # as if its bench check had passed
        return merchant_id, made["shop_id"], headers

    async def post(self, path: str, body, headers=None, status: int = 200):
        answer = await self.http.post(path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def get(self, path: str, headers=None, status: int = 200):
        answer = await self.http.get(path, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def claim(self, shop_id: str, headers) -> str:
        return (await self.post(f"/api/shops/{shop_id}/claim", {}, headers, 201))["claim_text"]


@asynccontextmanager
async def serving(settings: Settings, clock=None):
    """Serve a relay in this process (the broker is somebody else's affair)."""
    relay = put_together(settings, clock)
    stop = asyncio.Event()
    job = asyncio.create_task(serve(relay, stop))
    try:
        async with httpx.AsyncClient(base_url=settings.relay.public_url, timeout=15) as http:
            until = time.monotonic() + 30
            while True:
                assert time.monotonic() < until, "the relay did not come up"
                if job.done():
                    await job
                try:
                    health = await http.get("/healthz")
                except httpx.TransportError:
                    await asyncio.sleep(0.02)
                    continue
                if health.json().get("broker") == "connected":
                    break
                await asyncio.sleep(0.02)
            yield relay, http
    finally:
        stop.set()
        await job
        violations = relay.db.violations()
        relay.db.close()
        assert violations == []


@asynccontextmanager
async def house(folder: Path, free_port, database_url: str = "", **parts):
    """A broker and a relay; yields a House."""
    settings = make_settings(folder, free_port, database=DatabaseSettings(url=database_url), **parts)
    broker = start_broker(settings, RelayClock())
    try:
        async with serving(settings) as (relay, http):
            yield House(relay, broker, http)
    finally:
        broker.stop()
