"""Words of Chinese and English texts meet the words of queries."""

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_relay.catalog.words import fts5_query, index_text, query_words

TEXTS = ("紫砂茶壶 手工", "Zisha teapot, hand-made, 180 ml", "青瓷碗 Celadon bowls", "Café glasses — ＡＢＣ１２３")


def found(query: str, *texts: str) -> list[int]:
    base = sqlite3.connect(":memory:")
    base.execute("CREATE VIRTUAL TABLE t USING fts5(words)")
    for number, text in enumerate(texts, 1):
        base.execute("INSERT INTO t(rowid, words) VALUES (?, ?)", (number, index_text(text)))
    words = query_words(query)
    return [row for (row,) in base.execute("SELECT rowid FROM t WHERE t MATCH ? ORDER BY rowid", (fts5_query(words),))]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("茶壶", [1]), ("壶", [1]), ("砂茶", [1]), ("紫砂茶壶", [1]), ("茶 壶", [1]), ("壶茶", []), ("茶碗", []),
        ("teapot", [2]), ("TEAPOTS", [2]), ("tea", [2]), ("pot", []), ("hand made", [2]), ("180", [2]),
        ("bowl", [3]), ("青瓷 bowls", [3]), ("cafe", [4]), ("abc123", [4]), ("glass", [4]),
        ('teapot" OR 1', []), ("teapot NOT zisha", []), ("t*", []), ("te", [2]), ("te zisha", []), ("zisha te", [2]),
    ],
)  # fmt: skip
def test_queries_find_what_they_say(query, expected):
    assert found(query, *TEXTS) == expected


@settings(deadline=None)  # a busy machine is no fault of the code
@given(st.text(max_size=40))
def test_every_text_finds_itself_or_has_no_words(text):
    words = query_words(text)
    if words:
        assert found(text, text, "something else") in ([1], [1, 2])


@settings(deadline=None)  # a busy machine is no fault of the code
@given(st.text(max_size=60))
def test_no_query_breaks_the_index(text):
    words = query_words(text)
    assert len(words) <= 12
    if words:
        found(text, "茶壶 teapot")
