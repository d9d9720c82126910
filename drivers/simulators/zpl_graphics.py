"""The ^GF field's data → rows of dots (ZPL II programming guide: ^GF, "alternative data compression", Z64 and B64)."""

from __future__ import annotations

import base64
import binascii
import zlib

import numpy as np
import numpy.typing as npt

# repeat letters: G = 1 … Y = 19, g = 20 … z = 400
REPEATS = {chr(ord("G") + n): n + 1 for n in range(19)} | {chr(ord("g") + n): 20 * (n + 1) for n in range(20)}


class BadGraphicError(Exception):
    """The field's data are not what its head says."""


def decode_graphic(total: int, per_row: int, data: str) -> npt.NDArray[np.bool_]:
    """Dots of a ^GFA field: `total` bytes in all, `per_row` bytes a row; raise BadGraphicError."""
    if per_row <= 0 or total <= 0:
        raise BadGraphicError(f"^GF with {total} bytes, {per_row} a row")
    text = data.strip()
    raw = _encoded(text) if text[:5] in {":B64:", ":Z64:"} else _hexadecimal(text, per_row)
    raw = raw[:total].ljust(total, b"\x00")
    rows = len(raw) // per_row
    grid = np.frombuffer(raw, np.uint8, count=rows * per_row).reshape(rows, per_row)
    return np.unpackbits(grid, axis=1).astype(bool)


def _encoded(text: str) -> bytes:
    """`:Z64:base64:crc` or `:B64:…`; the CRC is CRC-16-CCITT over the base64 letters, four hexadecimal digits."""
    payload, _colon, crc = text[5:].rpartition(":")
    if not payload:
        raise BadGraphicError("^GF without its CRC")
    letters = "".join(payload.split())
    if f"{binascii.crc_hqx(letters.encode('ascii', 'replace'), 0):04X}" != crc.strip().upper():
        raise BadGraphicError("^GF with a wrong CRC")
    try:
        raw = base64.b64decode(letters, validate=True)
        return zlib.decompress(raw) if text[1] == "Z" else raw
    except (ValueError, zlib.error) as error:
        raise BadGraphicError(f"^GF: {error}") from error


def _hexadecimal(text: str, per_row: int) -> bytes:
    """Hexadecimal with repeat letters; `,` fills the row with 0, `!` with F, `:` repeats the row above."""
    width = per_row * 2
    rows: list[str] = []
    row, repeat = "", 0
    for letter in text:
        if letter in REPEATS:
            repeat += REPEATS[letter]
        elif letter in ",!":
            row = row.ljust(width, "0" if letter == "," else "F")
        elif letter == ":":
            row = rows[-1] if rows else "0" * width
        elif letter in "0123456789ABCDEFabcdef":
            row, repeat = row + letter * max(repeat, 1), 0
        elif not letter.isspace():
            raise BadGraphicError(f"^GF with {letter!r} in its data")
        while len(row) >= width:
            rows.append(row[:width])
            row = row[width:]
    if row:
        rows.append(row.ljust(width, "0"))
    return bytes.fromhex("".join(rows))
