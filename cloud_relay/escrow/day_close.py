"""A merchant's day: what was paid in, released, refunded and paid out between two moments. Read from the book alone."""

import csv
import io
import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, func, literal, or_, select

from cloud_relay.escrow import rules
from cloud_relay.orders.rules import MONEY_HELD
from cloud_relay.tables import counter_sale, order_line, orders, posting, transfer

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What spreadsheets take for the beginning of a formula (OWASP, CSV injection)."""
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")

SUMS = (
    "held_minor",
    "gross_minor",
    "commission_minor",
    "tax_minor",
    "net_minor",
    "refund_minor",
    "payout_minor",
    "counter_minor",
)


def bounds(day: date, time_zone: str) -> tuple[datetime, datetime]:
    """Return the first moment of a day in this zone and of the day after; a clock change makes it 23 or 25 h."""
    zone = ZoneInfo(time_zone)
    first, after = (datetime(one.year, one.month, one.day, tzinfo=zone) for one in (day, day + timedelta(days=1)))
    return first, after


def read_day(connection: Connection, merchant_id: str, first: datetime, after: datetime) -> dict[str, Any]:
    """Return the lines of [first, after), their sums by currency, and what the merchant had at the end of it."""
    lines: dict[str, dict[str, Any]] = {}
    for row in _postings(connection, merchant_id, first, after):
        line = lines.setdefault(row["reference"], _new_line(row))
        _add(line, row, merchant_id)
    kept = [line for line in lines.values() if any(line[name] for name in SUMS)]
    currencies = sorted({line["currency"] for line in kept})
    sums = [
        {"currency": one, **{name: sum(line[name] for line in kept if line["currency"] == one) for name in SUMS},
         "orders": sum(line["kind"] == "hold" and line["currency"] == one for line in kept)}
        for one in currencies
    ]  # fmt: skip
    return {"lines": kept, "sums": sums, "balances": _balances_at(connection, merchant_id, after)}


def _new_line(row: RowMapping) -> dict[str, Any]:
    plain = {name: row[name] for name in ("reference", "kind", "order_id", "created_at", "currency")}
    title = {"en": row["title_en"] or "", "zh": row["title_zh"] or ""}
    return {**plain, "title": title, **dict.fromkeys(SUMS, 0)}


def _add(line: dict[str, Any], row: RowMapping, merchant_id: str) -> None:
    """Fold one posting into its transfer's line; each sum is positive for what it is called."""
    payable, amount, kind = rules.payable(merchant_id), row["amount_minor"], row["kind"]
    if kind == "hold":
        line["held_minor"] += amount
    elif kind in ("counter", "counter_refund"):
        _add_counter(line, row)
    elif kind == "counter_due_back":
        line["net_minor"] += amount
    elif kind == "counter_due":
        line["net_minor"] -= amount
    elif kind == "refund":
        line["refund_minor"] += amount
    elif row["credit"].startswith("fees:"):
        line["commission_minor"] += amount
        line["gross_minor"] += amount
    elif row["credit"].startswith("tax:"):
        line["tax_minor"] += amount
        line["gross_minor"] += amount
    elif kind == "payout" and row["debit"] == payable:
        line["payout_minor"] += amount
    elif kind in ("payout_failed", "bank_credited") and row["credit"] == payable:
        line["payout_minor"] -= amount
    elif row["credit"] == payable:
        line["net_minor"] += amount
        line["gross_minor"] += amount
    elif row["debit"] == payable:
        line["net_minor"] -= amount


def _add_counter(line: dict[str, Any], row: RowMapping) -> None:
    """A counter sale's money is the merchant's already; its commission is owed, and leaves when it is kept back.

    A refund goes the same way back.
    """
    is_back = row["kind"] == "counter_refund"
    ours = row["debit" if is_back else "credit"]
    amount = -row["amount_minor"] if is_back else row["amount_minor"]
    if ours.startswith("fees:"):
        line["commission_minor"] += amount
    elif ours.startswith("tax:"):
        line["tax_minor"] += amount
    else:
        line["counter_minor"] += amount


def _postings(connection: Connection, merchant_id: str, first: datetime, after: datetime) -> list[RowMapping]:
    payable = rules.payable(merchant_id)
    sold = literal(rules.counter_reference(""))
    at_counter = select(counter_sale.c.sale_id).where(counter_sale.c.merchant_id == merchant_id)
    query = (
        select(transfer, posting, order_line.c.title_en, order_line.c.title_zh)
        .join(posting, posting.c.reference == transfer.c.reference)
        .outerjoin(orders, orders.c.order_id == transfer.c.order_id)
        .outerjoin(order_line, (order_line.c.order_id == transfer.c.order_id) & (order_line.c.line == 1))
        .where(transfer.c.created_at >= first, transfer.c.created_at < after)
        .where(
            or_(
                orders.c.merchant_id == merchant_id,
                posting.c.debit == payable,
                posting.c.credit == payable,
                transfer.c.reference.in_(select(sold + at_counter.subquery().c.sale_id)),
                transfer.c.reference.in_(select(literal("counter_refund:") + at_counter.subquery().c.sale_id)),
            )
        )
        .order_by(transfer.c.created_at, transfer.c.reference, posting.c.line)
    )
    return list(connection.execute(query).mappings())


def _balances_at(connection: Connection, merchant_id: str, at: datetime) -> list[dict[str, Any]]:
    payable = rules.payable(merchant_id)
    found: dict[str, int] = {}
    for side, sign in ((posting.c.credit, 1), (posting.c.debit, -1)):
        query = (
            select(posting.c.currency, func.sum(posting.c.amount_minor).label("amount"))
            .join(transfer, transfer.c.reference == posting.c.reference)
            .where(side == payable, transfer.c.created_at < at)
            .group_by(posting.c.currency)
        )
        for currency, amount in connection.execute(query):
            found[currency] = found.get(currency, 0) + sign * int(amount)
    return [{"currency": currency, "amount_minor": amount} for currency, amount in sorted(found.items())]


def arriving(connection: Connection, merchant_id: str) -> list[dict[str, Any]]:
    """Return what the merchant gets when every order that holds money now is released whole, by currency."""
    query = select(
        orders.c.currency, orders.c.total_minor, orders.c.commission_ppm, orders.c.tax_ppm
    ).where(orders.c.merchant_id == merchant_id, orders.c.state.in_([one.value for one in MONEY_HELD]))  # fmt: skip
    found: dict[str, list[int]] = {}
    for row in connection.execute(query):
        share = rules.release_parts(row.total_minor, row.commission_ppm, row.tax_ppm)[0]
        found.setdefault(row.currency, []).append(share)
    return [
        {"currency": currency, "amount_minor": sum(shares), "orders": len(shares)}
        for currency, shares in sorted(found.items())
    ]


def safe_cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: an apostrophe stands before what would begin one.

    A plain number below zero is no formula and stays a number.
    """
    is_safe = not text.startswith(FORMULA_SIGNS) or NUMBER.fullmatch(text)
    return text if is_safe else f"'{text}"


def to_csv(rows: Iterable[Iterable[str]]) -> str:
    """Return rows as CSV (RFC 4180) with a byte-order mark, by which spreadsheets know UTF-8; cells are safe."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    for row in rows:
        table.writerow([safe_cell(cell) for cell in row])
    return "\ufeff" + out.getvalue()
