"""Alembic's entry: runs the versions on the connection that `migrate` gives, all in one transaction."""

from alembic import context

from cloud_relay.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
