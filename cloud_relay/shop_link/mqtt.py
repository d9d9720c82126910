"""One MQTT connection to the broker, used once; the only file of the relay that imports aiomqtt."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiomqtt

log = logging.getLogger(__name__)

KEEPALIVE_S = 20
"""The broker notices a silent relay after one and a half of these; nothing that matters waits for it."""
CONNECT_TIMEOUT_S = 10.0
"""A certificate that the broker refuses shows only as silence (TLS 1.3 tells after the handshake)."""
PUBACK_TIMEOUT_S = 10.0


class LinkDownError(ConnectionError):
    """The broker cannot be reached now, or refused us; whoever waits for a shop tells the shopper so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where the broker is and who we are to it: certificate name = user name = client id."""

    host: str
    port: int
    name: str
    ca_file: Path
    certificate_file: Path
    key_file: Path
    protocol: int = 5


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message from the broker."""

    topic: str
    payload: bytes
    is_retained: bool


class Connection:
    """An open connection. `publish` raises LinkDownError when it is gone."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self._waiting: set[asyncio.Task[None]] = set()

    async def publish(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> None:
        """Send; with QoS 1 return when the broker took it, which says nothing about the receiver."""
        try:
            await self._client.publish(topic, payload, qos=qos, retain=retain, timeout=PUBACK_TIMEOUT_S)
        except aiomqtt.MqttError as error:
            raise LinkDownError(f"broker: could not publish to {topic}: {error}") from None

    def send(self, topic: str, payload: bytes) -> None:
        """Send with QoS 1 without waiting for the broker: the outbox sends again what a shop never acknowledged."""
        task = asyncio.get_running_loop().create_task(self._send(topic, payload))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _send(self, topic: str, payload: bytes) -> None:
        try:
            await self.publish(topic, payload, qos=1)
        except LinkDownError as error:
            log.debug("%s", error)

    async def subscribe(self, topic: str, qos: int) -> None:
        """Subscribe; raise LinkDownError if the broker refuses (a reason code of 0x80 and above)."""
        try:
            codes = await self._client.subscribe(topic, qos=qos)
        except aiomqtt.MqttError as error:
            raise LinkDownError(f"broker: could not subscribe to {topic}: {error}") from None
        for code in codes:
            if (code if isinstance(code, int) else code.value) >= 0x80:
                raise LinkDownError(f"broker: {topic} refused ({code}); is this relay admitted?")

    async def messages(self) -> AsyncIterator[Incoming]:
        """Yield what arrives; raise LinkDownError when the connection ends."""
        try:
            async for message in self._client.messages:
                payload = message.payload if isinstance(message.payload, bytes) else b""
                yield Incoming(str(message.topic), payload, bool(message.retain))
        except aiomqtt.MqttError as error:
            raise LinkDownError(f"broker: {error}") from None


def _tls(broker: Broker) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(broker.ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(broker.certificate_file, broker.key_file)
    return context


@asynccontextmanager
async def connect(broker: Broker) -> AsyncIterator[Connection]:
    """Open one connection; raise LinkDownError if that fails or when it breaks inside the block."""
    versions = {4: aiomqtt.ProtocolVersion.V311, 5: aiomqtt.ProtocolVersion.V5}
    client = aiomqtt.Client(
        broker.host,
        broker.port,
        identifier=broker.name,
        protocol=versions[broker.protocol],
        tls_context=_tls(broker),
        keepalive=KEEPALIVE_S,
        timeout=CONNECT_TIMEOUT_S,
        max_inflight_messages=200,
        # without it Nagle and delayed acknowledgements cost 44 ms a hop
        socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
    )
    client.pending_calls_threshold = 1000
    try:
        async with client:
            yield Connection(client)
    except aiomqtt.MqttError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # the farewell to a broker that is gone fails too, and must not swallow the word to end
            raise asyncio.CancelledError from None
        raise LinkDownError(f"broker at {broker.host}:{broker.port}: {error}") from None
