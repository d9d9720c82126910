"""A turned body as seen from the camera: which point of its skin shows where, and how it is lit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from drivers.simulators.bodies import Body, smooth
from drivers.simulators.texture import Field, Picture
from drivers.simulators.view import COS_DOWN, SIN_DOWN

# points of the picture of maps a millimetre
MAP_PX = 3.0
# outlines are followed in steps of this
OUTLINE_STEP_MM = 0.2
# light from upper left in front, warm; directions are right, up, towards the camera
KEY = np.array((-0.50, 0.62, 0.60), np.float32) / np.float32(math.sqrt(0.50**2 + 0.62**2 + 0.60**2))
FILL = np.array((0.80, 0.25, 0.55), np.float32) / np.float32(math.sqrt(0.80**2 + 0.25**2 + 0.55**2))


@dataclass(frozen=True, slots=True)
class Maps:
    """Pictures of MAP_PX a millimetre, shared by all pieces of one shape; their top left corner is (left_mm, top_mm)
    from the middle of the foot.

    `around` is the azimuth that shows, radians from the front; `along` 0…1 from the top of the skin to its foot
    (beyond 1: inside of the vessel); `gain` the light times 128; `gleam` what shines; `cover` 255 inside the outline,
    soft at its edge.
    """

    left_mm: float
    top_mm: float
    around: Field
    along: Field
    gain: Picture
    gleam: Picture
    cover: Picture


@dataclass(slots=True)
class _Canvas:
    left_mm: float
    top_mm: float
    around: Field
    along: Field
    normal: Field
    height: Field
    seen: Picture


@lru_cache
def make_maps(body: Body) -> Maps:
    """Paint rings of points from the inside out and from the foot up; what is nearer covers what is behind."""
    outer = smooth(body.outer, OUTLINE_STEP_MM)
    reach = body.radius_mm + 3
    top_mm = body.height_mm * COS_DOWN + reach * SIN_DOWN + 3
    rows = int((top_mm + reach * SIN_DOWN + 6) * MAP_PX)
    columns = int(2 * reach * MAP_PX) + 1
    canvas = _Canvas(
        -reach, top_mm, np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.float32),
        np.zeros((rows, columns, 3), np.float32), np.zeros((rows, columns), np.float32),
        np.zeros((rows, columns), np.uint8),
    )  # fmt: skip
    if body.inner:
        inner = smooth(body.inner, OUTLINE_STEP_MM)
        _rings(canvas, inner, np.linspace(2.0, 1.0, len(inner), dtype=np.float32), is_inside=True)
    _rings(canvas, outer, np.linspace(1.0, 0.0, len(outer), dtype=np.float32), is_inside=False)
    _grow_edges(canvas)
    gain, gleam = _light(canvas, body)
    cover = cv2.GaussianBlur(canvas.seen, (0, 0), 1.1)
    return Maps(canvas.left_mm, canvas.top_mm, canvas.around, canvas.along, gain, gleam, cover)


def _rings(canvas: _Canvas, line: Field, along: Field, *, is_inside: bool) -> None:
    slope = np.gradient(line, axis=0)
    normals = np.stack([slope[:, 1], -slope[:, 0]], axis=1)
    normals /= np.maximum(np.hypot(normals[:, 0], normals[:, 1]), 1e-6)[:, None]
    if is_inside:
        normals = -normals
    shown = np.full(canvas.seen.shape, -1, np.int32)  # which ring shows at each point, and which half of it
    is_front = np.zeros(canvas.seen.shape, np.bool_)
    for ring, ((radius, height), (out, up)) in enumerate(zip(line, normals, strict=True)):
        if radius < 0.4:
            continue
        columns = np.arange(math.ceil((-radius - canvas.left_mm) * MAP_PX), int((radius - canvas.left_mm) * MAP_PX) + 1)
        x = np.clip(columns / MAP_PX + canvas.left_mm, -radius, radius)
        cosine = np.sqrt(np.maximum(1 - (x / radius) ** 2, 0))
        for side in (-1, 1):  # the back half of the ring, then the front half
            is_facing = side * out * cosine * COS_DOWN + up * SIN_DOWN > 0
            y = height * COS_DOWN - side * radius * cosine * SIN_DOWN
            rows = ((canvas.top_mm - y) * MAP_PX).astype(np.int32)
            at = (rows[is_facing], columns[is_facing])
            shown[at], is_front[at] = ring, side > 0
    points = np.nonzero(shown >= 0)
    rings, halves = shown[points], np.where(is_front[points], 1.0, -1.0)
    sine = np.clip((points[1] / MAP_PX + canvas.left_mm) / line[rings, 0], -1, 1)
    angle, (out, up) = np.arcsin(sine), normals[rings].T
    canvas.around[points] = np.where(halves > 0, angle, math.pi - angle)
    canvas.along[points], canvas.height[points], canvas.seen[points] = along[rings], line[rings, 1], 255
    canvas.normal[points] = np.stack([out * sine, up, halves * out * np.sqrt(1 - sine**2)], axis=1)


def _grow_edges(canvas: _Canvas) -> None:
    """Close pinholes and continue every map a little beyond the outline, so that its edge can be soft."""
    canvas.seen = cv2.morphologyEx(canvas.seen, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    known = (np.abs(canvas.normal).sum(2) > 0).astype(np.uint8)
    _far, labels = cv2.distanceTransformWithLabels(1 - known, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    flat = np.zeros(int(labels.max()) + 1, np.int64)
    flat[labels[known > 0]] = np.flatnonzero(known)
    nearest = flat[labels]
    canvas.around = canvas.around.ravel()[nearest]
    canvas.along = canvas.along.ravel()[nearest]
    canvas.height = canvas.height.ravel()[nearest]
    canvas.normal = canvas.normal.reshape(-1, 3)[nearest]


def _light(canvas: _Canvas, body: Body) -> tuple[Picture, Picture]:
    """Warm key light, cool fill, shade towards the foot; a gleam as strong as the glaze is glossy."""
    normal = cv2.GaussianBlur(canvas.normal, (0, 0), 1.5)
    key = np.clip(normal @ KEY, 0, 1)
    fill = np.clip(normal @ FILL, 0, 1)
    shade = 0.55 + 0.45 * np.clip(canvas.height / 14.0, 0, 1)
    warm, cool = np.array((0.92, 1.0, 1.06), np.float32), np.array((1.05, 1.0, 0.96), np.float32)
    light = (0.30 + 0.78 * key[..., None] * warm + 0.16 * fill[..., None] * cool) * shade[..., None]
    half = KEY + np.array((0, SIN_DOWN, COS_DOWN), np.float32)
    half /= np.linalg.norm(half)
    shine = np.clip(normal @ half, 0, 1)
    window = np.clip(normal @ half, 0, 1) ** (30 + 130 * body.gloss) * body.gloss
    gleam = 255 * np.clip(0.85 * window + 0.10 * body.gloss * shine**8, 0, 1)
    inside = np.clip(canvas.along - 1.0, 0, 1)
    light *= (1.0 - 0.55 * inside)[..., None]
    return np.clip(light * 128, 0, 255).astype(np.uint8), np.repeat(gleam.astype(np.uint8)[..., None], 3, axis=2)
