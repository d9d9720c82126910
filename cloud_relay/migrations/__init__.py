"""Forward-only migrations of the relay's database; each works beside the code that ran before it."""

from pathlib import Path

from sqlalchemy import inspect, text

from cloud_relay.db import Database

FOLDER = Path(__file__).parent
NEWEST = max(file.stem.partition("_")[0] for file in (FOLDER / "versions").glob("[0-9]*.py"))
"""The newest revision; each file's name begins with its own."""


def migrate(database: Database) -> None:
    """Bring the database to the newest shape; safe to run again."""
    if stored_revisions(database) == [NEWEST]:
        return  # nearly every start: Alembic alone takes longer to load than all that is left to do
    from alembic import command  # noqa: PLC0415  # see above
    from alembic.config import Config  # noqa: PLC0415  # see above

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def stored_revisions(database: Database) -> list[str]:
    """Return the revisions that the database says it has; none for an empty one."""
    with database.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return []
        return list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
