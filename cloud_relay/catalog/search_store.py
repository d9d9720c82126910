"""The search index of listings in SQL: which listings have these words, newest first, on SQLite and on PostgreSQL."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from cloud_relay.catalog import words

IS_SHOWN = "e.is_published AND s.is_closed = :no AND m.state = 'verified'"

BATCH = 4000
"""Entries whose words stand together in PostgreSQL's index; the number stands in migration 0001 too."""
FIRST_BATCHES = 2
"""So many of the newest batches PostgreSQL looks at first: the last one may have begun with a single entry."""
GROWTH = 4
"""How many times as many it looks at next, while too few are found: FTS5 goes backwards by itself."""


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
    found: list[str] = []
    newest = connection.scalar(text("SELECT max(entry_no) FROM search_entry")) or 0
    last, width = newest // BATCH, FIRST_BATCHES
    while last >= 0 and len(found) < most:
        first = max(0, last - width + 1)
        matches = [words.tsquery(wanted, batch, is_in_title=is_in_title) for batch in range(first, last + 1)]
        found += _matches_of(connection, matches, most - len(found))
        last, width = first - 1, width * GROWTH
    return found


def _matches_of(connection: Connection, matches: list[str], most: int) -> list[str]:
    """Return what PostgreSQL finds in some batches, newest first.

    Materialized, and each batch by itself (OFFSET 0): otherwise the planner may walk all entries backwards, hoping to
    meet enough with these words.
    """
    query = (
        "WITH e AS MATERIALIZED (SELECT entry.* FROM unnest(CAST(:matches AS tsquery[])) AS batch(match) "  # noqa: S608  # constants only
        "CROSS JOIN LATERAL (SELECT entry_no, listing_id, shop_id, is_published FROM search_entry "
        f"WHERE words @@ batch.match OFFSET 0) entry) SELECT e.listing_id FROM e {_join(connection)} "
        f"WHERE {IS_SHOWN} ORDER BY e.entry_no DESC LIMIT :most"
    )
    return list(connection.scalars(text(query), {"no": False, "most": most, "matches": matches}))


def newest_titles(connection: Connection, language: str, most: int) -> list[str]:
    """Return what the newest listings on show are called in this language, "zh" or another for English."""
    column = "title_zh" if language == "zh" else "title_en"
    query = (
        f"SELECT l.{column} FROM search_entry e {_join(connection)} "  # noqa: S608  # constants only
        f"JOIN listing l ON l.listing_id = e.listing_id WHERE {IS_SHOWN} ORDER BY e.entry_no DESC LIMIT :most"
    )
    return list(connection.scalars(text(query), {"no": False, "most": most}))
