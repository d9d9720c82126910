"""When settlements run: each day by the clock, among sales, in parts, by hand; what stops one stops no other."""

import threading
from collections import Counter
from datetime import timedelta

import pytest

from cloud_relay import put_back, tables
from cloud_relay.db import DatabaseBusyError
from cloud_relay.rebates import settling, timers
from cloud_relay.refusals import RefusedError
from tests.cloud_relay.rebates.rebate_world import TERMS

MS = timedelta(milliseconds=1)


class Relay:
    """As much of a relay as the clock's task asks for."""

    def __init__(self, market):
        self.db, self.clock = market.world.database, self
        self.now = lambda: market.world.now


async def test_a_purchase_counts_when_it_has_rested_to_the_millisecond(market):
    market.switch()
    market.sell("ann")
    market.pay_dues()
    market.world.now += timedelta(seconds=TERMS.wait_s) - MS
    assert market.settle("before")["fed_minor"] == 0
    market.world.now += MS
    assert market.settle("at")["fed_minor"] == 500
    market.world.now += MS
    assert market.settle("after")["fed_minor"] == 0


@pytest.mark.both_stores
@pytest.mark.slow
def test_settlements_commit_among_sales_and_no_sale_fails_for_them(market):
    market.switch(wait_s=0, cap_ppm=50_000)
    shops = ["teahouse", market.open_shop(2), market.open_shop(3)]
    for _ in range(120):
        market.sell("ann")
    market.pay_dues()
    market.world.later(1)
    stop, sold, failed = threading.Event(), Counter(), []

    def trade(shop_id):
        while not stop.is_set():
            try:
                market.sell("bob", shop_id=shop_id)
                sold[shop_id] += 1
            except Exception as error:  # noqa: BLE001  # whatever it is, a sale failed
                failed.append(error)

    threads = [threading.Thread(target=trade, args=(one,)) for one in shops]
    for one in threads:
        one.start()
    try:
        paid = [market.settle(f"part {number}")["paid_tickets"] for number in range(3)]
    finally:
        stop.set()
        for one in threads:
            one.join()
    assert failed == []
    assert min(sold[one] for one in shops) > 0
    assert (paid, market.has("ann")) == ([120, 0, 0], 120 * 500)


async def test_what_is_left_over_follows_at_once(market, monkeypatch):
    monkeypatch.setattr(settling, "FEEDS_MAX", 3)
    monkeypatch.setattr(settling, "TICKETS_MAX", 4)
    market.switch(cap_ppm=10_000)
    for _ in range(8):
        market.sell("ann")
    market.rest()
    market.pay_dues()
    for _ in range(9):
        await timers.work_once(Relay(market))
    batches = market.rows(tables.rebate_batch)
    assert [one["name"] for one in batches] == ["2030-01-01", *(f"2030-01-01.{number}" for number in (2, 3, 4, 5))]
    assert [one["fed_minor"] for one in batches] == [1500, 1500, 1000, 0, 0]
    assert [one["paid_tickets"] for one in batches] == [0, 0, 4, 4, 0]
    assert market.has("ann") == 8 * 100
    market.world.later(86_400)
    assert await timers.work_once(Relay(market)) == 1


async def test_a_market_that_was_switched_off_a_moment_ago_stops_no_other(market, monkeypatch):
    market.switch()
    market.sell("ann")
    market.rest()
    market.pay_dues()
    settle, asked = settling.settle, []

    def refused(connection, market_, currency, name, ran_by, now):
        asked.append(market_)
        if market_ == "at":
            raise RefusedError("rebates_off", "off", "off")
        if market_ == "by":
            raise DatabaseBusyError("busy")
        return settle(connection, market_, currency, name, ran_by, now)

    todo = [("at", "CNY", "2030-01-01"), ("by", "CNY", "2030-01-01"), ("cn", "CNY", "2030-01-01")]
    monkeypatch.setattr(timers, "due", lambda connection, now: todo)
    monkeypatch.setattr(settling, "settle", refused)
    assert await timers.work_once(Relay(market)) == 1
    assert (asked, market.has("ann")) == (["at", "by", "cn"], 500)


def test_nothing_is_settled_while_a_relay_that_was_put_back_is_not_reconciled(market):
    market.switch()
    market.sell("ann")
    market.rest()
    market.pay_dues()
    market.world.add(tables.high_water, name=put_back.MARK, at=market.world.now)
    with pytest.raises(RefusedError, match="put_back"):
        market.settle("by-hand-1", "olga")
    market.run(put_back.clear_mark)
    assert market.settle("by-hand-1", "olga")["paid_minor"] == 500


async def test_a_day_is_the_clocks_name_alone(market):
    market.switch()
    market.sell("ann")
    for name in ("2030-01-02", "2030-01-02.by-hand"):
        with pytest.raises(RefusedError, match="name_of_the_clock"):
            market.settle(name, "olga")
    market.settle("by-hand-1", "olga")
    market.world.later(86_400)
    assert market.read(timers.due, market.world.now) == [("cn", "CNY", "2030-01-02")]
