"""A network between shop and relay that fails without a word: swallowed packets, a new uplink, a slow start."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from wire.commands import NoteForShop
from wire.reports import PieceGone


class Uplink:
    """A TCP way to the broker that a test can make swallow everything, as a dead uplink does, or break."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.is_dead = False
        self.connections = 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self) -> int:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._server.close()
        self.hang_up()

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if not self.is_dead:
                    writer.write(data)
                    await writer.drain()
        writer.close()


@pytest.fixture
async def uplink(relay) -> AsyncIterator[Uplink]:
    made = Uplink(relay.broker.port)
    made.port = await made.serve()
    yield made
    await made.close()


async def test_a_dead_uplink_is_noticed_and_nothing_is_lost(start_shop, relay, uplink, eventually, monkeypatch):
    monkeypatch.setattr("edge.relay_link.KEEPALIVE_S", 2)
    monkeypatch.setattr("edge.relay_link.REPLY_S", 2.0)
    shop = await start_shop(port=uplink.port)
    uplink.is_dead = True
    died_s = time.monotonic()
    await shop.journal.append_report(PieceGone(parcel_id="par_dark", at=datetime.now(UTC)))
    await eventually(lambda: not shop.link.is_connected, timeout_s=15)
    print(f"noticed after {time.monotonic() - died_s:.1f} s")
    note = relay.seal(NoteForShop(note="sent into the dark"))
    relay.publish(note)
    uplink.is_dead = False
    await eventually(lambda: shop.link.is_connected, timeout_s=20)
    await eventually(lambda: "PieceGone" in relay.types())
    relay.publish(note)
    await eventually(lambda: shop.taken == [NoteForShop(note="sent into the dark")])


async def test_a_broken_uplink_is_replaced_within_a_second(start_shop, relay, uplink, eventually):
    shop = await start_shop(port=uplink.port)
    uplink.hang_up()
    await eventually(lambda: not shop.link.is_connected)
    broken_s = time.monotonic()
    await eventually(lambda: shop.link.is_connected)
    assert time.monotonic() - broken_s < 8.0  # said: 1; the rest is for machines that do other things too
    command_id = relay.send(NoteForShop(note="over the new one"))
    await eventually(lambda: relay.acks_of(command_id))


@pytest.mark.filterwarnings(
    "ignore:(?s).*\nResourceWarning:pytest.PytestUnraisableExceptionWarning"
)  # paho leaves a half-made socket to Python
async def test_pauses_between_tries_grow_and_start_over_after_a_good_time(start_shop, relay, uplink, eventually):
    relay.broker.kill()
    await start_shop(port=uplink.port, is_awaited=False)
    await asyncio.sleep(3.0)
    assert 2 <= uplink.connections <= 6, "0.125, 0.25, 0.5, 1 … seconds apart"


async def test_a_command_is_acknowledged_soon(start_shop, relay, eventually):
    shop = await start_shop()
    await eventually(lambda: shop.clock.is_synced)
    times_ms = []
    for number in range(40):
        payload = relay.seal(NoteForShop(note=f"{number}"))
        command_id = relay.id_of(payload)
        began_s = time.perf_counter()
        relay.publish(payload)
        await eventually(lambda wanted=command_id: relay.acks_of(wanted))
        times_ms.append((time.perf_counter() - began_s) * 1000)
    quartile_ms, median_ms, _ = statistics.quantiles(times_ms, n=4)
    print(f"command to acknowledgement p50 {median_ms:.1f} ms, p25 {quartile_ms:.1f} ms")
    assert quartile_ms < 40, "Nagle's algorithm with delayed acknowledgements would take 44 ms a hop"
