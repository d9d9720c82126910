"""Cards on disk: the newest few, and the one that is being written, so that a stop in the middle is seen afterwards."""

import json
import os
from pathlib import Path
from typing import Any

from wire.bench_card import BenchChecked
from wire.codec import from_json, to_json
from wire.values import BadValueError, format_time

KEPT = 10


class Cards:
    """The folder `bench_check/` of a data directory. All methods block; every file is replaced whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = folder / "running.json"

    def all(self) -> list[BenchChecked]:
        """Return the cards kept, newest first; a file that cannot be read is passed over."""
        found = (_read(path) for path in sorted(self._folder.glob("card-*.json"), reverse=True))
        return [card for card in found if card is not None]

    def save(self, card: BenchChecked) -> list[BenchChecked]:
        """Keep a card; returns those that had to go for it."""
        stamp = format_time(card.ended_at).replace(":", "").replace(".", "")
        _write(self._folder / f"card-{stamp}-{card.check_id}.json", to_json(card))
        old = sorted(self._folder.glob("card-*.json"), reverse=True)[KEPT:]
        gone = [card for card in map(_read, old) if card is not None]
        for path in old:
            path.unlink(missing_ok=True)
        return gone

    def begin(self, card: BenchChecked, *, has_card: bool) -> None:
        """Note how far a running check is; `has_card`: a test card lies on the bench."""
        _write(self._running, {"card": to_json(card), "has_card": has_card})

    def end(self) -> None:
        """Nothing runs any more, and the bench is as it was."""
        self._running.unlink(missing_ok=True)

    def interrupted(self) -> tuple[BenchChecked, bool] | None:
        """Return what ran when the box stopped, and whether the test card lay on the bench."""
        try:
            noted = json.loads(self._running.read_bytes())
            return from_json(BenchChecked, noted["card"]), bool(noted["has_card"])
        except (OSError, ValueError, KeyError, BadValueError):
            return None


def _read(path: Path) -> BenchChecked | None:
    try:
        card: BenchChecked = from_json(BenchChecked, json.loads(path.read_bytes()))
    except (OSError, ValueError, BadValueError):
        return None
    return card


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_suffix(".part")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
