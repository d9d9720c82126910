"""The rule of the rebate queue, on its own and under long random lives: never more than the pot, nobody overtakes."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_relay.rebates import rules
from cloud_relay.rebates.rules import Place, Rebate, RebateError, Terms
from cloud_relay.refusals import RefusedError

NOW = datetime(2030, 1, 1, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)


def place(number, cap=100, paid=0, at=EARLIER):
    return Place(ticket_id=f"t{number}", account_id="a", queue_no=number, cap_minor=cap, paid_minor=paid, payable_at=at)


def test_the_first_is_paid_up_to_its_cap_before_the_next_gets_anything():
    assert rules.share_out(150, [place(3), place(7), place(9)], NOW) == [
        Rebate("t3", "a", 3, 100),
        Rebate("t7", "a", 7, 50),
    ]
    assert rules.share_out(30, [place(3, paid=80), place(7)], NOW) == [
        Rebate("t3", "a", 3, 20),
        Rebate("t7", "a", 7, 10),
    ]
    assert rules.share_out(0, [place(3)], NOW) == []


def test_nobody_overtakes_a_ticket_that_still_rests():
    assert rules.share_out(500, [place(1), place(2, at=LATER), place(3)], NOW) == [Rebate("t1", "a", 1, 100)]
    assert rules.share_out(500, [place(1, at=NOW)], NOW) == [Rebate("t1", "a", 1, 100)]


@pytest.mark.parametrize("line", [[place(2), place(1)], [place(1), place(1)], [place(1, paid=100)]])
def test_a_line_out_of_order_or_with_a_ticket_paid_in_full_is_refused(line):
    with pytest.raises(RebateError):
        rules.share_out(500, line, NOW)


def test_a_pot_below_zero_is_refused():
    with pytest.raises(RebateError):
        rules.share_out(-1, [place(1)], NOW)


@given(st.integers(0, 10**12), st.integers(1, rules.CAP_PPM_MAX), st.integers(1, rules.FEED_PPM_MAX))
def test_no_cap_reaches_the_price_and_no_feed_its_commission(amount, cap_ppm, feed_ppm):
    assert 0 <= rules.cap_minor(amount, cap_ppm) <= amount // 2
    assert 0 <= rules.feed_minor(amount, feed_ppm) <= amount // 2


@given(st.integers(0, 10**6), st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 999)), max_size=30))
def test_what_is_paid_never_passes_the_pot_and_leaves_no_gap(pot, tickets):
    line = [place(number, cap, min(paid, cap - 1)) for number, (cap, paid) in enumerate(tickets, 1)]
    paid = rules.share_out(pot, line, NOW)
    owed = [one.cap_minor - one.paid_minor for one in line]
    assert sum(one.amount_minor for one in paid) == min(pot, sum(owed))
    assert [one.queue_no for one in paid] == list(range(1, len(paid) + 1))
    assert [one.amount_minor for one in paid[:-1]] == owed[: max(0, len(paid) - 1)]


@given(st.lists(st.integers(1, 100), max_size=20), st.data())
def test_what_a_merchant_owes_stands_for_its_newest_sales(shares, data):
    owed = data.draw(st.integers(0, sum(shares)))
    count = rules.unsettled(owed, shares)
    assert sum(shares[:count]) >= owed
    assert count == 0 or sum(shares[: count - 1]) < owed


@pytest.mark.parametrize(
    "wrong",
    [{"feed_ppm": 0}, {"feed_ppm": 500_001}, {"cap_ppm": 0}, {"cap_ppm": 1_000_000}, {"wait_s": -1},
     {"wait_s": 91 * 86400}, {"withdraw_min_minor": 0}, {"withdraw_day_minor": 99}],
)  # fmt: skip
def test_terms_outside_the_rule_are_refused(wrong):
    with pytest.raises(RefusedError, match="bad_terms"):
        rules.check_terms(replace(Terms(), **wrong))
    assert not Terms().is_on, "off until somebody decides"


@pytest.mark.parametrize(
    ("amount", "gone", "refusal"), [(1001, 0, "not_that_much"), (99, 0, "too_little"), (600, 500, "day_limit")]
)
def test_a_withdrawal_beyond_its_limits_is_refused(amount, gone, refusal):
    terms = Terms(withdraw_min_minor=100, withdraw_day_minor=1000)
    with pytest.raises(RefusedError, match=refusal):
        rules.check_withdrawal(amount, 1000, gone, terms)
    rules.check_withdrawal(500, 1000, 500, terms)


def test_a_proof_hangs_on_every_figure_and_on_the_proof_before():
    facts, lines = {"pot_minor": 5}, [Rebate("t1", "a", 1, 2)]
    proof = rules.proof_sha256("0" * 64, facts, lines)
    others = [
        rules.proof_sha256(proof, facts, lines), rules.proof_sha256("0" * 64, {"pot_minor": 6}, lines),
        rules.proof_sha256("0" * 64, facts, [Rebate("t1", "a", 2, 2)]), rules.proof_sha256("0" * 64, facts, []),
    ]  # fmt: skip
    assert len({proof, *others}) == 5
    assert proof == rules.proof_sha256("0" * 64, facts, [Rebate("other", "a", 1, 2)]), "no ticket's id is in it"


class Life:
    """A market's life in memory, moved by the rules alone; its own sums say what must be true."""

    def __init__(self, seed: int) -> None:
        self.random, self.now = random.Random(seed), NOW
        self.pot = self.fed = self.out_of_pot = self.lost = self.withdrawn = 0
        self.balances, self.owed = Counter(), Counter()
        self.tickets: list[Place] = []
        self.owners: dict[str, int] = {}
        self.feeds: dict[str, int] = {}
        self.head = 0

    def sell(self) -> None:
        price, number = self.random.randrange(2, 100_000), len(self.tickets) + 1
        cap = rules.cap_minor(price, self.random.randrange(10_000, rules.CAP_PPM_MAX))
        feed = rules.feed_minor(price * 50_000 // 1_000_000, 200_000)
        self.pot, self.fed = self.pot + feed, self.fed + feed
        ticket = place(number, cap, at=self.now + timedelta(seconds=60))
        self.tickets.append(ticket)
        self.feeds[ticket.ticket_id], self.owners[ticket.ticket_id] = feed, self.random.randrange(50)

    def open_line(self) -> list[Place]:
        while self.head < len(self.tickets) and self.is_done(self.tickets[self.head]):
            self.head += 1
        return [one for one in self.tickets[self.head : self.head + 200] if not self.is_done(one)]

    def is_done(self, ticket: Place) -> bool:
        return ticket.ticket_id not in self.owners or ticket.paid_minor >= ticket.cap_minor

    def settle(self) -> None:
        line = self.open_line()
        paid = rules.share_out(self.pot, line, self.now)
        assert sum(one.amount_minor for one in paid) <= self.pot
        assert [one.queue_no for one in paid] == [one.queue_no for one in line[: len(paid)]]
        for one in paid:
            ticket = self.tickets[one.queue_no - 1]
            ticket = replace(ticket, paid_minor=ticket.paid_minor + one.amount_minor)
            assert ticket.paid_minor <= ticket.cap_minor
            self.tickets[one.queue_no - 1] = ticket
            owner = self.owners[one.ticket_id]
            self.pot -= one.amount_minor
            self.balances[owner] += one.amount_minor
            self.give_back(owner)

    def give_back(self, owner: int) -> None:
        amount = rules.take_back(self.owed[owner], self.balances[owner])
        self.owed[owner] -= amount
        self.balances[owner] -= amount
        self.pot += amount

    def refund(self) -> None:
        ticket = self.random.choice(self.tickets[-500:] or [place(0)])
        owner = self.owners.pop(ticket.ticket_id, None)
        if owner is None:
            return
        self.owed[owner] += ticket.paid_minor
        self.give_back(owner)
        feed = self.feeds.pop(ticket.ticket_id)
        from_pot = min(feed, self.pot)
        self.pot, self.out_of_pot, self.lost = (
            self.pot - from_pot,
            self.out_of_pot + from_pot,
            self.lost + feed - from_pot,
        )

    def withdraw(self) -> None:
        owner, terms = self.random.randrange(50), Terms(withdraw_min_minor=1, withdraw_day_minor=10**9)
        amount = self.random.randrange(1, 2000)
        try:
            rules.check_withdrawal(amount, self.balances[owner], 0, terms)
        except RefusedError:
            return
        self.balances[owner] -= amount
        self.withdrawn += amount

    def check(self) -> None:
        assert self.pot >= 0
        assert min(self.balances.values(), default=0) >= 0
        assert self.fed - self.out_of_pot == self.pot + self.balances.total() + self.withdrawn

    def live(self, steps: int) -> None:
        deeds = [self.sell, self.refund, self.settle, self.withdraw]
        for _ in range(steps):
            self.now += timedelta(seconds=self.random.randrange(20))
            self.random.choices(deeds, weights=[5, 1, 1, 2])[0]()
            self.check()


@pytest.mark.parametrize(("seed", "steps"), [(1, 4_000), pytest.param(3, 100_000, marks=pytest.mark.full)])
def test_through_a_long_random_life_every_unit_is_accounted_for(seed, steps):
    life = Life(seed)
    life.live(steps)
    assert life.withdrawn > 0
    assert life.out_of_pot > 0
    assert any(one.paid_minor == one.cap_minor for one in life.tickets)
