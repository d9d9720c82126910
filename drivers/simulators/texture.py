"""Surfaces made by arithmetic: grain, wood, clay, glaze, crackle. Colours are BGR, 0…255."""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

# bytes, and numbers; OpenCV promises no element type, so neither do these names
Picture: TypeAlias = npt.NDArray[Any]
Field: TypeAlias = npt.NDArray[Any]
Colour: TypeAlias = tuple[float, float, float]


def cloud(
    chance: np.random.Generator, height: int, width: int, cell_y: float, cell_x: float, *, octaves: int = 3
) -> Field:
    """Soft noise of about −1…1 that closes around left and right; cells are in pixels of the largest octave."""
    total = np.zeros((height, width), np.float32)
    weight, norm = 1.0, 0.0
    for octave in range(octaves):
        rows = max(int(height / cell_y * 2**octave), 2)
        columns = max(int(width / cell_x * 2**octave), 2)
        coarse = chance.standard_normal((rows + 2, columns)).astype(np.float32)
        coarse = np.concatenate([coarse, coarse[:, :2]], axis=1)
        stretched_width = int(width * (columns + 2) / columns)
        total += weight * cv2.resize(coarse, (stretched_width, height), interpolation=cv2.INTER_CUBIC)[:, :width]
        norm += weight
        weight *= 0.55
    return (total / (norm * 0.8)).astype(np.float32)


def tinted(colour: Colour, light: Field, strength: float) -> Field:
    """A colour made lighter and darker by a field."""
    toned: Field = np.clip(np.asarray(colour, np.float32) * (1 + strength * light[..., None]), 0, 255)
    return toned


def mix(under: Field, colour: Colour, share: Field) -> Field:
    """Lay a colour over a picture with a share 0…1 for each pixel."""
    part = np.clip(share, 0, 1)[..., None]
    mixed: Field = under * (1 - part) + np.asarray(colour, np.float32) * part
    return mixed


def to_picture(field: Field) -> Picture:
    """A field of colours as bytes."""
    return np.clip(field, 0, 255).astype(np.uint8)


def wood(
    chance: np.random.Generator, height: int, width: int, px_per_mm: float, dark: Colour, light: Colour
) -> Picture:
    """Planed wood with the grain along x."""
    slow = cloud(chance, height, width, 38 * px_per_mm, 420 * px_per_mm, octaves=2)
    rows = np.linspace(0, height / px_per_mm, height, dtype=np.float32)[:, None]
    share = 0.5 + 0.26 * np.sin(rows * np.float32(np.pi / 7) + slow * np.float32(2.6 * np.pi)) + 0.22 * slow
    share += 0.16 * cloud(chance, height, width, 1.4 * px_per_mm, 60 * px_per_mm, octaves=2)
    steps = np.linspace(0, 1, 256, dtype=np.float32)[:, None]
    tones = to_picture(np.asarray(dark, np.float32) * (1 - steps) + np.asarray(light, np.float32) * steps)
    grey = cv2.convertScaleAbs(np.clip(share, 0, 1), alpha=255)
    return cv2.LUT(cv2.merge([grey, grey, grey]), tones[None])


def lit(picture: Picture, light: Field) -> Picture:
    """A picture under a light that is given coarsely: three channels, 1 leaves it as it is, up to 2."""
    size = (picture.shape[1], picture.shape[0])
    gain = cv2.resize(to_picture(light * 128), size, interpolation=cv2.INTER_LINEAR)
    return cv2.multiply(picture, gain, scale=1 / 128)


def crackle(chance: np.random.Generator, height: int, width: int, cell_px: float) -> Field:
    """The net of fine lines in a crackled glaze, 0…1: where the two nearest of scattered points are equally far."""
    scale = max(cell_px / 14.0, 1.0)
    small_h, small_w = int(height / scale), int(width / scale)
    count = max(int(small_h * small_w / 14.0**2), 8)
    seeds = np.zeros((small_h, small_w), np.uint8)
    seeds[chance.integers(0, small_h, count), chance.integers(0, small_w, count)] = 255
    _far, cells = cv2.distanceTransformWithLabels(255 - seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    large = cv2.resize(cells.astype(np.float32), (width, height), interpolation=cv2.INTER_NEAREST)
    edge = (np.abs(cv2.Laplacian(large, cv2.CV_32F)) > 0).astype(np.float32)
    return cv2.GaussianBlur(edge, (0, 0), 0.9).astype(np.float32)
