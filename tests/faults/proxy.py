"""A shop's uplink that a test can cut: a TCP proxy that passes bytes, swallows them, or resets every connection."""

import asyncio
import contextlib
import socket
import struct

CHUNK = 64 * 1024


class Uplink:
    """Forwards `port` on 127.0.0.1 to `target_port`. `cut()` swallows both ways and tells nobody; `heal()` undoes it.

    While cut, connections stay open and new ones are accepted and get no byte, as behind a router that drops: the two
    ends find out by their own deadlines only. Healing resets what hung, as a router does that has forgotten them.
    """

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0
        self.connections = 0
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._taken: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    async def start(self, port: int = 0) -> None:
        """Listen; port 0 takes a free one."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Swallow everything from here on."""
        self._is_open.clear()

    def heal(self) -> None:
        """Pass bytes again; what hung is reset."""
        self.reset()
        self._is_open.set()

    def reset(self) -> None:
        """Reset every connection there is."""
        for writer in list(self._writers):
            sock = writer.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def close(self) -> None:
        """End everything."""
        self._server.close()
        self.reset()
        for task in list(self._taken):
            task.cancel()
        await asyncio.gather(*self._taken, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._take(reader, writer))
        self._taken.add(task)
        task.add_done_callback(self._taken.discard)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        away = None
        try:
            await self._is_open.wait()
            away_reader, away = await asyncio.open_connection("127.0.0.1", self.target_port)
            self._writers.add(away)
            pumps = [
                asyncio.create_task(self._pump(reader, away)),
                asyncio.create_task(self._pump(away_reader, writer)),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass
        finally:
            for end in (writer, away):
                if end is not None:
                    self._writers.discard(end)
                    end.close()
                    with contextlib.suppress(OSError):
                        await end.wait_closed()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                await self._is_open.wait()
                writer.write(chunk)
                await writer.drain()
