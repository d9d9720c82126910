"""The datagrams of one picture, handed to the system in one or two calls instead of one for each.

Linux cuts one buffer into datagrams of equal length itself (UDP_SEGMENT, udp(7), since 4.18): a call costs many times
what it does to seal a packet, most of it in the kernel's way down to the network.
"""

import asyncio
import errno
import socket
from collections.abc import Iterator, Sequence
from struct import pack
from typing import Any

UDP_SEGMENT = 103
"""linux/udp.h; Python has no name for it."""
SEGMENTS_MAX = 64
"""UDP_MAX_SEGMENTS of Linux before 6.9."""
BATCH_BYTES_MAX = 60_000
"""What one call carries is one datagram to the system until it is cut: 65,507 bytes at most."""

UNABLE = frozenset({errno.EIO, errno.EINVAL, errno.EMSGSIZE, errno.ENOPROTOOPT, errno.EOPNOTSUPP})
"""This system, its network card, or the way there (a small MTU) does not cut: one by one it goes all the same."""


def batches(packets: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Split packets, in order, into runs of equal length of which only the last packet may be shorter."""
    begin = 0
    while begin < len(packets):
        length, end = len(packets[begin]), begin + 1
        most = min(SEGMENTS_MAX, BATCH_BYTES_MAX // max(length, 1))
        while end < len(packets) and end - begin < most and len(packets[end]) <= length:
            end += 1
            if len(packets[end - 1]) < length:
                break
        yield packets[begin:end]
        begin = end


class Datagrams:
    """The sending side of one UDP transport of asyncio. `close` lets go of its own handle of the socket."""

    def __init__(self, transport: Any) -> None:
        self.transport = transport
        found = transport.get_extra_info("socket") if isinstance(transport, asyncio.BaseTransport) else None
        # a handle of our own: the number of a closed socket may belong to somebody else a moment later
        self._socket: socket.socket | None = found.dup() if found is not None else None

    def send(self, packets: Sequence[bytes], address: tuple[str, int]) -> None:
        """Send these in order; what the system does not take now waits in the transport, which counts it."""
        for batch in batches(packets):
            # behind what waits already nothing goes ahead
            if len(batch) == 1 or self._socket is None or self.transport.get_write_buffer_size():
                self._one_by_one(batch, address)
            else:
                self._at_once(self._socket, batch, address)

    def _at_once(self, own: socket.socket, batch: Sequence[bytes], address: tuple[str, int]) -> None:
        size = [(socket.IPPROTO_UDP, UDP_SEGMENT, pack("=H", len(batch[0])))]
        try:
            own.sendmsg((b"".join(batch),), size, 0, address)
        except OSError as error:
            if error.errno in UNABLE:
                self.close()
            self._one_by_one(batch, address)  # it also knows what to do about any other error

    def _one_by_one(self, batch: Sequence[bytes], address: tuple[str, int]) -> None:
        for packet in batch:
            self.transport.sendto(packet, address)

    def close(self) -> None:
        """From now on everything goes one by one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
