"""What one look at the box found: a verdict, a sentence, what to do; and the exit code of all of them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wire.plan import Text


class Verdict(StrEnum):
    """WARN: it works, but not for long, or a person is awaited. UNKNOWN: could not be looked at, and why is said."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of doctor. No address stands in `says` or `todo`; addresses are `where`, which bundles leave out."""

    check: str
    verdict: Verdict
    says: Text
    todo: Text = field(default_factory=Text)
    where: str = ""
    facts: dict[str, float] = field(default_factory=dict)

    def as_json(self, *, with_address: bool = True) -> dict[str, Any]:
        """Return the line as plain values."""
        plain: dict[str, Any] = {
            "check": self.check,
            "verdict": self.verdict.value,
            "says": {"en": self.says.en, "zh": self.says.zh},
            "todo": {"en": self.todo.en, "zh": self.todo.zh},
            "facts": dict(self.facts),
        }
        return {**plain, "where": self.where} if with_address else plain


def ok(check: str, en: str, zh: str, *, where: str = "", facts: dict[str, float] | None = None) -> Finding:
    """Return a line that nobody needs to act on."""
    return Finding(check=check, verdict=Verdict.OK, says=Text(en=en, zh=zh), where=where, facts=facts or {})


def line(
    check: str,
    verdict: Verdict,
    says: tuple[str, str],
    todo: tuple[str, str],
    *,
    where: str = "",
    facts: dict[str, float] | None = None,
) -> Finding:
    """Return a line from (English, Chinese) pairs."""
    en, zh = says
    do_en, do_zh = todo
    return Finding(
        check=check,
        verdict=verdict,
        says=Text(en=en, zh=zh),
        todo=Text(en=do_en, zh=do_zh),
        where=where,
        facts=facts or {},
    )


def exit_code(lines: Iterable[Finding]) -> int:
    """Return 0 when all is well, 1 when something warns or could not be looked at, 2 when something is bad."""
    verdicts = {one.verdict for one in lines}
    if Verdict.BAD in verdicts:
        return 2
    return 1 if verdicts & {Verdict.WARN, Verdict.UNKNOWN} else 0
