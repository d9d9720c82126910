"""Label printer that speaks ZPL II, over raw TCP (port 9100) or a serial line. Sends pixels only, never text.

Source: Zebra ZPL II programming guide: ^GF (graphic field), ^PW, ^LL, ^PQ, ~HS (host status return). Scale: simulated;
labels are drawn alike by the independent renderer zpl-renderer-js 3.4.0 (tests/drivers/peers).
"""

import asyncio
import time
from dataclasses import dataclass

from PIL import Image

from drivers.base import AttendantNeededError, Condition, DeviceError, DeviceOfflineError, DeviceStatus
from drivers.label_printer import LabelPrinter, Media
from drivers.label_printer._raster import black_on_white, check_media
from drivers.transport import Pipe, after_sending, open_pipe

HOST_STATUS = b"~HS\r\n"
STX, ETX = b"\x02", b"\x03"
LOOK_S = 0.1
"""How often the state is looked at while a label comes out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZplOptions:
    """Options of label_printer.zpl."""

    address: str  # tcp://host:9100, or /dev/serial/by-id/…
    baud: int = 9600  # of a serial line, as set on the printer
    width_mm: float = 100.0  # printable width of the label
    length_mm: float = 100.0  # length of the label
    dots_per_mm: int = 8  # 203 dpi; 300 dpi heads are 12
    timeout_s: float = 3.0  # no answer to a question for this long is offline
    print_s: float = 20.0  # from the last byte to "nothing left to print"

    def __post_init__(self) -> None:
        check_media(self.width_mm, self.length_mm, self.dots_per_mm)


def encode_label(image: Image.Image) -> bytes:
    """Return the format of one label: the picture as hexadecimal digits, so that no byte of it can be a command."""
    row_bytes = (image.width + 7) // 8
    black = image.convert("L").point([255] * 128 + [0] * 128, "1").tobytes()
    size = f"{len(black)},{len(black)},{row_bytes}"
    head = f"^XA^PW{image.width}^LL{image.height}^LH0,0^LS0^FO0,0^GFA,{size},"
    return head.encode("ascii") + black.hex().upper().encode("ascii") + b"^FS^PQ1^XZ\r\n"


@dataclass(frozen=True, slots=True)
class HostStatus:
    """What ~HS says (guide, "~HS Host Status Return")."""

    is_paper_out: bool
    is_paused: bool
    formats_waiting: int
    is_buffer_full: bool
    is_in_format: bool
    is_memory_lost: bool
    is_too_hot: bool
    is_head_open: bool
    is_ribbon_out: bool
    is_label_waiting: bool
    labels_left: int
    raw: str

    @property
    def reason(self) -> str:
        """What a person must do, or ""."""
        checks = (
            (self.is_head_open, "cover_open"),
            (self.is_paper_out, "paper_out"),
            (self.is_ribbon_out, "ribbon_out"),
            (self.is_too_hot, "head_hot"),
            (self.is_memory_lost, "printer_error"),
            (self.is_paused, "paused"),
        )
        return next((reason for is_so, reason in checks if is_so), "")

    @property
    def is_working(self) -> bool:
        """Whether anything is left in its buffers."""
        return bool(self.formats_waiting or self.labels_left or self.is_in_format)


def parse_host_status(lines: list[bytes]) -> HostStatus:
    """Return what the three strings between STX and ETX say; raise ValueError when they are not as in the guide."""
    if len(lines) != 3:
        raise ValueError("a host status has three lines")
    first, second = (line.decode("ascii", "replace").split(",") for line in lines[:2])
    if len(first) != 12 or len(second) != 11 or not all(part.strip().isdigit() for part in first + second):
        raise ValueError(f"{b' '.join(lines)[:80]!r} is no host status")
    numbers, more = [int(part) for part in first], [int(part) for part in second]
    return HostStatus(
        is_paper_out=numbers[1] != 0,
        is_paused=numbers[2] != 0,
        formats_waiting=numbers[4],
        is_buffer_full=numbers[5] != 0,
        is_in_format=numbers[7] != 0,
        is_memory_lost=numbers[9] != 0,
        is_too_hot=numbers[11] != 0,
        is_head_open=more[2] != 0,
        is_ribbon_out=more[3] != 0,
        is_label_waiting=more[7] != 0,
        labels_left=more[8],
        raw=b" ".join(lines).decode("ascii", "replace")[:160],
    )


class ZplPrinter(LabelPrinter):
    """One printer."""

    Options = ZplOptions

    def __init__(self, options: ZplOptions) -> None:
        self._options = options
        self._pipe = Pipe(options.address)

    @property
    def media(self) -> Media:
        options = self._options
        return Media(width_mm=options.width_mm, length_mm=options.length_mm, dots_per_mm=options.dots_per_mm)

    async def open(self) -> None:
        self._pipe = await open_pipe(self._options.address, baud=self._options.baud)
        try:
            await self._host_status()
        except DeviceError:
            await self._pipe.close()
            raise

    async def close(self) -> None:
        await self._pipe.close()

    async def status(self) -> DeviceStatus:
        state = await self._host_status()
        if state.reason:
            return DeviceStatus(condition=Condition.NEEDS_ATTENDANT, reason=state.reason, raw=state.raw)
        return DeviceStatus(condition=Condition.BUSY if state.is_working else Condition.ONLINE, raw=state.raw)

    async def print_label(self, image: Image.Image) -> None:
        options = self._options
        data = await asyncio.to_thread(encode_label, black_on_white(image, self.media))
        await self._refuse_if_unready()
        with after_sending(options.address, "printing this label"):
            self.first_byte_s = time.monotonic()
            await self._pipe.write(data, options.print_s)
            await self._prove()

    async def _refuse_if_unready(self) -> None:
        """Raise AttendantNeededError while a person is needed or an earlier label is not out."""
        where = self._options.address
        state = await self._until_idle(self._options.timeout_s)
        if state.reason:
            raise AttendantNeededError(f"{where}: {state.reason}; nothing was sent", state.reason)
        if state.is_working:
            message = f"{where}: does not end its earlier work; switch it off and on, take labels away"
            raise AttendantNeededError(message, "buffer_not_empty")
        if state.is_label_waiting:
            raise AttendantNeededError(f"{where}: an earlier label waits at the mouth; take it away", "label_waiting")

    async def _prove(self) -> None:
        """Wait until nothing is left to print, said twice: a format just received may not be counted yet."""
        options, loop = self._options, asyncio.get_running_loop()
        until_s = loop.time() + options.print_s
        for _ in range(2):
            state = await self._until_idle(until_s - loop.time())
            if state.reason:
                raise DeviceOfflineError(f"stopped in the middle: {state.reason}", state.reason)
            if state.is_working:
                raise DeviceOfflineError(f"still at work after {options.print_s} s", "silent")
            await asyncio.sleep(LOOK_S)

    async def _until_idle(self, wait_s: float) -> HostStatus:
        """Ask until the printer is idle or needs a person; after `wait_s` return what it says then."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + wait_s
        while True:
            state = await self._host_status()
            if state.reason or not state.is_working or loop.time() > until_s:
                return state
            await asyncio.sleep(LOOK_S)

    async def _host_status(self) -> HostStatus:
        timeout_s = self._options.timeout_s
        self._pipe.drop_input()
        await self._pipe.write(HOST_STATUS, timeout_s)
        loop = asyncio.get_running_loop()
        until_s = loop.time() + timeout_s
        lines = []
        for _ in range(3):
            raw = await self._pipe.read_until(ETX, max(0.0, until_s - loop.time()), limit=512)
            lines.append(raw[:-1].rpartition(STX)[2])
        try:
            return parse_host_status(lines)
        except ValueError as error:
            raise DeviceOfflineError(f"{self._options.address}: {error}", "garbled") from None


DRIVER = ZplPrinter
