"""Single keys from the terminal, without Enter."""

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

ARROWS = {"A": "up", "B": "down", "C": "right", "D": "left"}
"""Last letter of the sequences that arrow keys send (xterm control sequences, PC-style function keys)."""

SEQUENCE_S = 0.05
"""The rest of an arrow key's sequence comes at once; later it is the Escape key itself."""


@contextmanager
def single_keys() -> Iterator[None]:
    """Let keys come one by one and unseen while the body runs; the terminal is as before afterwards."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def read_key() -> str:
    """Wait for a key: a letter, or `up`, `down`, `left`, `right`, `escape`; `end` when the terminal is gone."""
    first = os.read(sys.stdin.fileno(), 1).decode("latin-1")
    if not first:
        return "end"
    if first != "\x1b":
        return first
    if not _more() or os.read(sys.stdin.fileno(), 1) not in (b"[", b"O"):
        return "escape"
    while _more():
        letter = os.read(sys.stdin.fileno(), 1).decode("latin-1")
        if letter in ARROWS:
            return ARROWS[letter]
        if "@" <= letter <= "~":  # ECMA-48, 5.4: the final byte of a sequence that is no arrow
            break
    return "escape"


def _more() -> bool:
    return bool(select.select([sys.stdin], [], [], SEQUENCE_S)[0])
