"""One piece ready to be drawn into any view at any angle; figures are made when first seen and shared by cameras."""

from __future__ import annotations

import threading
import zlib
from typing import Protocol

from drivers.simulators.board_figure import BoardFigure
from drivers.simulators.bodies import BODIES, Board, Body
from drivers.simulators.plan import Piece
from drivers.simulators.texture import Picture
from drivers.simulators.turned_figure import TurnedFigure
from drivers.simulators.view import View


class Figure(Protocol):
    """What can be drawn. `draw` is safe from several threads."""

    @property
    def body(self) -> Body | Board:
        """Its shape."""

    def draw(self, picture: Picture, view: View, x_mm: float, y_mm: float, angle_deg: float) -> None:
        """Draw it standing with the middle of its foot at (x, y) of the view's plane, turned anticlockwise."""

    def draw_from_above(self, picture: Picture, middle: tuple[int, int], px_per_mm: float) -> None:
        """Draw it as the bench camera sees it."""


def make_figure(piece: Piece) -> Figure:
    """Build what is needed to draw a piece (a few tenths of a second). The same piece always looks the same."""
    seed = zlib.crc32(f"{piece.id} {piece.kind} {piece.colour}".encode())
    body = BODIES.get(piece.kind, BODIES["vase"])
    return BoardFigure(piece, body, seed) if isinstance(body, Board) else TurnedFigure(piece, body, seed)


class Figures:
    """The drawable pieces of a shop."""

    def __init__(self, pieces: dict[str, Piece]) -> None:
        self._pieces = pieces
        self._made: dict[str, Figure] = {}
        self._lock = threading.Lock()

    def of(self, piece: str) -> Figure:
        """The figure of a piece."""
        with self._lock:
            if piece not in self._made:
                self._made[piece] = make_figure(self._pieces[piece])
            return self._made[piece]
