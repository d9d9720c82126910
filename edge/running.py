"""Runs the daemon as a process: one per data directory, an exit code that says who must act."""

import asyncio
import logging

from drivers.base import BadOptionsError
from edge.app import AlreadyRunningError, check_identity, live, only_daemon
from edge.attendant.server import PortTakenError
from edge.config import EdgeConfig
from edge.identity import Identity, NotEnrolledError
from edge.journal import JournalDamagedError, JournalFailedError, JournalLockedError
from edge.labels.typeface import FontMissingError
from edge.logs import goes_to_journal, log_to_file, log_to_stderr

logger = logging.getLogger(__name__)

OK, BUG, RUNNING, CONFIG, DAMAGED = 0, 1, 75, 78, 70
"""Exit codes of sysexits(3). A damaged journal (70) waits for a person: nothing may move meanwhile."""

EXPECTED: dict[type[Exception], int] = {
    AlreadyRunningError: RUNNING,
    JournalLockedError: RUNNING,
    NotEnrolledError: CONFIG,
    BadOptionsError: CONFIG,
    PortTakenError: CONFIG,
    FontMissingError: CONFIG,
    JournalDamagedError: DAMAGED,
}


def run_daemon(config: EdgeConfig, log_level: str) -> tuple[int, str]:
    """Run until told to end; returns the exit code and the sentence for the person at the terminal."""
    log_to_stderr(log_level)
    identity = Identity(config.shop.data_dir)
    try:
        with only_daemon(config.shop.data_dir):
            if not goes_to_journal():
                log_to_file(config.shop.data_dir)
            check_identity(config, identity)
            asyncio.run(live(config, identity))
    except tuple(EXPECTED) as error:
        logger.error("not started", extra={"words": str(error)})  # noqa: TRY400  # the words suffice, it is no bug
        return EXPECTED[type(error)], str(error)
    except ExceptionGroup as group:
        failed, bugs = group.split(JournalFailedError)
        logger.critical("ended by a failure", exc_info=bugs or failed)
        return BUG, "the daemon ended by a bug or a failing disk; the log says which"
    return OK, ""
