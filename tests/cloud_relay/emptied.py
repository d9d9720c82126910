"""One PostgreSQL database for one test after another: emptied in between, and made anew where its shape was changed.

Copying a template for each test took the server half a second of processor, more with every copy.
"""

from typing import Any

from sqlalchemy import Engine, create_engine, text

from bench.postgres_cluster import PostgresCluster

NAME = "test"
TEMPLATE = "template"
GONE_MS = 5000
"""How long a session that a test left open may take to end."""

TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
SEQUENCES = "SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"
# Every change of a shape writes a catalog's row anew, in a transaction that no other row has.
SHAPE = " UNION ALL ".join(
    f"SELECT '{catalog}', count(*), sum(xmin::text::bigint) FROM {catalog}"
    for catalog in ("pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_proc", "pg_trigger")
)
OTHERS_END = (
    "SELECT bool_and(pg_terminate_backend(pid, :gone_ms)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class EmptiedDatabase:
    """Gives an empty database in the newest shape; rows that the template has stay."""

    def __init__(self, cluster: PostgresCluster) -> None:
        self._cluster = cluster
        self._engine: Engine | None = None
        self._url, self._shape, self._has_rows, self._restart = "", list[Any](), "", ""

    def url(self) -> str:
        """Return the address of an empty database; whoever is still connected to it is thrown out."""
        if not self._empty():
            self.close()
            self._make()
        return self._url

    def _make(self) -> None:
        self._cluster.run(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        self._url = self._cluster.create(NAME, TEMPLATE)
        self._engine = create_engine(self._cluster.url(NAME, "tests"), isolation_level="AUTOCOMMIT")
        with self._engine.connect() as server:
            tables = server.scalars(text(TABLES)).all()
            kept = set(server.scalars(text(self._asking(tables))))
            self._has_rows = self._asking([table for table in tables if table not in kept])
            sequences = server.scalars(text(SEQUENCES)).all()
            self._restart = "SELECT " + ", ".join(f"setval('{name}', 1, false)" for name in sequences)
            self._shape = self._read_shape(server)

    @staticmethod
    def _asking(tables: Any) -> str:
        return " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in tables)

    @staticmethod
    def _read_shape(server: Any) -> list[Any]:
        return sorted(tuple(row) for row in server.execute(text(SHAPE)))

    def _empty(self) -> bool:
        """Delete every row; return whether this is the database that was made."""
        if self._engine is None:
            return False
        with self._engine.connect() as server:
            if server.scalar(text(OTHERS_END), {"gone_ms": GONE_MS}) is False:
                return False
            if self._read_shape(server) != self._shape:
                return False
            # triggers and references ask nothing meanwhile: what may never be deleted goes too, in any order
            server.execute(text("SET session_replication_role = replica"))
            for table in server.scalars(text(self._has_rows)).all():
                server.execute(text(f"DELETE FROM {table}"))
            server.execute(text(self._restart))
        return True

    def close(self) -> None:
        """Hang up."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
