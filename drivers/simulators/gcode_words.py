"""G-code lines as Grbl 1.1 reads them, and its numbered errors. Pure."""

from __future__ import annotations

import re

# Grbl's line buffer is 80 characters (config.h LINE_BUFFER_SIZE); longer ones are error:14
LINE_MAX = 80
WORD = re.compile(r"([A-Z])\s*([-+]?\d*\.?\d+)")
Words = list[tuple[str, float]]


class GrblError(Exception):
    """A line that is answered `error:n`."""

    def __init__(self, number: int) -> None:
        super().__init__(f"error:{number}")
        self.number = number


def bare(raw: str) -> str:
    """The line without comments and blanks, in capitals; error:14 when it was too long."""
    if len(raw) > LINE_MAX:
        raise GrblError(14)
    return re.sub(r"\([^)]*\)|;.*|\s", "", raw).upper()


def split_words(line: str) -> Words:
    """The words of a block; error:1 when it begins with no letter, error:2 when a number is bad."""
    found = WORD.findall(line)
    if "".join(letter + number for letter, number in found) != line:
        raise GrblError(2 if line[:1].isalpha() else 1)
    return [(letter, float(number)) for letter, number in found]


def first(words: Words, letter: str) -> float | None:
    """The first number that stands behind this letter."""
    return next((number for name, number in words if name == letter), None)
