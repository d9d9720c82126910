"""Finds for one shopper who could order together with them: candidates, the best group, every reason proved."""

import heapq
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from cloud_relay.promotions.reading import terms
from cloud_relay.suggestions import index, rules, store, wanting
from cloud_relay.suggestions.rules import Candidate, Found, Goods, Pick, Want
from cloud_relay.suggestions.wanting import Reason
from wire.promotions import Promotion

POINTS_MAX = 3
"""Pick-up points of one shopper's wishes that are looked at beside their area."""
TRIES_MAX = rules.PEOPLE_MAX
"""How often a group is looked for again because the index was wrong about somebody in it."""


@dataclass(frozen=True, slots=True)
class Nearby:
    """With whom one may be put together: those of one's area, or who wish for the same pick-up point."""

    key: str
    is_point: bool
    wants: tuple[Want, ...]

    def holds(self, reason: Reason) -> bool:
        """Tell whether a reason is of here."""
        return self.key == (reason.point_id if self.is_point else reason.area)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A group that may be proposed, and each one's reasons, as they stand in the wishes and purchases themselves."""

    row: RowMapping
    promotion: Promotion
    near: Nearby
    found: Found
    reasons: dict[str, tuple[Reason, ...]]
    nicknames: dict[str, str]


@dataclass(slots=True)
class _Case:
    """One promotion at one place: what each would bring, and the most that any group could save."""

    row: RowMapping
    goods: Goods
    near: Nearby
    own: Pick
    others: dict[str, Pick]
    bound_minor: int


def nearby(reasons: Sequence[Reason]) -> list[Nearby]:
    """Return the places of one shopper's reasons: their area, and the pick-up points that they wish for."""
    found = []
    area = reasons[0].area if reasons else ""
    if area:
        found.append(Nearby(area, False, tuple(one.want for one in reasons)))
    points = dict.fromkeys(one.point_id for one in reasons if one.point_id)
    return found + [
        Nearby(point, True, tuple(one.want for one in reasons if one.point_id == point))
        for point in list(points)[:POINTS_MAX]
    ]


class Finder:
    """Looks through all promotions for one shopper, the most promising first; a group found counts for the next."""

    def __init__(self, connection: Connection, account_id: str, reasons: Sequence[Reason], now: datetime) -> None:
        self._connection, self._account_id, self._now = connection, account_id, now
        self._sent: dict[str, int] = {}
        self._untrue: set[str] = set()
        self._apart: set[frozenset[str]] = set()
        self._places = nearby(reasons)
        keys = sorted({one.want.goods_key for one in reasons})
        self._rows = index.promotions_for(connection, keys, now) if self._places else []

    def proposals(self) -> Iterator[Proposal]:
        """Yield the best group of each promotion, what saves most first, as long as the shopper asks on.

        A case stands in the heap with the most it could save until it is looked at, then with what it saves; when a
        group was taken, the others are looked at again, because its people may have had their share of the week.
        """
        done: set[str] = set()
        taken = 0
        heap: list[tuple[int, str, int, int, Proposal | None]] = []
        cases = self._cases()
        for number, case in enumerate(cases):
            heap.append((-case.bound_minor, case.row["promotion_id"], number, -1, None))
        heapq.heapify(heap)
        while heap:
            _, promotion_id, number, seen, proposal = heapq.heappop(heap)
            if promotion_id in done:
                continue
            if proposal is not None and seen == taken:
                done.add(promotion_id)
                taken += 1
                for one in proposal.found.people:
                    self._sent[one.account_id] = self._sent.get(one.account_id, 0) + 1
                yield proposal
                continue
            proposal = self._best(cases[number])
            if proposal is not None:
                heapq.heappush(heap, (-proposal.found.saving_minor, promotion_id, number, taken, proposal))

    def _cases(self) -> list[_Case]:
        goods = index.goods_of(self._connection, [row["promotion_id"] for row in self._rows], self._now)
        offered = [(row, Goods(terms(row), goods[row["promotion_id"]])) for row in self._rows]
        cases = [case for near in self._places for case in self._cases_at(near, offered)]
        people = {one for case in cases for one in case.others}
        self._apart = store.muted_among(self._connection, [self._account_id, *people]) if people else set()
        return cases

    def _cases_at(self, near: Nearby, offered: Sequence[tuple[RowMapping, Goods]]) -> list[_Case]:
        wanted = [(row, goods, goods.picks(near.wants).get(self._account_id)) for row, goods in offered]
        keys = sorted({key for _, goods, own in wanted if own is not None for key in goods.keys})
        peers, sent = index.peers(self._connection, near.key, keys, self._now, is_point=near.is_point)
        self._sent |= sent
        found = []
        for row, goods, own in wanted:
            if own is None:
                continue
            others = goods.picks(want for key in goods.keys for want in peers.get(key, ()))
            others.pop(self._account_id, None)
            most = rules.bound(goods.promotion, own.price_minor, (pick.price_minor for pick in others.values()))
            if most > 0:
                found.append(_Case(row, goods, near, own, others, most))
        return found

    def _best(self, case: _Case) -> Proposal | None:
        """Return the best group of one case whose every reason is true, or None."""
        left_out = (
            store.busy_with(self._connection, case.row["promotion_id"], case.row["merchant_id"], self._now)
            | self._untrue
        )
        if self._account_id in left_out:
            return None
        picks = {
            one: pick for one, pick in case.others.items()
            if one not in left_out and self._sent.get(one, 0) < rules.WEEKLY_MAX
        }  # fmt: skip
        apart = {pair for pair in self._apart if pair <= {self._account_id, *picks}}
        picks = {one: pick for one, pick in picks.items() if frozenset((one, self._account_id)) not in apart}
        for _ in range(TRIES_MAX):
            trigger = self._candidate(case, self._account_id, case.own)
            others = [self._candidate(case, one, pick) for one, pick in picks.items()]
            found = rules.best_group(case.goods.promotion, trigger, others, apart)
            if found is None:
                return None
            names = store.nicknames(self._connection, [one.account_id for one in found.people])
            reasons = self._prove(case, found, names)
            wrong = [one.account_id for one in found.people if not reasons.get(one.account_id)]
            if not wrong:
                return Proposal(case.row, case.goods.promotion, case.near, found, reasons, names)
            if self._account_id in wrong:
                return None
            self._untrue.update(wrong)
            picks = {one: pick for one, pick in picks.items() if one not in wrong}
        return None

    def _candidate(self, case: _Case, account_id: str, pick: Pick) -> Candidate:
        return Candidate(account_id, pick, case.goods.by_id[pick.listing_id].free)

    def _prove(self, case: _Case, found: Found, open_accounts: Collection[str]) -> dict[str, tuple[Reason, ...]]:
        """Return each one's reasons out of the wishes and purchases; the index is put right about who has none."""
        truth = wanting.reasons_of(self._connection, [one.account_id for one in found.people], self._now)
        proved = {}
        for one, saving in zip(found.people, found.savings_minor, strict=True):
            good, pays = case.goods.by_id[one.pick.listing_id], one.pick.price_minor - saving
            reasons = tuple(
                reason for reason in truth[one.account_id]
                if case.near.holds(reason) and reason.want.currency == case.goods.promotion.currency
                and rules.supports(reason.want, good, pays)
            )  # fmt: skip
            proved[one.account_id] = reasons if one.account_id in open_accounts else ()
            if not proved[one.account_id]:
                index.index_wants(self._connection, one.account_id, truth[one.account_id])
        return proved
