"""The shop boxes: commands to them, reports from them, their certificates and checks."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from cloud_relay.tables.columns import flag, id_, key, metadata, moment, sha256, text

idempotency_key = Table(
    "idempotency_key", metadata,
    Column("principal", String(80)), Column("key", String(120)), sha256("request_sha256", nullable=False),
    Column("status", Integer), Column("response", JSON), moment("created_at", nullable=False),
    PrimaryKeyConstraint("principal", "key"),
)  # fmt: skip

shop_command = Table(
    "shop_command", metadata,
    key("command_id"), id_("shop_id", nullable=False), Column("sequence", Integer), text("type"), text("subject"),
    Column("data", JSON, nullable=False), Column("payload", LargeBinary), Column("deadline_s", Float),
    moment("created_at", nullable=False), moment("issued_at"), moment("sent_at"), text("ack_state"),
    Column("ack", JSON), moment("acked_at"), text("trace"), UniqueConstraint("shop_id", "sequence"),
    Index("ix_shop_command_open", "shop_id", "ack_state", "created_at"),
)  # fmt: skip

shop_link = Table(
    "shop_link", metadata,
    key("shop_id"), text("lease_owner"), moment("lease_until"), Column("next_sequence", Integer, nullable=False,
    default=1),
    Column("report_sequence", Integer, nullable=False, default=0), Column("journal_sequence", BigInteger,
    nullable=False, default=0),
    sha256("journal_hash"), flag("is_online"), text("session"), Column("presence", JSON), moment("seen_at"),
    text("quarantine_reason"), Column("clock_offset_s", Float), moment("clock_at"),
)  # fmt: skip

shop_report = Table(
    "shop_report", metadata,
    id_("shop_id"), Column("sequence", Integer), id_("report_id", nullable=False), text("type"), Column("data",
    JSON, nullable=False),
    moment("at", nullable=False), moment("received_at", nullable=False), PrimaryKeyConstraint("shop_id", "sequence"),
)  # fmt: skip

device_state = Table(
    "device_state", metadata,
    id_("shop_id"), Column("device", String(64)), Column("state", JSON, nullable=False), moment("changed_at",
    nullable=False),
    PrimaryKeyConstraint("shop_id", "device"),
)  # fmt: skip

claim_code = Table(
    "claim_code", metadata,
    sha256("code_sha256", primary_key=True), id_("shop_id", nullable=False, index=True), moment("expires_until",
    nullable=False),
    moment("used_at"), text("box_code"),
)  # fmt: skip

shop_certificate = Table(
    "shop_certificate", metadata,
    Column("serial", String(64), primary_key=True), id_("shop_id", nullable=False, index=True), text("public_key_pem"),
    moment("issued_at", nullable=False), moment("expires_until", nullable=False), moment("revoked_at"),
)  # fmt: skip

bench_check = Table(
    "bench_check", metadata,
    key("check_id"), id_("shop_id", nullable=False), text("occasion"), flag("is_passed"), flag("is_whole"),
    moment("ended_at", nullable=False), moment("received_at", nullable=False), Column("card", JSON, nullable=False),
    Index("ix_bench_check_shop", "shop_id", "received_at"),
)  # fmt: skip

check_progress = Table(
    "check_progress", metadata,
    key("shop_id"), id_("check_id", nullable=False), moment("started_at", nullable=False), text("stage"),
    Column("number", Integer, nullable=False), Column("told", JSON, nullable=False), moment("told_at", nullable=False),
)  # fmt: skip

high_water = Table("high_water", metadata, Column("name", String(40), primary_key=True), moment("at", nullable=False))
