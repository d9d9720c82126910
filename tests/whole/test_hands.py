"""The demonstration's attendant goes on where a task cannot be done."""

import asyncio
import contextlib

import httpx

from demo.hands import Bench, Hands

FETCH = {"task_id": "1", "kind": "fetch_piece", "piece": {"code": "none-such"}, "text": {"en": "Fetch it."}}
NOTE = {"task_id": "2", "kind": "note", "text": {"en": "Read it."}}


async def test_a_piece_that_is_not_in_the_shop_stops_nothing():
    """Somebody may have put goods on sale that the simulated shop does not have."""
    answered = asyncio.Event()

    def page(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/tasks/2/answer":
            answered.set()
        return httpx.Response(200, json={"tasks": [FETCH, NOTE], "questions": [], "pieces": [], "parcel": None})

    bench = Bench("http://page", "2468", "http://world")
    await bench.close()
    bench._page = bench._world = httpx.AsyncClient(transport=httpx.MockTransport(page), base_url="http://here")
    work = asyncio.create_task(Hands(bench, lambda words: None, lambda link: None, think_s=0.01).run())
    await asyncio.wait_for(answered.wait(), 10)
    await asyncio.sleep(0)
    assert not work.done()
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
    await bench.close()
