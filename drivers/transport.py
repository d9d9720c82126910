"""Byte pipes with deadlines: a serial device path or tcp://host:port; knows no device and no protocol."""

import asyncio
import errno
import os
import socket
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol
from urllib.parse import urlsplit

import serial

from drivers.base import BadOptionsError, DeviceOfflineError, OutcomeUnknownError

INPUT_LIMIT = 64 * 1024
"""Unread bytes kept before the port is no longer read, so that a device gone mad can't fill the memory."""
CONNECT_TIMEOUT_S = 5.0
"""A printer on a shop's own network answers in milliseconds; five seconds also cover one lost and repeated SYN."""
CLOSE_TIMEOUT_S = 1.0
"""How long a close waits for bytes already accepted; a dead port must not hold up the daemon's end."""


class PipeSilentError(DeviceOfflineError):
    """The port is open but nothing (or not enough) came within the deadline."""


class PipeClosedError(DeviceOfflineError):
    """The peer hung up or the cable was pulled."""


@contextmanager
def after_sending(where: str, act: str) -> Iterator[None]:
    """Turn an offline device inside the block into OutcomeUnknownError: bytes of `act` may have reached it."""
    try:
        yield
    except DeviceOfflineError as error:
        message = f"{where}: {act} may or may not have happened ({error}); look or scan before doing it again"
        raise OutcomeUnknownError(message, error.reason) from error


class _Port(Protocol):
    """What a pipe needs of the system: give bytes away, stop and go on reading, let go."""

    async def send(self, data: bytes) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    async def close(self) -> None: ...


class Pipe:
    """One open port: bytes out, bytes in, each with a deadline. One task at a time; used once, never reopened.

    Silence raises PipeSilentError, a hang-up PipeClosedError; both are DeviceOfflineError, which the driver turns into
    OutcomeUnknownError (`after_sending`) where the device may have acted. Bytes that came before a hang-up can be read.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._port: _Port | None = None
        self._input = bytearray()
        self._closed_because = ""
        self._wake = asyncio.Event()
        self._is_paused = False

    @property
    def is_open(self) -> bool:
        """Whether the peer is still there, as far as the system has told."""
        return self._port is not None and not self._closed_because

    @property
    def is_unread(self) -> bool:
        """Whether bytes came that nobody has read."""
        return bool(self._input)

    def check(self) -> None:
        """Raise PipeClosedError when the peer has gone."""
        self._alive()

    async def write(self, data: bytes, timeout_s: float) -> None:
        """Hand every byte to the system; raise PipeSilentError when the peer stops taking them."""
        port = self._alive()
        try:
            async with asyncio.timeout(timeout_s):
                await port.send(data)
        except TimeoutError:
            raise PipeSilentError(f"{self.address}: took no more bytes for {timeout_s} s", "silent") from None
        except OSError as error:
            self.feed_end(error.strerror or str(error))
            self._alive()

    async def read_some(self, timeout_s: float) -> bytes:
        """Return at least one byte, and whatever else is there."""
        await self._wait_for(lambda: bool(self._input), timeout_s)
        return self._take(len(self._input))

    async def read_exactly(self, count: int, timeout_s: float) -> bytes:
        """Return `count` bytes; what came of a shorter answer stays unread."""
        await self._wait_for(lambda: len(self._input) >= count, timeout_s)
        return self._take(count)

    async def read_until(self, mark: bytes, timeout_s: float, limit: int = 4096) -> bytes:
        """Return the bytes up to and including `mark`; more than `limit` without it is noise: PipeSilentError."""
        await self._wait_for(lambda: mark in self._input or len(self._input) > limit, timeout_s)
        end = self._input.find(mark)
        if end < 0:
            self.drop_input()
            raise PipeSilentError(f"{self.address}: {limit} bytes came without an end mark", "garbled")
        return self._take(end + len(mark))

    def drop_input(self) -> bytes:
        """Forget what came and was not read (late answers to an earlier question); return it."""
        return self._take(len(self._input))

    async def close(self) -> None:
        """Let go of the port; bytes still unsent after a second are dropped."""
        port, self._port = self._port, None
        if port is not None:
            await port.close()

    def feed(self, data: bytes) -> None:
        """Bytes came in (called by the port)."""
        self._input += data
        if len(self._input) >= INPUT_LIMIT and self._port is not None:
            self._is_paused = True
            self._port.pause()
        self._wake.set()

    def feed_end(self, why: str) -> None:
        """The port is gone (called by the port)."""
        self._closed_because = self._closed_because or why
        self._wake.set()

    def attach(self, port: _Port) -> None:
        """Bind to the system's port (called once, by the opener)."""
        self._port = port

    def _alive(self) -> _Port:
        if self._port is None:
            raise PipeClosedError(f"{self.address}: is closed", "closed")
        if self._closed_because:
            raise PipeClosedError(f"{self.address}: hung up ({self._closed_because}); check cable and power", "hang_up")
        return self._port

    async def _wait_for(self, is_there: Callable[[], bool], timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not is_there():
                    self._alive()
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            raise PipeSilentError(f"{self.address}: no answer within {timeout_s} s", "silent") from None

    def _take(self, count: int) -> bytes:
        data = bytes(self._input[:count])
        del self._input[:count]
        if self._is_paused and self._port is not None and not self._closed_because:
            self._is_paused = False
            self._port.resume()
        return data


async def open_pipe(address: str, *, baud: int = 9600, timeout_s: float = CONNECT_TIMEOUT_S) -> Pipe:
    """Open `/dev/…` (8 data bits, no parity, 1 stop bit, exclusive) or `tcp://host:port`.

    Raise DeviceOfflineError (`unplugged`, `taken`, `refused`, `silent`: its host tries again) or BadOptionsError
    (address that can't be one, no permission: the technician).
    """
    if address.startswith("tcp://"):
        return await _open_tcp(address, *split_tcp(address), timeout_s)
    if address.startswith("/"):
        return _open_serial(address, baud)
    raise BadOptionsError(f"address {address!r} is neither a device path (/dev/…) nor tcp://host:port", "bad_address")


def split_tcp(address: str) -> tuple[str, int]:
    """Return host and port of `tcp://host:port`; raise BadOptionsError."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port or parts.scheme != "tcp" or parts.path not in ("", "/"):
        raise BadOptionsError(f"address {address!r} must be tcp://host:port", "bad_address")
    return host, port


class _TcpPort(asyncio.Protocol):
    """One TCP connection; `send` returns when the system's buffer has taken every byte."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._transport: asyncio.Transport | None = None
        self._may_send = asyncio.Event()
        self._gone = asyncio.Event()
        self._may_send.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=0)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        self._pipe.feed(data)

    def eof_received(self) -> None:
        self._pipe.feed_end("end of stream")

    def connection_lost(self, exc: Exception | None) -> None:
        self._pipe.feed_end(str(exc) if exc else "connection closed")
        self._gone.set()
        self._may_send.set()

    def pause_writing(self) -> None:
        self._may_send.clear()

    def resume_writing(self) -> None:
        self._may_send.set()

    async def send(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)
        await self._may_send.wait()
        if self._gone.is_set():
            raise ConnectionResetError(errno.ECONNRESET, "connection lost while sending")

    def pause(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    async def close(self) -> None:
        assert self._transport is not None
        self._transport.close()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._gone.wait()
        except TimeoutError:
            self._transport.abort()


async def _open_tcp(address: str, host: str, port: int, timeout_s: float) -> Pipe:
    pipe = Pipe(address)
    tcp = _TcpPort(pipe)
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.get_running_loop().create_connection(lambda: tcp, host, port)
    except TimeoutError:
        raise DeviceOfflineError(f"{address}: no connection within {timeout_s} s", "silent") from None
    except OSError as error:
        raise DeviceOfflineError(f"{address}: {error.strerror or error}; check power and address", "refused") from error
    pipe.attach(tcp)
    return pipe


class _SerialPort:
    """One serial device path, read by the event loop; the file descriptor is non-blocking."""

    def __init__(self, pipe: Pipe, device: serial.Serial) -> None:
        self._pipe = pipe
        self._device = device
        self._fd: int = device.fileno()
        self._loop = asyncio.get_running_loop()
        self._is_reading = False
        os.set_blocking(self._fd, False)
        self.resume()

    def pause(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._fd)

    def resume(self) -> None:
        if not self._is_reading:
            self._is_reading = True
            self._loop.add_reader(self._fd, self._on_readable)

    async def send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                await self._writable()

    async def close(self) -> None:
        self.pause()
        # the kernel may wait many seconds for a stuck line to drain, so the loop doesn't
        closing = asyncio.create_task(asyncio.to_thread(self._device.close))
        await asyncio.wait({closing}, timeout=CLOSE_TIMEOUT_S)

    async def _writable(self) -> None:
        ready = asyncio.Event()
        self._loop.add_writer(self._fd, ready.set)
        try:
            await ready.wait()
        finally:
            self._loop.remove_writer(self._fd)

    def _on_readable(self) -> None:
        try:
            data = os.read(self._fd, 4096)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error.strerror or str(error))
            return
        if data:
            self._pipe.feed(data)
        else:  # readable without bytes is a hang-up; a loop that ignored it would spin
            self._end("unplugged")

    def _end(self, why: str) -> None:
        self.pause()
        self._pipe.feed_end(why)


def _open_serial(path: str, baud: int) -> Pipe:
    try:
        device = serial.Serial(path, baudrate=baud, timeout=0, exclusive=True)
        _keep_lines_on_close(device.fileno())
    except ValueError as error:
        raise BadOptionsError(f"{path}: {error}", "bad_address") from error
    except serial.SerialException as error:
        raise _serial_trouble(path, error.errno, str(error)) from error
    except (OSError, termios.error) as error:
        raise DeviceOfflineError(f"{path}: is no serial port that can be set up: {error}", "unplugged") from error
    pipe = Pipe(path)
    pipe.attach(_SerialPort(pipe, device))
    return pipe


def _serial_trouble(path: str, number: int | None, text: str) -> DeviceOfflineError | BadOptionsError:
    if number in (errno.EACCES, errno.EPERM):
        advice = "the daemon may not open it; add its account to the group dialout"
        return BadOptionsError(f"{path}: {advice}", "no_permission")
    if number in (errno.EAGAIN, errno.EBUSY):
        return DeviceOfflineError(f"{path}: another program has the port open; stop it (see fuser {path})", "taken")
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return DeviceOfflineError(f"{path}: no such port; check cable and power", "unplugged")
    return DeviceOfflineError(f"{path}: {text}", "unplugged")


def _keep_lines_on_close(fd: int) -> None:
    """Clear HUPCL: dropping DTR on close resets Arduino-like controllers, which then forget where they stand."""
    attributes = termios.tcgetattr(fd)
    attributes[2] &= ~termios.HUPCL
    termios.tcsetattr(fd, termios.TCSANOW, attributes)
