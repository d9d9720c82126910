"""What a statement does to orders: exact, short, too much, twice, late, unknown. Nothing is lost or moves twice."""

import pytest

from cloud_relay import tables
from cloud_relay.escrow import payments, payouts
from cloud_relay.escrow.bank import book, service
from cloud_relay.escrow.providers.bank_transfer import BankTransferProvider
from cloud_relay.escrow.worker import PaymentWorker
from cloud_relay.orders import service as orders
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.refusals import RefusedError
from tests.cloud_relay.escrow import bank_world
from tests.cloud_relay.escrow.bank_world import decided, desk_of, imported, line
from tests.cloud_relay.trade_world import WorldClock

TOTAL = 11_100
"""Price and shipping of the world's listing, in fen."""


@pytest.fixture
def world(world):
    world.trade = type(world.trade)(providers=frozenset({"bank_transfer"}), pay_s={"bank_transfer": 5 * 86400})
    return world


@pytest.fixture
def worker(world):
    clock = WorldClock(world)
    provider = BankTransferProvider(
        world.database, clock, bank_world.OWN, bank_name="", currency="CNY", pay_s=5 * 86400,
        random=bank_world.chance(11),
    )  # fmt: skip
    return PaymentWorker(world.database, clock, {"bank_transfer": provider}, world.trade)


async def ordered(world, worker, account="ann"):
    """Place an order to be paid by transfer; return it and the reference that the shopper is shown."""
    placed = world.place(account, listing_id="lis_1", payment_method="bank_transfer:iban")
    paid = world.database.read_now(payments.load, placed.payment_id)
    assert await worker.attempt(paid, lambda connection, state: state) == "started"
    return placed, world.database.read_now(book.find_transfer, placed.payment_id).reference


def state(world, placed):
    return world.order(placed.order_id)["state"]


def entries(world):
    return world.rows(tables.bank_entry)


def suspense(world):
    return world.balance("suspense:bank_transfer")


def psp(world):
    return -world.balance("psp:bank_transfer")


async def test_the_whole_amount_pays_the_order(world, worker):
    placed, reference = await ordered(world, worker)
    assert imported(world, line("111.00", f"tea {reference.lower()}")) == {"entries": 1, "new": 1, "waiting": 0}
    assert state(world, placed) == "paid"
    assert (world.balance(f"escrow:{placed.order_id}"), suspense(world), psp(world)) == (TOTAL, 0, TOTAL)


async def test_an_order_waits_for_its_transfer_as_long_as_it_says(world, worker):
    placed, _ = await ordered(world, worker)
    assert (placed.pay_until - world.now).days == 5


async def test_the_same_statement_again_adds_nothing(world, worker):
    placed, reference = await ordered(world, worker)
    lines = [line("111.00", reference), line("3.00", "what is this")]
    imported(world, *lines)
    assert imported(world, *lines)["new"] == 0
    assert imported(world, *lines, line("4.00", "more"))["new"] == 1
    assert (state(world, placed), psp(world)) == ("paid", TOTAL + 300 + 400)


async def test_too_little_waits_for_the_rest_and_then_pays(world, worker):
    placed, reference = await ordered(world, worker)
    imported(world, line("100.00", reference))
    assert (state(world, placed), suspense(world)) == ("unpaid", 10_000)
    imported(world, line("10.99", reference))
    assert (state(world, placed), suspense(world)) == ("unpaid", 11_099)
    imported(world, line("0.01", reference))
    assert (state(world, placed), suspense(world), psp(world)) == ("paid", 0, TOTAL)


async def test_too_little_goes_back_when_the_order_is_over(world, worker):
    placed, reference = await ordered(world, worker)
    imported(world, line("100.00", reference))
    world.later(5 * 86400)
    world.database.run_now(orders.settle_due, placed.order_id, world.now, world.trade)
    assert world.database.run_now(service.send_back_ended, desk_of(world)) == 1
    assert world.database.run_now(service.send_back_ended, desk_of(world)) == 0
    await sent(world, worker)
    assert (state(world, placed), suspense(world), psp(world)) == ("expired", 0, 0)


async def sent(world, worker):
    """Make a payment file, and let the next statement show every transfer of it."""
    await worker.work_once()
    made = world.database.run_now(service.make_file, desk_of(world), "olga")
    outs = world.rows(tables.bank_transfer, tables.bank_transfer.c.file_id == made["file_id"])
    assert len(outs) == made["transfers"]
    lines = [line(f"-{one['amount_minor'] / 100:.2f}", f"out {one['reference']}") for one in outs]
    assert imported(world, *lines)["waiting"] == 0
    return outs


async def test_too_much_pays_the_order_and_the_rest_goes_back(world, worker):
    placed, reference = await ordered(world, worker)
    imported(world, line("120.00", reference))
    assert (state(world, placed), suspense(world)) == ("paid", 900)
    outs = await sent(world, worker)
    assert [(one["amount_minor"], one["iban"]) for one in outs] == [(900, bank_world.SHOPPER_IBAN)]
    assert (suspense(world), psp(world)) == (0, TOTAL)


async def test_what_is_paid_twice_goes_back_once(world, worker):
    placed, reference = await ordered(world, worker)
    imported(world, line("111.00", reference), line("111.00", reference))
    assert (state(world, placed), suspense(world)) == ("paid", TOTAL)
    assert len(await sent(world, worker)) == 1
    assert (suspense(world), psp(world)) == (0, TOTAL)


async def test_late_money_takes_the_piece_again_or_goes_back(world, worker):
    world.account("cat", nickname="Cat")
    first, reference = await ordered(world, worker)
    second, other = await ordered(world, worker, "bob")
    world.later(5 * 86400)
    for placed in (first, second):
        world.database.run_now(orders.settle_due, placed.order_id, world.now, world.trade)
    imported(world, line("111.00", reference))
    assert state(world, first) == "paid", "the piece was still free"
    world.place("cat", listing_id="lis_1", payment_method="bank_transfer:iban")  # the last piece is hers meanwhile
    imported(world, line("111.00", other))
    assert state(world, second) == "expired"
    await sent(world, worker)
    assert (world.balance(f"escrow:{second.order_id}"), psp(world)) == (0, TOTAL)


async def test_money_for_a_cancelled_order_goes_back(world, worker):
    placed, reference = await ordered(world, worker)
    world.walk(placed.order_id, E.CANCEL_ASKED)
    imported(world, line("111.00", reference))
    assert len(await sent(world, worker)) == 1
    assert (state(world, placed), psp(world)) == ("cancelled", 0)
    assert [row["state"] for row in world.refunds()] == ["succeeded"]


async def test_an_unknown_text_settles_nothing_until_somebody_says_what_it_is(world, worker):
    placed, _ = await ordered(world, worker)
    assert imported(world, line("111.00", "for the teapot"))["waiting"] == 1
    assert (state(world, placed), suspense(world)) == ("unpaid", TOTAL)
    assert [row["kind"] for row in world.rows(tables.notice, tables.notice.c.account_id == "olga")] == ["bank_waits"]
    entry = entries(world)[0]["entry_id"]
    decided(world, entry, "assign", order=placed.order_id)
    assert (state(world, placed), suspense(world)) == ("paid", 0)
    with pytest.raises(RefusedError, match="decided"):
        decided(world, entry, "send_back")


async def test_a_person_cannot_make_too_little_enough(world, worker):
    placed, _ = await ordered(world, worker)
    imported(world, line("110.99", "for the teapot"))
    assert decided(world, entries(world)[0]["entry_id"], "assign", order=placed.order_id[-6:])["state"] == "short"
    assert (state(world, placed), suspense(world)) == ("unpaid", 11_099)


async def test_two_references_in_one_transfer_are_a_persons_to_sort_out(world, worker):
    (first, one), (_, other) = await ordered(world, worker), await ordered(world, worker, "bob")
    imported(world, line("111.00", f"{one} {other}"))
    assert (state(world, first), suspense(world)) == ("unpaid", TOTAL)


async def test_another_currency_under_the_right_reference_settles_nothing(world, worker):
    placed, reference = await ordered(world, worker)
    imported(world, line("111.00", reference, currency="USD"))
    assert state(world, placed) == "unpaid"
    assert world.balance("suspense:bank_transfer", "USD") == TOTAL


async def test_money_can_be_sent_back_or_kept_with_a_reason(world, worker):
    imported(world, line("50.00", "gift", iban=""), line("60.00", "interest", name="Bank"))
    gift, interest = sorted(entries(world), key=lambda one: one["amount_minor"])
    with pytest.raises(ValueError, match="iban"):
        decided(world, gift["entry_id"], "send_back")
    decided(world, gift["entry_id"], "send_back", iban=bank_world.SHOPPER_IBAN)
    with pytest.raises(RefusedError, match="reason"):
        decided(world, interest["entry_id"], "keep")
    decided(world, interest["entry_id"], "keep", reason="interest of January")
    await sent(world, worker)
    assert (suspense(world), psp(world), world.balance("loss")) == (0, 6_000, 6_000)


def test_a_cost_lowers_what_we_hold_and_waits_for_its_explanation(world):
    assert imported(world, line("-7.50", "account fee"))["waiting"] == 1
    entry = entries(world)[0]
    assert (psp(world), world.balance("loss")) == (-750, -750)
    with pytest.raises(RefusedError, match="no_money"):
        decided(world, entry["entry_id"], "assign", order="x")
    assert decided(world, entry["entry_id"], "seen", reason="monthly fee")["state"] == "seen"


def test_a_statement_of_another_account_is_refused(world):
    found = bank_world.statement_of(line("1.00", "x"))
    other = type(found)("FR1420041010050500013M02606", found.entries)
    with pytest.raises(RefusedError, match="other_account"):
        world.database.run_now(service.take_statement, desk_of(world), other, "s", "olga")


async def test_a_refund_whose_payer_is_unknown_waits_for_an_account(world, worker):
    placed, reference = await ordered(world, worker)
    imported(world, line("111.00", reference, iban=""))
    world.walk(placed.order_id, E.CANCEL_ASKED, E.CANCEL_DONE)
    await worker.work_once()
    with pytest.raises(RefusedError, match="nothing_to_send"):
        world.database.run_now(service.make_file, desk_of(world), "olga")
    refund = world.refunds()[0]["payment_id"]
    world.database.run_now(service.give_account, desk_of(world), refund, "Ann", bank_world.SHOPPER_IBAN)
    assert len(await sent(world, worker)) == 1
    assert (world.balance(f"escrow:{placed.order_id}"), psp(world)) == (0, 0)


async def test_another_account_keeps_nothing_of_the_old_one(world, worker):
    imported(world, line("50.00", "gift"))
    decided(world, entries(world)[0]["entry_id"], "send_back")
    (out,) = world.rows(tables.bank_transfer, tables.bank_transfer.c.kind == "return")
    world.database.run_now(book.save_transfer, out["payment_id"], world.now, bic="BARCGB22XXX")
    world.database.run_now(service.give_account, desk_of(world), out["payment_id"], "Ann", bank_world.MERCHANT_IBAN)
    known = world.database.read_now(book.find_transfer, out["payment_id"])
    assert (known.iban, known.bic) == (bank_world.MERCHANT_IBAN, "")


def test_nobody_here_says_where_a_payout_goes(world):
    world.database.run_now(
        book.add_transfer, "out_1", book.PAYOUT, world.now, reference="RF18", amount_minor=1, currency="CNY",
        holder="Mo", iban=bank_world.MERCHANT_IBAN, merchant_id="mer_1",
    )  # fmt: skip
    with pytest.raises(RefusedError, match="merchants_own"):
        world.database.run_now(service.give_account, desk_of(world), "out_1", "Olga", bank_world.SHOPPER_IBAN)
    assert world.database.read_now(book.find_transfer, "out_1").iban == bank_world.MERCHANT_IBAN


async def test_a_payment_file_is_made_once_and_a_refused_one_waits_again(world, worker):
    _, reference = await ordered(world, worker)
    imported(world, line("120.00", reference))
    made = world.database.run_now(service.make_file, desk_of(world), "olga")
    with pytest.raises(RefusedError, match="nothing_to_send"):
        world.database.run_now(service.make_file, desk_of(world), "olga")
    content = world.database.read_now(book.find_file, made["file_id"])
    assert content is not None and b'<InstdAmt Ccy="CNY">9.00</InstdAmt>' in content
    assert world.database.run_now(book.refuse_file, made["file_id"], "wrong date", world.now)
    assert not world.database.run_now(book.refuse_file, made["file_id"], "wrong date", world.now)
    assert len(await sent(world, worker)) == 1


async def test_a_payout_reaches_the_merchants_account_or_comes_back_to_it(world, worker):
    placed, reference = await ordered(world, worker)
    imported(world, line("111.00", reference))
    world.walk(placed.order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.RECEIPT)
    earned = world.balance("payable:mer_1")
    world.add(tables.payout_account, merchant_id="mer_1", provider="bank_transfer", holder="Mo",
              account=bank_world.MERCHANT_IBAN, bic="", changed_at=world.now, changed_by="owner_mer_1")  # fmt: skip
    chosen = world.database.read_now(payouts.choose_provider, ("sandbox", "bank_transfer"), earned, "CNY")
    assert chosen == "bank_transfer", "the sandbox holds nothing of it"
    world.database.run_now(payouts.start, "mer_1", earned, "CNY", chosen, world.now)
    outs = await sent(world, worker)
    assert [row["state"] for row in world.rows(tables.payout)] == ["succeeded"]
    assert psp(world) == TOTAL - earned
    imported(world, line(f"{earned / 100:.2f}", f"return {outs[0]['reference']} account closed", name="Bank"))
    back = next(one for one in entries(world) if one["state"] == "came_back")
    decided(world, back["entry_id"], "credit")
    assert (world.balance("payable:mer_1"), suspense(world)) == (earned, 0)


PLAIN = " "
"""The bank's reference as a CSV without that column has it."""


async def test_one_day_as_csv_and_as_camt_is_counted_once(world, worker):
    placed, reference = await ordered(world, worker)
    imported(world, line("111.00", f"tea {reference}", reference=PLAIN, iban=""))
    told = imported(world, line("111.00", reference, name="Ann Smith", reference="NR-1"))
    assert (told["new"], told["waiting"]) == (1, 1), "it is before a person, and not sent back as paid twice"
    assert (state(world, placed), suspense(world), psp(world)) == ("paid", 0, TOTAL)
    assert not world.rows(tables.bank_transfer, tables.bank_transfer.c.kind == "return")
    assert world.database.read_now(book.held, "CNY") == TOTAL
    again = next(one for one in entries(world) if one["state"] == "repeated")
    with pytest.raises(RefusedError, match="no_money"):
        decided(world, again["entry_id"], "send_back")
    assert decided(world, again["entry_id"], "seen", reason="the CSV had it")["state"] == "same"
    assert (world.database.read_now(book.held, "CNY"), psp(world)) == (TOTAL, TOTAL)


async def test_what_a_person_says_is_another_one_is_booked_then(world, worker):
    _, reference = await ordered(world, worker)
    imported(world, line("111.00", reference, reference=PLAIN))
    imported(world, line("111.00", reference, reference="NR-2"))
    again = next(one for one in entries(world) if one["state"] == "repeated")
    world.later(10 * 86400)
    assert decided(world, again["entry_id"], "book")["state"] == "going_back", "paid twice after all"
    assert (suspense(world), psp(world), world.database.read_now(book.held, "CNY")) == (TOTAL, 2 * TOTAL, 2 * TOTAL)
    with pytest.raises(RefusedError, match="decided"):
        decided(world, again["entry_id"], "book")


async def test_a_transfer_of_ours_that_two_formats_show_is_no_loss(world, worker):
    _, reference = await ordered(world, worker)
    imported(world, line("120.00", reference))
    (out,) = await sent(world, worker)
    name = f"{out['reference']} return"
    imported(world, line("-9.00", name, reference=PLAIN, iban=""), line("-7.50", "fee", reference=PLAIN, iban=""))
    assert world.balance("loss") == -750, "the transfer waits for a person, the fee is a cost"
    imported(world, line("-7.50", "Account fee", reference="NR-3", iban=""))
    assert (world.balance("loss"), psp(world)) == (-750, TOTAL - 750)


@pytest.mark.parametrize(
    "other", [{"reference": "NR-5"}, {"day": "2030-01-03"}, {"amount": "110.00"}, {"iban": bank_world.MERCHANT_IBAN}]
)
async def test_what_differs_in_day_amount_or_payer_is_another_one(world, worker, other):
    first = "NR-4" if other.get("reference") else PLAIN
    imported(world, line("111.00", "tea", reference=first))
    told = imported(world, line(**{"amount": "111.00", "text": "tea", "reference": "NR-6", **other}))
    assert told["new"] == 1 and "repeated" not in {one["state"] for one in entries(world)}
