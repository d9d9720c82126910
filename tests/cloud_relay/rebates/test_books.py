"""The books of rebates: what the check of them sees, and the public proof."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cloud_relay import tables
from cloud_relay.escrow import ledger
from cloud_relay.escrow.rules import Posting
from cloud_relay.rebates import reading, rules
from cloud_relay.rebates.rules import Rebate

UNPAID = """INSERT INTO rebate_withdrawal
    (withdrawal_id, account_id, market, amount_minor, currency, state, asked_at, until)
    VALUES ('w', 'ann', 'cn', 5, 'CNY', 'confirmed', '', '')"""


def test_nothing_but_settled_commissions_ever_reaches_the_pot(market):
    market.switch()
    market.sell("ann")
    database = market.world.database

    def seed(connection):
        line = Posting("fees:cn", "pot:cn", 100)
        ledger.post(connection, "seed", "seed", [line], market.world.now, currency="CNY")
        found = [row.rule for row in connection.execute(text("SELECT rule FROM violations"))]
        assert found == ["R2 pot fed with more or less than its commissions say"]
        raise InterruptedError

    with pytest.raises(InterruptedError):
        database.run_now(seed)


@pytest.mark.parametrize(
    ("change", "rule"),
    [("UPDATE rebate_ticket SET paid_minor = 7 WHERE queue_no = 3", "R4"),
     ("UPDATE rebate_ticket SET paid_minor = 7 WHERE queue_no = 2", "R5"),
     ("UPDATE rebate_ticket SET state = 'full' WHERE queue_no = 2", "R3"),
     ("UPDATE rebate_feed SET amount_minor = 1001 WHERE sale_id = 'sale_2'", "R1"),
     ("UPDATE rebate_feed SET state = 'waiting' WHERE sale_id = 'sale_2'", "R8"),
     ("UPDATE rebate_ticket SET queue_no = 9 WHERE state = 'unfed'", "R8"),
     ("UPDATE rebate_feed SET state = 'fed' WHERE state = 'waiting'", "R9"),
     ("UPDATE rebate_ticket SET returned_minor = paid_minor WHERE queue_no = 1", "R11"),
     ("UPDATE rebate_ticket SET state = 'refunded' WHERE queue_no = 2", "R12"),
     ("UPDATE rebate_queue SET last_no = 7", "R12"),
     (UNPAID, "R7")],
)  # fmt: skip
def test_a_broken_book_is_seen(market, change, rule):
    market.switch()
    for name in ("ann", "bob", "bob"):
        market.sell(name)
    market.ripe()
    market.settle("day 1")
    market.sell("ann")

    def damage(connection):
        connection.execute(text(change))
        found = {row.rule.split()[0] for row in connection.execute(text("SELECT rule FROM violations"))}
        assert rule in found
        raise InterruptedError

    with pytest.raises(InterruptedError):
        market.world.database.run_now(damage)


@pytest.mark.parametrize(
    ("reference", "debit", "credit", "rule"),
    [("theft", "pot:cn", "payable:mer_1", "R10"), ("theft", "pot:cn", "rebate:cn/bob", "R10"),
     ("rebate_paid:cn/CNY/day 1", "pot:cn", "rebate:cn/bob", "R6"),
     ("rebate_paid:cn/CNY/day 9", "pot:cn", "rebate:cn/bob", "R10"),
     ("rebate_unfed:counter:sale_1", "pot:cn", "fees:cn", "R10"),
     ("theft", "rebate:cn/ann", "rebate:cn/bob", "R10"), ("theft", "rebate:cn/ann", "pot:cn", "R10"),
     ("payout:out_x", "rebate:cn/ann", "psp:sandbox", "R10"),
     ("payout_failed:out_x", "psp:sandbox", "rebate:cn/ann", "R10")],
)  # fmt: skip
@pytest.mark.both_stores
def test_a_theft_from_the_pot_or_a_rebate_account_is_seen(market, reference, debit, credit, rule):
    market.switch()
    market.sell("ann")
    market.sell(None, 90_000)
    market.ripe()
    market.settle("day 1")
    assert (market.has("ann"), market.pot) == (2000, 3000)

    def steal(connection):
        if reference == "rebate_paid:cn/CNY/day 1":  # its own transfer is there: one more line of it
            line = {"reference": reference, "line": 9, "debit": debit, "credit": credit, "amount_minor": 5}
            connection.execute(tables.posting.insert().values(**line, currency="CNY"))
        else:
            lines = [Posting(debit, credit, 5)]
            ledger.post(connection, reference, "theft", lines, market.world.now, currency="CNY")
        found = {row.rule.split()[0] for row in connection.execute(text("SELECT rule FROM violations"))}
        assert rule in found
        raise InterruptedError

    with pytest.raises(InterruptedError):
        market.world.database.run_now(steal)


@pytest.mark.both_stores
def test_decisions_and_settlements_are_never_changed(market):
    market.switch()
    market.sell("ann")
    market.ripe()
    market.settle("day 1")
    for table in ("rebate_switch", "rebate_batch", "rebate_payment"):
        forgetting = text(f"DELETE FROM {table}")
        with pytest.raises(DBAPIError):
            market.world.database.run_now(lambda connection, change=forgetting: connection.execute(change))


def test_the_proof_can_be_made_again_from_what_is_public(market):
    market.switch()
    for name in ("ann", "bob", "ann"):
        market.sell(name)
    previous = "0" * 64
    for day in ("1", "2"):
        market.ripe()
        market.settle(day)
        proof = market.read(reading.proof_of, "cn", "CNY", day)
        lines = [Rebate("", "", number, amount) for number, amount in proof["lines"]]
        not_facts = ("lines", "previous_sha256", "proof_sha256", "ran_at")
        facts = {name: value for name, value in proof.items() if name not in not_facts}
        assert proof["previous_sha256"] == previous
        previous = rules.proof_sha256(previous, facts, lines)
        assert proof["proof_sha256"] == previous
        before = proof["pot_before_minor"]
        assert proof["pot_minor"] == before - proof["paid_minor"] == before - sum(one.amount_minor for one in lines)
        market.sell(None, 3000)


def test_no_name_or_id_of_a_shopper_is_in_what_everybody_sees(market):
    market.switch()
    market.world.account("canary_id", nickname="canary name")
    market.sell("canary_id")
    market.ripe()
    market.settle("1")
    seen = repr([market.read(reading.of_market, "cn"), market.read(reading.proof_of, "cn", "CNY", "1"),
                 market.read(reading.line_of, "cn", "CNY", 0), market.of("ann")])  # fmt: skip
    row = market.rows(tables.rebate_ticket)[0]
    for secret in ("canary", row["ticket_id"], row["source"], "sale_1"):
        assert secret not in seen
