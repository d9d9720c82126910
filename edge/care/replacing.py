"""A box in a dead one's place: a new key, an empty journal, and whatever lay here before put aside, not lost."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from edge.enrolment import Claim, enrol
from edge.identity import Enrolled, Identity

ASIDE = ("identity", "journal.db", "journal.db-wal", "journal.db-shm", "journal.mark", "moved_away")


class DaemonRunsError(Exception):
    """A daemon works in this data directory."""


@contextmanager
def hold(data_dir: Path, *, is_needed: bool = True) -> Iterator[None]:
    """Keep the daemon from running in this data directory meanwhile; raises DaemonRunsError when it runs."""
    if not is_needed:
        yield
        return
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data_dir / "edge.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DaemonRunsError(
                f"{data_dir}: the daemon runs here; end it first: systemctl stop vitrine-edge"
            ) from None
        yield


def put_aside(data_dir: Path, now: datetime) -> Path | None:
    """Move an earlier identity and journal into a folder of their own and return it; None when there was none."""
    found = [data_dir / name for name in ASIDE if (data_dir / name).exists()]
    if not found:
        return None
    folder = data_dir / f"before-{now:%Y%m%d-%H%M%S}"
    folder.mkdir(mode=0o700)
    for path in found:
        path.replace(folder / path.name)
    return folder


def replace_box(data_dir: Path, claim: Claim, now: datetime) -> tuple[Enrolled, Path | None]:
    """Put an earlier life aside and enrol with a key made now; returns the relay's answer and where the earlier lies.

    The relay takes every certificate of the box before back, and sends this one the plan and the open parcels. Raises
    EnrolmentError (trying again is safe) and DaemonRunsError.
    """
    with hold(data_dir):
        identity = Identity(data_dir)
        aside = put_aside(data_dir, now) if identity.is_enrolled else None
        return enrol(identity, claim), aside
