"""A picture's datagrams in few calls: the same bytes in the same order as one by one, whatever the system can do."""

import asyncio
import errno
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.viewing import datagrams
from edge.viewing.datagrams import BATCH_BYTES_MAX, SEGMENTS_MAX, Datagrams, batches


@given(st.lists(st.integers(1, 1400), max_size=200))
def test_batches_keep_order_and_only_their_last_is_shorter(lengths):
    packets = [bytes([number % 256]) * length for number, length in enumerate(lengths)]
    found = list(batches(packets))
    assert [packet for batch in found for packet in batch] == packets
    for batch in found:
        first = len(batch[0])
        assert all(len(packet) == first for packet in batch[:-1])
        assert 0 < len(batch[-1]) <= first
        assert len(batch) <= SEGMENTS_MAX
        assert sum(map(len, batch)) <= BATCH_BYTES_MAX


def test_a_picture_as_aiortc_cuts_it_takes_two_calls():
    """RFC 6184 leaves the cuts to the sender; aiortc's differ by one byte, the longer ones first."""
    packets = [bytes(1301)] * 3 + [bytes(1300)] * 5
    assert [len(batch) for batch in batches(packets)] == [4, 4]


class Far:
    """Two real UDP sockets on this machine, the near one in asyncio's hands."""

    async def open(self):
        loop = asyncio.get_running_loop()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(2)
        self.address = self.socket.getsockname()
        self.transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
        return self

    def take(self, count):
        return [self.socket.recv(2000) for _ in range(count)]

    def close(self):
        self.transport.close()
        self.socket.close()


@pytest.fixture
async def far():
    far = await Far().open()
    yield far
    far.close()


PACKETS = [bytes([number]) * (1301 if number < 3 else 1300) for number in range(7)] + [b"tail"]


async def test_what_is_sent_at_once_arrives_as_the_single_datagrams(far):
    sending = Datagrams(far.transport)
    sending.send(PACKETS, far.address)
    assert far.take(len(PACKETS)) == PACKETS
    assert sending._socket is not None, "this kernel cuts them"
    sending.close()


@pytest.mark.parametrize("error", [errno.EIO, errno.EMSGSIZE, errno.EINVAL])
async def test_a_system_that_does_not_cut_gets_them_one_by_one_for_good(far, error):
    class Unable:
        calls = 0

        def sendmsg(self, *_):
            Unable.calls += 1
            raise OSError(error, "no")

        def close(self):
            pass

    sending = Datagrams(far.transport)
    sending.close()
    sending._socket = Unable()
    for _ in range(2):
        sending.send(PACKETS, far.address)
        assert far.take(len(PACKETS)) == PACKETS
    assert Unable.calls == 1


async def test_a_full_buffer_is_asked_again_the_next_time(far, monkeypatch):
    class Full:
        calls = 0

        def sendmsg(self, *_):
            Full.calls += 1
            raise BlockingIOError(errno.EAGAIN, "full")

    sending = Datagrams(far.transport)
    sending.close()
    sending._socket = Full()
    sending.send(PACKETS[:2], far.address)
    sending.send(PACKETS[:2], far.address)
    assert far.take(4) == PACKETS[:2] * 2
    assert Full.calls == 2
    sending._socket = None


async def test_nothing_overtakes_what_waits(far, monkeypatch):
    sending, order = Datagrams(far.transport), []

    class Waits:
        def get_write_buffer_size(self):
            return 1

        def sendto(self, packet, _address):
            order.append(packet)

    sending.transport = Waits()
    sending.send(PACKETS, far.address)
    assert order == PACKETS
    sending.close()


async def test_a_transport_of_another_kind_is_used_as_it_is():
    class Turn:
        sent = ()

        def sendto(self, packet, _address):
            self.sent = (*self.sent, packet)

        def get_write_buffer_size(self):
            return 0

    turn = Turn()
    Datagrams(turn).send(PACKETS, ("192.0.2.7", 5004))
    assert list(turn.sent) == PACKETS


def test_the_number_is_the_systems_own():
    assert getattr(socket, "UDP_SEGMENT", 103) == datagrams.UDP_SEGMENT
