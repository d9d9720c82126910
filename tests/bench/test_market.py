"""The market's benchmark at a hundredth of its size: it finds what a plain reading of every listing finds."""

import json

import pytest

from bench import market_pace
from bench.market_goods import listing
from bench.postgres_cluster import NoPostgresError, programs
from cloud_relay.catalog import words
from cloud_relay.catalog.reading import PAGE_SIZE
from cloud_relay.catalog.search_store import search
from cloud_relay.catalog.service import search_words

COUNT = 2000
ALL = 10_000


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Measure both stores once, and keep what each finds for each query."""
    found = {}
    pace = market_pace.pace

    def look_too(stores, rounds):
        for store in stores:
            for _, query, _ in market_pace.QUERIES:
                found[store.name, query] = store.database.read_now(search, query, ALL).listing_ids
        return pace(stores, rounds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(market_pace, "pace", look_too)
        report = market_pace.measure(tmp_path_factory.mktemp("market"), 1, COUNT)
    return report, found


@pytest.fixture(scope="module")
def all_words():
    """Return the words of every listing's title and of all of it, newest first."""
    texts = [search_words(listing(number)) for number in reversed(range(COUNT))]
    return [(f" {text['search_title']} ", f" {text['search_text']} ") for text in texts]


def has(text: str, word: str, *, is_last: bool) -> bool:
    return (f" {word}" if is_last and word.isascii() and len(word) > 1 else f" {word} ") in text


def has_all(text: str, wanted: list[str]) -> bool:
    return all(has(text, word, is_last=word == wanted[-1]) for word in wanted)


def read_all(all_words, query: str) -> list[str]:
    """Return what a search must answer, by reading every listing: words in the title first, then the newest."""
    wanted, found = words.query_words(query), []
    for place, (title, text) in enumerate(all_words):
        if has_all(text, wanted):
            found.append((not has_all(title, wanted), place, f"lst_{COUNT - 1 - place:07}"))
    return [listing_id for *_, listing_id in sorted(found)]


def test_both_stores_find_what_reading_every_listing_finds_in_that_order(measured, all_words):
    report, found = measured
    counts = {}
    for (store, query), listing_ids in found.items():
        expected = read_all(all_words, query) if query else [f"lst_{number:07}" for number in reversed(range(COUNT))]
        assert listing_ids == expected, (store, query)
        counts[query] = len(expected)
    assert counts["gramophone"] == 0
    assert 0 < counts["紫砂茶壶"] < counts["茶壶"] < counts[""] == COUNT
    assert {store for store, _ in found} == {"SQLite"} | ({"PostgreSQL"} - {"PostgreSQL" for _ in report.left_out})


def test_a_run_leaves_figures_for_programs_and_a_table_for_people(measured, tmp_path):
    report, _ = measured
    report.write_json(tmp_path / "figures.json")
    figures = json.loads((tmp_path / "figures.json").read_text())
    try:
        programs()
        stores = ["sqlite", "postgresql"]
    except NoPostgresError:
        stores = ["sqlite"]
        assert "apt-get install postgresql" in figures["left_out"]["postgresql_p95_ms"]
    for store in stores:
        assert figures[f"{store}_p95_ms"] > 0
        assert len(figures[f"{store}_ms"]) == len(market_pace.QUERIES)
    market_pace.write(report, tmp_path)
    table = (tmp_path / "market.md").read_text()
    assert table.count("search p95") == len(stores)


def test_no_more_than_asked_for_are_looked_at_however_many_there_are(measured, tmp_path):
    with market_pace.sqlite_store(tmp_path, 300) as store:
        all_found = store.database.read_now(search, "", 1000)
        assert (len(all_found.listing_ids), all_found.has_more) == (300, False)
        some = store.database.read_now(search, "", 299)
        assert (some.listing_ids, some.has_more) == (all_found.listing_ids[:299], True)
        teas = store.database.read_now(search, "茶壶", 1000).listing_ids
        for most in (1, len(teas) - 1, len(teas), len(teas) + 1):
            cut = store.database.read_now(search, "茶壶", most)
            assert (cut.listing_ids, cut.has_more) == (teas[:most], len(teas) > most)
        shown = market_pace.ask(store, "", 2)
        assert [hit["listing_id"] for hit in shown["hits"]] == all_found.listing_ids[PAGE_SIZE : 2 * PAGE_SIZE]
