"""64 shoppers, 5 pieces, one moment, a real relay process: five are paid, fifty-nine are told clearly, nobody else."""

import asyncio
import time
import uuid

import httpx
import pytest
import pytest_asyncio

from demo.people import Caller, Person
from demo.walk import ADDRESS
from tests.faults.town import open_town

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

SHOPPERS, PIECES = 64, 5


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shoppers(crowded_town):
    callers = [Caller(crowded_town.mall.relay_url) for _ in range(SHOPPERS)]
    for number, caller in enumerate(callers):
        person = Person(f"shopper{number}@vitrine.example", "at-the-same-moment-1", f"Shopper {number}", "en")
        await caller.sign_up(person)
        await caller.sign_in(person)
    yield callers
    for caller in callers:
        await caller.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowded_town(tmp_path_factory):
    async with open_town(tmp_path_factory.mktemp("town"), bowls=PIECES, has_box=False) as town:
        yield town


async def buy(caller, listing_id):
    """Press the button; a relay that is too busy is asked again, as a page does."""
    body = {
        "listing_id": listing_id, "address": ADDRESS, "payment_method": "sandbox:ok", "agrees_photo_window": True,
    }  # fmt: skip
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    while True:
        answer = await caller.http.post("/api/orders", json=body, headers=headers, timeout=60)
        if answer.status_code not in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
            return answer
        await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))


@pytest.mark.timeout(600)
async def test_sixty_four_shoppers_and_five_pieces(crowded_town, shoppers):
    town = crowded_town
    began_s = time.monotonic()
    answers = await asyncio.gather(*(buy(caller, town.listing_id) for caller in shoppers))
    print(f"64 answers in {time.monotonic() - began_s:.2f} s")
    bought = [answer.json()["order_id"] for answer in answers if answer.is_success]
    refused = [answer for answer in answers if not answer.is_success]
    assert len(bought) == PIECES
    assert len(refused) == SHOPPERS - PIECES
    for answer in refused:
        assert answer.status_code == httpx.codes.CONFLICT
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["type"].endswith(":out_of_stock")
        assert answer.json()["title"]
    await paid(town, bought)
    listing = town.ask(town.database, "SELECT on_hand, reserved FROM listing WHERE listing_id = ?", town.listing_id)
    lines = town.ask(town.database, "SELECT piece_id FROM order_line")
    assert len({line["piece_id"] for line in lines}) == len(lines) == PIECES
    assert listing[0]["on_hand"] - listing[0]["reserved"] == 0
    assert town.ask(town.database, "SELECT piece_id FROM piece WHERE state = 'free'") == []
    assert town.violations() == []


async def paid(town, order_ids):
    """Wait until the bank has answered for each order, and nobody else's money is held."""
    until_s = time.monotonic() + 60
    while True:
        rows = town.ask(town.database, "SELECT order_id FROM orders WHERE paid_at IS NOT NULL")
        if len(rows) >= PIECES or time.monotonic() > until_s:
            break
        await asyncio.sleep(0.1)
    assert {row["order_id"] for row in rows} == set(order_ids)
    charges = town.ask(town.database, "SELECT reference FROM transfer WHERE kind = 'hold'")
    assert len(charges) == PIECES
