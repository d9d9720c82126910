"""An ask to look that is sent twice is one; everything else about it is as if it had been sent once."""

import asyncio

import pytest

from cloud_relay.refusals import RefusedError
from cloud_relay.viewing import asks
from cloud_relay.viewing.asks import Asks

KEY = "k" * 16


class Shop:
    """Counts how often it was asked; answers when it is let."""

    def __init__(self) -> None:
        self.asked, self.may_answer, self.refuses = 0, asyncio.Event(), False

    async def ask(self) -> str:
        self.asked += 1
        await self.may_answer.wait()
        if self.refuses:
            raise RefusedError("no", "No", "不")
        return f"session-{self.asked}"


async def test_both_get_the_one_answer_also_when_the_first_has_gone():
    kept, shop = Asks(), Shop()
    first = asyncio.ensure_future(kept.once("acc", "piece", KEY, shop.ask))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(kept.once("acc", "piece", KEY, shop.ask))
    await asyncio.sleep(0)
    first.cancel()
    shop.may_answer.set()
    assert await second == "session-1"
    assert await kept.once("acc", "piece", KEY, shop.ask) == "session-1", "later too"
    assert shop.asked == 1


@pytest.mark.parametrize(
    "other", [("bcc", "piece", KEY), ("acc", "vase", KEY), ("acc", "piece", KEY + "2"), (None, "piece", KEY)]
)
async def test_another_person_piece_or_key_is_another_ask(other):
    kept, shop = Asks(), Shop()
    shop.may_answer.set()
    assert await kept.once("acc", "piece", KEY, shop.ask) == "session-1"
    assert await kept.once(*other, shop.ask) == "session-2"


async def test_without_a_key_each_is_its_own():
    kept, shop = Asks(), Shop()
    shop.may_answer.set()
    assert [await kept.once("acc", "piece", "", shop.ask) for _ in range(2)] == ["session-1", "session-2"]


async def test_a_refusal_is_the_same_for_both():
    kept, shop = Asks(), Shop()
    shop.refuses = True
    shop.may_answer.set()
    for _ in range(2):
        with pytest.raises(RefusedError):
            await kept.once("acc", "piece", KEY, shop.ask)
    assert shop.asked == 1


async def test_it_is_forgotten_in_time_and_when_too_many_come(monkeypatch, eventually):
    monkeypatch.setattr(asks, "KEPT_S", 0.01)
    kept, shop = Asks(), Shop()
    shop.may_answer.set()
    await kept.once("acc", "piece", KEY, shop.ask)
    await eventually(lambda: not kept._kept)
    monkeypatch.setattr(asks, "KEPT_S", 60)
    for number in range(asks.ASKS_MAX + 1):
        await kept.once("acc", "piece", f"{number:016}", shop.ask)
    assert len(kept._kept) == asks.ASKS_MAX
    before = shop.asked
    await kept.once("acc", "piece", f"{asks.ASKS_MAX:016}", shop.ask)
    assert shop.asked == before, "the newest are kept"
    await kept.once("acc", "piece", f"{0:016}", shop.ask)
    assert shop.asked == before + 1, "the oldest went"


async def test_a_page_that_asks_again_under_its_key_has_the_same_session(site):
    _, shop_id, headers = await site.merchant("mo", cameras=[{"camera": "front"}])
    _, (piece_id,) = await site.listing(shop_id, headers)
    ann, bob = site.account("ann"), site.account("bob")

    async def ask(person, ask_key, status=201):
        return await site.call("POST", "/api/viewing", {"piece_id": piece_id, "ask_key": ask_key}, person, status)

    first, second = await ask(ann, KEY), await ask(ann, KEY)
    assert first["session_id"] == second["session_id"]
    assert (await ask(bob, KEY))["session_id"] != first["session_id"], "a key is its owner's alone"
    assert (await ask(ann, "another" + KEY))["session_id"] != first["session_id"]
    for bad in ("short", "x" * 65, "a" * 15 + "!", "<" * 20):
        await ask(ann, bad, 422)
