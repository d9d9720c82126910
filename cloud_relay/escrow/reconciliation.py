"""Our ledger against a provider's own list, a day at a time: what is missing, doubled, or of another amount."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, or_, select

from cloud_relay.db import Database
from cloud_relay.escrow import rules
from cloud_relay.escrow.providers.base import Movement, PaymentProvider
from cloud_relay.tables import payment, payout, posting, transfer

MARGIN = timedelta(days=1)
"""How far a provider's clock or booking may stand from ours: a movement is looked for in the days beside it too."""

KINDS = {"hold": "charge", "refund": "refund", "payout": "payout", "payout_failed": "payout"}
"""What a provider calls what our references begin with, where the words differ."""


REFERENCES_MAX = 1_000
"""In one question to the database: SQLite takes 32 766 values."""


class Difference(StrEnum):
    """How the two books differ about one movement."""

    MISSING_THERE = "missing_there"
    MISSING_HERE = "missing_here"
    DOUBLED_THERE = "doubled_there"
    OTHER_AMOUNT = "other_amount"


Key = tuple[str, str, str]
"""Kind of movement, our id of it, currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One movement in both books, in minor units: above zero came in, below zero left; None is not there."""

    kind: str
    payment_id: str
    currency: str
    ours_minor: int | None
    theirs_minor: int | None
    difference: Difference | None
    is_open: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A provider's day: every movement that either book has in it."""

    provider: str
    day: date
    lines: tuple[Compared, ...]

    @property
    def differences(self) -> tuple[Compared, ...]:
        """The lines in which the books differ; what is still under way is none."""
        return tuple(line for line in self.lines if line.difference is not None and not line.is_open)

    def sums(self) -> dict[str, tuple[int, int]]:
        """Return (ours, theirs) by currency."""
        found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for line in self.lines:
            found[line.currency][0] += line.ours_minor or 0
            found[line.currency][1] += line.theirs_minor or 0
        return {currency: (ours, theirs) for currency, (ours, theirs) in sorted(found.items())}


def bounds(day: date) -> tuple[datetime, datetime]:
    """Return the first moment of a day in UTC and of the day after."""
    first = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return first, first + timedelta(days=1)


async def compare_day(db: Database, provider: PaymentProvider, day: date) -> Report:
    """Ask a provider for its list of a day (UTC) and lay it beside our ledger; ProviderUnknownError without answer."""
    first, after = bounds(day)
    settled_at = await db.read(payouts_settled_at, provider.name, first, after)
    theirs = await provider.movements(first - MARGIN, max(after, settled_at or after) + MARGIN)
    ours = await db.read(ledger_movements, provider.name, provider.reconciled, first, after, theirs)
    open_ids = await db.read(open_payments, provider.name)
    return Report(provider=provider.name, day=day, lines=compare(ours, theirs, first, after, open_ids))


def compare(
    ours: Sequence[Movement], theirs: Sequence[Movement], first: datetime, after: datetime, open_ids: frozenset[str]
) -> tuple[Compared, ...]:
    """Return a line for each movement of [first, after): the provider's day counts, ours where it has none. Pure.

    `theirs` reaches beyond the day on both sides and `ours` has all of whatever `theirs` names, so that a movement at
    midnight, or a payout that the bank booked days after us, is no difference.
    """
    here, there = _by_key(ours), _by_key(theirs)
    of_day = {_key(one) for one in theirs if first <= one.at < after}
    of_day |= {_key(one) for one in ours if first <= one.at < after} - set(there)
    return tuple(_line(key, here.get(key), there.get(key), open_ids) for key in sorted(of_day))


def _key(one: Movement) -> Key:
    return one.kind, one.payment_id, one.currency


def _by_key(movements: Iterable[Movement]) -> dict[Key, list[Movement]]:
    found: dict[Key, list[Movement]] = defaultdict(list)
    for one in movements:
        found[_key(one)].append(one)
    return found


def _line(key: Key, here: list[Movement] | None, there: list[Movement] | None, open_ids: frozenset[str]) -> Compared:
    ours = sum(one.amount_minor for one in here) if here else None
    theirs = sum(one.amount_minor for one in there) if there else None
    return Compared(
        kind=key[0], payment_id=key[1], currency=key[2], ours_minor=ours, theirs_minor=theirs,
        difference=_difference(ours, theirs, 0 if there is None else len(there)), is_open=key[1] in open_ids,
        at=(there or here or [])[0].at,
    )  # fmt: skip


def _difference(ours: int | None, theirs: int | None, count: int) -> Difference | None:
    """Say how two amounts differ; a movement that came and went again (a payout that failed) is nothing on our side."""
    if (ours or 0) == (theirs or 0):
        return None
    if theirs is None:
        return Difference.MISSING_THERE
    if ours is None:
        return Difference.MISSING_HERE
    return Difference.DOUBLED_THERE if count > 1 else Difference.OTHER_AMOUNT


def ledger_movements(
    connection: Connection, provider: str, kinds: frozenset[str], first: datetime, after: datetime,
    theirs: Sequence[Movement],
) -> list[Movement]:  # fmt: skip
    """Return what our ledger says moved at this provider: all of the day, and whatever else the provider names."""
    account, joint = rules.psp(provider), _joint_ids(connection, provider)
    of_day = (transfer.c.created_at >= first, transfer.c.created_at < after)
    wanted = {_key(one) for one in theirs}
    wanted |= {_key(one) for one in _found(connection, account, joint, *of_day)}
    wanted = {key for key in wanted if key[0] in kinds}
    references = sorted(_references(wanted, joint))
    found: list[Movement] = []
    for start in range(0, len(references), REFERENCES_MAX):
        part = transfer.c.reference.in_(references[start : start + REFERENCES_MAX])
        found += [one for one in _found(connection, account, joint, part) if _key(one) in wanted]
    return _merged(found)


def _found(connection: Connection, account: str, joint: dict[str, str], *where: Any) -> list[Movement]:
    query = (
        select(transfer.c.reference, transfer.c.created_at, posting)
        .join(posting, posting.c.reference == transfer.c.reference)
        .where(or_(posting.c.debit == account, posting.c.credit == account), *where)
        .order_by(transfer.c.created_at, transfer.c.reference)
    )
    return [_movement(row, account, joint) for row in connection.execute(query).mappings()]


def _references(keys: set[Key], joint: dict[str, str]) -> set[str]:
    """Return what our ledger may call these movements."""
    parts: dict[str, list[str]] = defaultdict(list)
    for part, whole in joint.items():
        parts[whole].append(part)
    return {
        f"{prefix}:{name}"
        for kind, payment_id, _ in keys
        for prefix in (kind, *(ours for ours, theirs in KINDS.items() if theirs == kind))
        for name in (payment_id, *parts[payment_id])
    }


def _movement(row: Any, account: str, joint: dict[str, str]) -> Movement:
    prefix, _, payment_id = str(row["reference"]).partition(":")
    sign = 1 if row["debit"] == account else -1
    return Movement(
        kind=KINDS.get(prefix, prefix), payment_id=joint.get(payment_id, payment_id), at=row["created_at"],
        amount_minor=sign * row["amount_minor"], currency=row["currency"],
    )  # fmt: skip


def _merged(movements: list[Movement]) -> list[Movement]:
    """Return one movement for each key: parts of one charge for several orders are one at the provider."""
    return [
        Movement(kind=kind, payment_id=payment_id, currency=currency, at=parts[0].at,
                 amount_minor=sum(one.amount_minor for one in parts))
        for (kind, payment_id, currency), parts in _by_key(movements).items()
    ]  # fmt: skip


def _joint_ids(connection: Connection, provider: str) -> dict[str, str]:
    """Return the provider's id of each part of a charge that pays for several orders."""
    query = select(payment.c.payment_id, payment.c.joint_id).where(
        payment.c.provider == provider, payment.c.joint_id.is_not(None)
    )
    return {row.payment_id: row.joint_id for row in connection.execute(query)}


def payouts_settled_at(connection: Connection, provider: str, first: datetime, after: datetime) -> datetime | None:
    """Return when the last of the payouts that were started in [first, after) was settled; None without any.

    A payout leaves our ledger when it starts, and stands on a bank's statement days later.
    """
    is_it = (payout.c.provider == provider, payout.c.started_at >= first, payout.c.started_at < after)
    query = select(payout.c.changed_at).where(*is_it).order_by(payout.c.changed_at.desc())
    return connection.scalars(query.limit(1)).first()


def open_payments(connection: Connection, provider: str) -> frozenset[str]:
    """Return the payments and payouts that are under way: about these the books may differ for now."""
    moving = select(payment.c.payment_id, payment.c.joint_id).where(
        payment.c.provider == provider, payment.c.state == "started"
    )
    outs = select(payout.c.payout_id).where(payout.c.provider == provider, payout.c.state == "started")
    ids = {row.joint_id or row.payment_id for row in connection.execute(moving)}
    return frozenset(ids | set(connection.scalars(outs)))
