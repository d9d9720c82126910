"""Logs as JSON lines on standard error: one object a line, named facts, no address, secret or ticket."""

import json
import logging
import logging.handlers
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
LENGTH_MAX = 2000
"""A longer text in a log line is cut: a driver may quote what a broken device sent."""

FILE_BYTES_MAX = 2_000_000
"""A quiet shop writes this in weeks; one older file is kept beside it."""


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
        priority = next((number for level, number in PRIORITIES if record.levelno >= level), 7)
        return f"<{priority}>{self._inner.format(record)}"


class JsonLines(logging.Formatter):
    """Formats a record with its extra facts; control characters stay escaped, so a line is a line."""

    def format(self, record: logging.LogRecord) -> str:
        facts: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "room": record.name,
            "message": record.getMessage(),
        }
        facts |= {key: value for key, value in vars(record).items() if key not in STANDARD}
        if record.exc_info:
            facts["error"] = self.formatException(record.exc_info)[-4 * LENGTH_MAX :]
        return json.dumps({key: _cut(value) for key, value in facts.items()}, ensure_ascii=False, default=str)


def _cut(value: Any) -> Any:
    return value if not isinstance(value, str) or len(value) <= 4 * LENGTH_MAX else value[:LENGTH_MAX] + "…"


def quiet_libraries() -> None:
    """Keep OpenCV and FFmpeg from writing to standard error; call it before a camera driver is imported."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


class _QuietFile(logging.handlers.RotatingFileHandler):
    """A log file whose own trouble (disk full) is not one of the daemon: standard error has the line too."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the library's name
        pass


def log_path(data_dir: Path) -> Path:
    """Return the log file of a daemon that systemd does not run."""
    return data_dir / "edge.log"


def log_to_file(data_dir: Path) -> None:
    """Keep the newest lines in a file too, for `logs`, where no journal keeps them."""
    handler = _QuietFile(log_path(data_dir), maxBytes=FILE_BYTES_MAX, backupCount=1, encoding="utf-8")
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)


def log_to_stderr(level: str = "INFO") -> None:
    """Send every log line to standard error as JSON; what libraries say below WARNING stays out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JournalLines(JsonLines()) if goes_to_journal() else JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("edge", "drivers"):
        logging.getLogger(name).setLevel(level)
