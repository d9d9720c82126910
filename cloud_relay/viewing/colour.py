"""True colour: from a photographed colour card to the correction of a spot's pictures, and what error remains. Pure.

A camera and the light of a shop are two unknowns that a card of known colours settles together: in linear light the
true colour is, to a good approximation, a 3×3 matrix and an offset applied to the seen one. Both are fitted here by
least squares over the card's 24 patches. The page applies them as an SVG filter in linear RGB.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cloud_relay.refusals import RefusedError

Rgb = tuple[float, float, float]
"""Red, green, blue: 0…255 where it is sRGB as pictures carry it, 0…1 where it is linear light."""

COLUMNS, ROWS = 6, 4

CARD: tuple[Rgb, ...] = (
    (115, 82, 68), (194, 150, 130), (98, 122, 157), (87, 108, 67), (133, 128, 177), (103, 189, 170),
    (214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108), (157, 188, 64), (224, 163, 46),
    (56, 61, 150), (70, 148, 73), (175, 54, 60), (231, 199, 31), (187, 86, 149), (8, 133, 161),
    (243, 243, 242), (200, 200, 200), (160, 160, 160), (122, 122, 121), (85, 85, 85), (52, 52, 52),
)  # fmt: skip
"""The 24-patch colour rendition chart of McCamy, Marcus and Davidson (J. Applied Photographic Engineering 2, 1976),
sRGB as its manufacturer publishes it (in D. Pascale, RGB coordinates of the Macbeth ColorChecker, BabelColor 2006);
from dark skin, row by row, to black.
"""

CLIPPED, DARK = 254.0, 1.0
"""A channel at its end has lost what it saw."""

CLIPPED_MAX = 4
"""So many of the 72 channels may be clipped (cyan lies outside sRGB); with more the card was over- or underexposed."""

ERROR_MAX = 12.0
"""A fit worse than this on average is no such card, or its corners were laid wrong; a fair camera stays under 4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """Linear RGB out of linear RGB: three rows of red, green, blue and offset. Errors are CIEDE2000 over the card."""

    rows: tuple[tuple[float, float, float, float], ...]
    error_before: float
    error_mean: float
    error_max: float

    def apply(self, seen: Rgb) -> Rgb:
        """Return the true sRGB (0…255) of a seen one, as the page's filter does: clipped to what a screen can show."""
        light = (*to_linear(seen), 1.0)
        red, green, blue = (sum(one * part for one, part in zip(row, light, strict=True)) for row in self.rows)
        return to_srgb((red, green, blue))


def to_linear(rgb: Rgb) -> Rgb:
    """Return the linear light of an sRGB colour (IEC 61966-2-1, 5.2)."""

    def one(value: float) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    return one(rgb[0]), one(rgb[1]), one(rgb[2])


def to_srgb(light: Rgb) -> Rgb:
    """Return the sRGB colour of linear light, clipped to 0…255 (IEC 61966-2-1, 5.2)."""

    def one(value: float) -> float:
        share = min(max(value, 0.0), 1.0)
        return 255 * (share * 12.92 if share <= 0.0031308 else 1.055 * share ** (1 / 2.4) - 0.055)

    return one(light[0]), one(light[1]), one(light[2])


def to_lab(rgb: Rgb) -> Rgb:
    """Return CIE L*a*b* under D65 of an sRGB colour (IEC 61966-2-1 annex F; CIE 15:2004, 8.2.1)."""
    red, green, blue = to_linear(rgb)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089

    def root(value: float) -> float:
        return math.cbrt(value) if value > (6 / 29) ** 3 else value / (3 * (6 / 29) ** 2) + 4 / 29

    return 116 * root(y) - 16, 500 * (root(x) - root(y)), 200 * (root(y) - root(z))


def _hue_deg(a: float, b: float) -> float:
    return math.degrees(math.atan2(b, a)) % 360 if a or b else 0.0


def ciede2000(one: Rgb, other: Rgb) -> float:
    """Return the colour difference ΔE00 of two L*a*b* colours: 1 is about what an eye can tell side by side.

    G. Sharma, W. Wu, E. Dalal, The CIEDE2000 color-difference formula, Color Res. Appl. 30 (2005), equations 2 to 22.
    """
    chroma = (math.hypot(one[1], one[2]) + math.hypot(other[1], other[2])) / 2
    stretch = 1.5 - 0.5 * math.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    c1, c2 = math.hypot(one[1] * stretch, one[2]), math.hypot(other[1] * stretch, other[2])
    h1, h2 = _hue_deg(one[1] * stretch, one[2]), _hue_deg(other[1] * stretch, other[2])
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    if turn == -180 and h2 > h1:
        turn = 180.0
    lightness, c_mean = (one[0] + other[0]) / 2, (c1 + c2) / 2
    h_mean = h1 + h2 if c1 * c2 == 0 else _mean_hue_deg(h1, h2)
    weight = (
        1 - 0.17 * _cos(h_mean - 30) + 0.24 * _cos(2 * h_mean) + 0.32 * _cos(3 * h_mean + 6)
        - 0.20 * _cos(4 * h_mean - 63)
    )  # fmt: skip
    s_l = 1 + 0.015 * (lightness - 50) ** 2 / math.sqrt(20 + (lightness - 50) ** 2)
    d_l = (other[0] - one[0]) / s_l
    d_c = (c2 - c1) / (1 + 0.045 * c_mean)
    d_h = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2)) / (1 + 0.015 * c_mean * weight)
    twist = 2 * math.sqrt(c_mean**7 / (c_mean**7 + 25.0**7)) * math.sin(
        math.radians(60 * math.exp(-(((h_mean - 275) / 25) ** 2)))
    )  # fmt: skip
    return math.sqrt(max(d_l**2 + d_c**2 + d_h**2 - twist * d_c * d_h, 0.0))


def _cos(degrees: float) -> float:
    return math.cos(math.radians(degrees))


def _mean_hue_deg(one: float, other: float) -> float:
    middle = (one + other) / 2
    if abs(one - other) <= 180:
        return middle
    return middle + 180 if middle < 180 else middle - 180


def solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Return x of matrix · x = right by elimination with pivots; ValueError for one without a single answer."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for column in range(size):
        pivot = max(range(column, size), key=lambda place: abs(rows[place][column]))
        if abs(rows[pivot][column]) < 1e-12:
            raise ValueError("no single answer: the patches are all alike")
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for place in range(column + 1, size):
            factor = rows[place][column] / rows[column][column]
            rows[place] = [one - factor * other for one, other in zip(rows[place], rows[column], strict=True)]
    answer = [0.0] * size
    for place in reversed(range(size)):
        rest = sum(rows[place][column] * answer[column] for column in range(place + 1, size))
        answer[place] = (rows[place][size] - rest) / rows[place][place]
    return answer


def _mean_error(seen: Sequence[Rgb]) -> tuple[float, float]:
    errors = [ciede2000(to_lab(one), to_lab(true)) for one, true in zip(seen, CARD, strict=True)]
    return sum(errors) / len(errors), max(errors)


def _fit(seen: Sequence[Rgb]) -> Correction:
    """Least squares by the normal equations: four unknowns a channel, 24 patches."""
    lights = [(*to_linear(one), 1.0) for one in seen]
    square = [[sum(light[row] * light[column] for light in lights) for column in range(4)] for row in range(4)]
    rows = []
    for channel in range(3):
        wanted = [to_linear(one)[channel] for one in CARD]
        right = [sum(light[row] * value for light, value in zip(lights, wanted, strict=True)) for row in range(4)]
        red, green, blue, offset = solve(square, right)
        rows.append((red, green, blue, offset))
    rough = Correction(rows=tuple(rows), error_before=_mean_error(seen)[0], error_mean=0.0, error_max=0.0)
    mean, worst = _mean_error([rough.apply(one) for one in seen])
    return Correction(rows=rough.rows, error_before=rough.error_before, error_mean=mean, error_max=worst)


def fit_card(patches: Sequence[Rgb]) -> Correction:
    """Return the correction that brings the 24 seen patches (sRGB 0…255, row by row) nearest to the card's own.

    A card that stands on its head is read from its other end. Raises RefusedError for one that is over- or
    underexposed, and for what is no such card.
    """
    clipped = sum(channel >= CLIPPED or channel <= DARK for patch in patches for channel in patch)
    if clipped > CLIPPED_MAX:
        raise RefusedError(
            "card_clipped", "The card is too bright or too dark in the picture: change the light or the camera's "
            "exposure, and take it again.", "色卡在画面中过亮或过暗：请调整灯光或曝光后重拍。", status=422,
        )  # fmt: skip
    try:
        found = min((_fit(patches), _fit(list(reversed(patches)))), key=lambda one: one.error_mean)
    except ValueError:
        found = None
    if found is None or found.error_mean > ERROR_MAX:
        raise RefusedError(
            "no_card", "This does not look like the 24-patch card: lay the four corners on its outermost patches, "
            "brown first and black last, and see that nothing shines on it.",
            "这不像 24 色卡：请把四角对准最外侧的色块（先棕色，最后黑色），并避免反光。", status=422,
        )  # fmt: skip
    return found
