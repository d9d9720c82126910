"""What setup knows so far: answers and finished steps, in a file that only its owner reads."""

import json
import os
from pathlib import Path
from typing import Any

STEPS = ("devices", "config", "label", "enrol", "daemon", "check", "live")
"""The steps of a sitting, in order."""


class Notes:
    """Answers by key and the steps done. Every change is on disk before it counts, so any moment may be the last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers: dict[str, str] = {}
        self.done: list[str] = []
        try:
            kept = json.loads(path.read_bytes())
            self.answers = {str(key): str(value) for key, value in kept["answers"].items()}
            self.done = [step for step in kept["done"] if step in STEPS]
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return  # a first sitting, or a file that is no use: every question is asked

    def keep(self, key: str, answer: str) -> None:
        """Keep one answer."""
        self.answers[key] = answer
        self._save()

    def finish(self, step: str) -> None:
        """Note that a step is done; it is not done again."""
        if step not in self.done:
            self.done.append(step)
        self._save()

    def reopen(self, step: str) -> None:
        """Do this step and all after it again."""
        later = STEPS[STEPS.index(step) :]
        self.done = [one for one in self.done if one not in later]
        self._save()

    def forget(self) -> None:
        """Begin anew."""
        self.answers, self.done = {}, []
        self.path.unlink(missing_ok=True)

    def _save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(f".{self.path.name}.part")
        content: dict[str, Any] = {"answers": self.answers, "done": self.done}
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # the PIN stands in it
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)
