"""Words of texts and of queries: Latin words, and of Chinese every character and every pair of neighbours. Pure.

Neither FTS5 nor PostgreSQL finds 茶壶 in 紫砂茶壶 by itself; with pairs on both sides it is one word among others.
"""

import re
import unicodedata
from collections.abc import Iterator

QUERY_WORDS_MAX = 12
WORD_LENGTH_MAX = 40
BEGINNING_MIN = 2
CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af\U00020000-\U0003134f"
"""Scripts written without spaces: Han with its extensions, kana, and hangul for its suffixes."""
RUN = re.compile(f"(?P<cjk>[{CJK}]+)|(?P<word>[^\\W_{CJK}]+)")


def _runs(text: str) -> Iterator[tuple[bool, str]]:
    """Yield (is CJK, run) of a text in one width, one case and without accents."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    for match in RUN.finditer(unicodedata.normalize("NFC", plain)):
        yield match["cjk"] is not None, match.group()


def _stem(word: str) -> str:
    """Return a Latin word without a plural ending: pots and pot, glasses and glass, berries and berry meet."""
    if not word.isascii() or len(word) <= 3 or word.endswith("ss"):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word.removesuffix("s")


def index_text(*texts: str) -> str:
    """Return the words of these texts as the index stores them, separated by spaces, each once."""
    words: dict[str, None] = {}
    for text in texts:
        for is_cjk, run in _runs(text):
            if is_cjk:
                words.update(dict.fromkeys(run))
                words.update(dict.fromkeys(run[place : place + 2] for place in range(len(run) - 1)))
            else:
                words[_stem(run[:WORD_LENGTH_MAX])] = None
    return " ".join(words)


def query_words(query: str) -> list[str]:
    """Return the words that a text must all have; of a CJK run its pairs, of a single character itself."""
    words: dict[str, None] = {}
    for is_cjk, run in _runs(query):
        if not is_cjk:
            words[_stem(run[:WORD_LENGTH_MAX])] = None
        elif len(run) == 1:
            words[run] = None
        else:
            words.update(dict.fromkeys(run[place : place + 2] for place in range(len(run) - 1)))
    return list(words)[:QUERY_WORDS_MAX]


def _beginning(words: list[str]) -> str:
    """Return the word that may be the beginning of a longer one: the last Latin one; one letter begins too many."""
    return words[-1] if words and words[-1].isascii() and len(words[-1]) >= BEGINNING_MIN else ""


def fts5_query(words: list[str], *, is_in_title: bool = False) -> str:
    """Return an FTS5 expression: every word, the last one also as the beginning of a longer one."""
    open_end = _beginning(words)
    found = " AND ".join(f'"{word}"*' if word == open_end else f'"{word}"' for word in words)
    return f"{{in_title}} : ({found})" if is_in_title else found


def tsquery(words: list[str], batch: int, *, is_in_title: bool = False) -> str:
    """Return the same as a tsquery of PostgreSQL, of one batch of entries.

    Words stand in the index after their entry's batch and a #, those of the title a second time after a ^.
    """
    mark, open_end = "^" if is_in_title else "#", _beginning(words)
    return " & ".join(f"'{batch}{mark}{word}':*" if word == open_end else f"'{batch}{mark}{word}'" for word in words)
