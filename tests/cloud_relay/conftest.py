"""A migrated database for each test, and after each test: the violations view must be empty."""

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from cloud_relay.db import Database
from cloud_relay.escrow.providers import sandbox_server
from cloud_relay.migrations import migrate
from tests.cloud_relay.site import Site, open_site
from tests.cloud_relay.trade_servers import SECRET, WEBHOOK_SECRET, Bank, postgres_databases, serving
from tests.cloud_relay.trade_world import World


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an SQLite file in the newest shape, to be copied: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "relay.sqlite3"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


POSTGRES_URL = os.environ.get("VITRINE_TEST_POSTGRES", "")
"""Run these tests on PostgreSQL: postgresql+psycopg://user@host:port, an account that may create databases."""


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[str]:
    """Return the name of a migrated PostgreSQL database, to be copied."""
    name = f"vitrine_{os.getpid()}"
    with postgres_databases(POSTGRES_URL) as run:
        run(f"CREATE DATABASE {name}")
        database = Database(f"{POSTGRES_URL}/{name}")
        migrate(database)
        database.close()
        yield name
        run(f"DROP DATABASE {name}")


@pytest.fixture
def postgres_url(postgres_template: str) -> Iterator[str]:
    """Return the address of an empty, migrated PostgreSQL database."""
    name = f"{postgres_template}_test"
    with postgres_databases(POSTGRES_URL) as run:
        run(f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
        yield f"{POSTGRES_URL}/{name}"
        run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Return an empty relay database; when the test is over nothing in it may violate a rule of money or goods."""
    if POSTGRES_URL:
        url = request.getfixturevalue("postgres_url")
    else:
        path = request.getfixturevalue("tmp_path") / "relay.sqlite3"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        url = f"sqlite:///{path}"
    database = Database(url)
    yield database
    violations = database.violations()
    database.close()
    assert violations == []


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
def bank(free_port: Callable[[], int]) -> Iterator[Bank]:
    """Return a running sandbox bank; nobody hears its webhooks until a test says where to."""
    app = sandbox_server.build(SECRET, WEBHOOK_SECRET, f"http://127.0.0.1:{free_port()}/webhooks/sandbox")
    with serving(app, free_port()) as url:
        bank = Bank(url, app)
        yield bank
        bank.close()


@pytest.fixture
async def site(migrated_file: Path, tmp_path: Path) -> AsyncIterator[Site]:
    """Return the relay's public application over ASGI, without a broker."""
    folder = tmp_path / "site"
    folder.mkdir()
    shutil.copy(migrated_file, folder / "relay.sqlite3")
    async with open_site(folder) as found:
        yield found
