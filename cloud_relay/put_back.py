"""A database put back from a backup: what must be changed in it before the relay may run, and until it is caught up."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from cloud_relay.tables import (
    dispute,
    high_water,
    orders,
    parcel,
    payment,
    payout,
    pickup,
    reservation,
    shop,
    shop_link,
)
from wire.values import parse_time

MARK = "put_back"
"""Row of `high_water`: the relay was put back at this time, and an operator has not said yet that all is reconciled."""

SSCC_JUMP = 100_000
"""Label numbers that may have been given since the backup, and must not be given again within a year (GS1)."""

CLOCKS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (orders, ("pay_until", "photo_until", "release_at", "due_at")),
    (reservation, ("until",)),
    (dispute, ("rule_until",)),
    (pickup, ("next_at", "collect_until")),
)


def prepare(connection: Connection, made_at: datetime, now: datetime) -> None:
    """Make a database of an earlier day fit to run: nobody is there yet, deadlines have not run, no number returns."""
    connection.execute(update(shop_link).values(is_online=False, session="", lease_owner="", lease_until=None))
    connection.execute(update(shop).values(next_sscc=shop.c.next_sscc + SSCC_JUMP))
    for table, names in CLOCKS:
        _move_deadlines(connection, table, names, max(now - made_at, timedelta(0)))
    ask_again(connection, now)
    connection.execute(delete(high_water).where(high_water.c.name == MARK))
    connection.execute(insert(high_water).values(name=MARK, at=now))


def _move_deadlines(connection: Connection, table: Any, names: tuple[str, ...], lost: timedelta) -> None:
    """Move every deadline by the time that was lost: nobody could answer, and what was answered is not known yet."""
    keys = list(table.primary_key.columns)
    columns = [table.c[name] for name in names]
    for row in connection.execute(select(*keys, *columns)).mappings().all():
        moved = {name: row[name] + lost for name in names if row[name] is not None}
        if moved:
            where = [key == row[key.name] for key in keys]
            connection.execute(update(table).where(*where).values(moved))


def is_marked(connection: Connection) -> bool:
    """Whether the relay was put back and is not reconciled yet: no money leaves meanwhile."""
    return connection.execute(select(high_water.c.at).where(high_water.c.name == MARK)).first() is not None


def clear_mark(connection: Connection) -> None:
    """Let money leave again."""
    connection.execute(delete(high_water).where(high_water.c.name == MARK))


def ask_again(connection: Connection, now: datetime) -> None:
    """Have every payment without an answer asked about at once."""
    connection.execute(update(payment).where(payment.c.state == "started").values(next_try_at=now))


def unasked(connection: Connection) -> int:
    """Return how many payments have no answer of their provider yet."""
    return int(connection.execute(select(func.count()).where(payment.c.state == "started")).scalar_one())


def waiting_payouts(connection: Connection) -> int:
    """Return how many payouts wait for the reconciliation."""
    return int(connection.execute(select(func.count()).where(payout.c.state == "started")).scalar_one())


def shops_behind(connection: Connection) -> list[str]:
    """Return shops with parcels in work that have not been heard since the relay was put back."""
    at = connection.scalar(select(high_water.c.at).where(high_water.c.name == MARK))
    at_work = select(parcel.c.shop_id).where(parcel.c.state.not_in(("waiting", "delivered", "cancelled", "returned")))
    rows = connection.execute(select(shop_link.c.shop_id, shop_link.c.presence).where(shop_link.c.shop_id.in_(at_work)))
    return sorted(row.shop_id for row in rows if at is not None and not _was_heard(row.presence, at))


def _was_heard(presence: dict[str, Any] | None, since: datetime) -> bool:
    return presence is not None and parse_time(presence["at"]) >= since
