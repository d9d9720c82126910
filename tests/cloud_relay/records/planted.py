"""A row in every table that may hold something of a shopper, filled by its own columns, with canaries in every text."""

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Connection, Float, Integer, LargeBinary, Table, insert, select

from cloud_relay.records.standing import STANDINGS
from cloud_relay.tables import metadata
from cloud_relay.tables.columns import Moment

CANARY = "canarybird"
WHO = "ann"
OTHER = "bob"
LATER = datetime(2031, 1, 1, tzinfo=UTC)

IDS: dict[str, Any] = {
    "account_id": WHO, "shopper_id": WHO, "asker_id": WHO, "asked_id": OTHER, "muted_id": OTHER, "started_by": WHO,
    "actor": WHO, "principal": f"account:{WHO}", "shop_id": "teahouse", "merchant_id": "mer_1", "listing_id": "lis_1",
    "piece_id": "lis_1_p0", "promotion_id": "pro_1", "order_id": "ord_1", "sale_id": "sale_1", "session_id": "vis_1",
    "group_id": "grp_1", "member_id": "gmb_1", "talk_id": "tlk_1", "list_id": "lst_1", "suggestion_id": "sug_1",
    "quote_request_id": "qrq_1", "parcel_id": "par_1", "subject": "par_1", "shipment_id": "shp_1",
    "notice_id": "ntc_1", "quote_id": None, "point_id": "pnt_1", "pickup_point_id": None, "variant_id": None,
    "email": f"{WHO}@example.org", "currency": "CNY", "market": "cn", "ticket_id": "tkt_1", "channel": f"account:{WHO}",
    "question_id": "qst_1", "dispute_id": "dis_1", "is_from_merchant": False, "is_from_asker": True, "reference": "r:1",
    "source": "r:1", "joint_id": None, "with_parcel_id": None, "basket_id": None, "accepted_quote_id": None,
}  # fmt: skip
CHECKED: dict[str, dict[str, Any]] = {
    "orders": {"state": "released"}, "reservation": {"state": "ended"}, "quote_request": {"state": "expired"},
    "payment": {"state": "succeeded", "kind": "charge"}, "payout": {"state": "succeeded"},
    "rebate_ticket": {"cap_minor": 1, "price_minor": 2, "paid_minor": 0, "returned_minor": 0},
    "pledge": {"saving_minor": 0, "usual_minor": 1}, "member": {"account_id": WHO, "role": "packer"},
    "shop_command": {"type": "LabelParcel", "sequence": 1}, "group_order": {"saving_minor": 0},
    "promotion": {"until_at": LATER, "account_id": OTHER},
    "order_event": {"detail": {"state": "disputed", "reason": CANARY}},
    "viewing_complaint": {"by_account_id": OTHER}, "counter_sale": {"account_id": ""}, "owner_talk": {"state": "open"},
}  # fmt: skip
"""Values that constraints and rules ask for."""

MACHINE = re.compile(
    r"\w+_id|\w+_by|state|\w+_state|kind|how|how_known|way|\w*outcome|card_name|biz_step|disposition|trace|provider"
    r"|provider_reference|payment_provider|payment_method|method|cause|\w+_key|key|ruling|end_reason|camera|role|purpose"
    r"|language|\w*media_type|label_serial|sscc|gtin|sku|source|time_zone|topic|use|held_reason|csrf|auth|p256dh|carrier"
    r"|tracking_no|tracking_url|place|market|type|channel|password_hash|pin_hash|opened_by|country"
)
"""Columns that hold a code, a key or a number of ours, never a word of a person; what is not here gets the canary."""
THEIRS = {one.table.name for one in STANDINGS}


def value_of(table: Table, column: Any, now: datetime) -> Any:
    """Return something for a column: an id that leads somewhere, a time, a number, or a canary."""
    if column.name in CHECKED.get(table.name, {}):
        return CHECKED[table.name][column.name]
    if column.name in IDS and not (column.primary_key and not column.foreign_keys and column.name == "account_id"):
        known = IDS[column.name]
        return "" if known is None and not column.nullable else known
    if column.name == "account_id":
        return WHO
    if isinstance(column.type, Moment):
        return now
    if isinstance(column.type, Boolean):
        return False
    if isinstance(column.type, Float):
        return 1.0
    if isinstance(column.type, BigInteger | Integer):
        return 1
    if column.name.endswith("_sha256"):
        return "ab" * 32
    if MACHINE.fullmatch(column.name) or table.name not in THEIRS:
        return [] if isinstance(column.type, JSON) else "x"
    if isinstance(column.type, JSON):
        return {"reason": CANARY, "country": "CN", "name": CANARY, "lines": [CANARY], "phone": CANARY}
    if isinstance(column.type, LargeBinary):
        return CANARY.encode()
    return CANARY[: getattr(column.type, "length", None)]


def plant(connection: Connection, now: datetime) -> list[str]:
    """Write a row into every table of STANDINGS that has none yet, and into what these point to; return the tables."""
    wanted = {one.table.name for one in STANDINGS} - {"account"}
    grew = True
    while grew:
        points_to = {
            key.column.table.name for name in wanted for column in metadata.tables[name].columns
            for key in column.foreign_keys
        }  # fmt: skip
        grew = not points_to <= wanted
        wanted |= points_to
    planted = []
    for table in metadata.sorted_tables:
        if table.name not in wanted:
            continue
        row = {
            column.name: value_of(table, column, now) for column in table.columns
            if not (column.primary_key and column.autoincrement is True)
        }  # fmt: skip
        if connection.execute(select(table).limit(1)).first() is None or table.name == "member":
            connection.execute(insert(table).values(row))
            planted.append(table.name)
    return planted


def found_in(connection: Connection, words: tuple[str, ...]) -> dict[str, set[str]]:
    """Return in which columns of the whole database each of these words stands, bytes included."""
    found: dict[str, set[str]] = {word: set() for word in words}
    for table in metadata.sorted_tables:
        for row in connection.execute(select(table)).mappings():
            for name, value in row.items():
                said = bytes(value).decode(errors="replace") if isinstance(value, bytes | memoryview) else repr(value)
                for word in words:
                    if word in said:
                        found[word].add(f"{table.name}.{name}")
    return found
