"""Writers that wait for SQLite at the same moment share one commit; each keeps its own fate by a savepoint."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

GROUP_MAX = 16
"""More in one commit would have the first wait for the last longer than a commit takes (a few milliseconds)."""


@dataclass(slots=True)
class Job:
    """One use case to run in a transaction; `done(answer, calls, error)` is called once, in the writer thread."""

    work: Callable[[Connection], Any]
    done: Callable[[Any, list[Callable[[], None]], BaseException | None], object]


@dataclass(slots=True)
class Ran:
    """What became of a job within its group: its answer or error, what it woke, and what it wants called."""

    job: Job
    answer: Any = None
    error: BaseException | None = None
    wakes: set[str] = field(default_factory=set)
    calls: list[Callable[[], None]] = field(default_factory=list)


class Group:
    """Jobs that wait for the writer, oldest first."""

    def __init__(self) -> None:
        self._waiting: deque[Job] = deque()

    def add(self, job: Job) -> None:
        """Have a job wait; any thread may."""
        self._waiting.append(job)

    def take(self) -> list[Job]:
        """Return the jobs of the next commit, none when an earlier commit took them along."""
        taken: list[Job] = []
        while self._waiting and len(taken) < GROUP_MAX:
            taken.append(self._waiting.popleft())
        return taken


def run_group(connection: Connection, jobs: list[Job], info: dict[str, Any]) -> list[Ran]:
    """Run each job within a savepoint of the open transaction: what one raises undoes that one alone.

    `info` is what every job finds in `connection.info`. An error of a savepoint itself is raised: nothing counts then.
    """
    ran = []
    for job in jobs:
        connection.info.clear()
        connection.info.update(info)
        one = Ran(job)
        _tell(connection, "SAVEPOINT job")
        try:
            one.answer = job.work(connection)
        except Exception as error:  # noqa: BLE001  # the caller's own error, raised again where the caller waits
            one.error = error
            _tell(connection, "ROLLBACK TO SAVEPOINT job")
            _tell(connection, "RELEASE SAVEPOINT job")
        else:
            _tell(connection, "RELEASE SAVEPOINT job")
            one.wakes = connection.info.pop("wakes", set())
            one.calls = connection.info.pop("after_commit", [])
        ran.append(one)
    return ran


def _tell(connection: Connection, order: str) -> None:
    """Send an order without a result to the driver: `begin_nested` compiles its three anew for each job."""
    raw: Any = connection.connection.driver_connection
    try:
        raw.execute(order)
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError(order, None, error) from error
