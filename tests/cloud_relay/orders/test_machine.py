"""Shoppers, shop, courier, bank, operator and clock in any order: over the real database money and goods hold.

The machine keeps its own small books: what the bank moved, when each deadline is, which piece is whose. Deadlines are
visited one second before, at, and one second after, because random steps of time do not land on them.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import event

from cloud_relay import tables
from cloud_relay.db import Database
from cloud_relay.escrow.providers.base import OutcomeState
from cloud_relay.migrations import migrate
from cloud_relay.orders import reservations, service
from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.orders.trade import Trade
from cloud_relay.refusals import RefusedError
from cloud_relay.settings import TradeSettings
from tests.cloud_relay.trade_world import World

PIECES = 3
FAST = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
TRADE = TradeSettings(
    reservation_s=600, pay_s=900, photo_window_s=3600, release_after_s=7200, dispute_s=9000, ship_s=20_000,
    cancel_s=5000, arrive_s=30_000, commission_ppm=33_333, tax_ppm=190_000,
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _template():
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        path = Path(folder) / "template.sqlite3"
        database = Database(f"sqlite:///{path}")
        migrate(database)
        database.close()
        Trading.template = path
        yield


@dataclass
class Known:
    """What the machine itself knows of an order."""

    payments: list[str]
    deadline: tuple[str, datetime] | None
    is_disputed: bool = False
    left: timedelta | None = None
    may_release: bool = False
    handed_over: bool = False
    money_in: int = 0
    photo: int = 0
    states: list[str] = field(default_factory=list)


class Trading(RuleBasedStateMachine):
    """One shop, three pieces, two shoppers."""

    template: Path

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=FAST)
        path = Path(self.folder.name) / "relay.sqlite3"
        shutil.copy(self.template, path)
        database = Database(f"sqlite:///{path}")
        event.listen(database.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        self.world = World(database, Trade(settings=TRADE))
        self.known: dict[str, Known] = {}
        self.bank = 0
        self.gone = 0
        self.to_merchant = 0

    def teardown(self):
        self.world.database.close()
        self.folder.cleanup()

    @initialize()
    def open_shop(self):
        for name in ("ann", "bob"):
            self.world.account(name)
        self.world.account("olga", is_operator=True)
        self.world.shop()
        self.world.listing(pieces=PIECES, price_minor=10_001)

    # --- what people and machines do ---------------------------------------------------------------------------

    def order_id(self, number):
        return sorted(self.known)[number % len(self.known)]

    def start(self, who, **wish):
        placed = self.world.place(who, **wish)
        deadline = ("pay", self.world.now + timedelta(seconds=TRADE.pay_s))
        self.known[placed.order_id] = Known([placed.payment_id], deadline)

    @rule(who=st.sampled_from(["ann", "bob"]), piece=st.integers(0, PIECES - 1), goes_on=st.booleans())
    def confirm_and_order(self, who, piece, goes_on):
        try:
            kept = self.world.confirm(who, f"lis_1_p{piece}")
            if goes_on:
                self.start(who, parcel_id=kept.parcel_id)
        except RefusedError:
            pass

    @rule(who=st.sampled_from(["ann", "bob"]))
    def buy_unseen(self, who):
        free = self.world.rows(tables.piece, tables.piece.c.state == "free")
        if free:
            self.start(who, listing_id="lis_1")
            return
        with pytest.raises(RefusedError, match="out_of_stock"):
            self.start(who, listing_id="lis_1")

    @precondition(lambda self: self.known)
    @rule(number=st.integers(0, 50), good=st.booleans(), which=st.integers(0, 3))
    def bank_answers(self, number, good, which):
        order_id = self.order_id(number)
        known = self.known[order_id]
        payment_id = known.payments[which % len(known.payments)]
        (before,) = self.world.rows(tables.payment, tables.payment.c.payment_id == payment_id)
        self.world.settle(payment_id, OutcomeState.SUCCEEDED if good else OutcomeState.FAILED)
        if good and before["state"] != "succeeded":
            self.bank += before["amount_minor"]
            known.money_in += before["amount_minor"]
            if self.state(order_id) == "paid" and len(self.succeeded(known)) == 1:
                known.deadline = None

    def succeeded(self, known):
        rows = self.world.rows(tables.payment, tables.payment.c.payment_id.in_(known.payments))
        return [row for row in rows if row["state"] == "succeeded"]

    @precondition(lambda self: self.known)
    @rule(number=st.integers(0, 50))
    def pay_again(self, number):
        order_id = self.order_id(number)
        (order,) = self.world.rows(tables.orders, tables.orders.c.order_id == order_id)
        run, world = self.world.database.run_now, self.world
        try:
            payment_id = run(service.pay_again, order["account_id"], order_id, "sandbox:ok", world.now, world.trade)
        except RefusedError:
            return
        self.known[order_id].payments.append(payment_id)

    @rule()
    def bank_refunds(self):
        for refund in self.world.refunds():
            if refund["state"] == "started":
                self.world.settle(refund["payment_id"])
                self.bank -= refund["amount_minor"]

    @precondition(lambda self: self.known)
    @rule(number=st.integers(0, 50), what=st.sampled_from([E.PHOTOGRAPHED, E.HANDED_OVER, E.DELIVERED, E.CANCEL_DONE]))
    def shop_or_courier_says(self, number, what):
        order_id = self.order_id(number)
        before, known = self.state(order_id), self.known[order_id]
        if what is E.CANCEL_DONE and before not in ("cancelling", "refunded", "charged_back"):
            return
        if what is E.CANCEL_DONE and known.handed_over:
            return
        if what is E.HANDED_OVER and before not in ("confirmed", "cancelling"):
            return
        self.happen(order_id, what)
        if what is E.HANDED_OVER and self.state(order_id) == "handed_over":
            known.handed_over, known.deadline = True, None
        if what is E.DELIVERED and before == "handed_over" and self.state(order_id) == "delivered":
            known.deadline = ("release", self.world.now + timedelta(seconds=TRADE.release_after_s))
        if what is E.PHOTOGRAPHED and self.state(order_id) == "photo_offered":
            known.deadline = ("photo", self.world.now + timedelta(seconds=TRADE.photo_window_s))

    def happen(self, order_id, what, **values):
        try:
            self.world.happen(order_id, what, **values)
        except RefusedError:
            return False
        return True

    @precondition(lambda self: self.known)
    @rule(number=st.integers(0, 50), what=st.sampled_from([E.PHOTO_CONFIRMED, E.PHOTO_OBJECTED, E.CANCEL_ASKED]))
    def shopper_answers(self, number, what):
        order_id = self.order_id(number)
        if self.happen(order_id, what) and self.state(order_id) != "photo_offered":
            known = self.known[order_id]
            if self.state(order_id) in ("confirmed", "paid", "cancelling", "cancelled"):
                known.deadline = None

    @precondition(lambda self: self.known)
    @rule(number=st.integers(0, 50))
    def shopper_confirms_receipt(self, number):
        order_id = self.order_id(number)
        self.known[order_id].may_release = not self.known[order_id].is_disputed
        self.happen(order_id, E.RECEIPT)
        self.settled(order_id)

    @precondition(lambda self: self.known)
    @rule(number=st.integers(0, 50))
    def shopper_disputes(self, number):
        order_id = self.order_id(number)
        known = self.known[order_id]
        was = self.state(order_id)
        if self.happen(order_id, E.DISPUTE_OPENED) and was != "disputed" and self.state(order_id) == "disputed":
            known.is_disputed = True
            known.left = known.deadline[1] - self.world.now if known.deadline else None

    @precondition(lambda self: self.known)
    @rule(number=st.integers(0, 50), what=st.sampled_from([E.DISPUTE_WITHDRAWN, E.RULED_REFUND, E.RULED_RELEASE]))
    def dispute_ends(self, number, what):
        order_id = self.order_id(number)
        known = self.known[order_id]
        if known.is_disputed and what is E.RULED_RELEASE:
            known.may_release = known.handed_over
        if not self.happen(order_id, what):
            known.may_release = False
            return
        if what is E.DISPUTE_WITHDRAWN and self.state(order_id) in ("photo_offered", "delivered"):
            (order,) = self.world.rows(tables.orders, tables.orders.c.order_id == order_id)
            name = "photo" if order["state"] == "photo_offered" else "release"
            if known.left is not None and known.deadline and known.deadline[0] == name:
                known.deadline = (name, self.world.now + known.left)
            else:
                known.deadline = (name, order["due_at"])
        self.settled(order_id)

    @precondition(lambda self: self.known)
    @rule(number=st.integers(0, 50), part=st.integers(1, 11_200))
    def operator_splits(self, number, part):
        order_id = self.order_id(number)
        known = self.known[order_id]
        known.may_release = known.is_disputed and known.handed_over
        self.happen(order_id, E.RULED_SPLIT, to_shopper_minor=part)
        self.settled(order_id)

    # --- time --------------------------------------------------------------------------------------------------

    @precondition(lambda self: any(one.deadline for one in self.known.values()))
    @rule(number=st.integers(0, 50), seconds=st.sampled_from([-1, 0, 1]))
    def tick_to_deadline(self, number, seconds):
        deadlines = sorted(one.deadline[1] for one in self.known.values() if one.deadline)
        moment = deadlines[number % len(deadlines)] + timedelta(seconds=seconds)
        self.world.now = max(self.world.now, moment)
        self.let_time_do()

    @rule(seconds=st.sampled_from([1, 300, 1000, 5000]))
    def tick(self, seconds):
        self.world.later(seconds)
        self.let_time_do()

    def let_time_do(self):
        run, now = self.world.database.run_now, self.world.now
        run(reservations.expire_due, now)
        for order_id in sorted(self.known):
            known = self.known[order_id]
            if known.deadline and known.deadline[0] == "release" and known.deadline[1] <= now and not known.is_disputed:
                known.may_release = True
            if known.is_disputed and self.state(order_id) == "disputed":
                known.may_release = True  # nobody ruled in time, and it was delivered: the default
            before = self.state(order_id)
            after = run(service.settle_due, order_id, now, self.world.trade).state
            self.check_deadline(order_id, before, after, now)
            self.settled(order_id)

    def check_deadline(self, order_id, before, after, now):
        """What waits for a deadline moves at it, and not a moment before."""
        known = self.known[order_id]
        waits = {"unpaid": "pay", "photo_offered": "photo", "delivered": "release"}
        if known.is_disputed or before not in waits or not known.deadline or known.deadline[0] != waits[before]:
            return
        assert (after != before) == (known.deadline[1] <= now), (before, after, known.deadline, now)

    def settled(self, order_id):
        known, state = self.known[order_id], self.state(order_id)
        if state != "disputed":
            known.is_disputed, known.left = False, None
        else:
            known.is_disputed = True
        if state == "released":
            assert known.may_release, "released without receipt, ruling or the agreed time"
            assert known.handed_over, "released before it was handed over"
        known.may_release = state == "released"

    # --- what must hold after every step -----------------------------------------------------------------------

    def state(self, order_id):
        return self.world.rows(tables.orders, tables.orders.c.order_id == order_id)[0]["state"]

    @invariant()
    def no_rule_of_the_view_is_broken(self):
        assert self.world.database.violations() == []

    @invariant()
    def our_book_mirrors_the_bank(self):
        assert -self.world.balance("psp:sandbox") == self.bank

    @invariant()
    def every_piece_is_somewhere_once(self):
        pieces = self.world.rows(tables.piece)
        if not pieces:
            return
        listing = self.world.rows(tables.listing)[0]
        by_state = [sum(row["state"] == state for row in pieces) for state in ("free", "reserved", "sold")]
        assert sum(by_state) == PIECES
        assert listing["on_hand"] == by_state[0] + by_state[1]
        assert listing["reserved"] == by_state[1]

    @invariant()
    def each_orders_money_is_all_accounted_for(self):
        for order_id, known in self.known.items():
            entries = self.world.rows(
                tables.posting.join(tables.transfer, tables.transfer.c.reference == tables.posting.c.reference),
                tables.transfer.c.order_id == order_id,
            )
            taken = sum(row["amount_minor"] for row in entries if row["debit"].startswith("psp:"))
            assert taken == known.money_in
            assert sum(row["kind"] == "release" for row in entries) in (0, 2, 3)

    @invariant()
    def no_label_before_it_is_paid(self):
        labelled = {row["data"]["order_id"] for row in self.world.commands("LabelParcel")}
        for order_id in labelled:
            assert self.known[order_id].money_in > 0


TestTrading = Trading.TestCase
TestTrading.settings = settings(
    max_examples=int(os.environ.get("VITRINE_MACHINE_EXAMPLES", "25")),
    stateful_step_count=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate] if "VITRINE_MACHINE_NO_SHRINK" in os.environ else list(Phase),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
