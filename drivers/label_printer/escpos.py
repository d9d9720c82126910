"""Label printer that speaks ESC/POS, over raw TCP (port 9100) or a serial line. Sends pixels only, never text.

Source: Epson ESC/POS command reference: DLE EOT (real-time status), GS r, GS ( H, GS v 0, GS V, ESC @. The pixels of
GS v 0 are made by python-escpos, without its printer classes, which set up logging and write files when imported.
Scale: simulated; the bytes of a raster equal those of python-escpos' own printer class (tests).
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

from escpos.constants import ESC, GS, HW_INIT, RT_STATUS
from escpos.image import EscposImage
from PIL import Image

from drivers.base import AttendantNeededError, Condition, DeviceError, DeviceOfflineError, DeviceStatus
from drivers.label_printer import LabelPrinter, Media
from drivers.label_printer._raster import black_on_white, check_media
from drivers.transport import Pipe, PipeSilentError, after_sending, open_pipe

BAND_ROWS = 256
"""Rows of one GS v 0: cheap printers have room for little more than this many at once."""
CUT = GS + b"V\x42\x00"
"""GS V, function B: feed to the cutter and cut."""
FORM_FEED = b"\x0c"
"""FF: feed die-cut labels to the next gap."""
PAPER_STATUS = GS + b"r\x01"
"""GS r 1: not real-time, so it is answered only after everything before it has been carried out."""
PROCESS_ID = GS + b"(H\x06\x0000"
"""GS ( H, function 48: the printer sends these four bytes back when everything before is on paper."""
QUESTIONS = tuple(RT_STATUS + bytes([n]) for n in (1, 2, 3, 4))
"""DLE EOT 1…4: printer, cause of being offline, cause of an error, paper."""
FLOW_CONTROL = b"\x11\x13"
"""XON and XOFF, which a serial printer sends between its answers."""
LOOK_S = 0.1
"""How often the state is looked at while a label comes out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscposOptions:
    """Options of label_printer.escpos."""

    address: str  # tcp://host:9100, or /dev/serial/by-id/…
    baud: int = 115200  # of a serial line, as set on the printer
    width_mm: float = 100.0  # printable width of the label
    length_mm: float = 100.0  # length of the label
    dots_per_mm: int = 8  # 203 dpi; 300 dpi heads are 12
    label_end: str = "cut"  # "cut" = cut roll paper, "gap" = feed die-cut labels to the next gap
    proof: str = "paper_status"  # how it says that a label is out: "paper_status" (GS r) or "process_id" (GS ( H)
    timeout_s: float = 3.0  # no answer to a question for this long is offline
    print_s: float = 20.0  # from the last byte to the proof that the label is out

    def __post_init__(self) -> None:
        check_media(self.width_mm, self.length_mm, self.dots_per_mm)
        if self.label_end not in ("cut", "gap"):
            raise ValueError('label_end must be "cut" or "gap"')
        if self.proof not in ("paper_status", "process_id"):
            raise ValueError('proof must be "paper_status" or "process_id"')


def encode_label(image: Image.Image, label_end: str = "cut") -> bytes:
    """Return the bytes of one label: initialise, raster in bands, cut or feed. Only the size decides the commands."""
    raster = EscposImage(image)
    dots, row = raster.to_raster_format(), raster.width_bytes
    parts = [HW_INIT, ESC + b"3\x00"]
    for top in range(0, raster.height, BAND_ROWS):
        rows = min(BAND_ROWS, raster.height - top)
        size = row.to_bytes(2, "little") + rows.to_bytes(2, "little")
        parts += [GS + b"v0\x00", size, dots[top * row : (top + rows) * row]]
    return b"".join([*parts, CUT if label_end == "cut" else FORM_FEED])


@dataclass(frozen=True, slots=True)
class PrinterState:
    """The four answers to DLE EOT 1…4."""

    printer: int
    offline: int
    error: int
    paper: int

    @property
    def reason(self) -> str:
        """What a person must do, or "" (bits: command reference, DLE EOT)."""
        if self.offline & 0x04:
            return "cover_open"
        if self.offline & 0x20 or self.paper & 0x60:
            return "paper_out"
        if self.error & 0x08:
            return "cutter_jam"
        if self.error & 0x40:
            return "head_hot"
        if self.error & 0x20 or self.offline & 0x40:
            return "printer_error"
        return "switched_offline" if self.printer & 0x08 else ""

    @property
    def raw(self) -> str:
        return bytes([self.printer, self.offline, self.error, self.paper]).hex(" ")


@dataclass(slots=True)
class AnswerReader:
    """Sorts a printer's bytes into real-time status and proofs; flow control (XON, XOFF) and noise are passed over.

    Real-time status has bits 1 and 4 set, 0 and 7 clear; an answer to GS r has bits 4 and 7 clear; a process id comes
    as 37h 22h, four characters, 0. The characters used here have bit 4 clear, so no byte can be taken for another.
    """

    statuses: deque[int] = field(default_factory=deque)
    proofs: deque[bytes] = field(default_factory=deque)
    _head: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> None:
        """Take in what came."""
        for byte in data:
            if byte & 0x93 == 0x12:  # answered at once, even in the middle of another answer
                self.statuses.append(byte)
            elif self._head or byte == 0x37:
                self._in_process_id(byte)
            elif byte & 0x90 == 0:
                self.proofs.append(bytes([byte]))

    def _in_process_id(self, byte: int) -> None:
        self._head.append(byte)
        if len(self._head) == 2 and byte != 0x22:
            self._head.clear()
        elif len(self._head) == 7:
            self.proofs.append(bytes(self._head[2:6]))
            self._head.clear()


def encode_process_id(number: int) -> bytes:
    """Return four characters @…O that carry a number modulo 65536 (bit 4 clear, see AnswerReader)."""
    return bytes(0x40 | (number >> shift) & 0x0F for shift in (12, 8, 4, 0))


class EscposPrinter(LabelPrinter):
    """One printer."""

    Options = EscposOptions

    def __init__(self, options: EscposOptions) -> None:
        self._options = options
        self._pipe = Pipe(options.address)
        self._answers = AnswerReader()
        self._asked = 0
        self._wanted: deque[bytes] = deque()

    @property
    def media(self) -> Media:
        options = self._options
        return Media(width_mm=options.width_mm, length_mm=options.length_mm, dots_per_mm=options.dots_per_mm)

    async def open(self) -> None:
        self._pipe = await open_pipe(self._options.address, baud=self._options.baud)
        try:
            await self._state()
        except DeviceError:
            await self._pipe.close()
            raise

    async def close(self) -> None:
        await self._pipe.close()

    async def status(self) -> DeviceStatus:
        state = await self._state()
        condition = Condition.NEEDS_ATTENDANT if state.reason else Condition.ONLINE
        return DeviceStatus(condition=condition, reason=state.reason, raw=state.raw)

    async def print_label(self, image: Image.Image) -> None:
        options = self._options
        data = await asyncio.to_thread(encode_label, black_on_white(image, self.media), options.label_end)
        state = await self._state()
        if state.reason:
            raise AttendantNeededError(f"{options.address}: {state.reason}; nothing was sent", state.reason)
        await self._nothing_waits()
        with after_sending(options.address, "printing this label"):
            self.first_byte_s = time.monotonic()
            await self._pipe.write(data, options.print_s)
            await self._ask_proof()
            await self._prove()

    async def _nothing_waits(self) -> None:
        """Refuse while an earlier label is still in the printer's buffer: it would come out with the new one."""
        try:
            await self._ask_proof()
            await self._await_proof(self._options.timeout_s)
        except PipeSilentError:
            message = f"{self._options.address}: does not end its earlier work; switch it off and on, take labels away"
            raise AttendantNeededError(message, "buffer_not_empty") from None

    async def _prove(self) -> None:
        """Wait until the printer says that the label is out, looking at its state on the way."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._options.print_s
        while True:
            try:
                return await self._await_proof(LOOK_S)
            except PipeSilentError:
                reason = (await self._state()).reason
                if reason:
                    raise DeviceOfflineError(f"stopped in the middle: {reason}", reason) from None
                if loop.time() > until_s:
                    raise

    async def _ask_proof(self) -> None:
        self._asked += 1
        self._wanted.append(b"" if self._options.proof == "paper_status" else encode_process_id(self._asked))
        await self._pipe.write(
            PAPER_STATUS if not self._wanted[-1] else PROCESS_ID + self._wanted[-1], self._options.timeout_s
        )

    async def _await_proof(self, timeout_s: float) -> None:
        """Wait until every proof asked for has come: each is answered once, in order."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + timeout_s
        while self._wanted:
            while not self._answers.proofs:
                self._answers.feed(await self._pipe.read_some(max(0.0, until_s - loop.time())))
            if self._answers.proofs.popleft() == self._wanted[0] or not self._wanted[0]:
                self._wanted.popleft()

    async def _state(self) -> PrinterState:
        self._answers.feed(self._pipe.drop_input())
        self._answers.statuses.clear()
        return PrinterState(*[await self._ask(question) for question in QUESTIONS])

    async def _ask(self, question: bytes) -> int:
        timeout_s = self._options.timeout_s
        await self._pipe.write(question, timeout_s)
        loop = asyncio.get_running_loop()
        until_s = loop.time() + timeout_s
        is_noisy = False
        while not self._answers.statuses:
            try:
                data = await self._pipe.read_some(max(0.0, until_s - loop.time()))
            except PipeSilentError as error:
                if not is_noisy:
                    raise
                message = f"{self._options.address}: answers what is no ESC/POS; check cable, speed, model"
                raise PipeSilentError(message, "garbled") from error
            is_noisy = is_noisy or bool(data.strip(FLOW_CONTROL))
            self._answers.feed(data)
        return self._answers.statuses.popleft()


DRIVER = EscposPrinter
