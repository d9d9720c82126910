"""Which loopback port of a mall is whose."""

import os
import socket
from dataclasses import dataclass

PORTS_PER_MALL, BLOCKS = 24, 200


class NoPortsError(RuntimeError):
    """No block of ports is free; the message says where one was looked for."""


@dataclass(frozen=True, slots=True)
class Ports:
    """One block of loopback ports, counted from the one that shoppers use."""

    base: int

    @property
    def relay(self) -> int:
        """Where the pages are."""
        return self.base

    @property
    def door(self) -> int:
        """Where shop boxes enrol."""
        return self.base + 1

    @property
    def broker(self) -> int:
        """Where mosquitto listens."""
        return self.base + 2

    @property
    def provider(self) -> int:
        """Where the sandbox payment provider answers."""
        return self.base + 3

    def attendant(self, shop_no: int) -> int:
        """The page of a shop's attendant."""
        return self.base + 4 + shop_no

    @property
    def smtp(self) -> int:
        """Where the mail catcher takes mails."""
        return self.base + 6

    @property
    def mails(self) -> int:
        """Where the caught mails are read."""
        return self.base + 7

    def world(self, shop_no: int, device_no: int) -> int:
        """A port of a shop's simulated world: 0 control, 1 cameras, 2 printer, 3 packer, 4 sorter, 5 card terminal."""
        return self.base + 8 + 8 * shop_no + device_no


def is_taken(port: int) -> bool:
    """Return whether a loopback port is in use."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def free_block(first: int = 18080, step: int = PORTS_PER_MALL) -> Ports:
    """Return a block of ports that nobody uses. Each process begins elsewhere, so that two never race for one."""
    for number in range(BLOCKS):
        base = first + (os.getpid() + number) % BLOCKS * step
        if not any(is_taken(port) for port in range(base, base + step)):
            return Ports(base)
    raise NoPortsError(f"no free block of ports on 127.0.0.1 between {first} and {first + BLOCKS * step}")
