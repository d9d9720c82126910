"""The test label: a large code that no order's label can be taken for, and words that say what it is."""

from collections.abc import Callable

from PIL import Image

from drivers.label_printer import Media
from edge.labels import Typeface
from edge.labels.note import draw_note

PREFIX = "VITRINE-CHECK-"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32, as on order labels: it can be read aloud."""


def new_code(random_bytes: Callable[[int], bytes]) -> str:
    """Return the code of one check: never the address of a label, so that no scan of it can touch an order."""
    number = int.from_bytes(random_bytes(5), "big")
    return PREFIX + "".join(ALPHABET[number >> shift & 31] for shift in range(35, -5, -5))


def draw_test_label(code: str, media: Media, face: Typeface) -> Image.Image:
    """Draw the test label for this roll; raises BadLabelError for a roll that is too small."""
    words = ("TEST 测试", "No parcel. Tear it up. 非包裹标签，用后撕毁", code)
    return draw_note(code, words, media, face)
