"""The sandbox bank tells its events a few at a time, and waits where it is asked for patience."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from cloud_relay.escrow.providers import sandbox_server
from tests.cloud_relay.trade_servers import SECRET, serving

EVENTS = 3 * sandbox_server.AT_ONCE


class Listener:
    """Hears events over HTTP; after `patience` of them it asks for patience."""

    def __init__(self, patience):
        self.left, self.heard, self.asked, self.now, self.most = patience, set(), 0, 0, 0
        self.app = Starlette(routes=[Route("/hook", self.hear, methods=["POST"])])

    async def hear(self, request):
        self.now += 1
        self.most = max(self.most, self.now)
        event = (await request.json())["id"]
        await asyncio.sleep(0.01)
        self.now -= 1
        self.asked += 1
        self.left -= 1
        if self.left < 0:
            return Response(status_code=429, headers={"Retry-After": "1"})
        self.heard.add(event)
        return Response(status_code=204)


@pytest.mark.parametrize("patience", [10**9, 20])
def test_many_events_never_become_a_storm(bank, free_port, wait_until, patience):
    listener = Listener(patience)
    bank.behave(is_silent=True)
    headers = {"Authorization": f"Bearer {SECRET}"}
    with serving(listener.app, free_port()) as url, httpx.Client(base_url=bank.url, headers=headers) as http:
        bank.send_webhooks_to(f"{url}/hook")
        for number in range(EVENTS):
            body = {"id": f"pay_{number}", "amount_minor": 5, "currency": "CNY", "method": "sandbox:ok"}
            http.post("/charges", json=body).raise_for_status()
        bank.behave(is_silent=False)
        if patience < EVENTS:
            wait_until(lambda: listener.left < 0)
            assert listener.asked <= patience + sandbox_server.AT_ONCE, "the rest of them is not told now"
            listener.left = 10**9
        wait_until(lambda: len(listener.heard) == EVENTS)
    assert listener.most <= sandbox_server.AT_ONCE
