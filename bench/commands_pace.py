"""Command to application acknowledgement against a raw QoS 1 round trip over mTLS plus one FULL commit."""

import asyncio
import queue
import socket
import sqlite3
import ssl
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.enums import CallbackAPIVersion

from bench.figures import Figure, median_text
from cloud_relay.authority import Authority
from demo.mall import Mall
from demo.supervisor import Supervisor
from wire import topics
from wire.codec import from_json, load_bytes
from wire.commands import NoteForShop, encode_command
from wire.envelope import Envelope, decode_envelope, sign_command
from wire.reports import Ack, AckState
from wire.values import new_id

COMMANDS = 60
WAIT_S = 10
AT_REST_S = 0.01
"""Before each command, each round trip and each commit alike: the shop notes after its last answer that the broker took
it, which is no part of the next command's time, and a processor that has rested is slower for all three."""


class Peer:
    """A raw MQTT client with a certificate; messages land in a queue as they come."""

    def __init__(self, name: str, certificate: Path, key: Path, ca: Path, port: int) -> None:
        self.inbox: queue.Queue[mqtt.MQTTMessage] = queue.Queue()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5)
        self.client.tls_set(str(ca), str(certificate), str(key), tls_version=ssl.PROTOCOL_TLS_CLIENT)
        self.client.on_message = lambda _client, _data, message: self.inbox.put(message)
        self.client.on_socket_open = _without_delay
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def close(self) -> None:
        """Leave."""
        self.client.disconnect()
        self.client.loop_stop()


def _without_delay(_client: mqtt.Client, _data: object, link: Any) -> None:
    # With Nagle and delayed acknowledgement a hop takes 40 ms, and the yardstick would flatter us.
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def commit_ms(folder: Path) -> float:
    """Return the median of one FULL commit of 200 bytes."""
    database = sqlite3.connect(folder / "yardstick.db", isolation_level=None)
    database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS x (b TEXT);")
    times = []
    for _ in range(COMMANDS):
        started_s = time.perf_counter()
        database.execute("INSERT INTO x VALUES (?)", ("y" * 200,))
        times.append((time.perf_counter() - started_s) * 1000)
        time.sleep(AT_REST_S)
    database.close()
    return statistics.median(times)


def round_trip_ms(relay: Peer, shop: Peer, shop_id: str) -> float:
    """Return the median QoS 1 ping-pong between two raw clients on this broker."""
    shop.client.subscribe(topics.command(shop_id), 1)

    def send_back(client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        client.publish(topics.report(shop_id), message.payload, 1)

    shop.client.on_message = send_back
    time.sleep(0.3)
    times = []
    for number in range(COMMANDS):
        started_s = time.perf_counter()
        relay.client.publish(topics.command(shop_id), f"{number:0200d}".encode(), 1)
        while relay.inbox.get(timeout=WAIT_S).topic != topics.report(shop_id):
            pass
        times.append((time.perf_counter() - started_s) * 1000)
        time.sleep(AT_REST_S)
    return statistics.median(times[5:])


def command_ms(relay: Peer, shop_id: str, first: int, key_id: str, key: Ed25519PrivateKey) -> float:
    """Return the median from sending a signed durable command to the shop's own acknowledgement of it.

    One at a time, as the yardstick's: the next is sent when the shop has wholly carried out the one before.
    """
    times = []
    for number in range(COMMANDS):
        envelope = Envelope(
            id=new_id("cmd"), source="relay-1", type="NoteForShop", time=datetime.now(UTC), shop_id=shop_id,
            data=encode_command(NoteForShop(note=f"measured {number}")), sequence=first + number, deadline_s=3600,
        )  # fmt: skip
        payload = sign_command(envelope, key_id, key)
        started_s = time.perf_counter()
        relay.client.publish(topics.command(shop_id), payload, 1)
        state = _acknowledged(relay, envelope.id)
        times.append((time.perf_counter() - started_s) * 1000)
        while state is AckState.ACCEPTED:
            state = _acknowledged(relay, envelope.id)
        time.sleep(AT_REST_S)
    return statistics.median(times[5:])


def _acknowledged(relay: Peer, command_id: str) -> AckState:
    """Wait for the shop's next answer to this command."""
    while True:
        message = relay.inbox.get(timeout=WAIT_S)
        if message.topic.endswith("/ack"):
            payload = bytes(message.payload)
            data = load_bytes(payload)
            ack: Ack = from_json(Ack, decode_envelope(payload).data if "data" in data else data)
            if ack.command_id == command_id:
                return ack.state


def _next_sequence(mall: Mall, shop_id: str) -> int:
    with sqlite3.connect(mall.database_url.removeprefix("sqlite:///")) as database:
        query = "SELECT next_sequence FROM shop_link WHERE shop_id = ?"
        return int(database.execute(query, (shop_id,)).fetchone()[0])


def _measure(mall: Mall, rounds: int) -> Figure:
    authority = Authority(mall.relay_folder / "pki")
    certificate, key = authority.pair("relay-1")
    ca, port = authority.folder / "ca.pem", mall.ports.broker
    busy, idle = mall.shops
    box = mall.shop_folder(idle) / "box"
    relay = Peer("relay-1", certificate, key, ca, port)
    shop = Peer(idle.name, *_identity(box), ca, port)
    key_id, signing_key = authority.signer()
    relay.client.subscribe([(topics.ack(busy.name), 1), (topics.report(idle.name), 1)])
    first, trips, commits, ours = _next_sequence(mall, busy.name), [], [], []
    try:
        for number in range(rounds):
            trips.append(round_trip_ms(relay, shop, idle.name))
            commits.append(commit_ms(mall.folder))
            ours.append(command_ms(relay, busy.name, first + number * COMMANDS, key_id, signing_key))
    finally:
        relay.close()
        shop.close()
    yardstick = statistics.median(trips) + statistics.median(commits)
    return Figure(
        name="command to application acknowledgement", measured=median_text(ours, "ms", 2),
        yardstick=f"QoS 1 round trip {median_text(trips, 'ms', 2)} + FULL commit {median_text(commits, 'ms', 2)}",
        ratio=statistics.median(ours) / yardstick, limit=3, is_floor=False,
    )  # fmt: skip


def _identity(box: Path) -> tuple[Path, Path]:
    return box / "identity" / "shop_certificate.pem", box / "identity" / "shop_key.pem"


async def command_figure(mall: Mall, supervisor: Supervisor, rounds: int) -> Figure:
    """Take the relay's place on the wire, so that only broker and shop box are measured."""
    await supervisor.end("relay")
    return await asyncio.to_thread(_measure, mall, rounds)
