"""Where answers come from: earlier sittings, a file, the person at the terminal; in this order."""

import getpass
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

from edge.cli.language import say
from edge.setting_up.notes import Notes
from edge.setting_up.questions import Question


class UnansweredError(Exception):
    """A file of answers lacks one that is needed, or holds one that cannot be; the message names key and reason."""


class Answers:
    """Asks each question once. `file` answers for an unattended run: what it lacks takes its default."""

    def __init__(self, notes: Notes, file: Path | None, tell: Callable[[str], None]) -> None:
        self._notes, self._tell = notes, tell
        self.is_unattended = file is not None
        self._given = read_answers(file) if file is not None else {}

    def has(self, key: str) -> bool:
        """Whether the file answers this."""
        return key in self._given

    def ask(self, question: Question, *, keep: bool = True) -> str:
        """Return the answer; raises UnansweredError in an unattended run without one."""
        known = self._notes.answers.get(question.key)
        if known is not None and not question.fault(known):
            return known
        answer = self._from_file(question) if self.is_unattended else self._from_person(question)
        if keep:
            self._notes.keep(question.key, answer)
        return answer

    def _from_file(self, question: Question) -> str:
        answer = self._given.get(question.key, question.default)
        fault = question.fault(answer)
        if fault:
            raise UnansweredError(f"{question.key}: {fault}")
        self._tell(f"? {say(question.text.en, question.text.zh)}: {'****' if question.is_secret else answer}")
        return answer

    def _from_person(self, question: Question) -> str:
        while True:
            shown = f" [{question.default}]" if question.default else ""
            prompt = f"? {say(question.text.en, question.text.zh)}{shown} {say('(? explains)', '（? 查看说明）')}: "
            typed = self._read(prompt, is_secret=question.is_secret).strip()
            if typed == "?":
                self._tell(f"  {say(question.why.en, question.why.zh)}")
                continue
            answer = typed or question.default
            fault = question.fault(answer)
            if not fault:
                return answer
            self._tell(f"  {fault}")

    def _read(self, prompt: str, *, is_secret: bool) -> str:
        if is_secret and sys.stdin.isatty():
            return getpass.getpass(prompt)
        sys.stdout.write(prompt)
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            raise KeyboardInterrupt  # the end of the input is as if the person left
        return line


def read_answers(path: Path) -> dict[str, str]:
    """Return a TOML file of `key = value` as texts; raises UnansweredError when it cannot be read."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnansweredError(f"{path}: {error}") from None
    return {key: str(value) for key, value in _flat(table)}


def _flat(table: dict[str, object], before: str = "") -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for key, value in table.items():
        name = f"{before}{key}"
        found += _flat(value, f"{name}.") if isinstance(value, dict) else [(name, value)]
    return found
