"""SQL of orders: one row with its one line and its open dispute."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, insert, select, update

from cloud_relay.orders.rules import STATE_TIMERS, OrderState, OrderView
from cloud_relay.tables import dispute, group_order, order_event, order_line, order_return, orders, pledge


class StaleOrderError(RuntimeError):
    """The order changed between reading and writing: the transaction is not serializable, which is a bug."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as use cases see it: what was agreed, whose it is, where it stands."""

    order_id: str
    account_id: str
    shop_id: str
    merchant_id: str
    market: str
    state: str
    price_minor: int
    shipping_minor: int
    total_minor: int
    currency: str
    payment_provider: str
    payment_method: str
    photo_window_s: int
    release_after_s: int
    commission_ppm: int
    tax_ppm: int
    objections: int
    due_at: datetime | None
    handed_over_at: datetime | None
    version: int
    trace: str
    piece_id: str
    parcel_id: str
    listing_id: str
    title_en: str
    title_zh: str
    dispute_id: str | None
    resume_state: str | None
    timers_left: dict[str, float] | None
    return_state: str | None
    group_id: str | None
    """The group order that it is a pledge in; None for an ordinary order."""
    group_state: str | None
    group_until: datetime | None

    @property
    def view(self) -> OrderView:
        """What the state table knows of it."""
        resume = OrderState(self.resume_state) if self.resume_state else None
        left_s = next(iter((self.timers_left or {}).values()), None)
        is_coming_back = self.return_state == "accepted"
        return OrderView(OrderState(self.state), self.objections, self.due_at, resume, left_s, is_coming_back)


_LINE = ("piece_id", "parcel_id", "listing_id", "title_en", "title_zh")
_DISPUTE = ("dispute_id", "resume_state", "timers_left")
_GROUP = ("group_id", "group_state", "group_until")
_OWN = tuple(name for name in Order.__dataclass_fields__ if name not in (*_LINE, *_DISPUTE, "return_state", *_GROUP))
_EVERY = (
    select(
        *(orders.c[name] for name in _OWN),
        *(order_line.c[name] for name in _LINE),
        *(dispute.c[name] for name in _DISPUTE),
        order_return.c.state.label("return_state"),
        group_order.c.group_id, group_order.c.state.label("group_state"),
        group_order.c.close_until.label("group_until"),
    )
    .join(order_line, and_(order_line.c.order_id == orders.c.order_id, order_line.c.line == 1))
    .outerjoin(dispute, and_(dispute.c.order_id == orders.c.order_id, dispute.c.state == "open"))
    .outerjoin(
        order_return,
        and_(order_return.c.order_id == orders.c.order_id, order_return.c.dispute_id == dispute.c.dispute_id),
    )
    .outerjoin(pledge, pledge.c.order_id == orders.c.order_id)
    .outerjoin(group_order, group_order.c.group_id == pledge.c.group_id)
)  # fmt: skip
_QUERY = _EVERY.where(orders.c.order_id == bindparam("key"))
_ALL_OF = _EVERY.where(orders.c.order_id.in_(bindparam("keys", expanding=True)))
_ADD_EVENT = insert(order_event)
_SAVE = update(orders).where(orders.c.order_id == bindparam("key"), orders.c.version == bindparam("seen"))
_DUE = select(orders.c.order_id).where(orders.c.due_at <= bindparam("now")).order_by(orders.c.due_at)
_BY_PARCEL = select(order_line.c.order_id).where(order_line.c.parcel_id == bindparam("parcel_id"))


def load(connection: Connection, order_id: str) -> Order | None:
    """Return the order, or None."""
    row = connection.execute(_QUERY, {"key": order_id}).mappings().one_or_none()
    return None if row is None else Order(**row)


def load_all(connection: Connection, order_ids: Iterable[str]) -> list[Order]:
    """Return these orders as they are named; LookupError when one is not there."""
    keys = list(order_ids)
    found = {row["order_id"]: row for row in connection.execute(_ALL_OF, {"keys": keys}).mappings()}
    if missing := set(keys) - set(found):
        raise LookupError(f"orders {sorted(missing)}: are not there")
    return [Order(**found[key]) for key in keys]


def find_by_parcel(connection: Connection, parcel_id: str) -> str | None:
    """Return the order that this parcel is for, or None."""
    order_id: str | None = connection.scalar(_BY_PARCEL, {"parcel_id": parcel_id})
    return order_id


def find_due(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Return orders whose deadline is reached, the most overdue first."""
    return list(connection.scalars(_DUE.limit(limit), {"now": now}))


def next_due(connection: Connection) -> datetime | None:
    """Return the nearest deadline of all orders."""
    query = select(orders.c.due_at).where(orders.c.due_at.is_not(None)).order_by(orders.c.due_at).limit(1)
    due: datetime | None = connection.scalar(query)
    return due


def save_all(connection: Connection, changed: Iterable[tuple[Order, OrderView, dict[str, Any]]]) -> None:
    """Write where orders stand now, each with more values; StaleOrderError when one changed since it was read."""
    of_columns: dict[frozenset[str], list[dict[str, Any]]] = {}
    for order, view, values in changed:
        own = {
            "state": view.state.value, "objections": view.objections, "due_at": view.until,
            "version": order.version + 1, "key": order.order_id, "seen": order.version,
        }  # fmt: skip
        of_columns.setdefault(frozenset(values), []).append({**own, **values})
    for rows in of_columns.values():
        if connection.execute(_SAVE, rows).rowcount != len(rows):
            names = ", ".join(row["key"] for row in rows)
            raise StaleOrderError(f"order {names}: changed under a running transaction")


def save_shadow(connection: Connection, order: Order, view: OrderView) -> None:
    """Keep in the open dispute where the order will go on."""
    change = update(dispute).where(dispute.c.dispute_id == order.dispute_id)
    connection.execute(change.values(resume_state=view.resume, timers_left=timers_left(view)))


def save_rule_until(connection: Connection, order: Order, until: datetime) -> None:
    """Let an order's open dispute be ruled on until then; StaleOrderError when the order changed since it was read."""
    where = (orders.c.order_id == order.order_id, orders.c.version == order.version)
    if connection.execute(update(orders).where(*where).values(due_at=until, version=order.version + 1)).rowcount != 1:
        raise StaleOrderError(f"order {order.order_id}: changed under a running transaction")
    connection.execute(update(dispute).where(dispute.c.dispute_id == order.dispute_id).values(rule_until=until))


def timers_left(view: OrderView) -> dict[str, float]:
    """Return the stopped timer of a disputed order by name, in seconds."""
    if view.resume is None or view.left_s is None:
        return {}
    return {STATE_TIMERS[view.resume].value: view.left_s}


def add_event(
    connection: Connection, order_id: str, parcel_id: str, kind: str, detail: dict[str, Any], actor: str, now: datetime
) -> None:
    """Add one line to the order's timeline; lines are never changed."""
    add_events(connection, [(order_id, parcel_id, kind, detail, actor)], now)


def add_events(
    connection: Connection, lines: Iterable[tuple[str, str, str, dict[str, Any], str]], now: datetime
) -> None:
    """As `add_event`, of several (order, parcel, kind, detail, actor) at once."""
    names = ("order_id", "parcel_id", "kind", "detail", "actor")
    rows = [{**dict(zip(names, line, strict=True)), "at": now} for line in lines]
    if rows:
        connection.execute(_ADD_EVENT, rows)


def events_of(connection: Connection, order_id: str, parcel_ids: list[str]) -> list[dict[str, Any]]:
    """Return the timeline of an order and of its parcels, oldest first."""
    whose = (order_event.c.order_id == order_id) | order_event.c.parcel_id.in_(parcel_ids)
    query = select(order_event).where(whose).order_by(order_event.c.at, order_event.c.event_no)
    return [dict(row) for row in connection.execute(query).mappings()]
