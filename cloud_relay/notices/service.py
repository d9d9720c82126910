"""Tell a person what they must know: a row that stays, and an event to their open pages."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from cloud_relay.db import wake
from cloud_relay.notices.texts import sentences
from cloud_relay.tables import account, member, notice
from cloud_relay.web.pages import page_events
from wire.values import new_id

_INSERT = insert(notice)
_MEMBERS = select(member.c.account_id).where(member.c.merchant_id == bindparam("merchant_id"))

PAGE = 100
"""Notices in one answer; older ones are asked for with `before`."""


def notify(
    connection: Connection, account_ids: Iterable[str], kind: str, link: str, now: datetime, **values: str
) -> None:
    """Write one notice to each account in this transaction; `kind` chooses the sentences, `values` fill them."""
    page_events(connection, write(connection, [(name, kind) for name in account_ids], link, now, values), now)


def write(
    connection: Connection, to: Iterable[tuple[str, str]], link: str, now: datetime, values: dict[str, str]
) -> list[tuple[str, str, dict[str, Any]]]:
    """Write a notice for each (account, kind) and return the page events that tell of them, for the caller to add."""
    rows: list[dict[str, Any]] = []
    for account_id, kind in dict.fromkeys(to):
        text_en, text_zh = sentences(kind, values)
        rows.append({
            "notice_id": new_id("not"), "account_id": account_id, "kind": kind, "text_en": text_en, "text_zh": text_zh,
            "link": link, "created_at": now,
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
    unread = select(func.count()).where(notice.c.account_id == account_id, notice.c.read_at.is_(None))
    found = [{name: value for name, value in row.items() if name != "account_id"} for row in rows]
    return {"notices": found, "unread": connection.scalar(unread)}


def mark_read(connection: Connection, account_id: str, notice_ids: list[str], now: datetime) -> None:
    """Note that these notices were read; those of other accounts are left alone."""
    own = (notice.c.account_id == account_id, notice.c.notice_id.in_(notice_ids), notice.c.read_at.is_(None))
    connection.execute(update(notice).where(*own).values(read_at=now))
