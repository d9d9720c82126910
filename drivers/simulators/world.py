"""The physical world of one shop: what stands where, and what happens when machines and hands act."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers.simulators.axis import Axis
from drivers.simulators.labels import Label, LabelBook, Where
from drivers.simulators.plan import LabellerPlan, Piece, WorldPlan
from drivers.simulators.truth import TruthLog

TURNTABLE, BENCH, PICKUP, PARCEL, GONE = "turntable", "bench", "pickup", "parcel", "gone"


class ImpossibleError(Exception):
    """The act cannot be done as the world stands now; the message says why."""


class NothingThereError(ImpossibleError):
    """The location is empty."""


class PlaceTakenError(ImpossibleError):
    """Something lies where the thing should be put down."""


@dataclass(slots=True)
class Parcel:
    """A closed parcel on the bench; sizes in mm. `piece` is what is really inside, None for an empty one."""

    no: int
    piece: str | None
    length_mm: int
    width_mm: int
    height_mm: int
    packed_by: str


@dataclass(slots=True)
class HeadState:
    """Where a head looks: degrees right, degrees up, zoom in the lens's own units."""

    pan: Axis
    tilt: Axis
    zoom: Axis


class World:
    """State and rules. Changed from the event loop only; `lock` guards what drawing threads read.

    `places` maps a piece to `spot:<n>`, `shelf`, `location:<aisle-shelf-bin>`, `turntable`, `bench`, `pickup`,
    `parcel` or `gone`. One closed parcel lies on
    the bench, the others aside. `bench_changes` counts every change that the bench camera could see.
    """

    def __init__(self, plan: WorldPlan, truth: TruthLog, labels: LabelBook, chance: random.Random) -> None:
        self.plan = plan
        self.truth = truth
        self.labels = labels
        self.lock = threading.RLock()
        self.bench_changes = 0
        self.pieces: dict[str, Piece] = {piece.id: piece for piece in plan.pieces}
        self.homes = {piece.id: _home_of(piece) for piece in plan.pieces}
        self.places = dict(self.homes)
        self.parcel: Parcel | None = None
        self.aside: list[Parcel] = []
        self.parcels_made = 0
        self.heads = {
            name: HeadState(
                Axis(low=head.pan_min_deg, high=head.pan_max_deg),
                Axis(low=head.tilt_min_deg, high=head.tilt_max_deg),
                Axis(low=0.0, high=float(0x4000)),
            )
            for name, head in plan.heads.items()
        }
        self.tables = {name: Axis(position=table.start_deg) for name, table in plan.turntables.items()}
        self._chance = chance

    def changed(self) -> None:
        """Something that the bench camera could see is different now."""
        with self.lock:
            self.bench_changes += 1

    def piece_at(self, place: str) -> str | None:
        """The piece that stands at `turntable` or `bench`, or lies in the `parcel`."""
        return next((piece for piece, at in self.places.items() if at == place), None)

    def table_angle(self, now_s: float) -> float:
        """The turntable's angle, 0 ≤ angle < 360; 0 in a shop without one."""
        for axis in self.tables.values():
            return axis.at(now_s) % 360.0
        return 0.0

    # hands and machines that move things

    def carry(self, piece: str, to: str) -> None:
        """A person carries a piece to the turntable, to the bench or back to its spot."""
        at = self.places.get(piece)
        if at is None:
            raise ImpossibleError(f"there is no piece {piece!r} in this shop")
        if at in {PARCEL, GONE}:
            raise ImpossibleError(f"{piece} is {'in a parcel' if at == PARCEL else 'gone'}")
        target = {"spot": self.homes[piece], "turntable": TURNTABLE, "bench": BENCH}.get(to)
        if target is None:
            raise ImpossibleError(f"cannot carry to {to!r}: only turntable, bench or spot")
        if target in {TURNTABLE, BENCH} and self.piece_at(target) not in {None, piece}:
            raise ImpossibleError(f"{self.piece_at(target)} stands on the {target} already")
        if target == BENCH and self.parcel:
            raise ImpossibleError("a closed parcel lies on the bench")
        self._put(piece, target)
        self.truth.write("hands", "carried", piece=piece, to=target)

    def sort(self, by: str, location: str, place: str, job: int) -> str:
        """A machine carries what lies in a location to a place; return which piece that was."""
        piece = self.piece_at(f"location:{location}")
        if piece is None:
            raise NothingThereError(f"nothing lies in {location}")
        if self.piece_at(place) is not None or (place == BENCH and self.parcel):
            raise PlaceTakenError(f"something lies on the {place} already")
        self._put(piece, place)
        self.truth.write(by, "carried", piece=piece, location=location, to=place, job=job)
        return piece

    def pack(self, by: str, length_mm: int, width_mm: int, height_mm: int, job: int | None = None) -> Parcel:
        """Close a parcel around what stands on the bench (a machine closes an empty one just as well)."""
        if self.parcel:
            raise ImpossibleError("a closed parcel lies on the bench already")
        piece = self.piece_at(BENCH)
        self.parcels_made += 1
        self.parcel = Parcel(self.parcels_made, piece, length_mm, width_mm, height_mm, by)
        if piece:
            self._put(piece, PARCEL)
        self.changed()
        self.truth.write(by, "packed", parcel=self.parcel.no, piece=piece, job=job)
        return self.parcel

    def unpack(self, piece: str = "") -> None:
        """A person opens a parcel and destroys its labels; the piece stands on the bench, or at its own place again."""
        parcel = self.parcel_with(piece)
        for label in self.labels.on(parcel.no):
            self._destroy(label, "hands")
        if parcel.piece:
            self._put(parcel.piece, BENCH if parcel is self.parcel else self.homes[parcel.piece])
        self._remove(parcel)
        self.truth.write("hands", "unpacked", parcel=parcel.no, piece=parcel.piece)

    def lay_test_card(self, length_mm: int, width_mm: int, height_mm: int) -> None:
        """A person lays an empty, closed carton where parcels lie, for labels that belong to no parcel."""
        if self.parcel or self.piece_at(BENCH):
            raise ImpossibleError("something lies on the bench already")
        self.parcel = Parcel(0, None, length_mm, width_mm, height_mm, "test_card")
        self.changed()
        self.truth.write("hands", "test_card_laid")

    def take_test_card(self) -> None:
        """A person takes that carton away again and tears up what was stuck on it."""
        if self.parcel is None or self.parcel.packed_by != "test_card":
            raise ImpossibleError("no test card lies on the bench")
        for label in self.labels.at(Where.PARCEL):
            self._destroy(label, "hands")
        self.parcel = None
        self.changed()
        self.truth.write("hands", "test_card_taken")

    def set_aside(self) -> None:
        """A person puts the parcel from the bench aside, with what is stuck on it."""
        parcel = self._need_parcel()
        if parcel.packed_by == "test_card":
            raise ImpossibleError("a test card lies on the bench, not a parcel")
        for label in self.labels.on(parcel.no):
            label.where = Where.ASIDE
        self.parcel = None
        self.aside.append(parcel)
        self.changed()
        self.labels.save()
        self.truth.write("hands", "set_aside", parcel=parcel.no, piece=parcel.piece)

    def bring_back(self, piece: str) -> None:
        """A person brings a parcel that was put aside back to the bench."""
        parcel = self.parcel_with(piece)
        if parcel is self.parcel:
            return
        if self.parcel or self.piece_at(BENCH):
            raise ImpossibleError("something lies on the bench already")
        self.aside.remove(parcel)
        self.parcel = parcel
        for label in self.labels.on(parcel.no):
            label.where = Where.PARCEL
        self.changed()
        self.labels.save()
        self.truth.write("hands", "brought_back", parcel=parcel.no, piece=piece)

    def take_away(self, piece: str = "") -> None:
        """The courier takes a parcel with whatever is stuck on it."""
        parcel = self.parcel_with(piece)
        labels = self.labels.on(parcel.no)
        for label in labels:
            label.where = Where.GONE
        if parcel.piece:
            self._put(parcel.piece, GONE)
        self._remove(parcel)
        self.labels.save()
        self.truth.write("hands", "taken_away", parcel=parcel.no, piece=parcel.piece, labels=[one.no for one in labels])

    # labels

    def label_printed(self, device: str, picture: npt.NDArray[np.uint8], dots_per_mm: int, event: str) -> Label:
        """A label comes out of the printer and waits at its mouth. Called from the drawing thread."""
        label = self.labels.add(device, picture, dots_per_mm, event=event)
        self.changed()
        return label

    def label_waiting(self) -> Label | None:
        """The oldest label at the printer's mouth: the one that a robot or a hand takes first."""
        waiting = self.labels.at(Where.MOUTH)
        return waiting[0] if waiting else None

    def stick_by_hand(self) -> None:
        """A person takes the label at the mouth and sticks it on the parcel."""
        self._need_parcel()
        label = self.label_waiting()
        if label is None:
            raise ImpossibleError("no label waits at the printer's mouth")
        self.press(label, "hands", self._scatter(3.0), self._scatter(3.0), self._scatter(1.5))

    def press(self, label: Label, by: str, x_mm: float, y_mm: float, angle_deg: float) -> None:
        """A label is pressed on the parcel's top, its middle x mm right and y mm up of the parcel's middle."""
        parcel = self._need_parcel()
        label.place = (x_mm, y_mm, angle_deg)
        label.where, label.parcel = Where.PARCEL, parcel.no
        self.changed()
        label.applied_at = self.truth.write(
            by, "label_applied", label=label.no, parcel=parcel.no, x_mm=round(x_mm, 2), y_mm=round(y_mm, 2)
        )
        self.labels.save()

    def move_label(self, label: Label, where: Where, by: str, event: str) -> None:
        """A label gets elsewhere: to the robot's cup, to the floor."""
        label.where = where
        self.changed()
        self.truth.write(by, event, label=label.no, where=str(where))
        self.labels.save()

    def peel(self, where: str = "", piece: str = "") -> None:
        """A person destroys a label: the top one of the parcel, else one at the mouth, else from the floor."""
        if piece and (stuck := self.labels.on(self.parcel_with(piece).no)):
            self._destroy(stuck[-1], "hands")
            return
        order = [Where(where)] if where else [Where.PARCEL, Where.MOUTH, Where.FLOOR]
        for place in order:
            found = self.labels.at(place)
            if found:
                self._destroy(found[-1] if place == Where.PARCEL else found[0], "hands")
                return
        raise ImpossibleError("there is no label to peel")

    def placing_scatter(self, robot: LabellerPlan) -> tuple[float, float, float]:
        """How far off the robot presses this time: mm, mm, degrees."""
        spread = robot.placing_mm
        return self._scatter(spread), self._scatter(spread), self._scatter(0.4)

    def _destroy(self, label: Label, by: str) -> None:
        label.where = Where.DESTROYED
        self.changed()
        label.destroyed_at = self.truth.write(by, "label_destroyed", label=label.no, parcel=label.parcel)
        self.labels.save()

    def parcel_with(self, piece: str = "") -> Parcel:
        """The parcel that this piece is in, on the bench or aside; the one on the bench when no piece is named."""
        if not piece:
            return self._need_parcel()
        found = next((parcel for parcel in (self.parcel, *self.aside) if parcel and parcel.piece == piece), None)
        if found is None:
            raise ImpossibleError(f"{piece} is in no parcel here")
        return found

    def _remove(self, parcel: Parcel) -> None:
        if parcel is self.parcel:
            self.parcel = None
        else:
            self.aside.remove(parcel)
        self.changed()

    def _need_parcel(self) -> Parcel:
        if self.parcel is None:
            raise ImpossibleError("no parcel lies on the bench")
        return self.parcel

    def _put(self, piece: str, place: str) -> None:
        with self.lock:
            self.places[piece] = place
        self.changed()

    def _scatter(self, spread: float) -> float:
        return self._chance.uniform(-spread, spread)


def _home_of(piece: Piece) -> str:
    if piece.location:
        return f"location:{piece.location}"
    return f"spot:{piece.spot}" if piece.spot else "shelf"
