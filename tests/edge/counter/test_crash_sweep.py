"""The journal dies right after its n-th commit, for every n of one card sale: charged once, sold once, never lost."""

import asyncio
import contextlib
import itertools

import pytest

from edge.counter.basket import TillRefusedError
from edge.journal import JournalFailedError

LIVES_MAX = 40


async def live(world, die_at: int) -> bool:
    """Sell one piece by card; die after `die_at` commits of this life. True when the life ended by itself."""
    commits = itertools.count(1)

    def on_commit(_sequence: int) -> None:
        if next(commits) == die_at:
            raise OSError(5, "Input/output error")

    try:
        await world.start(on_commit)
        await sell(world)
        return True
    except (JournalFailedError, ExceptionGroup) as error:
        flat = error.exceptions if isinstance(error, ExceptionGroup) else [error]
        if not all(isinstance(part, JournalFailedError) for part in flat):
            raise
        return False
    finally:
        await world.stop()


async def sell(world) -> None:
    """Do as an attendant does: look what is there, go on from there, until the receipt is there."""
    while not await world.till.receipts():
        if world.running.done():
            world.running.result()
        sales = await world.till.open_sales()
        if not sales and await world.till.receipts():
            return
        sale = sales[-1] if sales else await world.till.scan("4701", "acc_1")
        if sale.stage == "open":
            await world.reachable()
            # another line may have been opened meanwhile: an attendant presses again
            with contextlib.suppress(TillRefusedError):
                await world.till.pay(sale.sale_id, "terminal", "acc_1")
        await asyncio.sleep(0.005)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "fault",
    [
        "",
        "hang_up_booked",
        pytest.param("hang_up_unbooked", marks=pytest.mark.slow),
        pytest.param("declined", marks=pytest.mark.slow),
    ],
)
async def test_killed_after_every_commit_the_card_is_charged_once_and_the_sale_is_there(world, fault):
    for die_at in itertools.count(1):
        world.journal_name = f"journal{die_at}.db"
        before = len(world.booked())
        if fault:
            world.faults.set("terminal", fault)
        lived = await live(world, die_at)
        if not lived:
            assert await live(world, 10**9)
        await world.start()
        assert world.booked()[before:] == [38_000], f"death {die_at}"
        sold = await world.sold()
        assert [one.total_minor for one in sold] == [38_000], f"death {die_at}"
        assert [one.receipt_no for one in sold] == [1]
        await world.stop()
        if lived:
            assert die_at > 4
            return
        assert die_at < LIVES_MAX
