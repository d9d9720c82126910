"""A network camera's HTTP server that sends what a test writes, and what tests ask of any camera."""

import asyncio

import cv2
import numpy as np
import pytest


def jpeg(level: int = 128, size: tuple[int, int] = (64, 48), seed: int = 0) -> bytes:
    """A small picture with some noise in it."""
    noise = np.random.default_rng(seed).integers(0, 8, (size[1], size[0], 3))
    pixels = np.clip(noise + level, 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", pixels)[1].tobytes()


def part(body: bytes, *, boundary: bytes = b"frame", has_length: bool = True, line_end: bytes = b"\r\n") -> bytes:
    head = [b"--" + boundary, b"Content-Type: image/jpeg"]
    if has_length:
        head.append(b"Content-Length: %d" % len(body))
    return line_end.join([*head, b"", b""]) + body + b"\r\n"


class Network:
    """A camera's HTTP server: `script` gives what is sent after the request line, piece by piece."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.script = lambda path: [ok(b"image/jpeg", jpeg())]
        self.pause_s = 0.0
        self.is_left_open = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(request)
            for piece in self.script(request.split()[1].decode()):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(self.pause_s)
            while self.is_left_open and await reader.read(1):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def ok(content_type: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: " + content_type + b"\r\n\r\n" + body


STREAM = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"


@pytest.fixture
async def network():
    camera = Network()
    server = await asyncio.start_server(camera.serve, "127.0.0.1", 0)
    camera.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield camera
    server.close()
    await server.wait_closed()


async def frames_of(driver, count: int) -> list:
    got, enough = [], asyncio.Event()
    loop = asyncio.get_running_loop()

    def take(frame) -> None:
        got.append(frame)
        if len(got) == count:
            loop.call_soon_threadsafe(enough.set)

    await driver.watch(take)
    await asyncio.wait_for(enough.wait(), 30)
    return got


def endless(*pictures: bytes):
    """The pictures again and again."""
    yield STREAM
    while True:
        yield from (part(picture) for picture in pictures)
