"""The journal dies right after its n-th commit, for every n of one order: the order ends as if it had not."""

import asyncio
import contextlib
import itertools
from datetime import UTC, datetime

import pytest

from edge.journal import JournalFailedError
from tests.edge.bench.fake_shop import Shop, content
from wire.commands import AnswerPhoto, LabelParcel, PhotoAnswer, PreparePiece, encode_command
from wire.envelope import Envelope, encode_envelope

LIVES_MAX = 40


class Mortal(Shop):
    """A shop whose journal fails after one commit, as a disk does that answers EIO after it has written."""

    def __init__(self, folder, seed: int) -> None:
        super().__init__(folder, seed)
        self.deaths = 0
        self.envelopes: dict[int, Envelope] = {}
        self.robot.is_homed = True

    async def live_until_death(self, die_at: int) -> bool:
        """Start, work and die after `die_at` commits of this life; True when the life ended by itself instead."""
        commits = itertools.count(1)

        def on_commit(_sequence: int) -> None:
            if next(commits) == die_at:
                self.deaths += 1
                raise OSError(5, "Input/output error")

        attendant = None
        try:
            await self.start(on_commit=on_commit)
            attendant = asyncio.create_task(self.be_relay_and_attendant())
            done, _ = await asyncio.wait([self.running, attendant], return_when=asyncio.FIRST_COMPLETED, timeout=30)
            assert done, await self.stage()
            for task in done:
                task.result()
            return True
        except (JournalFailedError, ExceptionGroup) as error:
            flat = error.exceptions if isinstance(error, ExceptionGroup) else [error]
            if not all(isinstance(part, JournalFailedError) for part in flat):
                raise
            return False
        finally:
            await self.bury(attendant)

    async def bury(self, attendant) -> None:
        for task in (attendant, getattr(self, "running", None)):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, JournalFailedError, ExceptionGroup):
                    await task
        await self.journal.close()

    async def be_relay_and_attendant(self) -> None:
        """Say everything again until it is done: a relay repeats commands, an attendant answers what is asked."""
        self.sequence = 0
        await self.repeat(PreparePiece(parcel_id="p1", piece_id="piece_1", session_id="s1"), 1)
        await self.repeat(self.label(), 2)
        while await self.stage() != "handed_over":
            if self.running.done():
                self.running.result()
            parcel = await self.parcel()
            if parcel.stage == "photo_offered":
                answer = AnswerPhoto(parcel_id="p1", picture_sha256=parcel.photo_sha256, answer=PhotoAnswer.CONFIRMED)
                await self.repeat(answer, 3)
            for task in await self.bench.tasks():
                await self.attend(task)
            await asyncio.sleep(0.002)

    def label(self) -> LabelParcel:
        label = content("p1")
        return LabelParcel(parcel_id="p1", piece_id="piece_1", order_id=label.order_id, label=label)

    async def repeat(self, command, sequence: int) -> None:
        """Send a command under the id it always had, as the relay does until it is acknowledged."""
        if sequence not in self.envelopes:
            self.envelopes[sequence] = Envelope(
                id=f"cmd_{sequence}",
                source="relay",
                type=type(command).__name__,
                time=datetime.now(UTC),
                shop_id="teahouse",
                data=encode_command(command),
                sequence=sequence,
                deadline_s=3600.0,
            )
        envelope = self.envelopes[sequence]
        await self.journal.receive(envelope, encode_envelope(envelope), self.clock.relay_now())
        for waiting in await self.journal.open_commands():
            if waiting.id == envelope.id:
                await self.bench.handle(waiting, command)

    async def attend(self, task) -> None:
        world, kind = self.world, task.kind
        if kind in ("fetch_piece", "put_back"):
            await self.bench.on_scan("4701")
        elif kind in ("label_in_doubt", "destroy_label"):
            destroyed = len(world.mouth) + len(world.parcel)
            world.mouth.clear()
            world.parcel.clear()
            world.truth.append(("destroyed", destroyed))
            await self.bench.answer_task(task.task_id, "destroyed")
        elif kind == "pack_in_doubt":
            await self.bench.answer_task(task.task_id, "packed" if world.count("packed") else "not_packed")
        elif kind == "tend_device":
            await self.bench.answer_task(task.task_id, "again")
        elif kind == "read_label":
            await self.bench.answer_task(task.task_id, "spoiled")
        elif kind == "hand_over":
            await self.scan_label()
            await self.bench.answer_task(task.task_id, "handed_over")


def judge(shop: Mortal) -> None:
    """Hold the world's own truth against the promises."""
    on_parcel = printed = destroyed = 0
    for event, number in shop.world.truth:
        if event == "printed":
            printed += 1
            assert printed - destroyed <= 1, "a second label exists while the first is not destroyed"
        elif event == "applied":
            on_parcel += 1
            assert on_parcel <= 1, "two labels on the parcel"
        elif event == "destroyed":
            destroyed += number
            on_parcel = 0
    assert len(shop.world.parcel) == 1
    assert shop.world.count("packed") == 1


@pytest.mark.timeout(300)
async def test_killed_after_every_commit_the_order_still_ends(tmp_path):
    """Each round is one order in which one more commit is survived before the first death; the last one lives."""
    for die_at in itertools.count(1):
        folder = tmp_path / f"round{die_at}"
        folder.mkdir()
        shop = Mortal(folder, seed=die_at)
        lived = await shop.live_until_death(die_at)
        if not lived:
            assert await shop.live_until_death(10**9)
        await shop.start()
        assert await shop.stage() == "handed_over"
        kinds = await shop.types()
        for once in ("PiecePicked", "PiecePacked", "ParcelPhotographed", "HandedOver"):
            assert kinds.count(once) == 1, (die_at, kinds)
        await shop.stop()
        judge(shop)
        if lived:
            assert die_at > 12
            return


@pytest.mark.timeout(300)
@pytest.mark.parametrize("every", [5, 7, 9])
async def test_dying_again_and_again_the_order_still_ends(tmp_path, every):
    """A life of only a few commits each time: the journal carries the work from life to life.

    Fewer than five are not enough to destroy a label in doubt, print another and apply it.
    """
    shop = Mortal(tmp_path, seed=every)
    for _ in range(LIVES_MAX):
        if await shop.live_until_death(every):
            break
    else:
        pytest.fail(f"{LIVES_MAX} lives were not enough: {shop.world.truth}")
    assert shop.deaths > 1
    judge(shop)
