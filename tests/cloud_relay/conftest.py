"""A migrated database for each test, and after each test: the violations view must be empty."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.postgres_cluster import NoPostgresError, PostgresCluster, postgres_cluster
from cloud_relay import db
from cloud_relay.db import Database, DatabaseBusyError
from cloud_relay.escrow.providers import sandbox_server
from cloud_relay.migrations import migrate
from tests.cloud_relay.emptied import EmptiedDatabase
from tests.cloud_relay.site import site
from tests.cloud_relay.trade_servers import PATIENT_S, SECRET, WEBHOOK_SECRET, Bank, serving
from tests.cloud_relay.trade_world import World

__all__ = ["site"]


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an SQLite file in the newest shape, to be copied: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "relay.sqlite3"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


@pytest.fixture(scope="session")
def cluster() -> Iterator[PostgresCluster]:
    """Return this session's own PostgreSQL with a migrated database `template`; skip where it is not installed."""
    try:
        with postgres_cluster() as running:
            database = Database(running.create("template"))
            migrate(database)
            database.close()
            yield running
    except NoPostgresError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def emptied(cluster: PostgresCluster) -> Iterator[EmptiedDatabase]:
    """Return the database that all tests on PostgreSQL use, one after the other."""
    database = EmptiedDatabase(cluster)
    yield database
    database.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on PostgreSQL too: what is marked `both_stores` always, the rest with --sweep full.

    On SQLite its name stays what it is without this, as rows and mutants name it.
    """
    if "store" not in metafunc.fixturenames:
        return
    marked = metafunc.definition.get_closest_marker
    if marked("sqlite_only") is None and (marked("both_stores") or metafunc.config.getoption("--sweep") == "full"):
        stores = [pytest.param("sqlite", id=pytest.HIDDEN_PARAM), pytest.param("postgres", id="postgres")]
        metafunc.parametrize("store", stores, indirect=True)


@pytest.fixture
def store(request: pytest.FixtureRequest) -> str:
    """Return which database this test runs on: sqlite, or postgres."""
    return getattr(request, "param", "sqlite")


@pytest.fixture
def database_url(store: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of an empty relay database in the newest shape, whichever store it is."""
    if store == "sqlite":
        path = tmp_path / "relay.sqlite3"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        yield f"sqlite:///{path}"
        return
    yield request.getfixturevalue("emptied").url()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Return an empty relay database; when the test is over nothing in it may violate a rule of money or goods."""
    database = Database(database_url)
    yield database
    violations = database.violations()
    database.close()
    assert violations == []


@pytest.fixture
def busy_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[Database], set[str]]:
    """Return what has each thing that is written meet a busy database the first time; it tells what that was."""

    def begin(database: Database) -> set[str]:
        met: set[str] = set()
        for road in ("run", "run_in_line"):
            real = getattr(database, road)

            async def run(fn: Any, *arguments: Any, _real: Any = real, **named: Any) -> Any:
                if fn.__name__ not in met:
                    met.add(fn.__name__)
                    raise DatabaseBusyError("others write")
                return await _real(fn, *arguments, **named)

            monkeypatch.setattr(database, road, run)
        monkeypatch.setattr(db, "BUSY_S", 0.001)
        return met

    return begin


@pytest.fixture
def world(database: Database) -> World:
    """Return a market with two shoppers, an operator, and one shop with one listing of two pieces."""
    world = World(database)
    world.account("ann", nickname="Ann")
    world.account("bob", nickname="Bob")
    world.account("olga", is_operator=True)
    world.shop()
    world.listing(pieces=2)
    return world


@pytest.fixture
def answer_s() -> float:
    """Return how long a provider's answer is waited for; `with_silence` makes it short."""
    return PATIENT_S


@pytest.fixture
def bank(free_port: Callable[[], int]) -> Iterator[Bank]:
    """Return a running sandbox bank; nobody hears its webhooks until a test says where to."""
    app = sandbox_server.build(SECRET, WEBHOOK_SECRET, f"http://127.0.0.1:{free_port()}/webhooks/sandbox")
    with serving(app, free_port()) as url:
        bank = Bank(url, app)
        yield bank
        bank.close()
