"""What the tests on PostgreSQL share is as empty for each of them as a new database."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tests.cloud_relay.emptied import NAME

EVENT = "INSERT INTO page_event (channel, kind, data, created_at) VALUES ('a', 'b', '{}', '') RETURNING event_no"


@pytest.fixture
def connect(emptied):
    """Return a function that opens a session in the database as it is handed to the next test."""
    opened = []

    def session():
        opened.append(create_engine(emptied.url(), isolation_level="AUTOCOMMIT"))
        return opened[-1].connect()

    yield session
    for engine in opened:
        engine.dispose()


def test_no_row_stays_and_numbers_begin_anew(connect):
    with connect() as first:
        assert [first.scalar(text(EVENT)) for _ in range(2)] == [1, 2]
        migrated = first.scalar(text("SELECT version_num FROM alembic_version"))
    with connect() as second:
        assert second.scalar(text("SELECT count(*) FROM page_event")) == 0
        assert second.scalar(text(EVENT)) == 1
        assert second.scalar(text("SELECT version_num FROM alembic_version")) == migrated


@pytest.mark.parametrize(
    "change",
    ["CREATE TABLE own (n int)", "ALTER TABLE page_event ADD own int", "DROP VIEW violations", "DROP TABLE seal"],
)
def test_a_changed_shape_is_made_anew(emptied, connect, change):
    shape = emptied._read_shape
    with connect() as first:
        whole = [row[:2] for row in shape(first)]
        first.execute(text(change))
        assert shape(first) != emptied._shape
    with connect() as second:
        assert [row[:2] for row in shape(second)] == whole


def test_whoever_is_still_connected_is_thrown_out(connect):
    first = connect()
    first.execute(text("BEGIN"))
    first.execute(text(EVENT))
    with connect() as second:
        assert second.scalar(text("SELECT count(*) FROM page_event")) == 0
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = :name AND usename = current_user"
        assert second.scalar(text(others), {"name": NAME}) == 1
    with pytest.raises(OperationalError):
        first.execute(text("SELECT 1"))
