"""Raw byte peers on real ports: what a device driver meets when there is no device behind the cable."""

import asyncio
import os
import pty
import select
import threading
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

Answer = Callable[[bytes], bytes]


def no_answer(_got: bytes) -> bytes:
    return b""


@dataclass
class PtyPeer:
    """The far end of a serial line; `answer` gets what came in one read and gives what to send back."""

    answer: Answer = no_answer
    got: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.address = os.ttyname(slave)
        self._slave = slave  # kept open, so that a driver's close is no hang-up for this side
        self._is_closing = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    async def send(self, data: bytes) -> None:
        """Send without blocking the loop; what the line doesn't take is dropped."""
        if select.select([], [self.master], [], 0)[1]:
            os.write(self.master, data)

    async def hang_up(self) -> None:
        """Pull the plug."""
        self.close()

    def close(self) -> None:
        self._is_closing = True
        self._thread.join()

    def _serve(self) -> None:
        while not self._is_closing:
            if not select.select([self.master], [], [], 0.02)[0]:
                continue
            data = os.read(self.master, 4096)
            self.got += data
            answer = self.answer(data)
            if answer:
                os.write(self.master, answer)
        os.close(self._slave)
        os.close(self.master)


@dataclass
class TcpPeer:
    """A TCP server for one device; `hang_up_after` bytes it drops the connection."""

    answer: Answer = no_answer
    hang_up_after: int | None = None
    reads: bool = True
    got: bytearray = field(default_factory=bytearray)
    connections: int = 0
    server: asyncio.Server | None = None
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def address(self) -> str:
        assert self.server is not None
        return f"tcp://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while self.reads and (data := await reader.read(4096)):
                self.got += data
                if self.hang_up_after is not None and len(self.got) >= self.hang_up_after:
                    writer.transport.abort()
                    return
                writer.write(self.answer(data))
                await writer.drain()
        except ConnectionError:
            pass

    async def send(self, data: bytes) -> None:
        for writer in self.writers:
            writer.write(data)
            await writer.drain()

    async def hang_up(self) -> None:
        for writer in self.writers:
            writer.close()

    async def close(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
        if self.server is not None:
            self.server.close()
            await self.server.wait_closed()


@pytest.fixture
def pty_peer() -> Iterator[PtyPeer]:
    peer = PtyPeer()
    yield peer
    peer.close()


@pytest.fixture
async def tcp_peer() -> AsyncIterator[TcpPeer]:
    peer = TcpPeer()
    peer.server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    yield peer
    await peer.close()


@pytest.fixture(scope="session")
def peers_folder() -> Path:
    return Path(__file__).parent / "peers"
