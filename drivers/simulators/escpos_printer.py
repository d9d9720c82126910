"""An ESC/POS label printer: draws what it is sent, answers status at once, prints the unknown as characters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from drivers.simulators.escpos_commands import Command, next_command
from drivers.simulators.paper import PaperPath, Present, Rows, Then
from drivers.simulators.port import Reply
from drivers.simulators.truth import TruthLog

# one text line, 1/6 inch at 203 dots per inch as at power-up
LINE_ROWS = 34
IDS = {1: b"\x20", 2: b"\x02", 3: b"\x00", 66: b"_VITRINE\x00", 67: b"_LABEL-104\x00"}


class EscposPrinter:
    """The printer behind every connection; `takes` gets each byte that arrived (printer.bin)."""

    def __init__(self, name: str, paper: PaperPath, truth: TruthLog, bytes_file: Path) -> None:
        self.name = name
        self.paper = paper
        self.truth = truth
        self._bytes_file = bytes_file

    def session(self, reply: Reply) -> EscposSession:
        """A connection begins."""
        return EscposSession(self, reply)

    def keep(self, data: bytes) -> None:
        """Append what arrived to printer.bin."""
        with self._bytes_file.open("ab") as file:
            file.write(data)

    def status(self, number: int) -> bytes:
        """The byte that answers DLE EOT n; empty for an n that doesn't exist."""
        paper = self.paper
        if number == 1:
            return bytes([0x12 | (0 if paper.is_online else 0x08)])
        if number == 2:
            return bytes([0x12 | (0x04 if paper.is_cover_open else 0) | (0x20 if paper.is_paper_out else 0)])
        if number == 3:
            return b"\x12"
        return bytes([0x12 | (0x60 if paper.is_paper_out else 0)]) if number == 4 else b""


class EscposSession:
    """One connection: bytes → commands → paper."""

    def __init__(self, printer: EscposPrinter, reply: Reply) -> None:
        self._printer = printer
        self._reply = reply
        self._buffer = bytearray()
        self._line = bytearray()

    def received(self, data: bytes) -> None:
        self._printer.keep(data)
        self._buffer += data
        while self._buffer:
            # a raster needs all its bytes; looking at the head alone keeps this from copying it again and again
            if _is_raster_short(self._buffer):
                return
            found = next_command(bytes(self._buffer))
            if found is None:
                return
            command, used = found
            del self._buffer[:used]
            self._obey(command)

    def lost(self) -> None:
        """The interface drops the unfinished command; rows already sent are fed out as a spoiled label."""
        self._rows_of_torn_raster()
        self._buffer.clear()
        self._line.clear()
        self._printer.paper.do(Present(is_spoiled=True))

    def _obey(self, command: Command) -> None:
        paper = self._printer.paper
        data = command.data
        if command.name == "status":
            self._reply(self._printer.status(data[0]))
        elif command.name == "raster":
            self._raster(data)
        elif command.name in {"cut", "form_feed"}:
            self._print_line()
            paper.do(Present())
        elif command.name == "text":
            self._line += data
        elif command.name == "line_feed":
            self._print_line()
        elif command.name in {"feed_dots", "feed_lines"}:
            self._print_line()
            self._feed(data[0] * (1 if command.name == "feed_dots" else LINE_ROWS))
        else:
            self._answer_in_order(command)

    def _answer_in_order(self, command: Command) -> None:
        """What is answered only when everything before it is on paper; settings have no answer and no effect here."""
        answers: dict[str, Callable[[], bytes]] = {
            "ask_sensor": lambda: b"\x0c" if self._printer.paper.is_paper_out else b"\x00",
            "ask_id": lambda: IDS.get(command.data[0], b"\x00"),
            "process_id": lambda: b"\x37\x22" + command.data[2:6] + b"\x00",
        }
        if command.name == "reset":
            self._line.clear()
        elif command.name in answers:
            make = answers[command.name]
            self._printer.paper.do(Then(lambda: self._reply(make())))

    def _raster(self, data: bytes) -> None:
        """GS v 0: bit 0 of m doubles the width, bit 1 the height."""
        width = data[1] | data[2] << 8
        bits = np.unpackbits(np.frombuffer(data, np.uint8, offset=5).reshape(-1, width), axis=1).astype(bool)
        if data[0] & 1:
            bits = bits.repeat(2, axis=1)
        if data[0] & 2:
            bits = bits.repeat(2, axis=0)
        self._printer.paper.do(Rows(bits))

    def _rows_of_torn_raster(self) -> None:
        """Print the whole rows of a raster whose end never came."""
        head = bytes(self._buffer[:8])
        if head[:3] == b"\x1dv0" and len(head) == 8:
            width = head[4] | head[5] << 8
            rows = (len(self._buffer) - 8) // width if width else 0
            if rows:
                self._raster(head[3:6] + rows.to_bytes(2, "little") + bytes(self._buffer[8 : 8 + rows * width]))

    def _feed(self, rows: int) -> None:
        if rows:
            self._printer.paper.do(Rows(np.zeros((rows, 8), bool)))

    def _print_line(self) -> None:
        """Characters are drawn as they come: this is what text or garbage looks like on the label."""
        if not self._line:
            return
        text = self._line.decode("cp437")
        self._line.clear()
        self._printer.truth.write(self._printer.name, "text_printed", text=text[:400])
        strip = Image.new("1", (self._printer.paper.width_dots, LINE_ROWS))
        ImageDraw.Draw(strip).text((0, 2), text, fill=1, font=ImageFont.load_default(24))
        self._printer.paper.do(Rows(np.asarray(strip, bool)))


def _is_raster_short(buffer: bytearray) -> bool:
    """Whether the buffer begins with a raster whose data are not all here yet."""
    if buffer[:3] != b"\x1dv0" or len(buffer) < 8:
        return False
    return len(buffer) < 8 + (buffer[4] | buffer[5] << 8) * (buffer[6] | buffer[7] << 8)
