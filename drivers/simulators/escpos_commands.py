"""ESC/POS bytes → commands (Epson ESC/POS command reference). Pure: no printer, no paper."""

from __future__ import annotations

from dataclasses import dataclass

DLE, ESC, FS, GS = 0x10, 0x1B, 0x1C, 0x1D
# commands with a fixed number of parameter bytes that set something which a raster label doesn't show
ESC_SETTINGS = {
    ord("!"): 1, ord(" "): 1, ord("$"): 2, ord("-"): 1, ord("2"): 0, ord("3"): 1, ord("="): 1, ord("E"): 1, ord("G"): 1,
    ord("M"): 1, ord("R"): 1, ord("V"): 1, ord("a"): 1, ord("c"): 2, ord("p"): 3, ord("t"): 1, ord("{"): 1,
    ord("\\"): 2,
}  # fmt: skip
GS_SETTINGS = {
    ord("!"): 1, ord("B"): 1, ord("H"): 1, ord("L"): 2, ord("P"): 2, ord("W"): 2, ord("a"): 1, ord("b"): 1, ord("f"): 1,
    ord("h"): 1, ord("w"): 1,
}  # fmt: skip
FS_SETTINGS = {ord("&"): 0, ord("."): 0, ord("!"): 1, ord("-"): 1, ord("C"): 1, ord("S"): 2, ord("W"): 1}


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `name` as below, `data` its parameters.

    reset · text · line_feed · form_feed · feed_dots · feed_lines · raster · cut · status (real time) · ask_sensor ·
    ask_id · process_id · setting · ignored
    """

    name: str
    data: bytes = b""


Parsed = tuple[Command, int] | None


def next_command(buffer: bytes) -> Parsed:
    """The first command in the buffer and its length; None when more bytes are needed.

    A byte that begins no command that this printer knows is text: it will be printed as characters.
    """
    first = buffer[0]
    if first in {DLE, ESC, FS, GS}:
        if len(buffer) < 2:
            return None
        return {DLE: _dle, ESC: _esc, FS: _fs, GS: _gs}[first](buffer)
    if first == 0x0A:
        return Command("line_feed"), 1
    if first == 0x0C:
        return Command("form_feed"), 1
    if first in {0x00, 0x09, 0x0D, 0x18}:
        return Command("ignored", buffer[:1]), 1
    end = 1
    while end < len(buffer) and (0x20 <= buffer[end] <= 0xFF):
        end += 1
    return Command("text", buffer[:end]), end


def _take(buffer: bytes, name: str, head: int, count: int) -> Parsed:
    """A command of `head` bytes with `count` parameter bytes."""
    end = head + count
    return None if len(buffer) < end else (Command(name, buffer[head:end]), end)


def _dle(buffer: bytes) -> Parsed:
    if buffer[1] == 0x04:
        return _take(buffer, "status", 2, 1)
    if buffer[1] in {0x05, 0x14}:
        return _take(buffer, "ignored", 2, 1 if buffer[1] == 0x05 else 3)
    return Command("text", buffer[:2]), 2


def _esc(buffer: bytes) -> Parsed:
    code = buffer[1]
    if code == ord("@"):
        return Command("reset"), 2
    if code == ord("J"):
        return _take(buffer, "feed_dots", 2, 1)
    if code == ord("d"):
        return _take(buffer, "feed_lines", 2, 1)
    if code == ord("*"):
        return _bit_image(buffer)
    if code in ESC_SETTINGS:
        return _take(buffer, "setting", 2, ESC_SETTINGS[code])
    return Command("text", buffer[:2]), 2


def _bit_image(buffer: bytes) -> Parsed:
    """ESC * m nL nH d…: column graphics, which a label printer of this kind doesn't draw; its data are skipped."""
    if len(buffer) < 5:
        return None
    columns = buffer[3] | buffer[4] << 8
    return _take(buffer, "ignored", 5, columns * (3 if buffer[2] in {32, 33} else 1))


def _fs(buffer: bytes) -> Parsed:
    if buffer[1] in FS_SETTINGS:
        return _take(buffer, "setting", 2, FS_SETTINGS[buffer[1]])
    return Command("text", buffer[:2]), 2


def _gs(buffer: bytes) -> Parsed:
    code = buffer[1]
    if code == ord("v"):
        return _raster(buffer)
    if code == ord("V"):
        return _cut(buffer)
    if code == ord("r"):
        return _take(buffer, "ask_sensor", 2, 1)
    if code == ord("I"):
        return _take(buffer, "ask_id", 2, 1)
    if code == ord("("):
        return _function(buffer)
    if code in GS_SETTINGS:
        return _take(buffer, "setting", 2, GS_SETTINGS[code])
    return Command("text", buffer[:2]), 2


def _raster(buffer: bytes) -> Parsed:
    """GS v 0 m xL xH yL yH d1…dk: k = x bytes × y rows; data keep m, x and y in front."""
    if len(buffer) < 8:
        return None
    if buffer[2] != ord("0"):
        return Command("text", buffer[:3]), 3
    width, height = buffer[4] | buffer[5] << 8, buffer[6] | buffer[7] << 8
    end = 8 + width * height
    return None if len(buffer) < end else (Command("raster", buffer[3:end]), end)


def _cut(buffer: bytes) -> Parsed:
    """GS V m (0, 1, 48, 49) or GS V m n (65, 66: feed n, then cut)."""
    if len(buffer) < 3:
        return None
    if buffer[2] in {0, 1, 48, 49}:
        return Command("cut", buffer[2:3]), 3
    if buffer[2] in {65, 66, 97, 98, 103, 104}:
        return _take(buffer, "cut", 2, 2)
    return Command("text", buffer[:3]), 3


def _function(buffer: bytes) -> Parsed:
    """GS ( x pL pH …: H fn 48 asks for a process id to come back, in order; the others are skipped."""
    if len(buffer) < 5:
        return None
    length = buffer[3] | buffer[4] << 8
    is_process = buffer[2] == ord("H")
    return _take(buffer, "process_id" if is_process else "ignored", 5, length)
