"""A shop box that is not ours: paho and cryptography alone, so that relay and edge cannot share one misreading."""

import asyncio
import base64
import hashlib
import json
import socket
import ssl
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import paho.mqtt.client as mqtt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import NameOID


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Box:
    """Keys, certificate, and one MQTT connection; `commands` holds what came, verified and parsed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.commands: list[dict] = []
        self.changed = threading.Condition()
        self.client: mqtt.Client | None = None
        self.reports = 0
        self.journal = 0
        self.acks: dict[str, bytes] = {}
        self.answers = True
        self.confirmed = 0

    def csr(self, name: str = "anything") -> str:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(self.key, hashes.SHA256())
        return request.public_bytes(serialization.Encoding.PEM).decode()

    def _keep(self, answer: dict) -> None:
        self.shop_id, self.mqtt = answer["shop_id"], answer["mqtt"]
        self.keys = {
            one["key_id"]: Ed25519PublicKey.from_public_bytes(unb64(one["public_key_b64url"]))
            for one in answer["relay_keys"]
        }
        (self.folder / "ca.pem").write_text(answer["ca_pem"])
        (self.folder / "shop.pem").write_text(answer["certificate_pem"])
        (self.folder / "shop.key").write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    async def enrol(self, claim_text: str, status: int = 200) -> httpx.Response:
        code, rest = claim_text.split("@")
        self.url, fingerprint = rest.split("#")
        async with httpx.AsyncClient(verify=False) as http:
            ca = (await http.get(f"{self.url}/shop-door/ca.pem")).text
        der = x509.load_pem_x509_certificate(ca.encode()).public_bytes(serialization.Encoding.DER)
        assert hashlib.sha256(der).hexdigest() == fingerprint
        async with httpx.AsyncClient(verify=ssl.create_default_context(cadata=ca)) as http:
            answer = await http.post(f"{self.url}/shop-door/enrol", json={"claim_code": code, "csr_pem": self.csr()})
        assert answer.status_code == status, answer.text
        if status == 200:
            self._keep(answer.json())
        return answer

    def connect(self, *, client_id: str = "", protocol: int = mqtt.MQTTv5, wait_s: float = 30) -> None:
        """Connect as the certificate says; `client_id` lies about it."""
        name = client_id or self.shop_id
        begins_anew = not any(one.get("sequence") for one in self.commands)
        options = {} if protocol == mqtt.MQTTv5 else {"clean_session": begins_anew}
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, name, protocol=protocol, manual_ack=True, **options)
        client.tls_set(str(self.folder / "ca.pem"), str(self.folder / "shop.pem"), str(self.folder / "shop.key"))
        will = self._presence(is_online=False)
        client.will_set(f"v1/{self.shop_id}/presence", will, qos=1, retain=True)
        self.subscribed = threading.Event()
        self.codes: list = []
        self.disconnects: list = []
        client.on_message = self._on_message
        client.on_connect = lambda *_: client.subscribe(f"v1/{self.shop_id}/command", qos=1)
        client.on_subscribe = lambda _c, _u, _m, codes, _p: (self.codes.extend(codes), self.subscribed.set())
        client.on_disconnect = lambda *arguments: self.disconnects.append(arguments[3])
        client.on_socket_open = lambda _c, _u, sock: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        extra = {"clean_start": begins_anew} if protocol == mqtt.MQTTv5 else {}
        if protocol == mqtt.MQTTv5:
            properties = mqtt.Properties(mqtt.PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 3600
            extra["properties"] = properties
        client.connect(self.mqtt["host"], self.mqtt["port"], keepalive=30, **extra)
        self.client = client
        client.loop_start()
        assert self.subscribed.wait(wait_s), "no answer to the subscription"

    def _presence(self, *, is_online: bool, **more) -> bytes:
        if is_online:
            self.session = f"s{time.monotonic_ns()}"
        elif not hasattr(self, "session"):
            self.session = "s0"
        body = {"session": self.session, "is_online": is_online, "at": stamp(), "wire_version": 1, "software": "peer",
                "journal_sequence": self.journal, "journal_hash": f"h{self.journal}", **more}  # fmt: skip
        return json.dumps(body).encode()

    def be_born(self, **more) -> None:
        payload = self._presence(is_online=True, **more)
        self.client.publish(f"v1/{self.shop_id}/presence", payload, qos=1, retain=True).wait_for_publish(5)

    def leave(self) -> None:
        """Go without a word, as a cut cable does; the broker then publishes the will."""
        self.client._sock_close()
        self.client.loop_stop()

    def _on_message(self, client, _userdata, message) -> None:
        outer = json.loads(message.payload)
        signed = unb64(outer["signed"])
        self.keys[outer["key_id"]].verify(unb64(outer["signature"]), signed)
        envelope = json.loads(signed)
        assert envelope["shop_id"] == self.shop_id
        assert not message.retain
        with self.changed:
            envelope["raw"] = bytes(message.payload)
            self.commands.append(envelope)
            if envelope["type"] == "ConfirmReports":
                self.confirmed = envelope["data"]["up_to_sequence"]
            self.changed.notify_all()
        if envelope.get("sequence") is not None and self.answers:
            self.ack(envelope["id"])
        client.ack(message.mid, message.qos)

    def ack(self, command_id: str, state: str = "done", **more) -> None:
        if command_id not in self.acks:
            self.journal += 1
            body = {"command_id": command_id, "state": state, "at": stamp(), "journal_sequence": self.journal,
                    "journal_hash": f"h{self.journal}", **more}  # fmt: skip
            self.acks[command_id] = json.dumps(body).encode()
        self.client.publish(f"v1/{self.shop_id}/ack", self.acks[command_id], qos=1)

    def envelope(self, type_: str, data: dict, sequence: int | None, **more) -> bytes:
        body = {"id": f"{self.shop_id}-r{sequence}" if sequence else f"t{time.monotonic_ns()}", "source": self.shop_id,
                "type": type_, "time": stamp(), "shop_id": self.shop_id, "data": data,
                "sequence": sequence, **more}  # fmt: skip
        return json.dumps(body).encode()

    def report(self, type_: str, data: dict, sequence: int | None = None) -> int:
        """Send a durable report; return its sequence number."""
        if sequence is None:
            self.reports += 1
            sequence = self.reports
        self.client.publish(f"v1/{self.shop_id}/report", self.envelope(type_, data, sequence), qos=1)
        return sequence

    def say(self, type_: str, data: dict) -> None:
        """Send a transient report."""
        self.client.publish(f"v1/{self.shop_id}/report", self.envelope(type_, data, None), qos=0)

    async def heard(self, type_: str, count: int = 1, timeout_s: float = 30) -> list[dict]:
        """Wait until `count` commands of a type came; return them."""
        until = time.monotonic() + timeout_s
        while True:
            found = [one for one in list(self.commands) if one["type"] == type_]
            if len(found) >= count:
                return found
            assert time.monotonic() < until, (
                f"{type_}: {len(found)} of {count}; heard {[c['type'] for c in self.commands]}"
            )
            await asyncio.sleep(0.01)

    def close(self) -> None:
        if self.client is not None:
            self.client.disconnect()
            self.client.loop_stop()
            self.client = None
