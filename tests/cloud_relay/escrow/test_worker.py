"""The payment worker against a real bank: whatever the answers do, each payment settles once, and the books agree."""

import asyncio

import pytest

from cloud_relay import tables
from cloud_relay.escrow import payments, payouts
from cloud_relay.escrow.providers.sandbox import SandboxProvider
from cloud_relay.escrow.worker import PaymentWorker
from cloud_relay.orders import service
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.refusals import RefusedError
from tests.cloud_relay.trade_servers import SECRET, WEBHOOK_SECRET, with_silence
from tests.cloud_relay.trade_world import WorldClock


@pytest.fixture
async def worker(world, bank, answer_s):
    provider = SandboxProvider(bank.url, SECRET, WEBHOOK_SECRET, timeout_s=answer_s)
    yield PaymentWorker(world.database, WorldClock(world), {"sandbox": provider}, world.trade)
    await provider.close()


async def attempt(world, worker, placed):
    """Ask the bank for the charge just started; return the payment's state, or None when nobody knows."""
    paid = world.database.read_now(payments.load, placed.payment_id)
    return await worker.attempt(paid, lambda connection, state: state)


def state(world, order_id):
    return world.order(order_id)["state"]


async def test_a_good_card_pays_at_once(world, worker, bank):
    placed = world.place("ann", listing_id="lis_1")
    assert await attempt(world, worker, placed) == "succeeded"
    assert state(world, placed.order_id) == "paid"
    assert await attempt(world, worker, placed) == "succeeded"
    assert bank.held() == placed.total_minor


async def test_a_declined_card_leaves_the_order_payable(world, worker):
    placed = world.place("ann", listing_id="lis_1", payment_method="sandbox:decline")
    assert await attempt(world, worker, placed) == "failed"
    assert state(world, placed.order_id) == "unpaid"
    assert [row["kind"] for row in world.rows(tables.notice)] == ["payment_failed"]


@with_silence
async def test_silence_after_charging_is_settled_by_asking_again(world, worker, bank):
    placed = world.place("ann", listing_id="lis_1", payment_method="sandbox:timeout_charged")
    assert await attempt(world, worker, placed) is None
    assert state(world, placed.order_id) == "unpaid"
    assert await worker.work_once() == 0, "not before the time to ask again"
    world.later(world.trade.charge_retry_s)
    await worker.work_once()
    assert state(world, placed.order_id) == "paid"
    assert bank.held() == placed.total_minor


async def test_a_charge_that_never_left_is_made_when_the_bank_is_back(world, worker, bank):
    """The relay died between its commit and its call: the intent is in the row, and the bank never heard of it."""
    placed = world.place("ann", listing_id="lis_1")
    world.later(world.trade.charge_retry_s)
    await worker.work_once()
    assert state(world, placed.order_id) == "paid"
    assert bank.held() == placed.total_minor


async def test_a_charge_that_never_left_is_dropped_when_nobody_wants_it_any_more(world, worker, bank):
    placed = world.place("ann", listing_id="lis_1")
    world.later(world.trade.settings.pay_s)
    world.database.run_now(service.settle_due, placed.order_id, world.now, world.trade)
    await worker.work_once()
    assert world.database.read_now(payments.load, placed.payment_id).state == "failed"
    assert bank.held() == 0


async def test_a_refund_is_tried_until_the_bank_takes_it(world, worker, bank):
    placed = world.place("ann", listing_id="lis_1")
    await attempt(world, worker, placed)
    world.walk(placed.order_id, E.CANCEL_ASKED, E.CANCEL_DONE)
    bank.behave(refunds_fail=True)
    await worker.work_once()
    assert bank.held() == placed.total_minor
    assert [row["kind"] for row in world.rows(tables.notice, tables.notice.c.account_id == "olga")] == ["refund_stuck"]
    bank.behave(refunds_fail=False)
    world.later(3600)
    await worker.work_once()
    assert bank.held() == 0
    assert world.balance("psp:sandbox") == 0


async def released(world, worker):
    placed = world.place("ann", listing_id="lis_1")
    await attempt(world, worker, placed)
    world.walk(placed.order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.RECEIPT)
    return placed


async def test_a_payout_takes_the_money_once_however_often_it_is_asked(world, worker, bank):
    placed = await released(world, worker)
    earned = world.balance("payable:mer_1")
    start = (payouts.start, "mer_1", earned, "CNY", "sandbox", world.now)
    outcomes = await asyncio.gather(*(world.database.run(*start) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(one, RefusedError) for one in outcomes) == 3
    await asyncio.gather(worker.work_once(), worker.work_once())
    assert world.balance("payable:mer_1") == 0
    assert bank.held() == placed.total_minor - earned == -world.balance("psp:sandbox")
    assert world.rows(tables.payout)[0]["state"] == "succeeded"
    with pytest.raises(RefusedError, match="not_that_much"):
        world.database.run_now(payouts.start, "mer_1", 1, "CNY", "sandbox", world.now)


async def test_a_payout_that_fails_puts_the_money_back(world, worker, bank):
    placed = await released(world, worker)
    bank.charge_back(placed.payment_id)  # the bank holds nothing now, and its webhook has not come
    earned = world.balance("payable:mer_1")
    world.database.run_now(payouts.start, "mer_1", earned, "CNY", "sandbox", world.now)
    await worker.work_once()
    assert world.rows(tables.payout)[0]["state"] == "failed"
    assert world.balance("payable:mer_1") == earned


async def test_the_book_is_compared_with_the_banks(world, worker, bank):
    placed = await released(world, worker)
    world.later(60)
    assert await worker.check() == []
    bank.charge_back(placed.payment_id)
    assert await worker.check() == [f"M11 sandbox holds 0 CNY, our book says {placed.total_minor}"]
