"""Use cases of an order's thread: read, write, report. One function, one transaction."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from cloud_relay.catalog.reading import missing
from cloud_relay.contact_words import refuse_contact
from cloud_relay.notices import service as notices
from cloud_relay.orders import store as orders
from cloud_relay.refusals import RefusedError
from cloud_relay.reporting import report_once
from cloud_relay.tables import account, message_telling, order_message
from cloud_relay.threads import rules
from cloud_relay.threads.rules import MERCHANT, SHOPPER
from cloud_relay.web.pages import page_event
from wire.values import clean_text, new_id

_MESSAGE = order_message.c


def side_of(connection: Connection, order_id: str, account_id: str, merchant_ids: Iterable[str]) -> str:
    """Return on which side of an order somebody is; RefusedError (404) for everybody else."""
    found = orders.load(connection, order_id)
    if found is not None and found.account_id == account_id:
        return SHOPPER
    if found is not None and found.merchant_id in frozenset(merchant_ids):
        return MERCHANT
    raise missing()


def read_thread(connection: Connection, order_id: str, account_id: str) -> list[dict[str, Any]]:
    """Return the messages of an order, oldest first; who may read them the caller has checked."""
    query = (
        select(order_message, account.c.nickname)
        .join(account, account.c.account_id == _MESSAGE.account_id)
        .where(_MESSAGE.order_id == order_id)
        .order_by(_MESSAGE.sent_at, _MESSAGE.message_id)
    )
    return [
        {
            "message_id": row["message_id"], "text": row["text"], "sent_at": row["sent_at"],
            "is_from_merchant": row["is_from_merchant"], "nickname": row["nickname"],
            "is_mine": row["account_id"] == account_id, "is_reported": row["reported_at"] is not None,
        }
        for row in connection.execute(query).mappings()
    ]  # fmt: skip


def write_message(
    connection: Connection, order_id: str, account_id: str, merchant_ids: Iterable[str], words: str, now: datetime,
    our_host: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Write a message to the other side of an order; open pages show it at once, a notice goes out per quiet time.

    RefusedError for contact data, a thread that is full, or somebody else's order.
    """
    side = side_of(connection, order_id, account_id, merchant_ids)
    cleaned = clean_text(words, "text", rules.TEXT_LENGTH_MAX, lines=rules.TEXT_LINES_MAX)
    refuse_contact(cleaned, our_host)
    count = connection.scalar(select(func.count()).where(_MESSAGE.order_id == order_id)) or 0
    if count >= rules.MESSAGES_MAX:
        raise RefusedError(
            "thread_full", "This thread is full; open a dispute if there is a problem", "消息已满，如有问题请发起争议"
        )
    message_id = new_id("msg")
    row = {
        "message_id": message_id, "order_id": order_id, "account_id": account_id,
        "is_from_merchant": side == MERCHANT, "text": cleaned, "sent_at": now,
    }  # fmt: skip
    connection.execute(insert(order_message).values(row))
    page_event(connection, f"order:{order_id}", "message", {"order_id": order_id}, now)
    _tell(connection, order_id, SHOPPER if side == MERCHANT else MERCHANT, now)
    return {"message_id": message_id, "order_id": order_id}


def _tell(connection: Connection, order_id: str, side: str, now: datetime) -> None:
    own = (message_telling.c.order_id == order_id, message_telling.c.side == side)
    told_at = connection.scalar(select(message_telling.c.told_at).where(*own))
    if not rules.is_told(told_at, now):
        return
    if told_at is None:
        connection.execute(insert(message_telling).values(order_id=order_id, side=side, told_at=now))
    else:
        connection.execute(update(message_telling).where(*own).values(told_at=now))
    found = orders.load(connection, order_id)
    assert found is not None
    people = [found.account_id] if side == SHOPPER else notices.members_of(connection, found.merchant_id)
    words = {"title_en": found.title_en, "title_zh": found.title_zh}
    notices.notify(connection, people, "order_message", f"/orders/{order_id}#thread", now, **words)


def report_message(
    connection: Connection, message_id: str, account_id: str, merchant_ids: Iterable[str], reason: str, now: datetime
) -> dict[str, Any]:
    """Report a message of the other side to the operators, once; they see it on the order's page."""
    query = select(order_message).where(_MESSAGE.message_id == message_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise missing()
    side = side_of(connection, row["order_id"], account_id, merchant_ids)
    if (side == MERCHANT) == row["is_from_merchant"]:
        raise RefusedError("own_message", "This is your own side's message", "不能举报己方的消息", 422)
    link = f"/orders/{row['order_id']}#thread"
    if report_once(connection, order_message, message_id, account_id, reason, link, now):
        page_event(connection, f"order:{row['order_id']}", "message", {"order_id": row["order_id"]}, now)
    return {"message_id": message_id, "is_reported": True}
