"""Places of a shipping table: a country, a Chinese province, the beginning of a postal code. Pure."""

import re

from wire.values import BadValueError

EVERYWHERE = "*"
PROVINCES: dict[str, tuple[str, ...]] = {
    "BJ": ("10",), "SH": ("20",), "TJ": ("30",), "CQ": ("40",), "NM": ("01", "02"), "SX": ("03", "04"),
    "HE": ("05", "06", "07"), "LN": ("11", "12"), "JL": ("13",), "HL": ("15", "16"), "JS": ("21", "22"),
    "AH": ("23", "24"), "SD": ("25", "26", "27"), "ZJ": ("31", "32"), "JX": ("33", "34"), "FJ": ("35", "36"),
    "HN": ("41", "42"), "HB": ("43", "44"), "HA": ("45", "46", "47"), "GD": ("51", "52"), "GX": ("53", "54"),
    "GZ": ("55", "56"), "HI": ("57",), "SC": ("61", "62", "63", "64"), "YN": ("65", "66", "67"), "SN": ("71", "72"),
    "GS": ("73", "74"), "NX": ("75",), "QH": ("81",), "XJ": ("83", "84"), "XZ": ("85",),
}  # fmt: skip
"""Second half of ISO 3166-2:CN, and the first two digits of its postal codes (GB/T 2260 order, China Post)."""

_PLACE = re.compile(r"(?P<country>[A-Z]{2})(?:-(?P<province>[A-Z]{2})| (?P<prefix>[A-Z0-9]{1,10}))?")
COUNTRY, PROVINCE, PREFIX = 1, 2, 3


def plain_code(postal_code: str) -> str:
    """Return a postal code as it is compared: capitals, without spaces and hyphens."""
    return re.sub(r"[\s-]", "", postal_code).upper()


def clean_place(text: str) -> str:
    """Return a place as it is kept: `*`, `CN`, `CN-ZJ` or `DE 10`; BadValueError says what it may be."""
    head, _, tail = text.strip().upper().partition(" ")
    place = f"{head} {plain_code(tail)}" if tail.strip() else head
    found = _PLACE.fullmatch(place)
    is_known = found and (found["province"] is None or (found["country"] == "CN" and found["province"] in PROVINCES))
    if place != EVERYWHERE and not is_known:
        raise BadValueError(
            f"place {text.strip()[:20]!r}: write a country (DE), a province of China (CN-ZJ), "
            "the beginning of a postal code (DE 10), or * for everywhere"
        )
    return place


def rank(place: str, country: str, postal_code: str) -> int:
    """Return how closely a kept place names this destination: higher is closer, -1 is not at all.

    Everywhere is 0, its country 1, its province 2, and a postal code's beginning 2 and its length.
    """
    if place == EVERYWHERE:
        return 0
    found = _PLACE.fullmatch(place)
    if found is None or found["country"] != country.upper():
        return -1
    code = plain_code(postal_code)
    if found["province"]:
        return PROVINCE if code.startswith(PROVINCES[found["province"]]) else -1
    if found["prefix"]:
        return PROVINCE + len(found["prefix"]) if code.startswith(found["prefix"]) else -1
    return COUNTRY
