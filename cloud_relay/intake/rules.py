"""What shoppers typed, spoke or scanned, made into wishes: the same text gives the same wish on every device. Pure."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from cloud_relay.catalog.words import query_words

QUERY_LENGTH_MAX = 200
"""A search is a few words; what is longer is cut, not refused: a television's voice input may send a sentence."""

SUGGESTIONS_MAX = 10
NAME_LENGTH_MAX = 6
"""A Chinese name of up to six characters is offered whole; of a longer one its last two."""

INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Unicode categories that nobody sees: controls, bidi and zero-width marks. Phones and televisions paste them in."""

OUR_PATH = re.compile(
    r"/(?:01/\d{8,14}(?:/21/[\w%.~-]{1,40})?|00/\d{18}|t/[0-9a-z]{10}|p/\w{1,64}|m/\w{1,64}|s/[\w-]{1,64}|l/\w{1,64})"
)
"""Addresses that stand on tags, labels and pages (GS1 Digital Link URI Syntax 1.3, 4; our own /p /m /s /l)."""

HAN = re.compile("[\u3400-\u9fff]+")
LATIN = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchWish:
    """What somebody looks for: `query` as they would have typed it, its `words`, or the `path` that a code names."""

    query: str
    words: tuple[str, ...]
    page: int = 1
    path: str = ""

    @property
    def address(self) -> str:
        """Where a screen goes to see what was found."""
        return self.path or f"/search?q={quote(self.query)}"


def tidy(text: str, length_max: int = QUERY_LENGTH_MAX) -> str:
    """Return what a person meant to send: full-width forms made plain, nothing invisible, single spaces."""
    plain = unicodedata.normalize("NFKC", text)
    visible = "".join(" " if one in "\t\r\n" else one for one in plain if one in "\t\r\n" or _is_visible(one))
    return " ".join(visible.split())[:length_max].rstrip()


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in INVISIBLE


def take_in(sent: str, page: int = 1, *, our_host: str = "") -> SearchWish:
    """Take in what a shopper sent from any device and return the wish; the device is not asked and makes no difference.

    A scanned tag or a pasted address of ours becomes the path it names; the host must be ours.
    """
    query = tidy(sent)
    return SearchWish(query=query, words=tuple(query_words(query)), page=page, path=_path_in(query, our_host))


def _path_in(query: str, our_host: str) -> str:
    scheme, mark, rest = query.partition("://")
    if mark:
        host, _, path = rest.partition("/")
        if scheme.lower() not in ("http", "https") or not our_host or host.lower() != our_host.lower():
            return ""
        query = f"/{path}"
    path = query.partition("?")[0].rstrip("/")
    return path if OUR_PATH.fullmatch(path) else ""


def suggestions(titles: Iterable[str], language: str) -> list[str]:
    """Return words to choose instead of typing, most frequent first: the name that ends each title's first part."""
    heads = [_head_zh(title) if language == "zh" else _head_en(title) for title in titles]
    if language == "zh":
        ends = Counter(head[-2:] for head in heads if head)
        heads = [head[-2:] if len(head) > NAME_LENGTH_MAX or ends[head[-2:]] > 1 else head for head in heads]
    counted = Counter(head for head in heads if head)
    ranked = sorted(counted, key=lambda word: (-counted[word], word))
    return ranked[:SUGGESTIONS_MAX]


def _head_zh(title: str) -> str:
    found = HAN.search(title)
    return found.group() if found else ""


def _head_en(title: str) -> str:
    first = re.split(r"[,;:(“”\"‘]", title, maxsplit=1)[0]
    words = LATIN.findall(first)
    return words[-1].lower() if words else ""
