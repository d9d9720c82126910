"""Camera whose pictures come uncompressed over TCP: what a capture program beside the daemon hands on as YUV4MPEG2.

For example `ffmpeg -f v4l2 -i /dev/video0 -pix_fmt yuv420p -f yuv4mpegpipe tcp://127.0.0.1:7420?listen=1`, or any
grabber of SDI or HDMI. No JPEG is packed and unpacked on the way. Source: yuv4mpeg(5) of the mjpegtools. Scale:
simulated; also read from ffmpeg's own yuv4mpegpipe (tests).
"""

import fcntl
import socket
import struct
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from drivers.base import BadOptionsError, DeviceError, DeviceOfflineError
from drivers.camera import Frame
from drivers.camera._http import check_url
from drivers.camera._picture import PIXEL_LIMIT, PictureWatch
from drivers.camera._stream import FrameReader, OnFrame, PixelCamera
from drivers.planes import CAPTURED, Blocks, Pixels

HEAD_BYTES_MAX = 512
RECEIVE_BYTES = 1024 * 1024
"""Of the socket's buffer: less than one 720p picture, so that no old one can wait there."""

SKIPPED_MAX = 3
"""So many pictures in a row are left out while the next one is already coming in; then one is shown however late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Y4mOptions:
    """Options of camera.y4m."""

    address: str  # tcp://host:port where the capture program listens, best on this box: 41 MB/s at 720p30
    still_url: str = ""  # address of one JPEG at full resolution; empty = the next picture, encoded here
    jpeg_quality: int = 95  # of a still encoded here, 1…100
    timeout_s: float = 3.0  # no connection, or no further byte, for this long is offline
    silent_s: float = 2.0  # no whole picture for this long shows as no_signal
    frozen_s: float = 10.0  # the very same picture for this long shows as frozen
    black_level: int = 8  # mean brightness (0…255) below which the picture shows as black

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        if parts.scheme != "tcp" or not parts.hostname or parts.port is None:
            raise ValueError("address must be tcp://host:port")
        if not 1 <= self.jpeg_quality <= 100:
            raise ValueError("jpeg_quality must be 1…100")
        if self.still_url:
            check_url(self.still_url, "still_url")


def parse_header(line: bytes) -> tuple[int, int]:
    """Return width and height in pixels of a stream (its first line); raise ValueError for what is not read here."""
    words = line.decode("ascii", "replace").split()
    if not words or words[0] != "YUV4MPEG2":
        raise ValueError("does not begin with YUV4MPEG2")
    fields = {word[0]: word[1:] for word in words[1:] if word[0] != "X"}
    width_px, height_px = int(fields.get("W", "0")), int(fields.get("H", "0"))
    if not (0 < width_px * height_px <= PIXEL_LIMIT) or width_px % 2 or height_px % 2:
        raise ValueError(f"pictures of {width_px} × {height_px}; both must be even")
    if not fields.get("C", "420").startswith("420") or "p1" in fields.get("C", "420"):
        raise ValueError(f"colours {fields['C']}; have the program write yuv420p")
    if "XCOLORRANGE=FULL" in words:
        raise ValueError("full colour range; have the program write the limited one (ffmpeg: -color_range tv)")
    if fields.get("I", "p") not in ("p", "?"):
        raise ValueError("interlaced pictures; have the program deinterlace them")
    return width_px, height_px


class _Line:
    """One connection, read by one thread; `stop` may be called from any."""

    def __init__(self, options: Y4mOptions) -> None:
        self.where = options.address
        parts = urlsplit(options.address)
        assert parts.hostname is not None
        self._socket = socket.socket(socket.AF_INET6 if ":" in parts.hostname else socket.AF_INET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        self._socket.settimeout(options.timeout_s)
        self._to = (parts.hostname, parts.port)
        self.size_px = (0, 0)
        self._blocks = Blocks(CAPTURED)

    def open(self) -> None:
        """Connect and read the header."""
        try:
            self._socket.connect(self._to)
        except OSError as error:
            raise self._offline(error, "refused") from error
        try:
            self.size_px = parse_header(self._line())
        except ValueError as error:
            raise BadOptionsError(f"{self.where}: sends {error}", "settings") from None

    def read(self) -> Pixels:
        """Return the next picture's planes, I420; of pictures that wait in line only the last."""
        planes = self._blocks.take(*self.size_px)
        for _ in range(SKIPPED_MAX):
            if not self._line().startswith(b"FRAME"):
                raise DeviceOfflineError(f"{self.where}: sent a picture without FRAME before it", "garbled")
            self._fill(planes.reshape(-1).data)
            if not self._has_more():
                break
        return planes

    def stop(self) -> None:
        """End a read that another thread is blocked in."""
        with suppress(OSError):  # never connected, or already gone
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go; called by the thread that reads."""
        self._socket.close()

    def _has_more(self) -> bool:
        waiting = fcntl.ioctl(self._socket, termios.FIONREAD, b"\0" * 4)
        return bool(struct.unpack("i", waiting)[0])

    def _line(self) -> bytes:
        line = bytearray()
        byte = memoryview(bytearray(1))
        while not line.endswith(b"\n"):
            self._fill(byte)
            line += byte
            if len(line) > HEAD_BYTES_MAX:
                raise DeviceOfflineError(f"{self.where}: sent a line of more than {HEAD_BYTES_MAX} bytes", "garbled")
        return bytes(line)

    def _fill(self, room: memoryview) -> None:
        while room:
            try:
                count = self._socket.recv_into(room)
            except OSError as error:
                raise self._offline(error, "hang_up") from error
            if not count:
                raise DeviceOfflineError(f"{self.where}: the program ended the stream", "hang_up")
            room = room[count:]

    def _offline(self, error: OSError, otherwise: str) -> DeviceOfflineError:
        reason = "silent" if isinstance(error, TimeoutError) else otherwise
        return DeviceOfflineError(f"{self.where}: {error}; does the capture program run, and listen there?", reason)


class Y4mCamera(PixelCamera):
    """One connection, read in a thread while somebody watches or a still is taken; its host reopens a lost one."""

    Options = Y4mOptions

    def __init__(self, options: Y4mOptions, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(options, options.address, monotonic)
        self._options = options

    def _make_capture(self, picture: PictureWatch, on_frame: OnFrame) -> FrameReader[Frame]:
        return _Capture(_Line(self._options), picture, on_frame)


class _Capture(FrameReader[Frame]):
    """The thread alone closes the connection."""

    def __init__(self, line: _Line, picture: PictureWatch, on_frame: OnFrame) -> None:
        super().__init__(line.where, picture, on_frame)
        self._line = line
        self._begin("y4m", self._run)

    def _interrupt(self) -> None:
        self._line.stop()

    def _run(self) -> None:
        try:
            self._line.open()
            self._opened()
            while not self._stopping.is_set():
                frame = self._picture.frame(self._line.read())
                self._give(frame)
                self._on_frame(frame)
        except DeviceError as error:
            self._lost = error
        finally:
            self._line.close()
            self._opened()


DRIVER = Y4mCamera
