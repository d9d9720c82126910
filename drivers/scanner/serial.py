"""Bar-code scanner that sends each code as text with a suffix over a serial line (or USB set to "virtual COM port").

Source: the common factory setting of hand scanners (8N1, CR suffix, no prefix); GS1 General Specifications 7.8 for the
group separator. Scale: simulated.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.base import Condition, DeviceStatus
from drivers.scanner import Scan, Scanner
from drivers.transport import Pipe, PipeSilentError, open_pipe

LONGEST_CODE = 4096
"""Characters: a QR code holds 4,296 alphanumeric ones at the very most; ours are below 100."""
GROUP_SEPARATOR = "\x1d"
"""The one control character that a code may carry: it parts the elements of a GS1 code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialOptions:
    """Options of scanner.serial."""

    address: str  # /dev/serial/by-id/… or tcp://host:port of a serial server
    baud: int = 9600  # as set on the scanner
    prefix: str = ""  # characters that the scanner puts before each code; a code without them is dropped
    gap_s: float = 1.0  # a code that stops in the middle for this long without a suffix is dropped

    def __post_init__(self) -> None:
        if self.prefix and not (self.prefix.isascii() and self.prefix.isprintable()):
            raise ValueError("prefix must be printable ASCII")


@dataclass(slots=True)
class ScanReader:
    """Turns a scanner's bytes into codes. A code ends with CR, LF or both; what is no code is dropped and counted."""

    prefix: str = ""
    dropped: int = 0
    _data: bytearray = field(default_factory=bytearray)
    _is_too_long: bool = False

    @property
    def is_in_code(self) -> bool:
        """Whether a code has begun and not ended."""
        return bool(self._data) or self._is_too_long

    def feed(self, data: bytes) -> list[str]:
        """Return the codes that are complete now."""
        codes = []
        for byte in data:
            if byte not in b"\r\n":
                self._add(byte)
            elif self.is_in_code:
                code = self._end()
                if code is None:
                    self.dropped += 1
                else:
                    codes.append(code)
        return codes

    def give_up(self) -> None:
        """The line fell silent in the middle of a code: drop it, or it would be joined with the next one."""
        if self.is_in_code:
            self._end()
            self.dropped += 1

    def _add(self, byte: int) -> None:
        if len(self._data) < LONGEST_CODE:
            self._data.append(byte)
        else:
            self._is_too_long = True

    def _end(self) -> str | None:
        data, is_too_long = bytes(self._data), self._is_too_long
        self._data.clear()
        self._is_too_long = False
        return None if is_too_long else parse_scan(data, self.prefix)


def parse_scan(data: bytes, prefix: str = "") -> str | None:
    """Return the code in the bytes between two suffixes, or None when it is none."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if not text.startswith(prefix) or len(text) == len(prefix):
        return None
    text = text[len(prefix) :]
    return text if text.replace(GROUP_SEPARATOR, "").isprintable() else None


class SerialScanner(Scanner):
    """One scanner. Codes that came while nobody waited are kept in order, the oldest first."""

    Options = SerialOptions

    def __init__(self, options: SerialOptions, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._monotonic = monotonic
        self._pipe = Pipe(options.address)
        self._reader = ScanReader(options.prefix)
        self._codes: list[Scan] = []

    async def open(self) -> None:
        self._pipe = await open_pipe(self._options.address, baud=self._options.baud)

    async def close(self) -> None:
        await self._pipe.close()

    async def status(self) -> DeviceStatus:
        self._pipe.check()
        return DeviceStatus(condition=Condition.ONLINE, raw=f"dropped={self._reader.dropped}")

    async def next_scan(self) -> Scan:
        while not self._codes:
            try:
                data = await self._pipe.read_some(self._options.gap_s)
            except PipeSilentError:
                self._reader.give_up()
                continue
            now_s = self._monotonic()
            self._codes += [Scan(text=text, scanned_s=now_s) for text in self._reader.feed(data)]
        return self._codes.pop(0)


DRIVER = SerialScanner
