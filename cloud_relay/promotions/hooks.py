"""What other rooms do when a promotion begins to count or stops; filled in cloud_relay/rooms.py."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

Changed = Callable[[Connection, str, datetime], None]
"""`(connection, promotion_id, now)`: it was published, changed, ended, deleted or restored, began or is over."""

CHANGED: list[Changed] = []
"""Runs in the change's own transaction: refuses nothing and leaves heavy work to a task of its own."""


def tell(connection: Connection, promotion_id: str, now: datetime) -> None:
    """Call them all."""
    for one in CHANGED:
        one(connection, promotion_id, now)
