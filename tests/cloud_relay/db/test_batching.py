"""What waits at the same moment is done in one transaction; each keeps its own fate, whoever stops waiting."""

import asyncio
import threading

import pytest
from sqlalchemy import text

from cloud_relay.batching import MOST, Batches
from cloud_relay.db import DatabaseBusyError

BUSY = 1_000


class Shelf:
    """A table of numbers, and the batches in which they were written."""

    def __init__(self, database):
        self.database, self.batches, self.gate = database, [], threading.Event()
        self.gate.set()
        database.run_now(lambda connection: connection.execute(text("CREATE TABLE shelf (number INTEGER PRIMARY KEY)")))
        self.ours = Batches(database, self.write)

    def write(self, connection, numbers):
        assert self.gate.wait(30)
        self.batches.append(list(numbers))
        for number in numbers:
            if number == BUSY:
                raise DatabaseBusyError("busy")
            if number < 0:
                raise ValueError(f"{number} is below zero")
            connection.execute(text("INSERT INTO shelf VALUES (:n) ON CONFLICT DO NOTHING"), {"n": number})
        return [number * 2 for number in numbers]

    def numbers(self):
        found = self.database.read_now(lambda c: list(c.scalars(text("SELECT number FROM shelf ORDER BY number"))))
        return [int(one) for one in found]

    async def held(self, *numbers):
        """Ask for these in this order while the first transaction waits; return the tasks."""
        self.gate.clear()
        tasks = []
        for number in numbers:
            tasks.append(asyncio.create_task(self.ours.do(number)))
            await asyncio.sleep(0)
        return tasks


@pytest.fixture
def shelf(database):
    return Shelf(database)


@pytest.mark.both_stores
async def test_those_who_wait_are_done_together_and_each_gets_its_own_answer(shelf):
    tasks = await shelf.held(1, 2, 3, 4)
    shelf.gate.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6, 8]
    assert shelf.batches == [[1], [2, 3, 4]], "the first went alone, the others while it ran"
    assert shelf.numbers() == [1, 2, 3, 4]


@pytest.mark.both_stores
async def test_one_that_cannot_be_done_stops_nobody_and_leaves_nothing(shelf):
    tasks = await shelf.held(1, 2, -3, 4)
    shelf.gate.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [answers[0], answers[1], answers[3]] == [2, 4, 8]
    assert isinstance(answers[2], ValueError)
    assert shelf.numbers() == [1, 2, 4]
    with pytest.raises(ValueError, match="below zero"):
        await shelf.ours.do(-1)
    assert await shelf.ours.do(5) == 10, "and the next is done as ever"


@pytest.mark.both_stores
@pytest.mark.parametrize("is_tried_alone", [False, True])
async def test_a_busy_database_is_told_to_all_who_wait_and_not_tried_for_each(shelf, is_tried_alone):
    tasks = await shelf.held(1, -2, BUSY, 3, 4) if is_tried_alone else await shelf.held(1, BUSY, 2, 3, 4)
    shelf.gate.set()
    async with asyncio.timeout(30):
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    told = ["ValueError", *["DatabaseBusyError"] * 3] if is_tried_alone else ["DatabaseBusyError"] * 4
    assert [type(answer).__name__ for answer in answers[1:]] == told
    assert len(shelf.batches) == (4 if is_tried_alone else 2)
    assert await shelf.ours.do(5) == 10, "and the next is done as ever"
    assert shelf.numbers() == [1, 5]


async def test_who_stops_waiting_holds_up_nobody(shelf):
    tasks = await shelf.held(1, 2, 3)
    tasks[0].cancel()
    tasks[1].cancel()
    shelf.gate.set()
    async with asyncio.timeout(30):
        assert await tasks[2] == 6
        assert await shelf.ours.do(7) == 14
    assert {3, 7} <= set(shelf.numbers())


async def test_one_transaction_takes_a_bounded_number(shelf):
    tasks = await shelf.held(*range(1, MOST + 12))
    shelf.gate.set()
    await asyncio.gather(*tasks)
    assert [len(one) for one in shelf.batches] == [1, MOST, 10]
