"""The shop's side of MQTT: commands in, acknowledgements, reports, states and frames out; the only user of aiomqtt."""

import asyncio
import logging
import random
import socket
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import aiomqtt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.cancellation import heed_cancellation
from edge.clock import Clock
from edge.command_door import CommandDoor, OnCommand
from edge.journal import Journal
from wire import topics
from wire.codec import MESSAGE_BYTES_MAX, dump_bytes
from wire.commands import COMMANDS
from wire.envelope import WIRE_VERSION, Envelope, encode_envelope
from wire.reports import AskClock, DeviceState, Report, ShopPresence, TransientReport, encode_report
from wire.values import new_id

logger = logging.getLogger(__name__)

KEEPALIVE_S = 10
TCP_USER_TIMEOUT_MS = 4000
"""Bytes unacknowledged this long end the connection: measured 4.2 s to notice a dead uplink, against 19.5 s without."""

REPLY_S = 5.0
"""Deadline of one MQTT exchange (connect, subscribe, publish): a refused certificate shows as silence under TLS 1.3."""

GOODBYE_S = 1.0
"""How long a broker may take over DISCONNECT; it learns of our going all the same."""

RETRY_S_FIRST = 0.25
RETRY_S_MAX = 15.0
RESEND_S = 10.0
"""A report that the relay has not confirmed after this is sent again; PUBACK is not taken for durable."""

BATCH = 64
HEARTBEAT_S = 30.0
CLOCK_S = 300.0
CLOCK_S_UNKNOWN = 2.0
CLOCK_LOOK_S = 1.0
CLOCK_TIMES = 3
"""Questions in a row on a new connection: the quickest answer of three is rarely the one that had to wait."""

SESSION_EXPIRY_S = 14 * 86400
OUTGOING_MAX = 200
FRAME_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where the broker is; `protocol` 5 or 4 (MQTT 3.1.1)."""

    host: str
    port: int
    protocol: int = 5


class _Client(aiomqtt.Client):
    """aiomqtt with the two things it leaves out: acknowledging after our commit, and the reason in a PUBACK."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._client.manual_ack_set(True)

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        if getattr(reason_code, "is_failure", False):
            logger.error("broker denied a publish", extra={"reason": str(reason_code)})
        super()._on_publish(client, userdata, mid, reason_code, properties)

    async def tell(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> None:
        """Publish and wait for the broker; raises aiomqtt.MqttError when it doesn't answer in time."""
        await self.publish(topic, payload, qos, retain)
        heed_cancellation()

    def confirm(self, message: aiomqtt.Message) -> None:
        """Tell the broker that this message is safe with us."""
        if message.qos:
            self._client.ack(message.mid, message.qos)

    def abandon(self) -> None:
        """Let go of what a connection that broke or never came to be leaves behind."""
        if self._disconnected.done():
            self._disconnected.exception()
        sock = self._client.socket()
        if sock is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(sock)
            loop.remove_writer(sock)
            sock.close()


class RelayLink:
    """Keeps the shop connected and everything flowing; every method but `run` returns at once.

    Durable reports and acknowledgements come from the journal, so `wake()` only says that there is something to fetch;
    transient reports and frames are dropped while offline. Device states are kept here and told anew on each
    connection.
    """

    def __init__(
        self,
        *,
        shop_id: str,
        address: Callable[[], BrokerAddress],
        tls: Callable[[], ssl.SSLContext],
        keys: Callable[[], Mapping[str, Ed25519PublicKey]],
        journal: Journal,
        clock: Clock,
        on_command: OnCommand,
        software: str = "",
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.is_connected = False
        self.door = CommandDoor(shop_id, keys, journal, clock, on_command)
        self._shop_id = shop_id
        self._address = address
        self._tls = tls
        self._journal = journal
        self._clock = clock
        self._software = software
        self._jitter = jitter
        self._states: dict[str, DeviceState] = {}
        self._outgoing: asyncio.Queue[tuple[str, bytes, int, bool]] = asyncio.Queue(OUTGOING_MAX)
        self._acks = asyncio.Lock()
        self._told_acks: deque[bytes] = deque(maxlen=BATCH)
        self._wanted = asyncio.Event()
        self._flushed = asyncio.Event()
        self._last_words = ""
        self._leaving = asyncio.Event()
        self._left = asyncio.Event()
        self._listeners: list[Callable[[bool], None]] = []

    def listen(self, on_connected: Callable[[bool], None]) -> None:
        """Call `on_connected` when the relay comes within reach or is lost."""
        self._listeners.append(on_connected)

    def send(self, report: Report) -> bool:
        """Send a transient report now or never; False when it was dropped. Durable ones go through the journal."""
        if not isinstance(report, TransientReport):
            raise TypeError(f"{type(report).__name__} is durable: append it to the journal")
        envelope = Envelope(
            id=new_id("rep"),
            source=f"/shops/{self._shop_id}",
            type=type(report).__name__,
            time=self._clock.now(),
            shop_id=self._shop_id,
            data=encode_report(report),
        )
        return self._put(topics.report(self._shop_id), encode_envelope(envelope), 1, retain=False)

    def send_frame(self, session_id: str, jpeg: bytes) -> bool:
        """Send one JPEG of the fallback rung now or never; False when dropped (offline, too large, backed up)."""
        if len(jpeg) > FRAME_BYTES_MAX:
            return False
        return self._put(topics.frame(self._shop_id, session_id), jpeg, 0, retain=False)

    def set_state(self, state: DeviceState) -> None:
        """Keep and publish the retained state of one device."""
        self._states[state.device] = state
        self._put(topics.state(self._shop_id, state.device), dump_bytes(state), 1, retain=True)

    def wake(self) -> None:
        """There is a report or an acknowledgement in the journal."""
        self._wanted.set()

    async def flush(self, timeout_s: float) -> bool:
        """Wait until everything in the journal was sent once on this connection; False when time ran out."""
        if not self.is_connected:
            return False
        self._flushed.clear()
        self.wake()
        return await _wait(self._flushed, timeout_s)

    async def leave(self, timeout_s: float) -> None:
        """Tell the relay that the shop goes on purpose, if it can be told in time."""
        self._leaving.set()
        if self.is_connected:
            await _wait(self._left, timeout_s)

    async def run(self) -> None:
        """Connect, serve, and connect again with growing, jittered pauses; ends only by cancellation."""
        retry_s = RETRY_S_FIRST
        while True:
            began_s = self._clock.monotonic()
            words = await asyncio.create_task(self._connection(), name="relay connection")
            heed_cancellation()  # a goodbye that failed may have taken the cancellation's place
            if self._clock.monotonic() - began_s > RETRY_S_MAX:
                retry_s = RETRY_S_FIRST
            if words != self._last_words:
                logger.info("relay out of reach", extra={"words": words})
            self._last_words = words
            await asyncio.sleep(retry_s * (0.5 + self._jitter()))
            retry_s = min(retry_s * 2, RETRY_S_MAX)

    def _put(self, topic: str, payload: bytes, qos: int, *, retain: bool) -> bool:
        if not self.is_connected:
            return False
        try:
            self._outgoing.put_nowait((topic, payload, qos, retain))
        except asyncio.QueueFull:
            return False
        return True

    async def _connection(self) -> str:
        """Live through one connection; returns what ended it, in words for the log."""
        presence = ShopPresence(session=new_id("ses"), is_online=False, at=self._clock.now())
        try:
            client = self._client(presence, begins_anew=await self._journal.command_sequence() == 0)
        except (OSError, ssl.SSLError) as error:
            return f"TLS: {error}"
        words = "ended"
        try:
            async with client:
                try:
                    words = await self._serve(client, presence)
                finally:
                    client.timeout = GOODBYE_S
        except aiomqtt.MqttError as error:
            words = str(error)
        finally:
            self._set_connected(False)
            client.abandon()
        return f"MQTT: {words}"

    def _client(self, presence: ShopPresence, *, begins_anew: bool) -> _Client:
        """A box without a command yet takes nothing that waits at the broker.

        It may have been meant for the box that this one replaces, under numbers that now belong to other commands; the
        relay sends again what this one must have.
        """
        address = self._address()
        five = address.protocol == 5
        topic = topics.presence(self._shop_id)
        return _Client(
            address.host,
            address.port,
            identifier=self._shop_id,
            protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
            **(
                {"clean_start": begins_anew, "properties": _connect_properties()}
                if five
                else {"clean_session": begins_anew}
            ),
            keepalive=KEEPALIVE_S,
            timeout=REPLY_S,
            will=aiomqtt.Will(topic, dump_bytes(presence), qos=1, retain=True),
            tls_context=self._tls(),
            socket_options=(
                (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
                (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS),
            ),
        )

    async def _serve(self, client: _Client, presence: ShopPresence) -> str:
        heed_cancellation()
        await client.subscribe(topics.command(self._shop_id), qos=1)
        heed_cancellation()
        while not self._outgoing.empty():
            self._outgoing.get_nowait()
        self._set_connected(True)
        await self._tell_presence(client, presence, is_online=True)
        for device in list(self._states):
            await client.tell(topics.state(self._shop_id, device), dump_bytes(self._states[device]), retain=True)
        lost = ""
        try:
            async with asyncio.TaskGroup() as tasks:
                for work in (self._receive, self._pump_outgoing, self._pump_journal, self._keep_clock):
                    tasks.create_task(work(client))
                tasks.create_task(self._beat(client, presence))
        except* aiomqtt.MqttError as group:
            lost = str(group.exceptions[0])
        return lost

    def _set_connected(self, is_connected: bool) -> None:
        if self.is_connected == is_connected:
            return
        self.is_connected = is_connected
        self._last_words = ""
        logger.info("relay within reach" if is_connected else "relay lost")
        for listener in self._listeners:
            listener(is_connected)

    async def _tell_presence(self, client: _Client, presence: ShopPresence, *, is_online: bool) -> None:
        mark, plan = self._journal.mark(), await self._journal.plan()
        birth = replace(
            presence,
            is_online=is_online,
            at=self._clock.now(),
            wire_version=WIRE_VERSION,
            software=self._software,
            commands=tuple(COMMANDS),
            journal_sequence=mark.sequence,
            journal_hash=mark.hash,
            plan_version=plan.version if plan else 0,
            command_sequence=await self._journal.command_sequence(),
        )
        await client.tell(topics.presence(self._shop_id), dump_bytes(birth), retain=True)

    async def _beat(self, client: _Client, presence: ShopPresence) -> None:
        """Tell presence again now and then, so that a late will can't stand for long; take leave at the end."""
        while not self._leaving.is_set():
            await _wait(self._leaving, HEARTBEAT_S)
            await self._tell_presence(client, presence, is_online=not self._leaving.is_set())
        self._left.set()

    async def _receive(self, client: _Client) -> None:
        async for message in client.messages:
            async with self._acks:
                decision = await self.door.take(message.payload)
                client.confirm(message)
                if decision is None:
                    continue
                try:
                    await client.tell(topics.ack(self._shop_id), decision.ack)
                    self._told_acks.append(decision.ack)
                finally:
                    await self.door.hand_out(decision.ready)

    async def _pump_outgoing(self, client: _Client) -> None:
        while True:
            topic, payload, qos, retain = await self._outgoing.get()
            await client.tell(topic, payload, qos, retain=retain)

    async def _pump_journal(self, client: _Client) -> None:
        sent_up_to, rewind_s = 0, self._clock.monotonic() + RESEND_S
        while True:
            self._wanted.clear()
            if self._clock.monotonic() >= rewind_s:
                sent_up_to, rewind_s = 0, self._clock.monotonic() + RESEND_S
            await self._send_acks(client)
            reports = await self._journal.unsent_reports(sent_up_to, BATCH)
            for report in reports:
                await client.tell(topics.report(self._shop_id), report.payload)
                sent_up_to = report.sequence
            if len(reports) < BATCH:
                self._flushed.set()
                await _wait(self._wanted, RESEND_S)

    async def _send_acks(self, client: _Client) -> None:
        """Send the recorded acknowledgements, but for those that `_receive` has just sent."""
        async with self._acks:
            pending = await self._journal.pending_acks()
            for ack in pending:
                if ack.payload not in self._told_acks:
                    await client.tell(topics.ack(self._shop_id), ack.payload)
        await asyncio.gather(*(self._journal.ack_sent(ack) for ack in pending))

    async def _keep_clock(self, _client: _Client) -> None:
        asked_s, times = self._ask_clock(), 1
        while True:
            await asyncio.sleep(CLOCK_LOOK_S)
            passed_s = self._clock.monotonic() - asked_s
            is_content = self._clock.is_synced and times >= CLOCK_TIMES
            if passed_s >= (CLOCK_S if is_content else CLOCK_S_UNKNOWN):
                asked_s, times = self._ask_clock(), times + 1

    def _ask_clock(self) -> float:
        nonce = new_id("clk")
        self.door.ask_clock(nonce)
        self.send(AskClock(nonce=nonce, offset_s=self._clock.offset_s))
        return self._clock.monotonic()


async def _wait(event: asyncio.Event, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _connect_properties() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho types only its client
    properties.SessionExpiryInterval = SESSION_EXPIRY_S
    properties.MaximumPacketSize = MESSAGE_BYTES_MAX * 2
    return properties
