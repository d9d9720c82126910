"""A day of our ledger beside the provider's list: planted differences are found, midnight and open ones are none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from typer.testing import CliRunner

from cloud_relay.cli import app
from cloud_relay.escrow import ledger, payouts, rules
from cloud_relay.escrow.bank import book
from cloud_relay.escrow.providers.bank_transfer import BankTransferProvider
from cloud_relay.escrow.providers.base import Movement, Outcome, OutcomeState
from cloud_relay.escrow.providers.sandbox import SandboxProvider
from cloud_relay.escrow.reconciliation import Difference, compare, compare_day
from cloud_relay.escrow.rules import Posting
from cloud_relay.escrow.worker import PaymentWorker
from cloud_relay.tables import payout_account
from tests.cloud_relay.escrow import bank_world
from tests.cloud_relay.escrow.test_bank_statements import entries, ordered, sent
from tests.cloud_relay.escrow.test_worker import released, worker
from tests.cloud_relay.trade_servers import PATIENT_S, SECRET, WEBHOOK_SECRET
from tests.cloud_relay.trade_world import WorldClock

__all__ = ["worker"]

DAY = datetime(2030, 1, 1, tzinfo=UTC)
NEXT = DAY + timedelta(days=1)


def movement(payment_id="pay_1", amount=100, kind="charge", hours=9.0):
    return Movement(kind=kind, payment_id=payment_id, amount_minor=amount, currency="CNY",
                    at=DAY + timedelta(hours=hours))  # fmt: skip


def differences(ours, theirs, open_ids=()):
    lines = compare(ours, theirs, DAY, NEXT, frozenset(open_ids))
    return {(one.payment_id, one.difference) for one in lines if one.difference and not one.is_open}


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(-99, 99)), max_size=8, unique_by=lambda one: one[0]), st.data()
)
def test_equal_books_agree_and_any_planted_difference_is_found(rows, data):
    book = [movement(f"pay_{name}", amount) for name, amount in rows if amount]
    assert differences(book, book) == set()
    if not book:
        return
    place = data.draw(st.integers(0, len(book) - 1))
    one, rest = book[place], book[:place] + book[place + 1 :]
    assert differences(book, rest) == {(one.payment_id, Difference.MISSING_THERE)}
    assert differences(rest, book) == {(one.payment_id, Difference.MISSING_HERE)}
    assert differences(book, [*book, one]) == {(one.payment_id, Difference.DOUBLED_THERE)}
    other = replace(one, amount_minor=one.amount_minor + 1)
    found = differences(book, [*rest, other])
    assert found == {(one.payment_id, Difference.OTHER_AMOUNT)} or one.amount_minor == -1


def test_midnight_is_no_difference_and_neither_is_what_is_under_way():
    assert differences([movement(hours=0)], [movement(hours=-0.1)]) == set()
    assert differences([movement(hours=24.1)], [movement(hours=23.9)]) == set()
    assert differences([movement(kind="payout", payment_id="out_1")], [], ["out_1"]) == set()


def test_a_payout_that_came_back_is_nothing():
    ours = [movement("out_1", -100, "payout"), movement("out_1", 100, "payout")]
    assert differences(ours, []) == set()


@pytest.fixture
async def provider(bank):
    provider = SandboxProvider(bank.url, SECRET, WEBHOOK_SECRET, timeout_s=PATIENT_S)
    yield provider
    await provider.close()


async def today(world, provider):
    return await compare_day(world.database, provider, world.now.date())


@pytest.fixture
def now_world(world):
    """The market lives now, as the bank does; a difference of a day at midnight is within the margin."""
    world.now = datetime.now(UTC)
    return world


async def test_a_day_of_sales_agrees_and_each_planted_difference_is_found(now_world, worker, bank, provider):
    world = now_world
    placed = await released(world, worker)
    world.database.run_now(payouts.start, "mer_1", 5_000, "CNY", "sandbox", world.now)
    assert (await today(world, provider)).differences == (), "the payout is under way"
    await worker.work_once()
    report = await today(world, provider)
    assert report.differences == ()
    assert {(one.kind, one.ours_minor, one.theirs_minor) for one in report.lines} == {
        ("charge", placed.total_minor, placed.total_minor), ("payout", -5_000, -5_000),
    }  # fmt: skip
    books = bank._app.state.bank.database
    with books:
        books.execute("INSERT INTO movement SELECT * FROM movement WHERE kind = 'charge'")
    assert await kinds(world, provider) == {("charge", Difference.DOUBLED_THERE)}
    with books:
        books.execute("DELETE FROM movement WHERE kind = 'charge'")
        books.execute("UPDATE movement SET amount_minor = amount_minor - 1")
    assert await kinds(world, provider) == {
        ("charge", Difference.MISSING_THERE), ("payout", Difference.OTHER_AMOUNT),
    }  # fmt: skip
    with books:
        books.execute("INSERT INTO movement VALUES ('refund', 'ref_x', -7, 'CNY', ?, '')", (world.now.timestamp(),))
    assert ("refund", Difference.MISSING_HERE) in await kinds(world, provider)


async def kinds(world, provider):
    return {(one.kind, one.difference) for one in (await today(world, provider)).differences}


def test_the_command_says_what_differs_by_its_exit_code(site_data, free_port):
    data, bank = site_data
    run = CliRunner(env={"VITRINE_PAYMENT_SECRET": SECRET, "VITRINE_PAYMENT_WEBHOOK_SECRET": WEBHOOK_SECRET})
    noon = datetime.now(UTC).replace(hour=12)
    day = noon.date().isoformat()
    agreed = run.invoke(app, ["books", "--data", str(data), "--day", day])
    assert (agreed.exit_code, "0 differences" in agreed.output) == (0, True), agreed.output
    books = bank._app.state.bank.database
    with books:
        books.execute("INSERT INTO movement VALUES ('charge', 'pay_x', 100, 'CNY', ?, 'r')", (noon.timestamp(),))
    differs = run.invoke(app, ["books", "--data", str(data), "--day", day])
    assert differs.exit_code == 1 and "missing_here: charge pay_x" in differs.output
    assert run.invoke(app, ["books", "--data", str(data), "--provider", "gold"]).exit_code == 2
    assert run.invoke(app, ["books", "--data", str(data), "--day", "yesterday"]).exit_code == 2
    away = data / "relay.toml"
    away.write_text(f'[payment]\nurl = "http://127.0.0.1:{free_port()}"\n', encoding="utf-8")
    assert run.invoke(app, ["books", "--data", str(data), "--day", day]).exit_code == 2


@pytest.fixture
def site_data(tmp_path, migrated_file, bank):
    """Return a relay's data folder with an empty book, and the bank that its settings name."""
    (tmp_path / "relay.sqlite3").write_bytes(migrated_file.read_bytes())
    (tmp_path / "relay.toml").write_text(f'[payment]\nurl = "{bank.url}"\n', encoding="utf-8")
    return tmp_path, bank


async def test_a_bank_account_is_compared_entry_by_entry(world, bank_provider):
    provider, run = bank_provider
    _, reference = await ordered(world, run)
    bank_world.imported(world, bank_world.line("120.00", reference), bank_world.line("-7.50", "fee"))
    await sent(world, run)
    report = await compare_day(world.database, provider, world.now.date())
    assert report.differences == ()
    assert sorted(one.theirs_minor for one in report.lines) == [-900, -750, 12_000]
    first = entries(world)[0]["entry_id"]
    world.database.run_now(
        lambda c: c.execute(
            text("UPDATE bank_entry SET amount_minor = amount_minor + 1 WHERE entry_id = :e"), {"e": first}
        )
    )
    found = (await compare_day(world.database, provider, world.now.date())).differences
    assert [(one.payment_id, one.difference) for one in found] == [(first, Difference.OTHER_AMOUNT)]


async def test_a_payout_of_thursday_on_the_statement_of_tuesday_is_no_difference(world, bank_provider):
    provider, run = bank_provider
    world.trade = type(world.trade)(providers=frozenset({"bank_transfer"}), pay_s={"bank_transfer": 50 * 86400})
    _, reference = await ordered(world, run)
    bank_world.imported(world, bank_world.line("111.00", reference))
    world.add(payout_account, merchant_id="mer_1", provider="bank_transfer", holder="Mo",
              account=bank_world.MERCHANT_IBAN, bic="", changed_at=world.now, changed_by="mo")  # fmt: skip
    line = Posting(rules.LOSS, rules.payable("mer_1"), 5_000)
    world.database.run_now(ledger.post, "test:1", "test", [line], world.now, currency="CNY")
    world.later(3 * 86400)
    thursday = world.now.date()
    good = world.database.run_now(payouts.start, "mer_1", 3_000, "CNY", "bank_transfer", world.now).payout_id
    bad = world.database.run_now(payouts.start, "mer_1", 2_000, "CNY", "bank_transfer", world.now).payout_id
    await run.work_once()
    world.later(5 * 86400)
    no = Outcome(state=OutcomeState.FAILED, amount_minor=2_000, currency="CNY", reason="closed")
    world.database.run_now(payouts.settle, bad, no, world.now)
    out = world.database.read_now(book.find_transfer, good)
    bank_world.imported(world, bank_world.line("-30.00", f"out {out.reference}"))
    reports = [await compare_day(world.database, provider, day) for day in (thursday, world.now.date())]
    assert [report.differences for report in reports] == [(), ()]
    told = [{one.payment_id for one in report.lines if one.theirs_minor} for report in reports]
    assert told == [set(), {good}], "it belongs to the day of the statement"
    with_out = text("DELETE FROM bank_entry WHERE payment_id = :p")
    world.database.run_now(lambda c: c.execute(with_out, {"p": good}))
    found = (await compare_day(world.database, provider, thursday)).differences
    assert [(one.payment_id, one.difference) for one in found] == [(good, Difference.MISSING_THERE)]


@pytest.fixture
def bank_provider(world):
    world.trade = type(world.trade)(providers=frozenset({"bank_transfer"}), pay_s={"bank_transfer": 5 * 86400})
    provider = BankTransferProvider(
        world.database, WorldClock(world), bank_world.OWN, bank_name="", currency="CNY", pay_s=5 * 86400,
        random=bank_world.chance(12),
    )  # fmt: skip
    return provider, PaymentWorker(world.database, WorldClock(world), {"bank_transfer": provider}, world.trade)
