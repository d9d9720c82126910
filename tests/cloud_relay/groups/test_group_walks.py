"""People who pledge, pay, leave, and a clock, in any order: over the real database no rule of money is broken.

The walk keeps its own books of what the bank moved, and compares each group that is over with the pure arithmetic.
"""

import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import event

from cloud_relay import tables
from cloud_relay.db import Database
from cloud_relay.escrow.providers.base import OutcomeState
from cloud_relay.groups import rules
from cloud_relay.migrations import migrate
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.refusals import RefusedError
from tests.cloud_relay.groups.group_world import PEOPLE, GroupWorld
from tests.cloud_relay.trade_world import World
from wire.codec import from_json
from wire.plan import Text
from wire.promotions import Brought, Promotion, PromotionKind, savings

FAST = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
WHO = st.sampled_from(PEOPLE)
NUMBER = st.integers(0, 50)


@pytest.fixture(scope="module", autouse=True)
def _template():
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        path = Path(folder) / "template.sqlite3"
        database = Database(f"sqlite:///{path}")
        migrate(database)
        database.close()
        Walking.template = path
        yield


class Walking(RuleBasedStateMachine):
    """One shop, a promotion of each kind, five people."""

    template: Path

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=FAST)
        path = Path(self.folder.name) / "relay.sqlite3"
        shutil.copy(self.template, path)
        database = Database(f"sqlite:///{path}")
        event.listen(database.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        self.groups = GroupWorld(World(database))
        self.world, self.bank = self.groups.world, 0
        self.ids, self.payments = [], []

    def teardown(self):
        self.world.database.close()
        self.folder.cleanup()

    @initialize(saving=st.integers(1, 9000), price=st.integers(1, 9999))
    def open_shop(self, saving, price):
        for name in PEOPLE:
            self.world.account(name)
        self.world.shop()
        self.world.listing(pieces=9, price_minor=9_901)
        self.world.listing(listing_id="lis_2", pieces=9, price_minor=10_007)
        self.kinds = [
            self.groups.promotion("group_price", price_minor=price),
            self.groups.promotion("spend_over", threshold_minor=19_000, saving_minor=saving),
            self.groups.promotion("n_for", price_minor=20_000 + price),
        ]

    def one(self, number):
        return self.ids[number % len(self.ids)]

    def tried(self, call, *args):
        try:
            return call(*args)
        except RefusedError:
            return None

    @rule(who=WHO, number=NUMBER)
    def begin(self, who, number):
        self.ids.append(self.groups.start(who, self.kinds[number % 3], close_after_s=3600))

    @precondition(lambda self: self.ids)
    @rule(who=WHO, number=NUMBER, listing=st.sampled_from(["lis_1", "lis_2"]))
    def pledge(self, who, number, listing):
        placed = self.tried(self.groups.pledge, who, self.one(number), listing)
        if placed is not None:
            self.payments.append(placed.payment_id)

    @precondition(lambda self: self.payments)
    @rule(number=NUMBER, is_good=st.sampled_from([True, True, True, False]))
    def bank_answers(self, number, is_good):
        payment_id = self.payments[-1 - number % len(self.payments)]
        (before,) = self.world.rows(tables.payment, tables.payment.c.payment_id == payment_id)
        self.world.settle(payment_id, OutcomeState.SUCCEEDED if is_good else OutcomeState.FAILED)
        if is_good and before["state"] != "succeeded":
            self.bank += before["amount_minor"]

    @rule()
    def bank_gives_back(self):
        self.bank -= self.groups.give_back()

    @precondition(lambda self: self.ids)
    @rule(who=WHO, number=NUMBER)
    def leave(self, who, number):
        self.tried(self.groups.leave, who, self.one(number))

    @precondition(lambda self: self.payments)
    @rule(number=NUMBER, what=st.sampled_from([E.CANCEL_ASKED, E.PHOTOGRAPHED, E.PIECE_GONE, E.DISPUTE_OPENED,
                                               E.RULED_REFUND, E.PAY_DUE]))  # fmt: skip
    def something_happens(self, number, what):
        orders = self.world.rows(tables.orders)
        order = orders[number % len(orders)]
        if what is E.PIECE_GONE and order["state"] not in ("pledged", "paid"):
            return
        if what is E.PAY_DUE and order["due_at"] and order["due_at"] > self.world.now:
            return
        self.tried(lambda: self.world.happen(order["order_id"], what, actor=order["account_id"]))

    @precondition(lambda self: self.ids)
    @rule(number=NUMBER, late=st.sampled_from([timedelta(milliseconds=-1), timedelta(0), timedelta(milliseconds=1)]))
    def the_deadline_comes(self, number, late):
        row = self.groups.group(self.one(number))
        self.world.now = max(self.world.now, row["close_until"] + late)
        was_open, is_due = row["state"] == "open", row["close_until"] <= self.world.now
        assert self.groups.close(row["group_id"]) == (was_open and is_due)

    @rule(seconds=st.sampled_from([1, 400, 1000]))
    def time_passes(self, seconds):
        self.world.later(seconds)

    @invariant()
    def no_rule_of_the_view_is_broken(self):
        assert self.world.database.violations() == []

    @invariant()
    def our_book_mirrors_the_bank(self):
        assert -self.world.balance("psp:sandbox") == self.bank

    @invariant()
    def every_complete_group_saves_what_the_promotion_says(self):
        for group in self.world.rows(tables.group_order, tables.group_order.c.state == "succeeded"):
            rows = self.world.rows(
                tables.pledge.join(tables.orders, tables.orders.c.order_id == tables.pledge.c.order_id),
                tables.pledge.c.group_id == group["group_id"],
            )
            counted = [row for row in rows if row["saving_minor"]]
            assert sum(row["saving_minor"] for row in counted) == group["saving_minor"]
            terms = from_json(Promotion, group["terms"])
            if terms.kind is PromotionKind.SPEND_OVER:
                assert group["saving_minor"] == terms.saving_minor
            assert all(row["total_minor"] > 0 for row in rows)


TestWalking = Walking.TestCase
TestWalking.settings = settings(
    max_examples=int(os.environ.get("VITRINE_MACHINE_EXAMPLES", "20")), stateful_step_count=25, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip

PRICES = st.lists(st.integers(1, 50_000), max_size=6)


@given(
    st.sampled_from(PromotionKind), PRICES, st.integers(1, 50_000), st.integers(2, 8), st.integers(1, 40_000),
    st.integers(1, 60_000),
)  # fmt: skip
def test_what_is_said_before_paying_never_makes_a_piece_free_and_is_exact_where_it_says_so(
    kind, prices, own, count, price, threshold
):
    promotion = Promotion(
        promotion_id="p", kind=kind, title=Text(en="", zh=""), currency="CNY", count=count, price_minor=price,
        threshold_minor=threshold, saving_minor=max(1, threshold // 2),
    )  # fmt: skip
    items = [Brought(person=f"a{number}", listing_id="l", price_minor=one) for number, one in enumerate(prices)]
    new = Brought(person="me", listing_id="l", price_minor=own)
    saving, is_certain = rules.estimate(promotion, items, new)
    assert 0 <= saving < own or (kind is PromotionKind.GROUP_PRICE and saving == max(0, own - price))
    if is_certain and kind is not PromotionKind.GROUP_PRICE:
        assert saving == savings(promotion, [*items, new])[-1]
    assert rules.agreed_minor(promotion, own) <= own


def test_every_pair_of_state_and_event_is_decided():
    ends = {rules.GroupState.SUCCEEDED, rules.GroupState.FAILED}
    for state in rules.GroupState:
        for what in rules.GroupEvent:
            after = rules.step(state, what)
            if state is rules.GroupState.SUCCEEDED:
                assert after is state
            if state is rules.GroupState.OPEN:
                assert after in ends
            if state is rules.GroupState.FAILED and what is not rules.GroupEvent.PAID_AT_COUNTER:
                assert after is state
