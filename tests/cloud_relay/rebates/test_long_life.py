"""A long random life of the rebate queue, through the real service, held to a second account of it."""

import time

import pytest
from sqlalchemy import text

from tests.cloud_relay.rebates.life import Life

STEPS = 100_000


@pytest.mark.both_stores
@pytest.mark.parametrize(
    "steps", [50, pytest.param(3000, marks=(pytest.mark.full, pytest.mark.slow, pytest.mark.timeout(1800)))]
)
def test_a_random_life_keeps_every_rule(market, steps):
    """The fixture looks for violations afterwards."""
    life = Life(market)
    life.live(steps)
    life.check_all()


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.sqlite_only
@pytest.mark.timeout(14_400)
def test_a_hundred_thousand_steps_keep_every_rule(market):
    """As above with many people and merchants; the disk is not waited for, and sums of accounts come from an index."""
    for side in ("credit", "debit"):
        index = text(f"CREATE INDEX whole_{side} ON posting ({side}, currency, amount_minor)")
        market.run(lambda connection, index=index: connection.execute(index))
    raw = market.world.database.engine.raw_connection()  # the one that every use case of this test gets
    raw.driver_connection.execute("PRAGMA synchronous=OFF")
    raw.close()
    life, started_s = Life(market, people=40, merchants=12), time.process_time()
    for part in range(10):
        life.live(STEPS // 10)
        print(f"{part + 1}/10 after {time.process_time() - started_s:.0f} s of work: {dict(life.deeds)}", flush=True)
    life.check_all()
    assert life.deeds["steps"] == STEPS
    assert min(life.deeds[name] for name in ("refunds", "settlements", "withdrawals that failed")) > 1000
