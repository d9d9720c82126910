"""Framed prints: an ink landscape in front, paper with the maker's panel on the back."""

from __future__ import annotations

import cv2
import numpy as np

from drivers.simulators.bodies import Board
from drivers.simulators.engraving import PANEL_HEIGHT_MM, draw_panel, panel_width_mm
from drivers.simulators.texture import Field, Picture, cloud, mix, tinted, to_picture, wood

FRAME_MM, MAT_MM = 9.0, 14.0


def draw_front(seed: int, board: Board, px: float) -> Picture:
    """Mountains behind mist, a red sun, a seal; frame of dark wood."""
    chance = np.random.default_rng(seed)
    height, width = round(board.height_mm * px), round(board.width_mm * px)
    whole = wood(chance, height, width, px, (28, 44, 66), (52, 82, 118)).astype(np.float32)
    frame, mat = round(FRAME_MM * px), round((FRAME_MM + MAT_MM) * px)
    inner = (height - 2 * frame, width - 2 * frame)
    whole[frame:-frame, frame:-frame] = tinted((222, 234, 240), cloud(chance, *inner, 3, 3), 0.012)
    whole[mat:-mat, mat:-mat] = _landscape(chance, height - 2 * mat, width - 2 * mat, px)
    return to_picture(whole)


def draw_back(board: Board, px: float, text: str) -> tuple[Picture, Picture]:
    """The back without and with its engraving."""
    chance = np.random.default_rng(5)
    height, width = round(board.height_mm * px), round(board.width_mm * px)
    blank = wood(chance, height, width, px, (92, 124, 154), (128, 162, 190))
    rows, columns = round(PANEL_HEIGHT_MM * px), round(panel_width_mm(text) * px)
    top, left = round((board.height_mm - board.panel_mm) * px - rows / 2), (width - columns) // 2
    engraved = blank.copy()
    for target, panel in zip((blank, engraved), draw_panel(text, px), strict=True):
        target[top : top + rows, left : left + columns] = cv2.resize(
            panel, (columns, rows), interpolation=cv2.INTER_AREA
        )
    return blank, engraved


def _landscape(chance: np.random.Generator, height: int, width: int, px: float) -> Field:
    paper = tinted((206, 226, 234), cloud(chance, height, width, 6, 6), 0.02)
    ys = np.arange(height, dtype=np.float32)[:, None]
    sun = np.hypot(np.arange(width)[None, :] - width * 0.68, ys - height * 0.20) - 8 * px
    paper = mix(paper, (60, 78, 196), np.clip(-sun / px + 0.5, 0, 1) * 0.85)
    for layer in range(6):
        far = layer / 5
        ridge = cloud(chance, 1, width, 1, width / (2.2 + layer * 0.6), octaves=6)[0]
        top = height * (0.34 + 0.115 * layer) - ridge * height * (0.075 + 0.012 * layer)
        depth = ys - top[None, :]
        ink = np.clip(depth / px * 1.5, 0, 1) * np.exp(-np.clip(depth, 0, None) / (height * (0.10 + 0.05 * far)))
        colour = (150 - 90 * far, 138 - 92 * far, 118 - 88 * far)
        paper = mix(paper, colour, ink * (0.45 + 0.45 * far))
    seal = int(7 * px)
    paper[-seal - int(4 * px) : -int(4 * px), int(4 * px) : int(4 * px) + seal] = (48, 44, 178)
    return paper
