"""The ZVT driver on the simulated terminal: paid, refused, unknown, asked again, given back; never charged twice."""

import asyncio

import pytest

from drivers.base import BadOptionsError, Condition, DeviceOfflineError, OutcomeUnknownError
from drivers.payment_terminal import PaymentAsk
from drivers.payment_terminal.zvt import ZvtOptions

ASK = PaymentAsk(amount_minor=12_345, currency="CNY", reference="sale_1")


async def opened_again(counter):
    """Return a new driver once the terminal's network is back, as the device's host does."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + 10
    while True:
        driver = counter.driver()
        try:
            await driver.open()
            return driver
        except DeviceOfflineError:
            await driver.close()
            assert loop.time() < until_s, "the terminal never comes back"
            await asyncio.sleep(0.02)


async def test_a_payment_is_booked_once_and_told_with_its_numbers(counter, terminal):
    shown = []
    told = await terminal.pay(ASK, shown.append)
    assert told.is_paid
    assert (told.amount_minor, told.receipt_no, told.trace_no) == (12_345, 1, 1)
    assert (told.terminal_id, told.card_name) == ("28004869", "girocard")
    assert shown == ["card", "wait"]
    assert [line["amount_minor"] for line in counter.events("payment_booked")] == [12_345]
    assert await terminal.last_payment() == told


async def test_the_till_controls_the_terminal_after_registration(counter, terminal):
    assert [line["config"] for line in counter.events("registered")] == ["38"]


async def test_a_declined_card_is_an_answer(counter, terminal):
    counter.faults.set("terminal", "declined")
    told = await terminal.pay(ASK)
    assert (told.is_paid, told.reason) == (False, "no_funds")
    assert not counter.events("payment_booked")
    again = await terminal.pay(ASK)
    assert again.is_paid


async def test_no_paper_refuses_before_anything_is_asked_of_the_card(counter, terminal):
    counter.faults.set("terminal", "slip_paper_out")
    status = await terminal.status()
    assert (status.condition, status.reason) == (Condition.NEEDS_ATTENDANT, "slip_paper_out")
    told = await terminal.pay(ASK)
    assert (told.is_paid, told.reason) == (False, "slip_paper_out")
    assert not counter.events("payment_asked")


async def test_a_result_that_is_told_twice_counts_once(counter, terminal):
    counter.faults.set("terminal", "told_twice")
    assert (await terminal.pay(ASK)).is_paid
    assert len(counter.events("payment_booked")) == 1


@pytest.mark.parametrize(("fault", "booked"), [("hang_up_booked", 1), ("hang_up_unbooked", 0)])
async def test_a_line_cut_in_mid_payment_is_unknown_and_the_last_receipt_tells(counter, terminal, fault, booked):
    counter.faults.set("terminal", fault)
    with pytest.raises(OutcomeUnknownError):
        await terminal.pay(ASK)
    assert len(counter.events("payment_booked")) == booked
    after = await opened_again(counter)
    last = await after.last_payment()
    await after.close()
    assert (last.amount_minor if last else None) == (12_345 if booked else None)
    assert len(counter.events("payment_booked")) == booked


async def test_silence_after_the_amount_is_unknown(counter, terminal):
    counter.faults.set("terminal", "silent")
    with pytest.raises(OutcomeUnknownError):
        await terminal.pay(ASK)


async def test_garbage_after_the_amount_is_unknown(counter, terminal):
    counter.faults.set("terminal", "garbage")
    with pytest.raises(OutcomeUnknownError):
        await terminal.pay(ASK)


async def test_a_terminal_that_is_gone_before_the_amount_was_never_asked(counter, terminal):
    counter.faults.set("terminal", "unplugged")
    with pytest.raises(DeviceOfflineError):
        await terminal.status()
    with pytest.raises(DeviceOfflineError):
        await terminal.pay(ASK)
    assert not counter.events("payment_asked")


async def test_a_payment_is_given_back_once(counter, terminal):
    told = await terminal.pay(ASK)
    assert (await terminal.reverse(told.receipt_no)).is_paid
    assert [line["amount_minor"] for line in counter.events("reversal_booked")] == [12_345]
    again = await terminal.reverse(told.receipt_no)
    assert not again.is_paid
    assert len(counter.events("reversal_booked")) == 1


async def test_a_fresh_terminal_keeps_no_payment(terminal):
    assert await terminal.last_payment() is None


async def test_a_wrong_password_is_the_technicians(counter):
    driver = counter.driver(password="123456")
    with pytest.raises(BadOptionsError, match="compare password and currency"):
        await driver.open()
    await driver.close()


@pytest.mark.parametrize(
    ("options", "says"),
    [({"password": "12"}, "six digits"), ({"currency": "QQQ"}, "currency"), ({"slips": "no"}, "slips"),
     ({"address": "/dev/ttyS0"}, "tcp://")],
)  # fmt: skip
def test_wrong_options_are_named(options, says):
    with pytest.raises(ValueError, match=says):
        ZvtOptions(**{"address": "tcp://127.0.0.1:1", **options})
