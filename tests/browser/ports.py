"""Free ports for fixtures that live longer than one test."""

import socket
from collections.abc import Callable


def free_ports() -> Callable[[], int]:
    """Return a function that gives a port nobody listens on, another one each time."""
    given: set[int] = set()

    def find() -> int:
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port: int = probe.getsockname()[1]
            if port not in given:
                given.add(port)
                return port

    return find
