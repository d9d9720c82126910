"""Tell a person what they must know: a row that stays, and an event to their open pages."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from cloud_relay.notices.texts import sentences
from cloud_relay.tables import account, member, notice
from cloud_relay.web.pages import page_event
from wire.values import new_id

PAGE = 100
"""Notices in one answer; older ones are asked for with `before`."""


def notify(
    connection: Connection, account_ids: Iterable[str], kind: str, link: str, now: datetime, **values: str
) -> None:
    """Write one notice to each account in this transaction; `kind` chooses the sentences, `values` fill them."""
    text_en, text_zh = sentences(kind, values)
    rows: list[dict[str, Any]] = [
        {"notice_id": new_id("not"), "account_id": account_id, "kind": kind, "text_en": text_en, "text_zh": text_zh,
         "link": link, "created_at": now}
        for account_id in dict.fromkeys(account_ids)
    ]  # fmt: skip
    if not rows:
        return
    connection.execute(insert(notice), rows)
    for row in rows:
        data = {name: row[name] for name in ("notice_id", "kind", "text_en", "text_zh", "link")}
        page_event(connection, f"account:{row['account_id']}", "notice", data, now)


def members_of(connection: Connection, merchant_id: str) -> list[str]:
    """Return the accounts that belong to a merchant."""
    return list(connection.scalars(select(member.c.account_id).where(member.c.merchant_id == merchant_id)))


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
