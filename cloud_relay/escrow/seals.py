"""The sealer: chains committed transfers in batches, so that a later change of any of them shows."""

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from cloud_relay.tables import posting, seal, transfer
from wire.values import format_time

BATCH = 500
GENESIS = "0" * 64


def seal_new(connection: Connection, now: datetime) -> int:
    """Chain up to BATCH transfers that no seal holds yet; return how many."""
    query = select(transfer.c.reference).where(transfer.c.sealed_in.is_(None)).order_by(transfer.c.created_at)
    references = list(connection.scalars(query.limit(BATCH)))
    if not references:
        return 0
    last = connection.execute(
        select(seal.c.seal_no, seal.c.seal_sha256).order_by(seal.c.seal_no.desc()).limit(1)
    ).first()
    number, before = (last.seal_no + 1, last.seal_sha256) if last else (1, GENESIS)
    connection.execute(update(transfer).where(transfer.c.reference.in_(references)).values(sealed_in=number))
    digest = _digest(before, _content(connection, number))
    row = {"seal_no": number, "seal_sha256": digest, "transfers": len(references), "sealed_at": now}
    connection.execute(insert(seal).values(row))
    return len(references)


def first_broken(connection: Connection) -> int | None:
    """Return the number of the first seal whose transfers are not what they were, or None when all hold."""
    before = GENESIS
    for row in connection.execute(select(seal).order_by(seal.c.seal_no)):
        content = _content(connection, row.seal_no)
        digest = _digest(before, content)
        if digest != row.seal_sha256 or len({line[0] for line in content}) != row.transfers:
            return int(row.seal_no)
        before = digest
    return None


def _content(connection: Connection, number: int) -> list[list[Any]]:
    query = (
        select(transfer, posting.c.line, posting.c.debit, posting.c.credit, posting.c.amount_minor, posting.c.currency)
        .join(posting, posting.c.reference == transfer.c.reference)
        .where(transfer.c.sealed_in == number)
        .order_by(transfer.c.reference, posting.c.line)
    )
    return [
        [row.reference, row.kind, row.order_id, format_time(row.created_at), row.line, row.debit, row.credit,
         row.amount_minor, row.currency]
        for row in connection.execute(query)
    ]  # fmt: skip


def _digest(before: str, content: list[list[Any]]) -> str:
    text = json.dumps([before, content], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
