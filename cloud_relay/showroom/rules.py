"""What tags are: kinds, sheets, the code that a person may type, the address in the code, what a scan means. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from wire.values import BadValueError, Gtin

TAGS_MAX = 400
"""In one sheet: ten pages of the smallest size."""
COPIES_MAX = 100
LOCATION_LENGTH_MAX = 40
"""As a piece's location."""

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no I, L, O or U, so that a printed code is read in one way only."""
CODE_LENGTH = 10
"""50 bits: a mistyped code meets no other tag."""
CODE_PATTERN = re.compile(f"[{ALPHABET}]{{{CODE_LENGTH}}}")
READ_AS = str.maketrans({"i": "1", "l": "1", "o": "0"})
"""What people type for the letters that the alphabet leaves out (Crockford)."""


class TagKind(StrEnum):
    """Where a tag stands: at a sample, at a shelf, or at a place where goods lie."""

    SAMPLE = "sample"
    SHELF = "shelf"
    PLACE = "place"


class TagState(StrEnum):
    """A void tag stays void: whoever still scans it is told."""

    ACTIVE = "active"
    VOID = "void"


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetSize:
    """How an A4 sheet is cut: `across` x `down` tags of `width_mm` x `height_mm`, without gaps, from its middle."""

    name: str
    across: int
    down: int
    width_mm: float
    height_mm: float
    en: str
    zh: str

    @property
    def count(self) -> int:
        """Tags on one page."""
        return self.across * self.down


SIZES: dict[str, SheetSize] = {
    one.name: one
    for one in (
        SheetSize(name="40", across=4, down=10, width_mm=52.5, height_mm=29.7, en="small", zh="小号"),
        SheetSize(name="24", across=3, down=8, width_mm=70.0, height_mm=37.0, en="shelf edge", zh="货架签"),
        SheetSize(name="8", across=2, down=4, width_mm=105.0, height_mm=74.0, en="card", zh="展示卡"),
        SheetSize(name="2", across=1, down=2, width_mm=210.0, height_mm=148.5, en="sign", zh="标牌"),
    )
}
"""Cuts that label sheets are sold in (24 and 8 to a page are the most common ones) and that scissors can follow."""

SIZE_OF_KIND = {TagKind.SAMPLE: "8", TagKind.SHELF: "24", TagKind.PLACE: "8"}


def new_code(pick: Callable[[str], str]) -> str:
    """Return a fresh code; `pick` chooses one character of a text. Its last one is a digit: no word looks like it."""
    return "".join(pick(ALPHABET) for _ in range(CODE_LENGTH - 1)) + pick("0123456789")


def printed(code: str) -> str:
    """Return a code as it stands on the tag: `7K2QX-9MHD4`."""
    return f"{code[:5]}-{code[5:]}".upper()


def code_in(text: str) -> str:
    """Return the code that somebody typed, or nothing: case, dashes and spaces do not matter."""
    plain = re.sub(r"[\s\-–—]", "", text).lower().translate(READ_AS)
    return plain if CODE_PATTERN.fullmatch(plain) and plain[-1].isdigit() else ""


def address_of(root: str, code: str, gtin: str) -> str:
    """Return what the QR code holds: `/01/{gtin}?t={code}` with a GTIN, else our own `/t/{code}`.

    The GTIN leads any GS1 reader to the goods (GS1 Digital Link URI syntax 1.2, 5); `t` is ours (a key that is no AI,
    allowed there in the query) and tells whose tag it is and whether it still counts.
    """
    return f"{root}/01/{Gtin(gtin)}?t={code}" if gtin else f"{root}/t/{code}"


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scanned or typed text is: `path` leads there; without one `reason` is stranger, empty or not_ours."""

    path: str = ""
    reason: str = ""


OUR_PATHS = re.compile(
    r"/(?:01/\d{8,14}(?:/21/[\w%.~!*'();:@&=+$,\-]{1,60})?|00/\d{18}|t/[0-9a-z]{10}|[pmls]/[\w-]{1,64}|c/[\w.-]{1,200}"
    r"|h/[\w-]{1,200})"
)
"""Everything of ours that is printed or shown as a code."""


def read_code(text: str, our_hosts: frozenset[str]) -> Scanned:
    """Return where a scanned or typed text leads. Text from outside is compared, never opened as it is.

    Ours: an address on our host, a tag's typed code, a GTIN (8 to 14 digits with a right check digit).
    """
    plain = text.strip()
    if not plain:
        return Scanned(reason="empty")
    if "://" in plain:
        return _of_address(plain, our_hosts)
    code = code_in(plain)
    if code:
        return Scanned(path=f"/t/{code}")
    digits = plain.removeprefix("\x1d").removeprefix("(01)").replace(" ", "")
    try:
        return Scanned(path=f"/01/{Gtin(digits)}")
    except BadValueError:
        return Scanned(reason="not_ours")


def _of_address(text: str, our_hosts: frozenset[str]) -> Scanned:
    try:
        found = urlsplit(text)
    except ValueError:
        return Scanned(reason="not_ours")
    if found.scheme.lower() not in ("http", "https") or found.netloc.lower() not in our_hosts:
        return Scanned(reason="stranger")
    path = found.path.rstrip("/")
    if not OUR_PATHS.fullmatch(path):
        return Scanned(reason="not_ours")
    code = re.fullmatch(f"t=([{ALPHABET}]{{{CODE_LENGTH}}})", found.query)
    return Scanned(path=f"{path}?t={code[1]}" if code and path.startswith("/01/") else path)


def same_gtin(one: str, other: str) -> bool:
    """Return whether two GTINs name the same goods, whatever their length."""
    return bool(one) and bool(other) and one.zfill(14) == other.zfill(14)
