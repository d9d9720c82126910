"""A shop in a few kilobytes: enrols, speaks the wire over mTLS MQTT, and does orders without any device."""

import asyncio
import hashlib
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as mqtt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties

from wire import topics
from wire.codec import dump_bytes, from_base64url, to_base64url
from wire.commands import (
    AnswerPhoto,
    ConfirmReports,
    LabelParcel,
    PhotoAnswer,
    PreparePiece,
    ReplacePlan,
    UploadPicture,
    decode_command,
)
from wire.envelope import Envelope, encode_envelope, verify_command
from wire.reports import (
    Ack,
    AckState,
    AskClock,
    CameraState,
    DeviceState,
    HandedOver,
    Health,
    LabelApplied,
    LabelPrinted,
    LabelRead,
    ParcelPhotographed,
    PictureKind,
    PictureOffered,
    PiecePacked,
    PiecePicked,
    PlanApplied,
    Report,
    ShopPresence,
    StillTaken,
    encode_report,
    signed_picture,
)
from wire.values import format_time, new_id

KEEPALIVE_S, CLOCK_S = 10, 30.0
"""As the shop daemon's, whose clock asks every five minutes; here ten times as often, to be on the safe side."""

DEVICES = (("front", "camera"), ("bench", "camera"), ("printer", "label_printer"), ("scanner", "scanner"))


@dataclass(slots=True)
class Trip:
    """What a light shop knows of one parcel: the secrets that a courier and the label would carry."""

    courier_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    label_serial: str = field(default_factory=lambda: secrets.token_hex(4).upper())


class LightShop:
    """One shop box without devices. `address` is the loopback address it calls from, as another house would."""

    def __init__(self, shop_id: str, address: str, picture: Callable[[], bytes]) -> None:
        self.shop_id, self._address, self._picture = shop_id, address, picture
        self.trips: dict[str, Trip] = {}
        self.confirmed = self.reported = self.commands = 0
        self.broken: list[BaseException] = []
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._mark = 0
        self._acks: dict[str, bytes] = {}
        self._pictures: dict[str, bytes] = {}
        self._session = new_id("ses")
        self._client: mqtt.Client | None = None
        self._http: httpx.AsyncClient | None = None
        self._relay_keys: dict[str, Ed25519PublicKey] = {}
        self._ticking: asyncio.Task[None] | None = None
        self._uploads: set[asyncio.Task[None]] = set()

    # ---- the way in

    async def enrol(self, claim_text: str, folder: Path) -> dict[str, Any]:
        """Become known with a claim text; returns the door's answer. The CA must have the claim's fingerprint."""
        code, rest = claim_text.split("@")
        url, fingerprint = rest.split("#")
        # S501: the CA is what this call fetches; it is trusted for its fingerprint only
        async with httpx.AsyncClient(verify=False) as http:  # noqa: S501  # loopback, without TLS
            ca_pem = (await http.get(f"{url}/shop-door/ca.pem")).text
        der = x509.load_pem_x509_certificate(ca_pem.encode()).public_bytes(serialization.Encoding.DER)
        if hashlib.sha256(der).hexdigest() != fingerprint:
            raise RuntimeError(f"{self.shop_id}: another CA than the claim names")
        transport = httpx.AsyncHTTPTransport(
            verify=ssl.create_default_context(cadata=ca_pem), local_address=self._address,
            limits=httpx.Limits(max_keepalive_connections=0),
        )  # fmt: skip
        self._http = httpx.AsyncClient(base_url=url, transport=transport, timeout=60)
        answer = await self._http.post("/shop-door/enrol", json={"claim_code": code, "csr_pem": self._request()})
        facts: dict[str, Any] = answer.raise_for_status().json()
        for one in facts["relay_keys"]:
            raw = from_base64url(one["public_key_b64url"], "public_key")
            self._relay_keys[one["key_id"]] = Ed25519PublicKey.from_public_bytes(raw)
        self._write(folder, facts)
        return facts

    def _request(self) -> str:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.shop_id)])
        csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(self._key, hashes.SHA256())
        return csr.public_bytes(serialization.Encoding.PEM).decode()

    def _write(self, folder: Path, facts: dict[str, Any]) -> None:
        key = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / f"{self.shop_id}.pem").write_text(facts["certificate_pem"])
        (folder / f"{self.shop_id}.key").write_bytes(key)
        (folder / "ca.pem").write_text(facts["ca_pem"])

    def connect(self, folder: Path, host: str, port: int) -> None:
        """Connect with the certificate, subscribe, be born; messages are handled on the running loop."""
        loop = asyncio.get_running_loop()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=self.shop_id, protocol=mqtt.MQTTv5)
        certificate, key = (str(folder / f"{self.shop_id}.{end}") for end in ("pem", "key"))
        client.tls_set(str(folder / "ca.pem"), certificate, key, tls_version=ssl.PROTOCOL_TLS_CLIENT)
        client.will_set(topics.presence(self.shop_id), self._presence(is_online=False), 1, retain=True)
        client.on_connect = lambda *_: self._be_born()

        def on_message(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
            loop.call_soon_threadsafe(self._take, bytes(message.payload))

        client.on_message = on_message
        properties = Properties(mqtt.PacketTypes.CONNECT)  # type: ignore[attr-defined, no-untyped-call]  # paho's own
        properties.SessionExpiryInterval = 3600
        client.connect(host, port, KEEPALIVE_S, bind_address=self._address, clean_start=False, properties=properties)
        self._client = client
        client.loop_start()
        self._ticking = asyncio.create_task(self._tick())

    async def close(self) -> None:
        """Leave."""
        if self._ticking is not None:
            self._ticking.cancel()
        for upload in self._uploads:
            upload.cancel()
        if self._client is not None:
            self._client.disconnect()
            await asyncio.to_thread(self._client.loop_stop)
        if self._http is not None:
            await self._http.aclose()

    # ---- saying

    def _presence(self, *, is_online: bool) -> bytes:
        return dump_bytes(ShopPresence(
            session=self._session, is_online=is_online, at=datetime.now(UTC), software="light",
            journal_sequence=self._mark, journal_hash=f"h{self._mark}",
        ))  # fmt: skip

    def _be_born(self) -> None:
        client = self._client
        assert client is not None
        client.subscribe(topics.command(self.shop_id), 1)
        client.publish(topics.presence(self.shop_id), self._presence(is_online=True), 1, retain=True)
        for device, kind in DEVICES:
            state = DeviceState(
                device=device, kind=kind, model="light", health=Health.ONLINE, at=datetime.now(UTC),
                camera=CameraState(can_view=True) if device == "front" else None,
            )  # fmt: skip
            client.publish(topics.state(self.shop_id, device), dump_bytes(state), 1, retain=True)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_S * (0.5 + secrets.randbelow(1000) / 1000))
            self._say(AskClock(nonce=secrets.token_hex(8)))

    def _say(self, report: Report) -> None:
        if report.DURABLE:
            self.reported += 1
        envelope = Envelope(
            id=new_id("rep"), source=self.shop_id, type=type(report).__name__, time=datetime.now(UTC),
            shop_id=self.shop_id, data=encode_report(report), sequence=self.reported if report.DURABLE else None,
        )  # fmt: skip
        self._send(topics.report(self.shop_id), encode_envelope(envelope))

    def _send(self, topic: str, payload: bytes) -> None:
        if self._client is not None:
            self._client.publish(topic, payload, 1)

    def _ack(self, command_id: str) -> None:
        if command_id not in self._acks:
            self._mark += 1
            self._acks[command_id] = dump_bytes(Ack(
                command_id=command_id, state=AckState.DONE, at=datetime.now(UTC),
                journal_sequence=self._mark, journal_hash=f"h{self._mark}",
            ))  # fmt: skip
        self._send(topics.ack(self.shop_id), self._acks[command_id])

    # ---- doing

    def _take(self, payload: bytes) -> None:
        envelope = verify_command(payload, self.shop_id, self._relay_keys)
        command = decode_command(envelope.type, envelope.data)
        if isinstance(command, ConfirmReports):
            self.confirmed = max(self.confirmed, command.up_to_sequence)
        if not command.DURABLE:
            return
        is_new = envelope.id not in self._acks
        self._ack(envelope.id)
        if not is_new:
            return
        self.commands += 1
        match command:
            case ReplacePlan():
                self._say(PlanApplied(version=command.plan.version))
            case PreparePiece():
                self._prepare(command.parcel_id)
            case LabelParcel():
                self._label(command.parcel_id)
            case UploadPicture():
                task = asyncio.create_task(self._upload(command))
                self._uploads.add(task)
                task.add_done_callback(self._uploaded)
            case AnswerPhoto() if command.answer is not PhotoAnswer.OBJECTED:
                self._hand_over(command.parcel_id)

    def _offer(self, parcel_id: str, kind: PictureKind) -> str:
        jpeg, taken_at = self._picture(), datetime.now(UTC)
        sha256 = hashlib.sha256(jpeg).hexdigest()
        self._pictures[sha256] = jpeg
        signed = signed_picture(self.shop_id, parcel_id, kind, sha256, format_time(taken_at), "")
        signature = to_base64url(self._key.sign(signed, ec.ECDSA(hashes.SHA256())))
        self._say(PictureOffered(
            parcel_id=parcel_id, kind=kind, picture_sha256=sha256, size_bytes=len(jpeg), taken_at=taken_at,
            signature=signature,
        ))  # fmt: skip
        return sha256

    def _prepare(self, parcel_id: str) -> None:
        self.trips.setdefault(parcel_id, Trip())
        now, still = datetime.now(UTC), self._offer(parcel_id, PictureKind.STILL)
        self._say(StillTaken(parcel_id=parcel_id, at=now, picture_sha256=still, camera="bench"))
        self._say(PiecePicked(parcel_id=parcel_id, at=now))
        self._say(PiecePacked(parcel_id=parcel_id, at=now))

    def _label(self, parcel_id: str) -> None:
        serial, now = self.trips.setdefault(parcel_id, Trip()).label_serial, datetime.now(UTC)
        self._say(LabelPrinted(parcel_id=parcel_id, at=now, label_serial=serial, label_no=1, first_byte_at=now))
        self._say(LabelApplied(parcel_id=parcel_id, at=now, label_serial=serial, by="labeller"))
        self._say(LabelRead(parcel_id=parcel_id, at=now, label_serial=serial))
        photo = self._offer(parcel_id, PictureKind.PARCEL)
        self._say(ParcelPhotographed(parcel_id=parcel_id, at=now, picture_sha256=photo, label_serial=serial))

    async def _upload(self, command: UploadPicture) -> None:
        assert self._http is not None
        path = command.url[command.url.index("/shop-door/") :]
        jpeg = self._pictures.pop(command.picture_sha256)
        answer = await self._http.put(path, content=jpeg, headers={"Content-Type": "image/jpeg"})
        answer.raise_for_status()

    def _uploaded(self, task: asyncio.Task[None]) -> None:
        self._uploads.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.broken.append(error)

    def _hand_over(self, parcel_id: str) -> None:
        trip = self.trips[parcel_id]
        token_sha256 = hashlib.sha256(trip.courier_token.encode()).hexdigest()
        self._say(HandedOver(
            parcel_id=parcel_id, at=datetime.now(UTC), label_serial=trip.label_serial, scanned=trip.label_serial,
            courier_token_sha256=token_sha256,
        ))  # fmt: skip
