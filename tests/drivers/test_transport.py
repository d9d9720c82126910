"""Byte pipes on real ports: deadlines, hang-ups, taken and missing ports."""

import asyncio
import termios
import time

import pytest

from drivers.base import BadOptionsError, DeviceOfflineError, OutcomeUnknownError
from drivers.transport import INPUT_LIMIT, PipeClosedError, PipeSilentError, after_sending, open_pipe, split_tcp
from tests.drivers.patience import PATIENT_S


@pytest.fixture(params=["pty", "tcp"])
async def line(request, pty_peer, tcp_peer):
    """One open pipe and its far end, on each kind of port."""
    peer = pty_peer if request.param == "pty" else tcp_peer
    pipe = await open_pipe(peer.address)
    yield pipe, peer
    await pipe.close()


async def test_bytes_go_and_come(line):
    pipe, peer = line
    peer.answer = bytes.upper
    await pipe.write(b"abc\n", PATIENT_S)
    assert await pipe.read_until(b"\n", PATIENT_S) == b"ABC\n"
    assert bytes(peer.got) == b"abc\n"


async def test_what_comes_behind_the_mark_stays(line, eventually):
    pipe, peer = line
    peer.answer = lambda got: got
    await pipe.write(b"one\ntwo\nrest", PATIENT_S)
    assert await pipe.read_until(b"\n", PATIENT_S) == b"one\n"
    assert await pipe.read_until(b"\n", PATIENT_S) == b"two\n"
    assert await pipe.read_exactly(2, PATIENT_S) == b"re"
    assert await pipe.read_some(PATIENT_S) == b"st"


async def test_silence_has_a_deadline(line):
    pipe, _ = line
    began = time.monotonic()
    with pytest.raises(PipeSilentError) as caught:
        await pipe.read_exactly(1, 0.2)
    assert time.monotonic() - began >= 0.2
    assert caught.value.reason == "silent"
    assert pipe.is_open


async def test_a_hang_up_is_told_once_what_came_is_read(line, eventually):
    pipe, peer = line
    peer.answer = lambda got: b"last words"
    await pipe.write(b"x", PATIENT_S)
    assert await pipe.read_exactly(4, PATIENT_S) == b"last"
    await peer.hang_up()
    assert await pipe.read_exactly(6, PATIENT_S) == b" words"
    with pytest.raises(PipeClosedError) as caught:
        await pipe.read_some(PATIENT_S)
    assert caught.value.reason == "hang_up"
    with pytest.raises(PipeClosedError):
        pipe.check()
    with pytest.raises(PipeClosedError):
        await pipe.write(b"more", PATIENT_S)


async def test_noise_without_a_mark_is_dropped(line):
    pipe, peer = line
    peer.answer = lambda got: b"\xfe" * 5000
    await pipe.write(b"x", PATIENT_S)
    with pytest.raises(PipeSilentError) as caught:
        await pipe.read_until(b"\n", 2, limit=1000)
    assert caught.value.reason == "garbled"


async def test_a_device_gone_mad_does_not_fill_the_memory(line, eventually):
    pipe, peer = line
    flood = asyncio.create_task(flood_with(peer))
    await eventually(lambda: len(pipe._input) >= INPUT_LIMIT)
    await asyncio.sleep(0.1)
    assert len(pipe._input) < 2 * INPUT_LIMIT
    pipe.drop_input()
    assert await pipe.read_some(PATIENT_S)  # reading goes on when there is room again
    flood.cancel()
    await asyncio.gather(flood, return_exceptions=True)


async def flood_with(peer):
    while True:
        await peer.send(b"\x55" * 1024)
        await asyncio.sleep(0.001)


async def test_a_peer_that_takes_nothing_more_has_a_deadline(tcp_peer):
    tcp_peer.reads = False
    pipe = await open_pipe(tcp_peer.address)
    with pytest.raises(PipeSilentError):
        await pipe.write(bytes(32 * 1024 * 1024), 0.3)
    await pipe.close()


async def test_a_full_serial_line_has_a_deadline(pty_peer):
    pty_peer.answer = lambda got: time.sleep(2) or b""
    pipe = await open_pipe(pty_peer.address)
    with pytest.raises(PipeSilentError):
        await pipe.write(bytes(1024 * 1024), 0.3)
    began = time.monotonic()
    await pipe.close()
    assert time.monotonic() - began < PATIENT_S


async def test_a_taken_serial_port_says_so(pty_peer):
    pipe = await open_pipe(pty_peer.address)
    with pytest.raises(DeviceOfflineError, match="another program has the port open") as caught:
        await open_pipe(pty_peer.address)
    assert caught.value.reason == "taken"
    await pipe.close()
    again = await open_pipe(pty_peer.address)
    await again.close()


async def test_closing_does_not_drop_dtr(pty_peer):
    pipe = await open_pipe(pty_peer.address)
    assert not termios.tcgetattr(pty_peer.master)[2] & termios.HUPCL
    await pipe.close()


@pytest.mark.parametrize(
    ("address", "error", "reason"),
    [
        ("/dev/serial/by-id/nothing-here", DeviceOfflineError, "unplugged"),
        ("/dev/null", DeviceOfflineError, "unplugged"),
        ("COM3", BadOptionsError, "bad_address"),
        ("tcp://printer", BadOptionsError, "bad_address"),
        ("tcp://printer:99999", BadOptionsError, "bad_address"),
        ("udp://127.0.0.1:9100", BadOptionsError, "bad_address"),
    ],
)
async def test_an_address_that_leads_nowhere(address, error, reason):
    with pytest.raises(error) as caught:
        await open_pipe(address)
    assert caught.value.reason == reason


async def test_nobody_listens(free_port):
    with pytest.raises(DeviceOfflineError) as caught:
        await open_pipe(f"tcp://127.0.0.1:{free_port()}")
    assert caught.value.reason == "refused"


def test_tcp_addresses():
    assert split_tcp("tcp://10.0.0.4:9100") == ("10.0.0.4", 9100)
    assert split_tcp("tcp://[::1]:502") == ("::1", 502)


async def test_silence_after_sending_is_an_unknown_outcome(line):
    pipe, _ = line
    with pytest.raises(OutcomeUnknownError, match="before doing it again") as caught, after_sending("x", "printing"):
        await pipe.read_some(0.05)
    assert caught.value.reason == "silent"


async def test_a_wait_can_be_cancelled_and_the_pipe_used_again(line):
    pipe, peer = line
    task = asyncio.create_task(pipe.read_some(30))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    peer.answer = lambda got: got
    await pipe.write(b"still here", PATIENT_S)
    assert await pipe.read_exactly(10, PATIENT_S) == b"still here"


async def test_a_closed_pipe_says_so(line):
    pipe, _ = line
    await pipe.close()
    await pipe.close()
    with pytest.raises(PipeClosedError) as caught:
        await pipe.read_some(1)
    assert caught.value.reason == "closed"
