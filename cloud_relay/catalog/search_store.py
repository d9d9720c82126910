"""The search index of listings in SQL: which listings have these words, newest first, on SQLite and on PostgreSQL."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from cloud_relay.catalog import words

IS_SHOWN = "e.is_published AND s.is_closed = :no AND m.state = 'verified'"

BATCH = 4000
"""Entries with the same # word on PostgreSQL; the number stands in migration 0001 too."""
WINDOWS = (1, 8, 0)
"""How many of the newest batches PostgreSQL looks at first, then, and 0 for all: FTS5 goes backwards by itself."""


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of listings, best first; `has_more` when there are more than `search` was asked to count."""

    listing_ids: list[str]
    has_more: bool


def search(connection: Connection, query: str, most: int) -> Found:
    """Return published listings of open shops with every word of the query, those with all of them in the title first.

    Among equals the newest comes first. At most `most` are looked at, however many there are: what a word costs does
    not grow with the number of listings that have it. A query of signs alone finds nothing, an empty one everything.
    """
    wanted = words.query_words(query)
    if not wanted:
        return _cut([] if query.strip() else _newest(connection, most + 1), most)
    in_title = _matches(connection, wanted, most + 1, is_in_title=True)
    if len(in_title) > most:
        return _cut(in_title, most)
    anywhere = _matches(connection, wanted, most + 1, is_in_title=False)
    return _cut(list(dict.fromkeys((*in_title, *anywhere))), most)


def _cut(listing_ids: list[str], most: int) -> Found:
    return Found(listing_ids[:most], has_more=len(listing_ids) > most)


def _newest(connection: Connection, most: int) -> list[str]:
    join = _join(connection)
    query = f"SELECT e.listing_id FROM search_entry e {join} WHERE {IS_SHOWN} ORDER BY e.entry_no DESC LIMIT :most"  # noqa: S608  # constants only
    return list(connection.scalars(text(query), {"no": False, "most": most}))


def _join(connection: Connection) -> str:
    """Return the joins to shop and merchant; on SQLite CROSS JOIN keeps the entries the outer loop, in their order."""
    how = "CROSS JOIN" if connection.dialect.name == "sqlite" else "JOIN"
    return f"{how} shop s ON s.shop_id = e.shop_id {how} merchant m ON m.merchant_id = s.merchant_id"


def _matches(connection: Connection, wanted: list[str], most: int, *, is_in_title: bool) -> list[str]:
    if connection.dialect.name == "sqlite":
        source = "listing_search f CROSS JOIN search_entry e ON e.entry_no = f.rowid"
        query = (
            f"SELECT e.listing_id FROM {source} {_join(connection)} "  # noqa: S608  # constants only
            f"WHERE listing_search MATCH :match AND {IS_SHOWN} ORDER BY f.rowid DESC LIMIT :most"
        )
        match = words.fts5_query(wanted, is_in_title=is_in_title)
        return list(connection.scalars(text(query), {"no": False, "most": most, "match": match}))
    newest = connection.scalar(text("SELECT max(entry_no) FROM search_entry")) or 0
    for width in WINDOWS:
        batches = range(max(0, newest // BATCH - width + 1), newest // BATCH + 1) if width else ()
        found = _matches_of(connection, words.tsquery(wanted, is_in_title=is_in_title, batches=batches), most)
        if len(found) == most or len(batches) * BATCH > newest:
            break
    return found


def _matches_of(connection: Connection, match: str, most: int) -> list[str]:
    """Return what PostgreSQL finds, newest first.

    Materialized: otherwise the planner may walk all entries backwards, hoping to meet enough with these words.
    """
    query = (
        "WITH e AS MATERIALIZED (SELECT entry_no, listing_id, shop_id, is_published FROM search_entry "  # noqa: S608  # constants only
        f"WHERE words @@ CAST(:match AS tsquery)) SELECT e.listing_id FROM e {_join(connection)} "
        f"WHERE {IS_SHOWN} ORDER BY e.entry_no DESC LIMIT :most"
    )
    return list(connection.scalars(text(query), {"no": False, "most": most, "match": match}))


def newest_titles(connection: Connection, language: str, most: int) -> list[str]:
    """Return what the newest listings on show are called in this language, "zh" or another for English."""
    column = "title_zh" if language == "zh" else "title_en"
    query = (
        f"SELECT l.{column} FROM search_entry e {_join(connection)} "  # noqa: S608  # constants only
        f"JOIN listing l ON l.listing_id = e.listing_id WHERE {IS_SHOWN} ORDER BY e.entry_no DESC LIMIT :most"
    )
    return list(connection.scalars(text(query), {"no": False, "most": most}))
