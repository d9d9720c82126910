"""A machine's TCP port on loopback; printers serve one connection at a time, the packer many."""

from __future__ import annotations

import asyncio
import random
from abc import abstractmethod

from drivers.simulators.faults import FaultBoard
from drivers.simulators.port import Port, SessionMaker


class Listener(Port):
    """Listens on 127.0.0.1; with `is_exclusive` a second connection waits until the first has ended."""

    def __init__(
        self, device: str, number: int, faults: FaultBoard, chance: random.Random, *, is_exclusive: bool = False
    ) -> None:
        super().__init__(device, faults, chance)
        self._number = number
        self._turn = asyncio.Lock() if is_exclusive else None
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self._number}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._number)
        self._number = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self.unplug()
        # aborted connections end by themselves, each after the one before it
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def unplug(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    def plug(self) -> None:
        if self._server is None:
            task = asyncio.get_running_loop().create_task(self.open())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        task = asyncio.current_task()
        if task:
            self._tasks.add(task)
        try:
            if self._turn:
                async with self._turn:
                    await self._talk(reader, writer)
            else:
                await self._talk(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.close()
            if task:
                self._tasks.discard(task)

    @abstractmethod
    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""


class TcpPort(Listener):
    """Each connection gets its session with the machine."""

    def __init__(
        self,
        device: str,
        number: int,
        faults: FaultBoard,
        make_session: SessionMaker,
        chance: random.Random,
        *,
        is_exclusive: bool,
    ) -> None:
        super().__init__(device, number, faults, chance, is_exclusive=is_exclusive)
        self._make_session = make_session

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def write(data: bytes) -> None:
            if not writer.is_closing():
                writer.write(data)

        session = self._make_session(lambda data: self._leaving(data, write))
        try:
            while data := await reader.read(65536):
                self._arrived(data, session, writer.transport.abort)
                if writer.is_closing():
                    break
        except ConnectionError:
            pass  # the other side went without closing: the same to a machine
        finally:
            session.lost()
