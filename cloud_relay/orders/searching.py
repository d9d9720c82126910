"""Finding an order among one's own: by number, name, goods, state and days, for shoppers and merchants."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from cloud_relay.orders.rules import OrderState
from cloud_relay.tables import account, order_line, orders, shop
from wire.values import BadValueError

WORDS_LENGTH_MAX, WORDS_MAX = 100, 8
"""Longer than any title's part that somebody remembers; each word is one more condition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSearch:
    """What is looked for; what is left empty does not matter. Days are those of UTC, both count."""

    words: str = ""
    state: str = ""
    first: date | None = None
    last: date | None = None

    @property
    def is_empty(self) -> bool:
        """Whether everything matches."""
        return not (self.words.strip() or self.state or self.first or self.last)


def read_search(words: str, state: str, first: str, last: str) -> OrderSearch:
    """Return a search from what a form sent; BadValueError for a state or day that does not exist."""
    if state and state not in set(OrderState):
        raise BadValueError(f"state: {state[:20]!r} is not a state of an order")
    days = []
    for name, value in (("from", first), ("until", last)):
        try:
            days.append(date.fromisoformat(value) if value else None)
        except ValueError:
            raise BadValueError(f"{name}: a day such as 2026-11-22") from None
    return OrderSearch(words=words.strip()[:WORDS_LENGTH_MAX], state=state, first=days[0], last=days[1])


def _pattern(word: str) -> str:
    return "%" + re.sub(r"([\\%_])", r"\\\1", word.lower()) + "%"


def _has(word: str, *, is_merchant: bool) -> ColumnElement[bool]:
    """One word stands in the number, the goods or a name: for merchants the shopper's, for shoppers the shop's."""
    names = [account.c.nickname, orders.c.address["name"].as_string()] if is_merchant else [
        shop.c.name_en, shop.c.name_zh, orders.c.address["name"].as_string()
    ]  # fmt: skip
    places = [orders.c.order_id, order_line.c.title_en, order_line.c.title_zh, order_line.c.parcel_id, *names]
    return or_(*(func.lower(place).like(_pattern(word), escape="\\") for place in places))


def _day(day: date, more: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=more)


def narrowed(query: Select[Any], wish: OrderSearch, *, is_merchant: bool) -> Select[Any]:
    """Return the list query with what a search asks of it; it joins orders, order_line, shop and account already."""
    for word in wish.words.split()[:WORDS_MAX]:
        query = query.where(_has(word, is_merchant=is_merchant))
    if wish.state:
        query = query.where(orders.c.state == wish.state)
    if wish.first:
        query = query.where(orders.c.placed_at >= _day(wish.first))
    if wish.last and wish.last < date.max:  # after the calendar's last day there is no day
        query = query.where(orders.c.placed_at < _day(wish.last, 1))
    return query


def states_of(connection: Connection, whose: ColumnElement[bool]) -> list[str]:
    """Return the states that orders of somebody are in: what a form offers to choose."""
    found = set(connection.scalars(select(orders.c.state).where(whose).distinct()))
    return [state.value for state in OrderState if state.value in found]
