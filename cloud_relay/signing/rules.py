"""What counts as a signature: strokes in a box of 1000 by 300, or a typed name. Pure."""

import re
from dataclasses import dataclass

from wire.values import BadValueError, clean_text

WIDTH, HEIGHT = 1000, 300
"""The box in which strokes are drawn, whatever the screen: a line of a form is about so much wider than high."""
PATH_LENGTH_MAX = 8000
"""About 900 points: a long name at the rate at which a finger is sampled, thinned by the page."""
POINTS_MIN, SPREAD_MIN = 4, 60
"""A dot or a tick is no signature: so many points, and so far from left to right and top to bottom together."""
NAME_LENGTH_MAX = 80
FINGER, TYPED = "finger", "typed"

_POINT = r"\d{1,4} \d{1,3}"
PATH = re.compile(rf"(?:M{_POINT}(?:L{_POINT})*)+")
"""SVG path data (SVG 2, 9.3) of absolute moves and lines only, in whole numbers: nothing else can be in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature: strokes as SVG path data for `finger`, the name for `typed`."""

    way: str
    path: str = ""
    name: str = ""


def read_signature(path: str, name: str) -> Signature | None:
    """Return the signature that was sent, drawn before typed; None for neither. BadValueError for what is none."""
    if path:
        _check(path)
        return Signature(way=FINGER, path=path)
    if name.strip():
        return Signature(way=TYPED, name=clean_text(name, "signature_name", NAME_LENGTH_MAX))
    return None


def _check(path: str) -> None:
    if len(path) > PATH_LENGTH_MAX:
        raise BadValueError(f"signature_path: {len(path)} characters, at most {PATH_LENGTH_MAX} / 签名过长，请重签")
    if not PATH.fullmatch(path):
        raise BadValueError("signature_path: only M and L with whole numbers / 签名格式不正确")
    points = [tuple(map(int, one.split())) for one in re.findall(_POINT, path)]
    across, down = [x for x, _ in points], [y for _, y in points]
    if max(across) > WIDTH or max(down) > HEIGHT:
        raise BadValueError(f"signature_path: outside of {WIDTH} by {HEIGHT} / 签名超出范围")
    spread = max(across) - min(across) + max(down) - min(down)
    if len(points) < POINTS_MIN or spread < SPREAD_MIN:
        raise BadValueError("signature_path: too small to be a signature; sign again / 签名太小，请重签")
