"""Everything that stands about a shopper as one document, for them to take along.

What other people wrote to them is theirs: the document says that there was a message and when, and no word of it; so
nobody's words leave the house in somebody else's file. Pictures are named by hash and address.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, not_, or_, select

from cloud_relay.records.standing import STANDINGS, Standing
from cloud_relay.tables import order_message, orders, owner_message, owner_talk, parcel
from wire.values import format_time

FORMAT = 1
PICTURES = ("still_sha256", "packed_sha256", "photo_sha256")


def export(connection: Connection, account_id: str, now: datetime) -> dict[str, Any]:
    """Return the document: `parts` by table name, messages of others without a word, pictures, what is left out."""
    return {
        "format": FORMAT, "made_at": format_time(now), "account_id": account_id,
        "parts": {one.table.name: _rows(connection, one, account_id) for one in STANDINGS if one.is_given},
        "messages_to_you": _messages_to(connection, account_id), "pictures": _pictures(connection, account_id),
        "left_out": {one.table.name: one.why for one in STANDINGS if not one.is_given},
        "stays_when_erased": {one.table.name: one.why for one in STANDINGS if one.is_given and _stays(one)},
    }  # fmt: skip


def _stays(standing: Standing) -> bool:
    return not (standing.delete or standing.blank)


def _rows(connection: Connection, standing: Standing, account_id: str) -> list[dict[str, Any]]:
    columns = [column for column in standing.table.columns if column.name not in standing.hidden]
    query = select(*columns).where(standing.whose(account_id)).order_by(*standing.table.primary_key.columns)
    return [_plain(row) for row in connection.execute(query).mappings()]


def _plain(row: RowMapping) -> dict[str, Any]:
    return {name: format_time(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _messages_to(connection: Connection, account_id: str) -> list[dict[str, str]]:
    own = select(orders.c.order_id).where(orders.c.account_id == account_id)
    of_orders = select(order_message.c.order_id.label("name"), order_message.c.sent_at).where(
        order_message.c.order_id.in_(own), not_(and_(
            order_message.c.account_id == account_id, order_message.c.is_from_merchant.is_(False),
        )),
    )  # fmt: skip
    of_talks = (
        select(owner_message.c.talk_id.label("name"), owner_message.c.sent_at)
        .join(owner_talk, owner_talk.c.talk_id == owner_message.c.talk_id)
        .where(
            or_(
                and_(owner_talk.c.asker_id == account_id, owner_message.c.is_from_asker.is_(False)),
                and_(
                    owner_talk.c.asked_id == account_id, owner_talk.c.is_heard, owner_message.c.is_from_asker.is_(True)
                ),
            )
        )
    )
    found = [("order", row) for row in connection.execute(of_orders.order_by(order_message.c.sent_at))]
    found += [("talk", row) for row in connection.execute(of_talks.order_by(owner_message.c.sent_at))]
    return [{"kind": kind, "of": row.name, "sent_at": format_time(row.sent_at)} for kind, row in found]


def _pictures(connection: Connection, account_id: str) -> list[dict[str, str]]:
    rows = connection.execute(
        select(parcel.c.parcel_id, *(parcel.c[name] for name in PICTURES))
        .where(parcel.c.account_id == account_id)
        .order_by(parcel.c.parcel_id)
    ).mappings()
    return [
        {"parcel_id": row["parcel_id"], "picture_sha256": row[name], "address": f"/pictures/{row[name]}"}
        for row in rows for name in PICTURES if row[name]
    ]  # fmt: skip
