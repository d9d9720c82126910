"""Which texts may leave the box: those that stand in Vitrine's own source, so nothing that a person or device said."""

import ast
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wire.commands import COMMANDS
from wire.reports import REPORTS

REMOVED = "(removed)"
ROOMS = ("edge", "drivers", "wire")
NUMBER_MAX = 10_000_000
"""A larger number may be a phone's; counts, ports, seconds and bytes of interest are smaller."""

AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|\+00:00)")
ID = re.compile(r"(par|cmd)_[0-9a-z]{16,40}")
"""Made at random by the relay: it tells a parcel or command apart and says nothing of anybody."""


@functools.cache
def own_words(root: Path | None = None) -> frozenset[str]:
    """Return every string constant of our own source, class and module names too; about a second of work."""
    root = root or Path(__file__).parents[2]
    words: set[str] = {*COMMANDS, *REPORTS}
    for room in ROOMS:
        for path in (root / room).rglob("*.py"):
            words |= {path.stem, ".".join(path.relative_to(root).with_suffix("").parts)}
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    words.add(node.value)
                elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    words.add(node.name)
    return frozenset(words - {""})


@dataclass(frozen=True, slots=True)
class Sieve:
    """Lets our own words, times, random ids and small numbers through. `aliases` stand for names a technician chose.

    `secret_numbers` never pass, small as they are: the attendant's PIN.
    """

    words: frozenset[str]
    aliases: Mapping[str, str] = field(default_factory=dict)
    secret_numbers: frozenset[int] = frozenset()

    def text(self, value: str) -> str:
        """Return the text if it may leave, a device's alias for its name, else REMOVED."""
        if value in self.aliases:
            return self.aliases[value]
        if value in self.words or AT.fullmatch(value) or ID.fullmatch(value) or value == "":
            return value
        return value if value in self.aliases.values() else REMOVED

    def value(self, value: Any) -> Any:
        """Return a JSON value with everything foreign removed; keys that are not ours go with their values."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            is_kept = abs(value) < NUMBER_MAX and value not in self.secret_numbers
            return value if is_kept else REMOVED
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return self.facts(value)
        return [self.value(part) for part in value] if isinstance(value, Iterable) else REMOVED

    def facts(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the facts under keys of ours, each value sieved."""
        kept = {self.text(str(key)): self.value(value) for key, value in facts.items()}
        kept.pop(REMOVED, None)
        return kept

    def facts_by_number(self, facts: Mapping[str, float]) -> dict[str, Any]:
        """Return numbers under names that our code made (`dropped_not_ours`), each number sieved."""
        return {name: self.value(number) for name, number in facts.items()}
