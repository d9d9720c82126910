"""Events to open pages: rows of page_event, written in the caller's transaction and read by the event stream."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from cloud_relay.db import wake
from cloud_relay.tables import page_event as page_event_table

_INSERT = insert(page_event_table)
PageEvent = tuple[str, str, dict[str, Any]]
"""(channel, kind, data)."""


def page_event(connection: Connection, channel: str, kind: str, data: dict[str, Any], now: datetime) -> None:
    """Tell every open page that reads `channel` that something changed, when this transaction commits.

    Channels: `account:<id>`, `merchant:<id>`, `shop:<id>`, `session:<id>`, `order:<id>`, `here:<shop>`,
    `rebates:<market>`, `operator`.
    """
    row = {"channel": channel, "kind": kind, "data": data, "created_at": now}
    connection.execute(_INSERT, row)
    wake(connection, "pages")


def page_events(connection: Connection, events: Sequence[PageEvent], now: datetime) -> None:
    """As `page_event`, for several at once: one statement."""
    rows = [{"channel": channel, "kind": kind, "data": data, "created_at": now} for channel, kind, data in events]
    if rows:
        connection.execute(_INSERT, rows)
        wake(connection, "pages")
