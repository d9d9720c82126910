"""Real HTTP servers in threads: the sandbox bank and a relay, so that timeouts and webhooks are real."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn

SECRET, WEBHOOK_SECRET = "test-secret", "test-webhook-secret"
PATIENT_S = 30.0
"""How long a provider's answer is waited for: a slow machine gives it within."""
SILENT_S = 4.0
"""How long it is waited for where none comes: the question must have arrived by then."""


def with_silence(test: Any) -> Any:
    """Mark a test in which a provider falls silent: `answer_s` is short there."""
    short = pytest.mark.parametrize("answer_s", [SILENT_S], ids=[pytest.HIDDEN_PARAM])
    return pytest.mark.usefixtures("answer_s")(short(test))


@contextmanager
def serving(app: Any, port: int) -> Iterator[str]:
    """Serve an ASGI application on this port while the block runs; yield its address."""
    config = uvicorn.Config(app, "127.0.0.1", port, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < until and thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        server.force_exit = True  # a charge that fell silent keeps its connection open on purpose
        thread.join(10)


class Bank:
    """The sandbox bank's own controls."""

    def __init__(self, url: str, app: Any) -> None:
        self.url, self._app = url, app
        self._http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {SECRET}"}, trust_env=False)

    def send_webhooks_to(self, url: str) -> None:
        self._app.state.bank.webhook_url = url

    def behave(self, **behaviour: Any) -> None:
        self._http.post("/behaviour", json=behaviour).raise_for_status()

    def held(self, currency: str = "CNY") -> int:
        return self._http.get(f"/balance/{currency}").json()["held_minor"]

    def charge_back(self, payment_id: str) -> None:
        self._http.post("/charge-backs", json={"charge_id": payment_id}).raise_for_status()

    def close(self) -> None:
        self._http.close()
