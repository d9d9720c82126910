"""A ZPL label printer on raw TCP (ZPL II programming guide): formats are drawn, ~HS is answered at once."""

from __future__ import annotations

import re
from pathlib import Path

from drivers.simulators.paper import PaperPath, Present, Rows
from drivers.simulators.port import Reply
from drivers.simulators.truth import TruthLog
from drivers.simulators.zpl_label import draw_format

# more than a full label in plain hexadecimal at 24 dots/mm; longer formats are garbage
FORMAT_MAX = 8_000_000
IMMEDIATE_COMMAND = re.compile("~HS|~HI|~JA|~PS|~PP")


class ZplPrinter:
    """The printer behind every connection."""

    def __init__(self, name: str, paper: PaperPath, truth: TruthLog, bytes_file: Path) -> None:
        self.name = name
        self.paper = paper
        self.truth = truth
        self.is_paused = False
        self._bytes_file = bytes_file

    def session(self, reply: Reply) -> ZplSession:
        """A connection begins."""
        return ZplSession(self, reply)

    def keep(self, data: bytes) -> None:
        """Append what arrived to printer.bin."""
        with self._bytes_file.open("ab") as file:
            file.write(data)

    def host_status(self, is_partial: bool) -> bytes:
        """The three strings that answer ~HS (guide: "Host Status Return")."""
        paper = self.paper
        formats = paper.waiting
        first = (
            f"030,{int(paper.is_paper_out)},{int(self.is_paused)},{paper.length_rows:04d},{min(formats, 999):03d},"
            f"0,0,{int(is_partial)},000,0,0,0"
        )
        second = f"000,0,{int(paper.is_cover_open)},0,0,2,4,0,{min(formats, 99999999):08d},1,000"
        return b"".join(b"\x02" + line.encode() + b"\x03\r\n" for line in (first, second, "1234,0"))

    def print_format(self, text: str) -> None:
        """Draw one format and put it in line."""
        drawing = draw_format(text, self.paper.width_dots, self.paper.length_rows)
        if drawing.unknown:
            self.truth.write(self.name, "commands_unknown", commands=drawing.unknown[:20])
        if not drawing.dots.any():
            return
        for _copy in range(min(drawing.copies, 100)):
            self.paper.do(Rows(drawing.dots))
            self.paper.do(Present())


class ZplSession:
    """One connection: text → immediate commands and formats."""

    def __init__(self, printer: ZplPrinter, reply: Reply) -> None:
        self._printer = printer
        self._reply = reply
        self._text = ""

    def received(self, data: bytes) -> None:
        self._printer.keep(data)
        self._text += data.decode("latin-1")
        while found := IMMEDIATE_COMMAND.search(self._text):
            # what stood before it has been taken in by then, so ~HS behind a format counts that format
            after, self._text = self._text[found.end() :], self._text[: found.start()]
            self._take_formats()
            self._act(found.group())
            self._text += after
        self._take_formats()
        if len(self._text) > FORMAT_MAX:
            self._text = ""

    def lost(self) -> None:
        """An unfinished format is forgotten: a ZPL printer prints only whole ones."""
        self._text = ""

    def _take_formats(self) -> None:
        """Put every whole format in line."""
        while "^XZ" in self._text:
            text, self._text = self._text.split("^XZ", 1)
            begin = text.rfind("^XA")
            if begin >= 0:
                self._printer.print_format(text[begin + 3 :])

    def _act(self, command: str) -> None:
        if command == "~HS":
            self._reply(self._printer.host_status("^XA" in self._text and "^XZ" not in self._text))
        elif command == "~HI":
            self._reply(b"\x02VITRINE-LABEL,V1.0.0,8,8176KB\x03\r\n")
        elif command == "~JA":
            self._printer.paper.drop_jobs()
        else:
            self._printer.is_paused = command == "~PP"
