"""Every table, and the search index over the listings."""

from alembic import op

from cloud_relay.tables import metadata

revision = "0001"
down_revision = None

SQLITE_SEARCH = (
    # external content: the words stand once, in listing.search_text. Stock changes touch no index entry (UPDATE OF).
    # VACUUM may renumber rowids; after one, run INSERT INTO listing_search(listing_search) VALUES('rebuild').
    "CREATE VIRTUAL TABLE listing_search USING fts5(search_text, content='listing', content_rowid='rowid')",
    """CREATE TRIGGER listing_search_insert AFTER INSERT ON listing BEGIN
    INSERT INTO listing_search(rowid, search_text) VALUES (new.rowid, new.search_text); END""",
    """CREATE TRIGGER listing_search_update AFTER UPDATE OF search_text ON listing BEGIN
    INSERT INTO listing_search(listing_search, rowid, search_text) VALUES ('delete', old.rowid, old.search_text);
    INSERT INTO listing_search(rowid, search_text) VALUES (new.rowid, new.search_text); END""",
    """CREATE TRIGGER listing_search_delete AFTER DELETE ON listing BEGIN
    INSERT INTO listing_search(listing_search, rowid, search_text)
    VALUES ('delete', old.rowid, old.search_text); END""",
)
POSTGRES_SEARCH = ("CREATE INDEX ix_listing_search ON listing USING gin (to_tsvector('simple', search_text))",)


def upgrade() -> None:
    bind = op.get_bind()
    metadata.create_all(bind)
    for statement in SQLITE_SEARCH if bind.dialect.name == "sqlite" else POSTGRES_SEARCH:
        op.execute(statement)
