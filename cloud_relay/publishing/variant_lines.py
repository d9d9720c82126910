"""Lines of a table that are the styles, sizes and colours of one listing: put together by their title. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloud_relay.catalog.variant_rules import VARIANTS_MAX, WORD_LENGTH_MAX
from wire.values import BadValueError, clean_text

AXES: dict[str, dict[str, str]] = {
    "style": {"en": "Style", "zh": "款式"},
    "size": {"en": "Size", "zh": "尺码"},
    "colour": {"en": "Colour", "zh": "颜色"},
}
"""The columns that make a line a variant, and what shoppers read above their choices."""
SHARED = ("weight_g", "description_en", "description_zh")
"""What a listing has once: written in its first line, and the same or left out in the others."""

_Fault = tuple[str, str, str]


@dataclass(slots=True)
class _Listing:
    """What the first line of a listing said, and which choices came in which line."""

    first: dict[str, Any]
    axes: tuple[str, ...]
    choices: dict[tuple[str, ...], int] = field(default_factory=dict)


class VariantLines:
    """Takes line after line and knows which belong together: those with the same titles, of which one has a choice.

    Each row gets `choices` (column → word, empty for a listing without variants) and `head`: the line of the listing
    that it belongs to, its own where it is the first.
    """

    def __init__(self) -> None:
        self._listings: dict[tuple[str, str], _Listing] = {}

    def take(self, row: dict[str, Any], words: Mapping[str, str]) -> list[_Fault]:
        """Put a row to its listing; return what is wrong as (column, English, Chinese)."""
        chosen, faults = _checked(words)
        row["choices"], row["head"] = chosen, row["line"]
        title, axes = (row["title_en"], row["title_zh"]), tuple(chosen)
        if faults or not any(title):
            return faults
        known = self._listings.setdefault(title, _Listing(first=row, axes=axes))
        return list(self._join(known, row, axes)) if known.axes or axes else []

    def _join(self, known: _Listing, row: dict[str, Any], axes: tuple[str, ...]) -> Iterator[_Fault]:
        first = known.first["line"]
        if axes != known.axes:
            column = next(name for name in AXES if (name in axes) is not (name in known.axes))
            yield (
                column, f"Line {first} has the same title: fill in the same of style, size and colour in both, or none",
                f"与第 {first} 行标题相同：两行须填写相同的款式、尺码、颜色列，或都不填",
            )  # fmt: skip
            return
        row["head"] = first
        choice = tuple(row["choices"].values())
        if choice in known.choices:
            where = known.choices[choice]
            yield axes[0], f"The same choice as in line {where}", f"与第 {where} 行的款式选项相同"
            return
        known.choices[choice] = row["line"]
        if len(known.choices) > VARIANTS_MAX:
            yield axes[0], f"At most {VARIANTS_MAX} variants of a listing", f"每个货品最多 {VARIANTS_MAX} 个款式"
        for name in SHARED:
            if row[name] and row[name] != known.first[name]:
                yield (
                    name, f"A listing has one of it: leave it out here, or write as in line {first}",
                    f"同一货品只能有一个值：此行留空，或与第 {first} 行一致",
                )  # fmt: skip


def _checked(words: Mapping[str, str]) -> tuple[dict[str, str], list[_Fault]]:
    """Return the filled choices and what is wrong with them."""
    chosen: dict[str, str] = {}
    faults: list[_Fault] = []
    for name, word in words.items():
        if not word:
            continue
        try:
            chosen[name] = clean_text(word, name, WORD_LENGTH_MAX)
        except BadValueError:
            faults.append((name, f"A word of at most {WORD_LENGTH_MAX} characters", f"最多 {WORD_LENGTH_MAX} 个字符"))
    return chosen, faults


def variants_of(rows: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """Return (axes, variants) of the rows of one listing, in their order; prices are told by their difference."""
    columns = list(rows[0]["choices"])
    variants = [
        {
            "place": place, "sku": one["sku"], "gtin": one["gtin"], "is_offered": True,
            "choices": [{"en": one["choices"][name], "zh": one["choices"][name]} for name in columns],
            "price_difference_minor": one["price_minor"] - rows[0]["price_minor"],
        }
        for place, one in enumerate(rows)
    ]  # fmt: skip
    return [AXES[name] for name in columns], variants
