"""Free ports of this machine, for servers that a test starts."""

import os
import socket
from collections.abc import Iterator
from itertools import count

FIRST, SHARE, WORKERS = 14_000, 2_000, 6
"""Below 32768, where Linux takes the near end of connections from: one of those sat on a port between its being found
free and its server's start. Each worker has a share of its own, for the same reason."""


def _numbers() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    return (FIRST + worker * SHARE + (os.getpid() + step) % SHARE for step in count())


_next = _numbers()


def free_port() -> int:
    """Return a port that nobody listens on now; each call gives another, until all were given."""
    for port in _next:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else a port that was left just now is refused
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("numbers have no end")
