"""Camera that serves MJPEG over HTTP (multipart/x-mixed-replace), as nearly every network camera does.

Source: RFC 2046 §5.1 (multipart), the de-facto `multipart/x-mixed-replace` of network cameras; stills by a second
address at the sensor's full resolution. Scale: simulated; also read against a server that is not ours (tests).
"""

import asyncio
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from drivers.base import BadOptionsError, DeviceError, DeviceOfflineError, DeviceStatus
from drivers.camera import Still
from drivers.camera._http import HttpPicture, check_url, public_url
from drivers.camera._jpeg import JpegDecoder
from drivers.camera._picture import GLANCE, JPEG_LIMIT, PictureWatch, checked_still, decode_jpeg
from drivers.camera._stream import FrameReader, OnFrame, StreamCamera
from drivers.planes import Pixels, from_bgr

_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,9})[ \t]*\r?$")
_HEAD_LIMIT = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class MjpegOptions:
    """Options of camera.mjpeg."""

    url: str  # address of the MJPEG stream; name and password may stand in it: http://name:password@10.0.0.7/stream
    still_url: str = ""  # address of one JPEG at full resolution; empty = the next picture of the stream is the still
    timeout_s: float = 3.0  # no answer, or no further byte of a stream, for this long is offline
    silent_s: float = 2.0  # no whole picture for this long shows as no_signal
    frozen_s: float = 10.0  # the very same picture for this long shows as frozen
    black_level: int = 8  # mean brightness (0…255) below which the picture shows as black

    def __post_init__(self) -> None:
        check_url(self.url, "url")
        if self.still_url:
            check_url(self.still_url, "still_url")


def parse_boundary(content_type: str) -> bytes:
    """Return the delimiter of a multipart content type, with its two hyphens; raise ValueError for anything else.

    Many cameras write the hyphens into the parameter itself, so they are taken off first.
    """
    match = re.match(r"(?i)multipart/[\w-]+\s*;.*?boundary=(?:\"([^\"]+)\"|([^\s;]+))", content_type)
    if match is None:
        raise ValueError(f"content type {content_type[:80]!r} is no multipart stream")
    name = (match[1] or match[2]).lstrip("-")
    if not name or not name.isascii():
        raise ValueError("the boundary is empty or not ASCII")
    return b"--" + name.encode("ascii")


class MultipartReader:
    """Turns the bytes of a multipart stream into its parts' bodies; survives garbage between parts.

    A part with Content-Length is cut by it (a JPEG may contain the boundary), one without it by the next boundary.
    """

    def __init__(self, boundary: bytes, limit: int = JPEG_LIMIT) -> None:
        self._boundary = boundary
        self._limit = limit
        self._data = bytearray()
        self._body_length: int | None = None
        self._is_in_body = False
        self._searched = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the bodies that are complete now; raise ValueError when a part grows past the limit."""
        self._data += data
        bodies = []
        while True:
            body = self._body() if self._is_in_body else None
            if body is not None:
                bodies.append(body)
            elif self._is_in_body or not self._head():
                break
        if len(self._data) > self._limit:
            raise ValueError(f"a picture of more than {self._limit} bytes")
        return bodies

    def _head(self) -> bool:
        start = self._data.find(self._boundary)
        if start < 0:
            del self._data[: max(0, len(self._data) - len(self._boundary))]
            return False
        end, skip = _head_end(self._data, start)
        if end < 0:
            if len(self._data) - start > _HEAD_LIMIT:
                del self._data[: start + len(self._boundary)]
                return True
            return False
        length = _LENGTH.search(self._data, start, end + 2)
        self._body_length = int(length[1]) if length else None
        if self._body_length is not None and self._body_length > self._limit:
            raise ValueError(f"a picture of {self._body_length} bytes")
        del self._data[: end + skip]
        self._is_in_body, self._searched = True, 0
        return True

    def _body(self) -> bytes | None:
        end = self._body_length
        if end is None:
            end = self._data.find(b"\r\n" + self._boundary, self._searched)
            self._searched = max(0, len(self._data) - len(self._boundary) - 2)
        if end < 0 or len(self._data) < end:
            return None
        body = bytes(self._data[:end])
        del self._data[:end]
        self._is_in_body = False
        return body


def _head_end(data: bytearray, start: int) -> tuple[int, int]:
    """Return where the part's header ends and how long the blank line is; some cameras send bare line feeds."""
    crlf, lf = data.find(b"\r\n\r\n", start), data.find(b"\n\n", start)
    if crlf >= 0 and (lf < 0 or crlf < lf):
        return crlf, 4
    return lf, 2


class MjpegCamera(StreamCamera[bytes]):
    """One HTTP stream, read and decoded in two threads while somebody watches; its host reopens a lost one."""

    Options = MjpegOptions

    def __init__(self, options: MjpegOptions, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(options, public_url(options.url), monotonic)
        self._options = options

    async def open(self) -> None:
        """Ask for one still, which proves address, password and picture."""
        await self.still()

    async def status(self) -> DeviceStatus:
        if self._capture is not None:
            return self._capture.status()
        still = await self.still()
        planes = await asyncio.to_thread(_glance, still.jpeg)
        if planes is None:
            raise DeviceOfflineError(f"{self._where}: sent a damaged still", "garbled")
        self._looks.frame(planes)
        return self._looks.status(self._where)

    async def still(self) -> Still:
        if self._options.still_url:
            return await self._own_still()
        if self._capture is not None:
            return checked_still(await self._capture.next(self._options.timeout_s), self._where)
        return checked_still(await asyncio.to_thread(_first_jpeg, self._options), self._where)

    def _make_capture(self, picture: PictureWatch, on_frame: OnFrame) -> FrameReader[bytes]:
        return _Capture(HttpPicture(self._options.url, self._options.timeout_s), picture, on_frame)


class _Capture(FrameReader[bytes]):
    """Reads in one thread, which alone closes the stream; decodes in another.

    Were both done in one, a machine too busy to decode in time would leave pictures lying in the socket, and each one
    shown would be older than the last. So reading never waits, and of what came meanwhile only the newest is decoded.
    """

    def __init__(self, stream: HttpPicture, picture: PictureWatch, on_frame: OnFrame) -> None:
        super().__init__(stream.where, picture, on_frame)
        self._stream = stream
        self._came = threading.Condition()
        self._newest: bytes | None = None
        self._is_over = False
        self._begin("mjpeg", self._read, self._decode)

    def _interrupt(self) -> None:
        self._stream.stop()

    def _read(self) -> None:
        try:
            reader = _start(self._stream)
            self._opened()
            while not self._stopping.is_set() and (data := self._stream.read_some()):
                for jpeg in reader.feed(data):
                    self._keep(jpeg)
            self._lost = DeviceOfflineError(f"{self._where}: the camera ended the stream", "hang_up")
        except DeviceError as error:
            self._lost = error
        except ValueError as error:
            self._lost = DeviceOfflineError(f"{self._where}: sent {error}", "garbled")
        finally:
            self._stream.close()
            self._opened()
            with self._came:
                self._is_over = True
                self._came.notify()

    def _keep(self, jpeg: bytes) -> None:
        with self._came:
            self._picture.skipped += self._newest is not None
            self._newest = jpeg
            self._came.notify()

    def _decode(self) -> None:
        decoder = JpegDecoder()
        while (jpeg := self._take()) is not None:
            planes = decoder.planes(jpeg)
            if planes is None:
                self._picture.damaged += 1
            elif not self._stopping.is_set():
                self._give(jpeg)
                self._on_frame(self._picture.frame(planes))

    def _take(self) -> bytes | None:
        """Wait for the newest picture; None at the end."""
        with self._came:
            self._came.wait_for(lambda: self._newest is not None or self._is_over)
            jpeg, self._newest = self._newest, None
            return jpeg


def _glance(jpeg: bytes) -> Pixels | None:
    pixels = decode_jpeg(jpeg, GLANCE)
    return None if pixels is None else from_bgr(pixels)


def _start(stream: HttpPicture) -> MultipartReader:
    content_type = stream.open()
    try:
        return MultipartReader(parse_boundary(content_type))
    except ValueError as error:
        message = f"{stream.where}: {error}; url must be the camera's MJPEG stream"
        raise BadOptionsError(message, "bad_address") from None


def _first_jpeg(options: MjpegOptions) -> bytes:
    stream = HttpPicture(options.url, options.timeout_s)
    try:
        reader = _start(stream)
        while data := stream.read_some():
            for jpeg in reader.feed(data):
                return jpeg
    except ValueError as error:
        raise DeviceOfflineError(f"{stream.where}: sent {error}", "garbled") from None
    finally:
        stream.close()
    raise DeviceOfflineError(f"{stream.where}: the camera ended the stream", "hang_up")


DRIVER = MjpegCamera
