"""A serial server as shops have them for machines far from the PC: each serial line answers on a TCP port.

`python -m tests.service.serial_server FOLDER NAME=PORT…` puts FOLDER/NAME (a serial line, here a simulator's pty) on
127.0.0.1:PORT.
"""

import asyncio
import contextlib
import os
import sys
import termios
import tty
from pathlib import Path


async def bridge(line: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Open the line for as long as the caller stays."""
    handle = os.open(line, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    loop = asyncio.get_running_loop()

    def heard() -> None:
        with contextlib.suppress(OSError):
            writer.write(os.read(handle, 65536))

    try:
        tty.setraw(handle, termios.TCSANOW)
        loop.add_reader(handle, heard)
        with contextlib.suppress(OSError):
            while chunk := await reader.read(4096):
                os.write(handle, chunk)
    finally:
        loop.remove_reader(handle)
        os.close(handle)
        writer.close()


async def main() -> None:
    folder, servers = Path(sys.argv[1]), []
    for word in sys.argv[2:]:
        name, port = word.split("=")

        async def take(reader, writer, line=folder / name) -> None:
            try:
                await bridge(line, reader, writer)
            except OSError as error:
                print(f"{line}: {error}", file=sys.stderr, flush=True)
                writer.close()

        servers.append(await asyncio.start_server(take, "127.0.0.1", int(port)))
    print("open", flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main())
