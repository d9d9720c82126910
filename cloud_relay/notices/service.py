"""Tell a person what they must know: a row that stays, and an event to their open pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from cloud_relay.db import wake
from cloud_relay.notices.texts import sentences
from cloud_relay.tables import account, member, notice
from cloud_relay.web.pages import PageEvent, page_events
from wire.values import new_id

_INSERT = insert(notice)
_MEMBERS = select(member.c.account_id).where(member.c.merchant_id == bindparam("merchant_id"))

PAGE = 100
"""Notices in one answer; older ones are asked for with `before`."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice to one account: `kind` chooses the sentences, `values` fill them."""

    account_id: str
    kind: str
    link: str
    values: dict[str, str]


def notify(
    connection: Connection, account_ids: Iterable[str], kind: str, link: str, now: datetime, **values: str
) -> None:
    """Write one notice to each account in this transaction; `kind` chooses the sentences, `values` fill them."""
    page_events(connection, write(connection, [(name, kind) for name in account_ids], link, now, values), now)


def write(
    connection: Connection, to: Iterable[tuple[str, str]], link: str, now: datetime, values: dict[str, str]
) -> list[PageEvent]:
    """Write a notice for each (account, kind) and return the page events that tell of them, for the caller to add."""
    return write_all(connection, [Letter(name, kind, link, values) for name, kind in dict.fromkeys(to)], now)


def write_all(connection: Connection, letters: Iterable[Letter], now: datetime) -> list[PageEvent]:
    """As `write`, of notices that differ in more than whom they are for."""
    rows: list[dict[str, Any]] = []
    for one in letters:
        text_en, text_zh = sentences(one.kind, one.values)
        rows.append({
            "notice_id": new_id("not"), "account_id": one.account_id, "kind": one.kind, "text_en": text_en,
            "text_zh": text_zh, "link": one.link, "created_at": now,
        })  # fmt: skip
    if rows:
        connection.execute(_INSERT, rows)
        wake(connection, "notices")
    told = ("notice_id", "kind", "text_en", "text_zh", "link")
    return [(f"account:{row['account_id']}", "notice", {name: row[name] for name in told}) for row in rows]


def members_of(connection: Connection, merchant_id: str) -> list[str]:
    """Return the accounts that belong to a merchant."""
    return list(connection.scalars(_MEMBERS, {"merchant_id": merchant_id}))


def operators(connection: Connection) -> list[str]:
    """Return the operators' accounts."""
    return list(connection.scalars(select(account.c.account_id).where(account.c.is_operator, ~account.c.is_closed)))


def notices_of(connection: Connection, account_id: str, before: datetime | None = None) -> dict[str, Any]:
    """Return an account's newest notices and how many are unread."""
    query = select(notice).where(notice.c.account_id == account_id)
    if before is not None:
        query = query.where(notice.c.created_at < before)
    rows = connection.execute(query.order_by(notice.c.created_at.desc(), notice.c.notice_id).limit(PAGE)).mappings()
    found = [{name: value for name, value in row.items() if name != "account_id"} for row in rows]
    return {"notices": found, "unread": unread_of(connection, account_id)}


def unread_of(connection: Connection, account_id: str) -> int:
    """Return how many notices of an account are unread."""
    unread = select(func.count()).where(notice.c.account_id == account_id, notice.c.read_at.is_(None))
    return int(connection.scalar(unread) or 0)


def mark_read(connection: Connection, account_id: str, notice_ids: list[str], now: datetime) -> None:
    """Note that these notices were read; those of other accounts are left alone."""
    own = (notice.c.account_id == account_id, notice.c.notice_id.in_(notice_ids), notice.c.read_at.is_(None))
    if connection.execute(update(notice).where(*own).values(read_at=now)).rowcount:
        _tell_read(connection, account_id, now)


def mark_all_read(connection: Connection, account_id: str, now: datetime) -> dict[str, int]:
    """Note that every notice of this account was read; return how many that were."""
    own = (notice.c.account_id == account_id, notice.c.read_at.is_(None))
    marked = connection.execute(update(notice).where(*own).values(read_at=now)).rowcount
    if marked:
        _tell_read(connection, account_id, now)
    return {"marked": marked}


def mark_unread(connection: Connection, account_id: str, notice_id: str, now: datetime) -> dict[str, str]:
    """Keep one notice for later: it counts as unread again. LookupError for another account's."""
    own = (notice.c.account_id == account_id, notice.c.notice_id == notice_id)
    if connection.execute(update(notice).where(*own).values(read_at=None)).rowcount != 1:
        raise LookupError(f"notice {notice_id}: is not this account's")
    _tell_read(connection, account_id, now)
    return {"notice_id": notice_id}


def _tell_read(connection: Connection, account_id: str, now: datetime) -> None:
    page_events(connection, [(f"account:{account_id}", "notices_read", {})], now)
