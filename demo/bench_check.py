"""Has a new shop's bench checked, as a technician does before it goes live; hands do what the check asks."""

import asyncio
from collections.abc import Callable
from typing import Any

from demo.goods import DemoShop
from demo.hands import Bench, Hands
from demo.mall import Mall, MallError
from demo.people import MERCHANTS, Caller
from demo.shop_files import PIN
from demo.steps import until

THINK_S = 0.05
TRIES_MAX = 3
CHECK_S = 240.0
"""A deadline for a machine that does other things besides; a check takes seconds."""


async def go_live(mall: Mall, shop: DemoShop, say: Callable[[str], None]) -> None:
    """Check the bench unless the shop is live already, and wait until the relay says so; MallError when it fails."""
    merchant = Caller(mall.relay_url)
    await merchant.sign_in(MERCHANTS[shop.name])

    async def is_live() -> bool:
        return bool((await merchant.call("GET", f"/api/shops/{shop.name}"))["is_live"])

    try:
        if not await is_live():
            await check_again(mall, shop, say)
            await until(is_live, CHECK_S, f"{shop.name} is live")
    finally:
        await merchant.close()


async def check_again(mall: Mall, shop: DemoShop, say: Callable[[str], None]) -> None:
    """Check the bench, and again if a step failed, as a technician does: a busy machine draws its picture late."""
    for _ in range(TRIES_MAX - 1):
        try:
            return await check_bench(mall, shop, say)
        except MallError as error:
            say(f"{error}; once more")
    return await check_bench(mall, shop, say)


async def check_bench(mall: Mall, shop: DemoShop, say: Callable[[str], None]) -> None:
    """Run one bench check; MallError with its hints when a step fails."""
    bench = Bench(mall.attendant_url(shop), PIN, mall.control_url(shop))
    hands = asyncio.create_task(Hands(bench, lambda _line: None, lambda _link: None, THINK_S).run())
    try:
        await bench.begin_check("setup")

        async def card() -> dict[str, Any] | None:
            shown = (await bench.state())["bench_check"]
            is_over = shown["running"] is None and not shown["is_clearing"]
            return shown["cards"][0] if is_over and shown["cards"] else None

        found = await until(card, CHECK_S, f"{shop.name}: the bench check ends")
    finally:
        hands.cancel()
        await asyncio.gather(hands, return_exceptions=True)
        await bench.close()
    failed = [f"{step['step']}: {step['hint']['en']}" for step in found["steps"] if step["result"] == "failed"]
    if not found["is_passed"]:
        raise MallError(f"{shop.name}: the bench check failed: {'; '.join(failed)}")
    done = sum(step["result"] == "passed" for step in found["steps"])
    say(f"{shop.name}: bench check passed ({done} steps, {len(found['steps']) - done} skipped): live")
