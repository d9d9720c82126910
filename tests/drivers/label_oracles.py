"""What a printer does with bytes: readers of ESC/POS and ZPL that know every command they meet or fail. Tests only."""

import re
from dataclasses import dataclass, field

from PIL import Image


@dataclass
class Print:
    """The commands in order, without pixels, and the paper."""

    commands: list[str] = field(default_factory=list)
    rows: list[bytes] = field(default_factory=list)
    width: int = 0

    def paper(self) -> Image.Image:
        """Return what stands on the paper: black is 0."""
        image = Image.frombytes("1", (self.width * 8, len(self.rows)), b"".join(self.rows))
        return image.point(lambda value: 0 if value else 255)


def read_escpos(data: bytes) -> Print:
    """Read ESC/POS (command reference); raise ValueError at the first byte that is no known command."""
    seen, at = Print(), 0
    while at < len(data):
        rest = data[at:]
        if rest.startswith(b"\x1b@"):
            seen.commands.append("ESC @")
            at += 2
        elif rest.startswith(b"\x1b3"):
            seen.commands.append(f"ESC 3 {rest[2]}")
            at += 3
        elif rest.startswith(b"\x1dv0"):
            width, height = int.from_bytes(rest[4:6], "little"), int.from_bytes(rest[6:8], "little")
            pixels = rest[8 : 8 + width * height]
            if len(pixels) != width * height:
                raise ValueError("the raster is cut off")
            seen.commands.append(f"GS v 0 {rest[3]} {width}x{height}")
            seen.rows += [pixels[top * width : (top + 1) * width] for top in range(height)]
            seen.width = width
            at += 8 + width * height
        elif rest.startswith(b"\x1dV\x42"):
            seen.commands.append(f"GS V 66 {rest[3]}")
            at += 4
        elif rest.startswith(b"\x0c"):
            seen.commands.append("FF")
            at += 1
        else:
            raise ValueError(f"at {at}: {rest[:8].hex(' ')} would be obeyed or printed as text")
    return seen


def read_zpl(data: bytes) -> Print:
    """Read ZPL II (programming guide); raise ValueError for a command that is not expected on a label."""
    text = data.decode("ascii")
    seen = Print()
    if not re.fullmatch(r"(?:[\^~][^\^~]*)+\s*", text):
        raise ValueError("something stands outside of a command")
    for name, arguments in re.findall(r"([\^~][A-Z0-9@]{2})([^\^~]*)", text):
        if name == "^GF":
            kind, total, field_bytes, width, digits = arguments.split(",", 4)
            if kind != "A" or total != field_bytes or len(digits) != 2 * int(total):
                raise ValueError("the graphic field is not as announced")
            pixels, row = bytes.fromhex(digits), int(width)
            seen.width = row
            seen.rows = [pixels[at : at + row] for at in range(0, len(pixels), row)]
            seen.commands.append(f"^GF{kind},{total},{field_bytes},{width}")
        elif name in {"^XA", "^XZ", "^PW", "^LL", "^LH", "^LS", "^FO", "^FS", "^PQ"}:
            seen.commands.append(f"{name}{arguments.strip()}")
        else:
            raise ValueError(f"{name} would be obeyed")
    return seen
