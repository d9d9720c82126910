"""Logs as JSON lines on standard error: one line a change, no address, e-mail, secret or ticket in any."""

import json
import logging
import os
import sys
from datetime import UTC, datetime

from wire.values import format_time

PLAIN = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "taskName"}


PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
"""Level → syslog's priority as sd-daemon(3) has it; what is below is 7, debug."""


def goes_to_journal() -> bool:
    """Return whether standard error is the journal's stream that systemd named: `JOURNAL_STREAM`, systemd.exec(5)."""
    try:
        device, inode = (int(number) for number in os.environ["JOURNAL_STREAM"].split(":"))
        status = os.fstat(sys.stderr.fileno())
    except (KeyError, ValueError, OSError):
        return False
    return (status.st_dev, status.st_ino) == (device, inode)


class JournalLines(logging.Formatter):
    """Another formatter's line behind its priority, `<4>` for a warning; the journal takes it off and filters by it."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        priority = next((number for level, number in PRIORITIES if record.levelno >= level), 7)
        return f"<{priority}>{self._inner.format(record)}"


class JsonLines(logging.Formatter):
    """One JSON object a line; what was given as `extra` stands beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "at": format_time(datetime.fromtimestamp(record.created, UTC)), "level": record.levelname.lower(),
            "logger": record.name, "message": record.getMessage(),
        }  # fmt: skip
        line |= {key: value for key, value in record.__dict__.items() if key not in PLAIN}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def begin(level: int = logging.INFO) -> None:
    """Have the whole process log this way."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JournalLines(JsonLines()) if goes_to_journal() else JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "httpx", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
