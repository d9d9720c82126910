"""A door for people between two network namespaces: TCP on this side, a unix socket between, TCP on the other side.

The attendant and the simulated shop live on the shop PC's own loopback; whoever plays them stands outside. Unix sockets
know no network namespace, so this way touches neither the firewall nor the uplinks. The inner side is
`python -m tests.service.passage FOLDER PORT…`.
"""

import asyncio
import contextlib
import sys
from pathlib import Path


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()


async def join(first: tuple, second: tuple) -> None:
    try:
        await asyncio.gather(pump(first[0], second[1]), pump(second[0], first[1]))
    finally:
        for writer in (first[1], second[1]):
            writer.close()


def socket_of(folder: Path, port: int) -> Path:
    return folder / f"passage-{port}"


async def open_inner(folder: Path, port: int) -> asyncio.Server:
    """Listen on the unix socket, go on to the port of this namespace's loopback."""

    async def take(reader, writer):
        try:
            there = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await join((reader, writer), there)

    path = socket_of(folder, port)
    path.unlink(missing_ok=True)
    return await asyncio.start_unix_server(take, path)


async def open_outer(folder: Path, port: int) -> asyncio.Server:
    """Listen on the port here, go on to the unix socket."""

    async def take(reader, writer):
        try:
            there = await asyncio.open_unix_connection(socket_of(folder, port))
        except OSError:
            writer.close()
            return
        await join((reader, writer), there)

    return await asyncio.start_server(take, "127.0.0.1", port)


async def main() -> None:
    folder = Path(sys.argv[1])
    servers = [await open_inner(folder, int(port)) for port in sys.argv[2:]]
    print("open", flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main())
