"""A private mosquitto with the certificates of a relay and two shops, and a small relay that speaks to one of them."""

import datetime as dt
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from edge.identity import Broker, Enrolled, Identity, RelayKey
from wire import topics
from wire.codec import from_base64url, from_json, load_bytes, to_base64url
from wire.commands import Command, ConfirmReports, TellClock, encode_command
from wire.envelope import Envelope, decode_envelope, sign_command
from wire.reports import Ack, AckState, AskClock, ShopPresence, decode_report
from wire.values import new_id

SHOP = "teahouse"
OTHER_SHOP = "studio"
KEY_ID = "relay-key-1"


class Authority:
    """The relay's CA: makes certificates for 127.0.0.1 or by a shop's name."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._make("Vitrine test CA", self.key.public_key(), is_ca=True)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def fingerprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def issue(self, name: str, public_key: Any, *, is_server: bool = False, days: float = 30) -> str:
        made = self._make(name, public_key, is_server=is_server, days=days)
        return made.public_bytes(serialization.Encoding.PEM).decode()

    def _make(
        self, name: str, public_key: Any, *, is_ca: bool = False, is_server: bool = False, days: float = 30
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Vitrine test CA")])
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=days / 3))
            .not_valid_after(now + dt.timedelta(days=days * 2 / 3))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )
        if is_server:
            names = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write_pair(authority: Authority, folder: Path, name: str, *, is_server: bool = False) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate, private = folder / f"{name}.crt", folder / f"{name}.key"
    certificate.write_text(authority.issue(name, key.public_key(), is_server=is_server))
    private.write_bytes(private_pem(key))
    return certificate, private


class Mosquitto:
    """The broker as a child process on a fixed port; may be killed, emptied and started again."""

    def __init__(self, folder: Path, authority: Authority, port: int) -> None:
        self.folder, self.port = folder, port
        folder.mkdir(parents=True, exist_ok=True)
        certificate, private = write_pair(authority, folder, "broker", is_server=True)
        (folder / "ca.crt").write_text(authority.pem)
        (folder / "acl").write_text("user relay-1\ntopic readwrite #\n\npattern readwrite v1/%u/#\n")
        (folder / "mosquitto.conf").write_text(
            f"user root\nlistener {port} 127.0.0.1\ncafile {folder}/ca.crt\ncertfile {certificate}\nkeyfile {private}\n"
            "require_certificate true\nuse_identity_as_username true\nuse_username_as_clientid true\n"
            f"allow_anonymous false\nacl_file {folder}/acl\nset_tcp_nodelay true\npersistence true\n"
            f"persistence_location {folder}/\nmax_queued_messages 0\n"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [shutil.which("mosquitto", path="/usr/sbin:/usr/bin") or "mosquitto", "-c", "mosquitto.conf"]
        with (self.folder / "mosquitto.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    pytest.fail(f"mosquitto did not start: {(self.folder / 'mosquitto.log').read_text()}")
                time.sleep(0.02)

    def kill(self, *, forget: bool = False) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        if forget:
            (self.folder / "mosquitto.db").unlink(missing_ok=True)


@dataclass
class Relay:
    """A relay small enough to read: signs commands, answers clocks, confirms reports, remembers everything."""

    broker: Mosquitto
    authority: Authority
    private_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    reports: list[Envelope] = field(default_factory=list)
    acks: list[Ack] = field(default_factory=list)
    raw_acks: list[bytes] = field(default_factory=list)
    presences: list[ShopPresence] = field(default_factory=list)
    states: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    frames: list[bytes] = field(default_factory=list)
    sequence: int = 0
    is_confirming: bool = True
    is_telling_time: bool = True
    clock_ahead_s: float = 0.0

    def start(self) -> None:
        certificate, private = write_pair(self.authority, self.broker.folder, "relay-1")
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "relay-1", protocol=mqtt.MQTTv5)
        self.client.tls_set(str(self.broker.folder / "ca.crt"), str(certificate), str(private))
        self.client.reconnect_delay_set(0.05, 0.2)
        self.client.on_socket_open = lambda *facts: facts[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client.on_connect = lambda client, *_: client.subscribe("v1/#", 1)
        self.client.on_message = self._on_message
        ready = threading.Event()
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.connect_async("127.0.0.1", self.broker.port, 10)
        self.client.loop_start()
        assert ready.wait(5)

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.clock_ahead_s)

    def seal(self, command: Command, shop: str = SHOP, **changes: Any) -> bytes:
        """Return a signed command with the next sequence number (durable ones), anything replaced by `changes`."""
        if command.DURABLE and "sequence" not in changes:
            self.sequence += 1
            changes["sequence"] = self.sequence
        key = changes.pop("private_key", self.private_key)
        key_id = changes.pop("key_id", KEY_ID)
        facts = {
            "id": new_id("cmd"),
            "source": "relay",
            "type": type(command).__name__,
            "time": self.now(),
            "shop_id": shop,
            "data": encode_command(command),
            "deadline_s": command.DEADLINE_S,
        }
        return sign_command(Envelope(**facts | changes), key_id, key)

    def send(self, command: Command, **changes: Any) -> str:
        payload = self.seal(command, **changes)
        self.publish(payload)
        return self.id_of(payload)

    def publish(self, payload: bytes, shop: str = SHOP) -> None:
        self.client.publish(topics.command(shop), payload, 1)

    @staticmethod
    def id_of(payload: bytes) -> str:
        return str(json.loads(from_base64url(json.loads(payload)["signed"], "signed"))["id"])

    def acks_of(self, command_id: str) -> list[AckState]:
        return [ack.state for ack in self.acks if ack.command_id == command_id]

    def types(self) -> list[str]:
        return [report.type for report in self.reports]

    def _on_message(self, _client: Any, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        _shop, kind, rest = topics.parse(message.topic)
        if kind == "presence":
            self.presences.append(from_json(ShopPresence, load_bytes(message.payload)))
        elif kind == "state":
            self.states.setdefault(rest, []).append(json.loads(message.payload))
        elif kind == "ack":
            self.raw_acks.append(message.payload)
            self.acks.append(from_json(Ack, load_bytes(message.payload)))
        elif kind == "frame":
            self.frames.append(message.payload)
        elif kind == "report":
            self._on_report(decode_envelope(message.payload))

    def _on_report(self, envelope: Envelope) -> None:
        self.reports.append(envelope)
        report = decode_report(envelope.type, envelope.data)
        if isinstance(report, AskClock):
            if self.is_telling_time:
                self.send(TellClock(nonce=report.nonce, relay_at=self.now()))
        elif envelope.sequence is not None and self.is_confirming:
            self.send(ConfirmReports(up_to_sequence=envelope.sequence))


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def broker(tmp_path: Path, authority: Authority, free_port: Callable[[], int]) -> Iterator[Mosquitto]:
    made = Mosquitto(tmp_path / "broker", authority, free_port())
    made.start()
    yield made
    made.kill()


@pytest.fixture
def relay(broker: Mosquitto, authority: Authority) -> Iterator[Relay]:
    made = Relay(broker, authority)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def make_identity(authority: Authority, relay: Relay) -> Callable[..., Identity]:
    """Return a function that enrols a data directory as a shop without asking anybody."""

    def make(data_dir: Path, shop: str = SHOP, days: float = 30) -> Identity:
        identity = Identity(data_dir)
        certificate = authority.issue(shop, identity.private_key().public_key(), days=days)
        public = relay.private_key.public_key().public_bytes_raw()
        answer = Enrolled(
            shop_id=shop,
            certificate_pem=certificate,
            ca_pem=authority.pem,
            relay_keys=(RelayKey(key_id=KEY_ID, public_key_b64url=to_base64url(public)),),
            mqtt=Broker(host="127.0.0.1", port=relay.broker.port),
            resolver_url="https://127.0.0.1:1/",
        )
        identity.save(answer, "https://127.0.0.1:1")
        return identity

    return make
