"""What goes to shops: a durable command is a row of the caller's own transaction, so it is sent if and only if that commits."""

import threading
from datetime import datetime

from sqlalchemy import Connection, delete, insert

from cloud_relay.db import wake
from cloud_relay.tables import shop_command
from wire.commands import Command, ReplacePlan, encode_command
from wire.values import new_id

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_order_lock = threading.Lock()
_last = 0


def _ordered_id(now: datetime) -> str:
    """Return a command id that sorts after every earlier one of this process: 50 bits of time and count, then chance."""
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

    The lease holder gives it a sequence number and a signature when it first goes out. A ReplacePlan takes the place
    of older ones that were never sent: only the newest plan matters.
    """
    if not command.DURABLE:
        raise ValueError(f"{type(command).__name__} is transient: send it with ShopLink.send_transient")
    name = type(command).__name__
    if isinstance(command, ReplacePlan):
        waiting = (shop_command.c.shop_id == shop_id, shop_command.c.type == name, shop_command.c.sequence.is_(None))
        connection.execute(delete(shop_command).where(*waiting, shop_command.c.ack_state == ""))
    command_id = _ordered_id(now)
    row = {
        "command_id": command_id, "shop_id": shop_id, "type": name, "subject": subject, "data": encode_command(command),
        "deadline_s": command.DEADLINE_S, "created_at": now, "ack_state": "", "trace": trace,
    }  # fmt: skip
    connection.execute(insert(shop_command).values(row))
    wake(connection, "outbox")
    return command_id
