"""Bar and matrix codes as modules, then as whole dots per module: nothing is ever scaled by a fraction."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import segno
import zint
from PIL import Image

Modules = npt.NDArray[np.bool_]
"""True is dark; a linear code has one row."""


class BadCodeError(Exception):
    """A text cannot be put into this kind of code."""


@lru_cache(maxsize=256)
def qr_code(text: str) -> Modules:
    """Return a QR code without its quiet zone (ISO/IEC 18004). Level M: a quarter may be damaged at most 15 %."""
    try:
        code = segno.make_qr(text, error="m", boost_error=True)
    except segno.DataOverflowError:
        raise BadCodeError(f"QR code: {len(text)} characters are too many") from None
    return np.array([[bool(module) for module in row] for row in code.matrix])


@lru_cache(maxsize=256)
def data_matrix(text: str) -> Modules:
    """Return a square Data Matrix ECC 200 (ISO/IEC 16022); `(01)…(21)…` becomes a GS1 Data Matrix."""
    symbol = zint.Symbol()
    symbol.symbology = zint.Symbology.DATAMATRIX
    symbol.option_3 = zint.DataMatrixOptions.SQUARE
    return _modules(symbol, text)


@lru_cache(maxsize=256)
def gs1_128(sscc: str) -> Modules:
    """Return the GS1-128 bars of an SSCC (GS1 General Specifications 5.4, AI 00)."""
    symbol = zint.Symbol()
    symbol.symbology = zint.Symbology.GS1_128
    return _modules(symbol, f"(00){sscc}")


@lru_cache(maxsize=256)
def code_128(text: str) -> Modules:
    """Return Code 128 bars (ISO/IEC 15417)."""
    symbol = zint.Symbol()
    symbol.symbology = zint.Symbology.CODE128
    return _modules(symbol, text)


def _modules(symbol: zint.Symbol, text: str) -> Modules:
    symbol.input_mode = zint.InputMode.UNICODE
    if text.startswith("(0"):
        symbol.input_mode = zint.InputMode.GS1 | zint.InputMode.GS1PARENS
    symbol.show_text = False
    symbol.scale = 0.5  # zint draws two dots per module at scale 1
    if symbol.symbology in (zint.Symbology.GS1_128, zint.Symbology.CODE128):
        symbol.height = 1
    try:
        symbol.encode(text)
    except (RuntimeError, ValueError) as error:
        raise BadCodeError(f"code {text[:40]!r}: {error}") from None
    symbol.buffer()
    dark: Modules = np.asarray(symbol.bitmap)[:, :, 0] < 128
    return dark


def draw_modules(modules: Modules, dots: int, height_px: int = 0) -> Image.Image:
    """Return the code with `dots` dots per module; `height_px` is the height of a linear code's bars."""
    rows, across = modules.shape
    grown = np.kron(modules, np.ones((dots, dots), bool)) if rows > 1 else np.repeat(modules, dots, axis=1)
    if rows == 1:
        grown = np.repeat(grown, height_px, axis=0)
    image = Image.new("1", (across * dots, grown.shape[0]), 1)
    image.paste(0, mask=Image.fromarray(grown))
    return image


def dots_for(modules: Modules, room_px: int, quiet: int) -> int:
    """Return the dots per module that fill `room_px` across with `quiet` modules left free on either side."""
    return room_px // int(modules.shape[1] + 2 * quiet)
