"""A PostgreSQL of one's own: Debian's programs in a temporary folder, reached by a unix socket; gone with its owner."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError

PROGRAMS = "/usr/lib/postgresql/*/bin/initdb"
"""Debian and Ubuntu keep every version's programs beside each other and none of them on the PATH."""
UNPRIVILEGED = ("postgres", "nobody")
"""Whom the cluster runs as when this is root: initdb and postgres refuse root (manual, 19.1)."""
ROLE = "relay"
START_S = 60
STOP_S = 30
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""Nothing of a test outlives a power cut; a benchmark leaves these out."""


class NoPostgresError(RuntimeError):
    """PostgreSQL's programs are not on this machine."""


def programs() -> Path:
    """Return the folder with initdb and postgres, of the newest version; raise NoPostgresError."""
    found = sorted(Path("/").glob(PROGRAMS.lstrip("/")), key=lambda one: int(one.parts[-3]))
    if not found and (on_path := shutil.which("initdb")):
        found = [Path(on_path).resolve()]
    if not found:
        raise NoPostgresError("PostgreSQL is not installed here; as root: apt-get install postgresql")
    return found[-1].parent


class PostgresCluster:
    """One running server; `url` names a database in it."""

    def __init__(self, folder: Path, owner: tuple[int, int] | None, settings: tuple[str, ...]) -> None:
        self.folder, self._owner, self._settings = folder, owner, settings
        self._server: subprocess.Popen[bytes] | None = None
        self._engine: Engine | None = None

    def _enclosed(self, command: list[str]) -> list[str]:
        """Return the command as the unprivileged account, and ended by the kernel when this process ends."""
        words = ["setpriv", "--pdeathsig", "QUIT"]
        if self._owner is not None:
            words += [f"--reuid={self._owner[0]}", f"--regid={self._owner[1]}", "--clear-groups"]
        return [*words, *command]

    def _run(self, name: str, *arguments: str) -> None:
        ran = subprocess.run(
            self._enclosed([str(programs() / name), *arguments]), capture_output=True, text=True, check=False,
            cwd=self.folder, env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        if ran.returncode:
            raise RuntimeError(f"{name}: {ran.stderr.strip()[-1000:]}")

    def start(self) -> None:
        """Make the cluster and wait until it answers; raise RuntimeError with what its log says if it does not."""
        data = self.folder / "data"
        self._run(
            "initdb", "--pgdata", str(data), "--username", "tests", "--auth", "trust", "--encoding", "UTF8",
            "--no-sync", "--no-instructions",
        )  # fmt: skip
        options = [word for setting in ("listen_addresses=", *self._settings) for word in ("-c", setting)]
        server = [str(programs() / "postgres"), "-D", str(data), "-k", str(self.folder), *options]
        with (self.folder / "log").open("wb") as log:
            self._server = subprocess.Popen(self._enclosed(server), stdout=log, stderr=log, cwd=self.folder)
        self._engine = create_engine(self.url("postgres", "tests"), isolation_level="AUTOCOMMIT")
        until = time.monotonic() + START_S
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > until:
                said = (self.folder / "log").read_text(errors="replace")
                self.stop()
                raise RuntimeError(f"PostgreSQL did not start: {said[-1000:]}")
            time.sleep(0.05)
        # as docs/deploy.md has it: the relay's role owns its database and rules over nothing else
        self.run(f"CREATE ROLE {ROLE} LOGIN CREATEDB")

    def _answers(self) -> bool:
        assert self._engine is not None
        try:
            with self._engine.connect():
                return True
        except OperationalError:
            return False

    def url(self, name: str, role: str = ROLE) -> str:
        """Return SQLAlchemy's URL of a database."""
        return f"postgresql+psycopg://{role}@/{name}?host={self.folder}"

    def run(self, statement: str) -> None:
        """Run a statement on the server itself, outside any transaction: CREATE DATABASE and the like."""
        assert self._engine is not None, "start the cluster first"
        with self._engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def create(self, name: str, template: str = "template0") -> str:
        """Make a database as a copy of another; return its URL."""
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {ROLE}")
        return self.url(name)

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        """End the server at once; nothing in it is kept."""
        if self._engine is not None:
            self._engine.dispose()
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(
                signal.SIGINT
            )  # "fast": SIGTERM would wait for every session to end (manual, 19.5)
            try:
                self._server.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()


def _owner() -> tuple[int, int] | None:
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return found.pw_uid, found.pw_gid
    raise NoPostgresError(f"root cannot run PostgreSQL, and there is no account of {' or '.join(UNPRIVILEGED)}")


@contextmanager
def postgres_cluster(settings: tuple[str, ...] = FAST) -> Iterator[PostgresCluster]:
    """Run a private cluster while the block runs; raise NoPostgresError where the programs are missing."""
    programs()
    owner = _owner()
    with tempfile.TemporaryDirectory(prefix="vitrine-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if owner is not None:
            os.chown(folder, *owner)
        cluster = PostgresCluster(folder, owner, settings)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
