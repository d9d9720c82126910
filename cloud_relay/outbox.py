"""What goes to shops: a durable command is a row of the caller's own transaction, sent if and only if that commits."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert

from cloud_relay.db import wake
from cloud_relay.tables import shop_command
from wire.commands import Command, ReplacePlan, encode_command
from wire.values import new_id

ISSUE_AT_ONCE = "issue_at_once"
"""Key of Connection.info under which the link signs within the transaction: it saves a second commit."""
IssueAtOnce = Callable[[Connection, dict[str, Any], datetime], dict[str, Any] | None]
"""Returns sequence, payload and times of a command that goes out when this transaction commits; None: it must wait."""

# made once: building a statement of ten values costs more than SQLite's insert
_INSERT = insert(shop_command)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_order_lock = threading.Lock()
_last = 0


def _ordered_id(now: datetime) -> str:
    """Return a command id that sorts after every earlier one of this process: time and count, then chance."""
    global _last  # noqa: PLW0603  # ids must rise over the whole process
    with _order_lock:
        _last = max(_last + 1, int(now.timestamp() * 1000) << 8)
        number = _last
    digits = "".join(_ALPHABET[number >> shift & 31] for shift in range(50, -1, -5))
    return f"cmd_{digits}{new_id('x')[2:18]}"


def send_command(
    connection: Connection, shop_id: str, command: Command, now: datetime, trace: str = "", subject: str = ""
) -> str:
    """Put a durable command into the outbox within this transaction and return its id.

    The lease holder gives it a sequence number and a signature when it first goes out: at once if the shop is there.
    A ReplacePlan takes the place of older ones that were never sent: only the newest plan matters.
    """
    if not command.DURABLE:
        raise ValueError(f"{type(command).__name__} is transient: send it with ShopLink.send_transient")
    name = type(command).__name__
    if isinstance(command, ReplacePlan):
        waiting = (shop_command.c.shop_id == shop_id, shop_command.c.type == name, shop_command.c.sequence.is_(None))
        connection.execute(delete(shop_command).where(*waiting, shop_command.c.ack_state == ""))
    row: dict[str, Any] = {
        "command_id": _ordered_id(now), "shop_id": shop_id, "type": name, "subject": subject,
        "data": encode_command(command), "deadline_s": command.DEADLINE_S, "created_at": now, "ack_state": "",
        "trace": trace,
    }  # fmt: skip
    issue: IssueAtOnce | None = connection.info.get(ISSUE_AT_ONCE)
    issued = issue(connection, row, now) if issue else None
    connection.execute(_INSERT, {**row, **(issued or {})})
    if issued is None:
        wake(connection, "outbox")
    return str(row["command_id"])
