"""The journal dies right after its n-th commit, for every n: the piece is carried once, and the order ends."""

import itertools

import pytest

from tests.edge.bench.test_crash_sweep import Mortal
from tests.edge.locations.conftest import SortingShop


class MortalSorting(Mortal, SortingShop):
    """A mortal shop with a sorter; the attendant scans a piece once it is really at the bench."""

    async def attend(self, task) -> None:
        if task.kind == "tend_sorter":
            await self.bench.answer_task(task.task_id, "carry_again")
        elif task.kind != "fetch_piece" or self.world.count("carried") or task.text.en.startswith("Bring"):
            await super().attend(task)


@pytest.mark.timeout(300)
async def test_killed_after_every_commit_the_piece_is_carried_once(tmp_path):
    """Each round survives one more commit before the first death; the last one dies behind the packing."""
    for die_at in itertools.count(1):
        folder = tmp_path / f"round{die_at}"
        folder.mkdir()
        shop = MortalSorting(folder, seed=die_at)
        lived = await shop.live_until_death(die_at)
        was_packed = shop.world.count("packed") > 0
        if not lived:
            assert await shop.live_until_death(10**9)
        assert shop.world.count("carried") == 1, (die_at, shop.world.truth)
        await shop.start()
        kinds = await shop.types()
        assert kinds.count("PieceCarried") == kinds.count("PiecePicked") == 1, (die_at, kinds)
        assert await shop.stage() == "handed_over"
        await shop.stop()
        if was_packed:
            assert die_at > 8, "the life before ended too late to prove anything"
            return
