"""A market's life through the real service, by chance, and a second account of it that the books are held to."""

import random
from collections import Counter
from typing import Any

from sqlalchemy import func, select

from cloud_relay import tables
from cloud_relay.escrow.providers.base import OutcomeState
from cloud_relay.rebates import settling
from tests.cloud_relay.rebates.rebate_world import TERMS, Market

PPM = 1_000_000
TICKET = tables.rebate_ticket.c


class Life:
    """Sales of several merchants, some of which owe for long; refunds, receipts kept later, payments that fail.

    What it checks after a deed costs as much after a hundred thousand others; `check_all` looks at everything.
    """

    def __init__(self, market: Market, *, people: int = 4, merchants: int = 2, seed: int = 7) -> None:
        self.market, self.chance = market, random.Random(seed)
        self.people = ["ann", "bob", *(f"p{number}" for number in range(3, people + 1))]
        self.prices: dict[str, int] = {}
        """What each sale that is somebody's cost, by its id."""
        self.sold: list[str] = []
        self.nobodys: list[str] = []
        self.settled, self.out, self.deeds = 0, Counter[str](), Counter[str]()
        self.paid = Counter[int]()
        """What each number was paid, as the public proofs of all settlements say."""
        for name in self.people[2:]:
            market.world.account(name)
        market.switch(wait_s=60, withdraw_min_minor=1, withdraw_day_minor=10**9)
        self.shops = {"teahouse": "mer_1"} | {
            market.open_shop(number): f"mer_{number}" for number in range(2, merchants + 1)
        }

    def live(self, steps: int) -> None:
        """Do so many deeds, each a while after the one before."""
        weights = {self.sell: 6, self.bring_back: 1, self.claim: 1, self.withdraw: 2, self.pay_dues: 3, self.settle: 2}
        for deed in self.chance.choices([*weights], weights=[*weights.values()], k=steps):
            self.market.world.later(self.chance.randrange(40))
            deed()
            self.deeds["steps"] += 1

    def settle(self) -> None:
        batch = self.market.settle(str(self.deeds["settlements"]))
        self.deeds["settlements"] += 1
        self.settled += batch["paid_minor"]
        assert 0 <= batch["paid_minor"] <= batch["pot_before_minor"]
        assert batch["pot_minor"] == batch["pot_before_minor"] - batch["paid_minor"]
        assert self.market.pot >= batch["pot_minor"], "what is kept back of a rebate for an older one comes after"
        self._check_line(batch)

    def _check_line(self, batch: dict[str, Any]) -> None:
        """First come, first served: of those paid all but the last are at their cap, and nobody before them waits."""
        lines = self._lines(batch)
        numbers = [number for number, _ in lines]
        assert numbers == sorted(set(numbers))
        assert sum(amount for _, amount in lines) == batch["paid_minor"]
        for number, amount in lines:
            assert amount > 0
            self.paid[number] += amount
        for row in self.market.rows(tables.rebate_ticket, TICKET.queue_no.in_(numbers)):
            assert row["paid_minor"] == self.paid[row["queue_no"]] <= row["cap_minor"]
            assert row["paid_minor"] == row["cap_minor"] or row["queue_no"] == numbers[-1]
        waiting = select(func.min(TICKET.queue_no)).where(TICKET.state == "waiting", TICKET.market == "cn")
        first = self.market.read(lambda connection: connection.scalar(waiting))
        if first and numbers:
            assert first >= numbers[-1]
        assert not first or batch["pot_minor"] == 0 or batch["has_more"], "nobody waits while there is something"

    def _lines(self, batch: dict[str, Any]) -> list[tuple[int, int]]:
        paid = tables.rebate_payment.c
        query = select(paid.queue_no, paid.amount_minor).where(paid.batch_id == f"cn/CNY/{batch['name']}")
        return self.market.read(lambda connection: [(row[0], row[1]) for row in connection.execute(
            query.order_by(paid.line).limit(settling.TICKETS_MAX)
        )])  # fmt: skip

    def sell(self) -> None:
        who, price = self.chance.choice([*self.people, None]), self.chance.randrange(5, 9000)
        sale_id = self.market.sell(who, price, shop_id=self.chance.choice([*self.shops, "teahouse"]))
        self.sold.append(sale_id)
        self.prices[sale_id] = price
        self.nobodys += [] if who else [sale_id]
        self.deeds["sales"] += 1

    def bring_back(self) -> None:
        if self.sold:
            self.deeds["refunds"] += self.market.bring_back(self.sold.pop(self.chance.randrange(len(self.sold))))

    def claim(self) -> None:
        if self.nobodys:
            self.market.claim(self.nobodys.pop(), self.chance.choice(self.people))
            self.deeds["receipts kept"] += 1

    def pay_dues(self) -> None:
        """The first merchant pays all, another one a little, or at last all: they owe for long."""
        self.market.pay_dues()
        most = self.chance.choice([self.chance.randrange(1, 300), 10**9])
        self.market.pay_dues(self.chance.choice([*self.shops.values()]), most)
        self.deeds["dues paid"] += 1

    def withdraw(self) -> None:
        name = self.chance.choice(self.people)
        amount = min(self.market.has(name), 200)
        if not amount:
            return
        withdrawal_id = self.market.ask(name, amount)
        self.market.confirm(name, withdrawal_id)
        state = self.chance.choice([OutcomeState.SUCCEEDED, OutcomeState.FAILED])
        if self.chance.randrange(2) and self.sold:  # something is given back while the money is on its way
            self.bring_back()
        self.market.paid_out(withdrawal_id, state)
        self.out[name] += amount if state is OutcomeState.SUCCEEDED else 0
        self.deeds[f"withdrawals that {state.value}"] += 1

    def check_all(self) -> None:
        """Hold every ticket and every account to what was counted beside the service."""
        tickets = self.market.rows(tables.rebate_ticket)
        for one in tickets:
            price = self.prices[one["source"].partition(":")[2]]
            assert 0 <= one["returned_minor"] <= one["paid_minor"] <= one["cap_minor"]
            assert one["cap_minor"] * PPM <= price * TERMS.cap_ppm
            assert one["paid_minor"] == self.paid.get(one["queue_no"], 0)
        assert self.settled == sum(one["paid_minor"] for one in tickets) == sum(self.paid.values()) > 0
        came_back = sum(one["returned_minor"] for one in tickets)
        assert self.settled - came_back == sum(self.out.values()) + sum(self.market.has(name) for name in self.people)
        fed, unfed = (self._sum("fees:cn", "pot:cn"), self._sum("pot:cn", "fees:cn"))
        assert self.market.pot == fed - unfed - self.settled + came_back - self._lost()
        self.deeds["tickets"] = len(tickets)

    def _sum(self, debit: str, credit: str) -> int:
        own = tables.posting.c
        query = select(func.coalesce(func.sum(own.amount_minor), 0)).where(own.debit == debit, own.credit == credit)
        return int(self.market.read(lambda connection: connection.scalar(query)))

    def _lost(self) -> int:
        """What of commissions given back the pot could not give, because it was withdrawn: the market's loss."""
        return self._sum("pot:cn", "loss") - self._sum("loss", "pot:cn")
