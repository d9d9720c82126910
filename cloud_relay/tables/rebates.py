"""The rebate queue: who switched it on, what feeds the pot, the tickets in line, settlements, withdrawals."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from cloud_relay.tables.columns import flag, id_, key, metadata, minor, moment, sha256, text

SOURCE_LENGTH = 200
"""A source is the reference of the transfer that posted the commission (trade.transfer)."""

rebate_switch = Table(
    "rebate_switch", metadata,
    key("switch_id"), text("market"), flag("is_on"), Column("feed_ppm", Integer, nullable=False),
    Column("cap_ppm", Integer, nullable=False), Column("wait_s", Integer, nullable=False),
    minor("withdraw_min_minor"), minor("withdraw_day_minor"), id_("operator_id", nullable=False),
    text("operator_name"), text("reason"), moment("decided_at", nullable=False),
    Column("switch_no", Integer, nullable=False), UniqueConstraint("market", "switch_no"),
)  # fmt: skip

rebate_account = Table(
    "rebate_account", metadata,
    id_("account_id", ForeignKey("account.account_id"), primary_key=True), text("opened_by"),
    moment("opened_at", nullable=False),
)  # fmt: skip

rebate_feed = Table(
    "rebate_feed", metadata,
    Column("source", String(SOURCE_LENGTH), ForeignKey("transfer.reference"), primary_key=True), text("market"),
    Column("currency", String(3), nullable=False), id_("merchant_id", nullable=False), id_("sale_id"),
    minor("commission_minor"), minor("amount_minor"), text("state", "waiting"), moment("countable_at", nullable=False),
    Column("batch_id", String(SOURCE_LENGTH), index=True),
    Index("ix_rebate_feed_waiting", "state", "market", "currency", "merchant_id", "countable_at"),
    Index("ix_rebate_feed_queue", "market", "currency"),
)  # fmt: skip

rebate_queue = Table(
    "rebate_queue", metadata,
    text("market"), Column("currency", String(3)), Column("last_no", Integer, nullable=False),
    Column("tickets", Integer, nullable=False), minor("open_minor"), PrimaryKeyConstraint("market", "currency"),
)  # fmt: skip
"""What a settlement and the public page must know of a line without reading all of it."""

rebate_ticket = Table(
    "rebate_ticket", metadata,
    key("ticket_id"), text("market"), Column("currency", String(3), nullable=False),
    Column("queue_no", Integer), id_("account_id", nullable=False, index=True),
    Column("source", String(SOURCE_LENGTH), ForeignKey("transfer.reference"), nullable=False, unique=True),
    minor("price_minor"), minor("cap_minor"), minor("paid_minor", default=0), minor("returned_minor", default=0),
    text("state", "unfed"), moment("joined_at", nullable=False), moment("payable_at", nullable=False),
    moment("left_at"), UniqueConstraint("market", "currency", "queue_no"),
    Index("ix_rebate_ticket_line", "state", "market", "currency", "queue_no"),
    CheckConstraint("cap_minor < price_minor AND paid_minor <= cap_minor AND returned_minor <= paid_minor", name="cap"),
)  # fmt: skip

rebate_batch = Table(
    "rebate_batch", metadata,
    Column("batch_id", String(SOURCE_LENGTH), primary_key=True), text("market"),
    Column("currency", String(3), nullable=False), text("name"), Column("batch_no", Integer, nullable=False),
    minor("fed_minor"), minor("refunds_minor"), minor("paid_minor"),
    minor("pot_before_minor"), minor("pot_minor"), minor("open_minor"),
    Column("paid_tickets", Integer, nullable=False), Column("tickets", Integer, nullable=False),
    Column("first_no", Integer, nullable=False), flag("has_more"),
    sha256("previous_sha256", nullable=False), sha256("proof_sha256", nullable=False), text("ran_by"),
    moment("ran_at", nullable=False), UniqueConstraint("market", "currency", "batch_no"),
)  # fmt: skip

rebate_payment = Table(
    "rebate_payment", metadata,
    Column("batch_id", String(SOURCE_LENGTH), ForeignKey("rebate_batch.batch_id")), Column("line", Integer),
    id_("ticket_id", ForeignKey("rebate_ticket.ticket_id"), nullable=False, index=True),
    Column("queue_no", Integer, nullable=False), minor("amount_minor"), PrimaryKeyConstraint("batch_id", "line"),
)  # fmt: skip

rebate_withdrawal = Table(
    "rebate_withdrawal", metadata,
    key("withdrawal_id"), id_("account_id", nullable=False, index=True), text("market"), minor("amount_minor"),
    Column("currency", String(3), nullable=False), text("state", "asked"), moment("asked_at", nullable=False),
    moment("until", nullable=False), moment("confirmed_at"), id_("payout_id", unique=True),
)  # fmt: skip
