"""Printed labels as physical things: drawn, numbered, carried, stuck, destroyed. Keeps labels_printed.json."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from drivers.simulators.codes import read_codes
from drivers.simulators.truth import TruthLog, write_atomically


class Where(StrEnum):
    """Where a label is; `aside`: on a parcel that was put aside."""

    MOUTH = "mouth"
    CUP = "cup"
    PARCEL = "parcel"
    ASIDE = "aside"
    FLOOR = "floor"
    GONE = "gone"
    DESTROYED = "destroyed"


@dataclass(slots=True)
class Label:
    """One label. `picture` is what is on it: grey, 0 black … 255 white, at `dots_per_mm`."""

    no: int
    printed_at: str
    picture: npt.NDArray[np.uint8]
    dots_per_mm: int
    codes: list[str]
    is_stray: bool = False
    where: Where = Where.MOUTH
    applied_at: str | None = None
    parcel: int | None = None
    destroyed_at: str | None = None
    # the middle on the parcel's top, mm right and up of its middle, and the turn in degrees
    place: tuple[float, float, float] = field(default=(0.0, 0.0, 0.0))

    def entry(self) -> dict[str, object]:
        """This label in labels_printed.json."""
        return {
            "no": self.no, "printed_at": self.printed_at, "png": f"labels/{self.no}.png", "codes": self.codes,
            "applied_at": self.applied_at, "parcel": self.parcel, "destroyed_at": self.destroyed_at,
            "where": str(self.where), "stray": self.is_stray,
        }  # fmt: skip


class LabelBook:
    """All labels that came out of this shop's printer in this run folder; those of earlier runs stay as they are."""

    def __init__(self, folder: Path, truth: TruthLog) -> None:
        self._folder = folder
        self._truth = truth
        self._path = folder / "labels_printed.json"
        self._earlier: list[dict[str, object]] = json.loads(self._path.read_bytes()) if self._path.exists() else []
        self._labels: list[Label] = []
        (folder / "labels").mkdir(parents=True, exist_ok=True)
        self.save()

    def add(self, device: str, picture: npt.NDArray[np.uint8], dots_per_mm: int, *, event: str) -> Label:
        """A new label lies at the printer's mouth: number it, keep its picture, read its codes."""
        no = len(self._earlier) + len(self._labels) + 1
        Image.fromarray(picture).save(self._folder / "labels" / f"{no}.png")
        codes = [code.text for code in read_codes(picture)]
        at = self._truth.write(device, event, label=no, png=f"labels/{no}.png", codes=codes)
        label = Label(no, at, picture, dots_per_mm, codes, is_stray=event == "stray_label")
        self._labels.append(label)
        self.save()
        return label

    def at(self, where: Where) -> list[Label]:
        """The labels that are there, oldest first."""
        return [label for label in self._labels if label.where == where]

    def on(self, parcel: int) -> list[Label]:
        """The labels that stick on this parcel, wherever it lies, oldest first."""
        return [
            label for label in self._labels if label.where in (Where.PARCEL, Where.ASIDE) and label.parcel == parcel
        ]

    def all(self) -> list[Label]:
        """Every label of this run, oldest first."""
        return list(self._labels)

    def save(self) -> None:
        """Write labels_printed.json anew, atomically."""
        entries = self._earlier + [label.entry() for label in self._labels]
        write_atomically(self._path, json.dumps(entries, ensure_ascii=False, indent=1).encode())
