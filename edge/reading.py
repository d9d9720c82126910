"""Reads codes off the bench camera's picture and says whose label is on the parcel. zxing-cpp first, pyzbar second."""

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

import numpy as np
import numpy.typing as npt
import zxingcpp
from PIL import Image, ImageFilter, ImageOps
from pyzbar import pyzbar

from wire.values import BadValueError, Sscc

ROTATIONS_DEG = (22, -22, 45, -45, 67, -67)
"""Linear codes at an arbitrary angle are found only near the axes; these reach every angle within 11 degrees."""

PIXELS_MAX = 25_000_000
"""A larger picture is refused before it is decoded: it is no bench camera's."""

SMALL_PX = 1_500_000
"""Only a picture below this gains from being doubled: in a larger one a code's modules are wide enough already."""

SIDE_PX = 1920
"""Longest side of what the second reader and the filters get: a label's large code has 5 pixels a module even then."""

THUMB_PX = 1280
"""Longest side of the turned pictures: a label's bars fill a good part of it, and six of them take half a second."""

MATRIX = {"QRCode", "DataMatrix"}
LABEL_URL = re.compile(r"https?://[\x21-\x7e]{1,200}[?&]s=([0-9A-HJKMNP-TV-Z]{8})")
"""The large code of a label of ours: an address that ends in the label's serial."""

SSCC_URL = re.compile(r"https?://[\x21-\x7e]{1,200}/00/([0-9]{18})(?:[?#/][\x21-\x7e]*)?")
"""Any parcel's GS1 Digital Link (GS1 Digital Link 1.2, AI 00), also of makers who are not us."""

Grey = npt.NDArray[np.uint8]


class BadPictureError(Exception):
    """The bytes are no picture that may be decoded here."""


@dataclass(frozen=True, slots=True)
class ReadCode:
    """One code as read. `copies` is how often it stood in the picture at once."""

    text: str
    symbology: str
    copies: int = 1

    @property
    def is_matrix(self) -> bool:
        """Matrix codes correct their own errors (Reed-Solomon); linear ones only count characters."""
        return self.symbology in MATRIX


class Verdict(StrEnum):
    """What stands on the parcel: the right label, another one, none that can be read, or two."""

    RIGHT = "right"
    WRONG = "wrong"
    NONE = "none"
    TWO = "two"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict, every code that was read, and those that stand on other labels."""

    verdict: Verdict
    codes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


class Effort(IntEnum):
    """How much to try. On 8 megapixels: GLANCE 0.2 s, LOOK (more contrast) 0.4 s, SEARCH (turned, for bars) 1 s."""

    GLANCE = 1
    LOOK = 2
    SEARCH = 3


IsEnough = Callable[[tuple[ReadCode, ...]], bool]


def never(_codes: tuple[ReadCode, ...]) -> bool:
    """Take every look there is."""
    return False


@dataclass(slots=True)
class Reading:
    """Collects what several looks and several pictures show; linear codes without a check digit need two pictures."""

    _matrix: dict[str, ReadCode] = field(default_factory=dict)
    _linear: Counter[str] = field(default_factory=Counter)

    def codes(self) -> tuple[ReadCode, ...]:
        """Return what may be believed."""
        linear = (
            ReadCode(text, "Linear") for text, count in self._linear.items() if count > 1 or has_check_digit(text)
        )
        return (*self._matrix.values(), *linear)

    def add(self, jpeg: bytes, is_enough: IsEnough = never, effort: Effort = Effort.SEARCH) -> None:
        """Read one picture, each look costlier than the last, until `is_enough`; raises BadPictureError."""
        seen: set[str] = set()
        for look in _looks(jpeg, effort):
            for code in look:
                if code.is_matrix:
                    known = self._matrix.get(code.text)
                    if known is None or known.copies < code.copies:
                        self._matrix[code.text] = code
                else:
                    seen.add(code.text)
            if is_enough(self.codes()):
                break
        self._linear.update(seen)


def read_codes(jpeg: bytes, is_enough: IsEnough = bool) -> tuple[ReadCode, ...]:
    """Return the codes of one picture that may be believed, by default those of the first look that found any."""
    reading = Reading()
    reading.add(jpeg, is_enough)
    return reading.codes()


def judge(codes: tuple[ReadCode, ...], url: str, sscc: str) -> Judgement:
    """Compare what was read with the label that should be there.

    Only the large code decides that it is the right one: it alone carries the serial, and a void label of the same
    parcel has the same SSCC.
    """
    texts = tuple(code.text for code in codes)
    strange = tuple(text for text in texts if text != url and _is_other_label(text, sscc))
    is_there = any(code.text == url for code in codes)
    is_doubled = any(code.text == url and code.copies > 1 for code in codes)
    if is_there and (strange or is_doubled):
        return Judgement(verdict=Verdict.TWO, codes=texts, others=strange)
    if strange:
        return Judgement(verdict=Verdict.WRONG, codes=texts, others=strange)
    return Judgement(verdict=Verdict.RIGHT if is_there else Verdict.NONE, codes=texts)


def _is_other_label(text: str, sscc: str) -> bool:
    """Whether this stands on another parcel's label: another serial, or another SSCC in bars or address."""
    if LABEL_URL.fullmatch(text) is not None:
        return True
    address = SSCC_URL.fullmatch(text)
    if address is not None:
        return address[1] != sscc
    return has_check_digit(text) and text[2:] != sscc


def has_check_digit(text: str) -> bool:
    """Whether a linear read proves itself: AI 00 with an SSCC whose check digit fits."""
    if len(text) != 20 or not text.startswith("00"):
        return False
    try:
        Sscc(text[2:])
    except BadValueError:
        return False
    return True


def decode_picture(jpeg: bytes) -> Image.Image:
    """Return a grey picture; raise BadPictureError for what is no picture or too large a one."""
    try:
        with Image.open(io.BytesIO(jpeg)) as image:
            if image.width * image.height > PIXELS_MAX:
                raise BadPictureError(f"picture: {image.width} x {image.height} is more than {PIXELS_MAX} pixels")
            return image.convert("L")
    except (OSError, ValueError, SyntaxError) as error:
        raise BadPictureError(f"picture: cannot be decoded ({error})") from None


def _looks(jpeg: bytes, effort: Effort) -> Iterator[list[ReadCode]]:
    """Yield what each look finds. The first is zxing on every pixel: what matters is nearly always found by it."""
    grey = decode_picture(jpeg)
    yield _zxing(grey)
    grey.thumbnail((SIDE_PX, SIDE_PX))
    yield _pyzbar(grey)
    if effort >= Effort.LOOK:
        clear = ImageOps.autocontrast(grey.filter(ImageFilter.MedianFilter(3)), cutoff=2)
        yield _zxing(clear) + _pyzbar(clear)
        if grey.width * grey.height <= SMALL_PX:
            doubled = clear.resize((grey.width * 2, grey.height * 2), Image.Resampling.BICUBIC)
            yield _zxing(doubled) + _pyzbar(doubled)
    if effort >= Effort.SEARCH:
        grey.thumbnail((THUMB_PX, THUMB_PX))
        for angle_deg in ROTATIONS_DEG:
            turned = grey.rotate(angle_deg, Image.Resampling.BILINEAR, expand=True, fillcolor=255)
            yield _zxing(turned) + _pyzbar(turned)


def _zxing(grey: Image.Image) -> list[ReadCode]:
    pixels: Grey = np.asarray(grey)
    found = zxingcpp.read_barcodes(pixels, text_mode=zxingcpp.TextMode.Plain)
    return _counted((hit.text, str(hit.format).replace(" ", "")) for hit in found)


PYZBAR_NAMES = {"QRCODE": "QRCode"}
PYZBAR_KINDS = [pyzbar.ZBarSymbol.QRCODE, pyzbar.ZBarSymbol.CODE128, pyzbar.ZBarSymbol.EAN13]
"""Only what stands on labels and tags: its other symbologies see codes in wood grain."""


def _pyzbar(grey: Image.Image) -> list[ReadCode]:
    found = pyzbar.decode(grey, symbols=PYZBAR_KINDS)
    return _counted((hit.data.decode("utf-8", "replace"), PYZBAR_NAMES.get(hit.type, hit.type)) for hit in found)


def _counted(hits: Iterator[tuple[str, str]]) -> list[ReadCode]:
    count = Counter((text.lstrip("\x1d"), kind) for text, kind in hits if text)
    return [ReadCode(text, kind, copies) for (text, kind), copies in count.items()]
