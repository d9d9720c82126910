"""A message that somebody reports to the operators: once, with a reason; whatever room it was written in."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from cloud_relay.notices import service as notices
from wire.values import clean_text

REASON_LENGTH_MAX, REASON_LINES_MAX = 300, 5
"""An operator reads the message itself beside it."""


def clean_reason(reason: str) -> str:
    """Return a reason as it is kept; BadValueError for none or one that is too long."""
    return clean_text(reason, "reason", REASON_LENGTH_MAX, lines=REASON_LINES_MAX)


def report_once(
    connection: Connection, message: Any, message_id: str, account_id: str, reason: str, link: str, now: datetime
) -> bool:
    """Note in a table of messages that one was reported, and tell the operators; False when somebody did before."""
    why = clean_reason(reason)
    fresh = (message.c.message_id == message_id, message.c.reported_at.is_(None))
    values = {"reported_at": now, "reported_by": account_id, "report_reason": why}
    if connection.execute(update(message).where(*fresh).values(values)).rowcount != 1:
        return False
    notices.notify(connection, notices.operators(connection), "message_reported", link, now, reason=why)
    return True
