"""Forward-only migrations of the relay's database; each works beside the code that ran before it."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from cloud_relay.db import Database


def migrate(database: Database) -> None:
    """Bring the database to the newest shape; safe to run again."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
