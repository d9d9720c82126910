"""Every table, and the search index over the listings.

`search_entry` has one narrow row for each listing that was ever published, numbered in the order of first publication:
a search goes through them newest first and touches the broad rows of listings only for the hits that it shows. The
database keeps it in step by itself, whoever writes a listing. Stock changes touch no index entry (UPDATE OF).
"""

from alembic import op

from cloud_relay.tables import metadata

revision = "0001"
down_revision = None

SQLITE_SEARCH = (
    """CREATE TABLE search_entry (
    entry_no INTEGER PRIMARY KEY AUTOINCREMENT, listing_id VARCHAR(64) NOT NULL UNIQUE,
    shop_id VARCHAR(64) NOT NULL, is_published BOOLEAN NOT NULL)""",
    # external content: the words stand once, in the listing; for INSERT … VALUES('rebuild') this view gives them back
    """CREATE VIEW listing_words AS
    SELECT e.entry_no, l.search_title AS in_title, l.search_text AS anywhere
    FROM search_entry e JOIN listing l ON l.listing_id = e.listing_id WHERE e.is_published""",
    """CREATE VIRTUAL TABLE listing_search USING fts5(
    in_title, anywhere, content='listing_words', content_rowid='entry_no', prefix='2 3')""",
    """CREATE TRIGGER listing_search_insert AFTER INSERT ON listing WHEN new.state = 'published' BEGIN
    INSERT INTO search_entry(listing_id, shop_id, is_published) VALUES (new.listing_id, new.shop_id, 1);
    INSERT INTO listing_search(rowid, in_title, anywhere)
    SELECT entry_no, new.search_title, new.search_text FROM search_entry WHERE listing_id = new.listing_id; END""",
    """CREATE TRIGGER listing_search_update AFTER UPDATE OF state, shop_id, search_title, search_text ON listing BEGIN
    INSERT INTO listing_search(listing_search, rowid, in_title, anywhere)
    SELECT 'delete', entry_no, old.search_title, old.search_text
    FROM search_entry WHERE listing_id = old.listing_id AND is_published;
    UPDATE search_entry SET is_published = new.state = 'published', shop_id = new.shop_id
    WHERE listing_id = old.listing_id;
    INSERT INTO search_entry(listing_id, shop_id, is_published) SELECT new.listing_id, new.shop_id, 1
    WHERE new.state = 'published' AND NOT EXISTS (SELECT 1 FROM search_entry WHERE listing_id = new.listing_id);
    INSERT INTO listing_search(rowid, in_title, anywhere) SELECT entry_no, new.search_title, new.search_text
    FROM search_entry WHERE listing_id = new.listing_id AND is_published; END""",
    """CREATE TRIGGER listing_search_delete BEFORE DELETE ON listing BEGIN
    INSERT INTO listing_search(listing_search, rowid, in_title, anywhere)
    SELECT 'delete', entry_no, old.search_title, old.search_text
    FROM search_entry WHERE listing_id = old.listing_id AND is_published;
    DELETE FROM search_entry WHERE listing_id = old.listing_id; END""",
)
POSTGRES_SEARCH = (
    "CREATE SEQUENCE search_entry_no",
    """CREATE TABLE search_entry (
    entry_no BIGINT PRIMARY KEY, listing_id VARCHAR(64) NOT NULL UNIQUE
    REFERENCES listing (listing_id) ON DELETE CASCADE, shop_id VARCHAR(64) NOT NULL, is_published BOOLEAN NOT NULL,
    words tsvector NOT NULL)""",
    # without a list of pending entries: a search never pays for what merchants wrote just before it
    "CREATE INDEX ix_search_entry_words ON search_entry USING gin (words) WITH (fastupdate = off)",
    # arrays need no parser, so that words are the same as ours. A GIN index knows no order: each word stands after the
    # number of its entry's batch, so that the newest are looked at first, and after a ^ once more if it is in the title
    """CREATE FUNCTION search_words(in_title text, anywhere text, entry_no bigint) RETURNS tsvector
    LANGUAGE sql IMMUTABLE AS $$
    SELECT array_to_tsvector(coalesce(array_agg(entry_no / 4000 || mark || word), '{}')) FROM
      (SELECT '#' AS mark, unnest(string_to_array(anywhere, ' ')) AS word
      UNION ALL SELECT '^', unnest(string_to_array(in_title, ' '))) AS marked $$""",
    """CREATE FUNCTION keep_search_entry() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE number bigint; BEGIN
    IF NEW.state = 'published' THEN
      SELECT entry_no INTO number FROM search_entry WHERE listing_id = NEW.listing_id;
      IF NOT FOUND THEN number := nextval('search_entry_no'); END IF;
      INSERT INTO search_entry (entry_no, listing_id, shop_id, is_published, words)
      VALUES (number, NEW.listing_id, NEW.shop_id, true, search_words(NEW.search_title, NEW.search_text, number))
      ON CONFLICT (listing_id) DO UPDATE SET shop_id = EXCLUDED.shop_id, is_published = true, words = EXCLUDED.words;
    ELSE
      UPDATE search_entry SET is_published = false WHERE listing_id = NEW.listing_id;
    END IF;
    RETURN NULL; END $$""",
    """CREATE TRIGGER listing_search_insert AFTER INSERT ON listing FOR EACH ROW WHEN (NEW.state = 'published')
    EXECUTE FUNCTION keep_search_entry()""",
    """CREATE TRIGGER listing_search_update AFTER UPDATE OF state, shop_id, search_title, search_text ON listing
    FOR EACH ROW EXECUTE FUNCTION keep_search_entry()""",
)


def upgrade() -> None:
    bind = op.get_bind()
    metadata.create_all(bind)
    for statement in SQLITE_SEARCH if bind.dialect.name == "sqlite" else POSTGRES_SEARCH:
        op.execute(statement)
