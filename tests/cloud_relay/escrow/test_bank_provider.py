"""The bank transfer provider passes the contract; the outside world is statements of the account."""

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from cloud_relay.db import DatabaseBusyError
from cloud_relay.escrow.bank import book, service
from cloud_relay.escrow.providers.bank_transfer import BankTransferProvider
from cloud_relay.escrow.providers.base import OutcomeState, PayOut
from cloud_relay.tables import payout_account
from tests.cloud_relay.escrow import bank_world
from tests.cloud_relay.escrow.provider_contract import Outside, ProviderContract, charge_of, paid, refund_of

PAY_S = 5 * 86400


class HandClock:
    def __init__(self):
        self.time = datetime.now(UTC)

    def now(self):
        return self.time

    def monotonic(self):
        return self.time.timestamp()


class CutDatabase:
    """The real one, but while it is cut its answers are lost after the commit."""

    def __init__(self, database):
        self._database, self.is_cut = database, False

    async def run(self, work, *args, **kwargs):
        answer = await self._database.run(work, *args, **kwargs)
        if self.is_cut:
            raise DatabaseBusyError("cut by the test")
        return answer

    async def read(self, look, *args, **kwargs):
        return await self._database.read(look, *args, **kwargs)


class Bank(Outside):
    def __init__(self, database, cut, clock):
        self.database, self.cut, self.clock = database, cut, clock

    def show(self, payment_id, sign):
        """A statement shows a transfer of ours, or one that we wait for."""
        known = self.database.read_now(book.find_transfer, payment_id)
        amount = f"{sign}{known.amount_minor // 100}.{known.amount_minor % 100:02d}"
        line = bank_world.line(amount, f"Thanks {known.reference}")
        desk = bank_world.desk(self.clock.now(), lambda *_: None)
        self.database.run_now(service.take_statement, desk, bank_world.statement_of(line), "s.csv", "olga")

    async def pay(self, charge):
        self.show(charge.payment_id, "")

    async def refuse(self, charge):
        self.clock.time += timedelta(seconds=PAY_S)

    async def carry_out(self, payment_id):
        self.show(payment_id, "-")

    @contextlib.contextmanager
    def silence(self):
        self.cut.is_cut = True
        yield
        self.cut.is_cut = False


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def cut(database):
    return CutDatabase(database)


@pytest.fixture
def provider(cut, clock, database):
    row = {"merchant_id": "mer_1", "provider": "bank_transfer", "holder": "Mo", "account": bank_world.MERCHANT_IBAN}
    database.run_now(lambda c: c.execute(insert(payout_account).values(**row, changed_at=clock.now(), changed_by="mo")))
    return BankTransferProvider(
        cut, clock, bank_world.OWN, bank_name="Commerzbank", currency="CNY", pay_s=PAY_S, random=bank_world.chance()
    )


class TestBankTransfer(ProviderContract):
    @pytest.fixture
    def methods(self):
        return dict.fromkeys(("ok", "decline", "silent"), "bank_transfer:iban")

    @pytest.fixture
    def outside(self, database, cut, clock):
        return Bank(database, cut, clock)


async def test_the_shopper_is_told_account_reference_and_amount(provider):
    charge = charge_of("bank_transfer:iban")
    pending = await provider.charge(charge)
    how = await provider.how_to_pay(charge.payment_id, pending.provider_reference)
    assert (how.iban, how.amount_minor, how.reference) == (bank_world.OWN.iban, 11_100, pending.provider_reference)
    assert how.code_text == "", "EPC069-12 knows EUR only"


async def test_after_its_money_came_there_is_nothing_to_do(provider, database, cut, clock):
    charge = charge_of("bank_transfer:iban")
    await paid(provider, Bank(database, cut, clock), charge)
    assert await provider.how_to_pay(charge.payment_id, "") is None


async def test_another_currency_is_refused_with_the_reason(provider):
    outcome = await provider.charge(replace(charge_of("bank_transfer:iban"), currency="EUR"))
    assert outcome.state is OutcomeState.FAILED and "CNY" in outcome.reason


async def test_a_payout_without_an_account_fails_and_says_what_to_do(provider):
    out = PayOut(payout_id="out_x", merchant_id="mer_2", amount_minor=1, currency="CNY")
    outcome = await provider.pay_out(out)
    assert outcome.state is OutcomeState.FAILED and "money page" in outcome.reason


async def test_money_that_comes_after_the_time_still_counts(provider, database, cut, clock):
    charge = charge_of("bank_transfer:iban")
    await provider.charge(charge)
    clock.time += timedelta(seconds=PAY_S)
    assert (await provider.find(charge.payment_id)).state is OutcomeState.FAILED
    await Bank(database, cut, clock).pay(charge)
    assert (await provider.find(charge.payment_id)).state is OutcomeState.SUCCEEDED


async def test_a_refund_of_what_never_came_fails(provider):
    charge = charge_of("bank_transfer:iban")
    await provider.charge(charge)
    assert (await provider.refund(refund_of(charge, 1))).state is OutcomeState.FAILED
