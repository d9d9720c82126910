"""A relay that is told to end while its broker is gone ends, instead of looking for the broker for ever."""

import asyncio
from pathlib import Path

import aiomqtt
import pytest

from cloud_relay.shop_link import mqtt
from cloud_relay.shop_link.mqtt import Broker, LinkDownError, connect


class GoneBroker:
    """aiomqtt's client at a broker that answers no farewell."""

    def __init__(self, *_words, **_settings) -> None:
        self.pending_calls_threshold = 0

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_error) -> None:
        raise aiomqtt.MqttError("Operation timed out")


@pytest.fixture
def broker(monkeypatch):
    monkeypatch.setattr(mqtt.aiomqtt, "Client", GoneBroker)
    monkeypatch.setattr(mqtt, "_tls", lambda _broker: None)
    nowhere = Path("nowhere")
    return Broker(
        host="127.0.0.1",
        port=1,
        name="relay-1",
        protocol=5,
        ca_file=nowhere,
        certificate_file=nowhere,
        key_file=nowhere,
    )


async def test_the_word_to_end_is_not_swallowed(broker):
    is_open = asyncio.Event()

    async def hold() -> None:
        async with connect(broker):
            is_open.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await is_open.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_otherwise_the_link_is_down(broker):
    with pytest.raises(LinkDownError):
        async with connect(broker):
            pass
