"""What the variants of a listing may be: up to three named axes, one choice on each, a name for people. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from cloud_relay.refusals import RefusedError
from wire.values import BadValueError, Gtin, clean_text

AXES_MAX = 3
VARIANTS_MAX = 120
"""Three axes of five values: more is several listings."""
WORD_LENGTH_MAX = 30
"""A value stands on a chip of the page, on a tag and behind the title on the label."""
TITLE_LENGTH_MAX = 150
"""As a listing's own title: what fits on a label."""
DIFFERENCE_MINOR_MAX = 10**12
UNNAMED: dict[str, str] = {"en": "", "zh": ""}
"""The name of the one variant that every listing without styles is."""

Words = dict[str, str]


def _words(value: Mapping[str, Any], field: str) -> Words:
    """Return a word in both languages; BadValueError when neither is there."""
    found = {
        language: clean_text(value[language], f"{field}.{language}", WORD_LENGTH_MAX)
        for language in ("en", "zh")
        if str(value.get(language) or "").strip()
    }
    if not found:
        raise BadValueError(f"{field}: a word in one language at least")
    first = next(iter(found.values()))
    return {language: found.get(language, first) for language in ("en", "zh")}


def check_axes(axes: Sequence[Mapping[str, Any]]) -> list[Words]:
    """Return the named axes (size, colour …), each once; BadValueError naming the one that is wrong."""
    if len(axes) > AXES_MAX:
        raise BadValueError(f"axes: at most {AXES_MAX}")
    checked = [_words(one, f"axes[{place}]") for place, one in enumerate(axes)]
    if len({one["en"] for one in checked}) != len(checked):
        raise BadValueError("axes: the same name twice")
    return checked


def check_variants(
    axes: Sequence[Words], variants: Sequence[Mapping[str, Any]], price_minor: int
) -> list[dict[str, Any]]:
    """Return the variants as they are kept, in this order; BadValueError or RefusedError naming the wrong one.

    Each has one choice on every axis and no two have the same; a difference never makes a price of nothing or less.
    """
    if len(variants) > VARIANTS_MAX:
        raise BadValueError(f"variants: at most {VARIANTS_MAX}")
    if bool(axes) is not bool(variants):
        raise BadValueError("variants: axes and variants go together")
    checked = [_variant(axes, one, place, price_minor) for place, one in enumerate(variants)]
    _refuse_double(checked)
    return checked


def _variant(axes: Sequence[Words], one: Mapping[str, Any], place: int, price_minor: int) -> dict[str, Any]:
    field = f"variants[{place}]"
    if len(one["choices"]) != len(axes):
        raise BadValueError(f"{field}.choices: {len(axes)}, one for each axis")
    difference = one.get("price_difference_minor", 0)
    if abs(difference) > DIFFERENCE_MINOR_MAX or price_minor + difference <= 0:
        raise RefusedError(
            "price_difference", f"Variant {place + 1} would cost nothing or less",
            f"第 {place + 1} 个款式的价格不大于零", 422,
        )  # fmt: skip
    sku, gtin = str(one.get("sku") or "").strip(), str(one.get("gtin") or "").strip()
    return {
        "variant_id": one.get("variant_id") or "", "place": place, "price_difference_minor": difference,
        "choices": [_words(words, f"{field}.choices[{axis}]") for axis, words in enumerate(one["choices"])],
        "sku": clean_text(sku, f"{field}.sku", 60) if sku else "", "gtin": Gtin(gtin).digits if gtin else "",
        "is_offered": bool(one.get("is_offered", True)),
    }  # fmt: skip


def _refuse_double(checked: Sequence[dict[str, Any]]) -> None:
    for what, seen in (
        ("choices", [tuple(words["en"] for words in one["choices"]) for one in checked]),
        ("gtin", [one["gtin"] for one in checked if one["gtin"]]),
        ("variant_id", [one["variant_id"] for one in checked if one["variant_id"]]),
    ):
        if len(set(seen)) != len(seen):
            raise RefusedError(
                "variant_twice", f"Two variants have the same {what}", "有两个款式的选项或条码相同", 422
            )  # fmt: skip


def name_of(choices: Sequence[Words] | None) -> Words:
    """Return the name of a variant by its choices: `Blue / M`; nothing for the unnamed one."""
    if not choices:
        return dict(UNNAMED)
    return {language: " / ".join(one[language] for one in choices) for language in ("en", "zh")}


def titled(title: Words, choices: Sequence[Words] | None) -> Words:
    """Return a title with the variant behind it, as orders, labels and the bench name it; a long title is shortened."""
    name = name_of(choices)
    return {
        "en": _behind(title["en"], f" ({name['en']})") if name["en"] else title["en"],
        "zh": _behind(title["zh"], f"（{name['zh']}）") if name["zh"] else title["zh"],
    }


def _behind(title: str, suffix: str) -> str:
    if not title:
        return ""
    room = TITLE_LENGTH_MAX - len(suffix)
    return (title if len(title) <= room else title[: room - 1].rstrip() + "…") + suffix


def values_of(axis: int, variants: Sequence[Mapping[str, Any]]) -> list[Words]:
    """Return the different values on an axis in the order of the variants."""
    found = {one["choices"][axis]["en"]: one["choices"][axis] for one in variants}
    return list(found.values())
