"""Enrolment against a real HTTPS door: the claim's fingerprint decides whom to trust, the key never leaves the box."""

import asyncio
import base64
import contextlib
import datetime as dt
import json
import ssl
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.enrolment import EnrolmentError, enrol, keep_certificate, parse_claim, renew
from edge.identity import Identity, NotEnrolledError
from wire.codec import from_base64url, to_base64url

ROOT = Path(__file__).parents[3]
CODE = "ABCD-EFGH-JKMN-PQRS"


@dataclass
class Door:
    """The relay's side of enrolment, small enough to read; `twist` changes its answers."""

    authority: Any
    folder: Path
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    twist: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    days: float = 30

    def start(self) -> None:
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.reply(200, door.twist.get("served_ca", door.authority.pem).encode())

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                door.asked.append((self.path, body))
                answer = door.answer(body)
                self.reply(door.status, json.dumps(answer).encode())

            def reply(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        key = ec.generate_private_key(ec.SECP256R1())
        (self.folder / "door.crt").write_text(self.authority.issue("door", key.public_key(), is_server=True))
        pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
        (self.folder / "door.key").write_bytes(pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "door.crt", self.folder / "door.key")
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, body: dict[str, str]) -> dict[str, Any]:
        if self.status != 200:
            return {"title": "bad_claim", "detail": "This claim code is unknown or expired"}
        request = x509.load_pem_x509_csr(body["csr_pem"].encode())
        assert request.is_signature_valid
        public = Ed25519PrivateKey.from_private_bytes(b"7" * 32).public_key().public_bytes_raw()
        return {
            "shop_id": "teahouse",
            "certificate_pem": self.authority.issue("teahouse", request.public_key(), days=self.days),
            "ca_pem": self.authority.pem,
            "relay_keys": [{"key_id": "k1", "public_key_b64url": to_base64url(public)}],
            "mqtt": {"host": "127.0.0.1", "port": 8883},
            "resolver_url": "https://127.0.0.1:9/",
        } | self.twist

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server.server_address[1]}"

    @property
    def claim(self) -> str:
        return f"{CODE}@{self.url}#{self.authority.fingerprint}"


@pytest.fixture
def door(authority: Any, tmp_path: Path) -> Iterator[Door]:
    made = Door(authority, tmp_path)
    made.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return Identity(tmp_path / "box")


def test_the_box_makes_its_key_and_keeps_what_the_relay_answers(door, identity):
    with pytest.raises(NotEnrolledError, match="vitrine enrol"):
        identity.require()
    enrol(identity, parse_claim(door.claim))
    assert identity.facts() == {
        "shop_id": "teahouse",
        "https_url": door.url,
        "mqtt_host": "127.0.0.1",
        "mqtt_port": 8883,
        "resolver_url": "https://127.0.0.1:9/",
    }
    assert list(identity.relay_keys()) == ["k1"]
    assert stat.S_IMODE(identity.key_path.stat().st_mode) == 0o600
    key = identity.private_key()
    assert isinstance(key.curve, ec.SECP256R1)
    (path, body), *_ = door.asked
    assert path == "/shop-door/enrol" and body["claim_code"] == CODE
    assert "PRIVATE" not in json.dumps(body)
    identity.mqtt_tls()


def test_a_ca_with_another_fingerprint_is_never_trusted(door, identity):
    wrong = f"{CODE}@{door.url}#{'0' * 64}"
    with pytest.raises(EnrolmentError, match="another fingerprint"):
        enrol(identity, parse_claim(wrong))
    assert door.asked == [], "the claim code was not shown to it"


def test_a_man_in_the_middle_who_serves_the_right_ca_fails_at_tls(door, identity, authority):
    other = type(authority)()
    door.twist["served_ca"] = other.pem
    claim = f"{CODE}@{door.url}#{other.fingerprint}"
    with pytest.raises(EnrolmentError, match="CERTIFICATE_VERIFY_FAILED"):
        enrol(identity, parse_claim(claim))
    assert door.asked == []


@pytest.mark.parametrize(
    ("twist", "words"),
    [
        ({"certificate_pem": "no"}, "is no certificate"),
        ({"shop_id": "Tea House"}, "shop_id"),
        ({"relay_keys": [{"key_id": "k", "public_key_b64url": "AAAA"}]}, "relay key 'k'"),
        ({"mqtt": None}, "mqtt"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_whole(door, identity, twist, words):
    door.twist = twist
    with pytest.raises(EnrolmentError, match=words):
        enrol(identity, parse_claim(door.claim))
    assert not identity.is_enrolled


def test_a_certificate_for_another_key_is_refused(door, identity, authority):
    stranger = ec.generate_private_key(ec.SECP256R1()).public_key()
    door.twist = {"certificate_pem": authority.issue("teahouse", stranger)}
    with pytest.raises(EnrolmentError, match="another key"):
        enrol(identity, parse_claim(door.claim))


def test_trying_again_after_a_refusal_uses_the_same_key(door, identity):
    door.status = 422
    with pytest.raises(EnrolmentError, match=r"refused \(422\): bad_claim: This claim code is unknown"):
        enrol(identity, parse_claim(door.claim))
    door.status = 200
    enrol(identity, parse_claim(door.claim))
    keys = [x509.load_pem_x509_csr(body["csr_pem"].encode()).public_key() for _, body in door.asked]
    assert keys[0] == keys[1]


@pytest.mark.parametrize("text", ["", "ABCD", f"{CODE}@http://x#{'0' * 64}", f"{CODE}@https://x#12", "#@https://x#"])
def test_a_mistyped_claim_is_refused_before_anything_is_sent(text):
    with pytest.raises(EnrolmentError, match="CODE@https"):
        parse_claim(text)


def test_a_renewal_is_signed_by_the_key_it_is_for(door, identity):
    enrol(identity, parse_claim(door.claim))
    before = identity.certificate_path.read_text()
    renew(identity, dt.datetime(2026, 11, 20, tzinfo=dt.UTC), "nonce-1234")
    path, body = door.asked[-1]
    assert path == "/shop-door/renew"
    signed = "\n".join((body["shop_id"], body["csr_pem"], body["at"], body["nonce"])).encode()
    signature = from_base64url(body["signature_b64url"], "signature")
    identity.private_key().public_key().verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    assert identity.certificate_path.read_text() != before


async def test_a_certificate_is_renewed_at_two_thirds_of_its_life_and_not_before(
    door, identity, eventually, monkeypatch
):
    monkeypatch.setattr("edge.enrolment.LOOK_S", 0.02)
    enrol(identity, parse_claim(door.claim))
    now = [identity.renew_at() - dt.timedelta(seconds=1)]
    task = asyncio.create_task(keep_certificate(identity, lambda: now[0]))
    await asyncio.sleep(0.2)
    assert len(door.asked) == 1
    now[0] += dt.timedelta(seconds=2)
    door.days = 60
    await eventually(lambda: len(door.asked) == 2)
    await eventually(lambda: identity.renew_at() > now[0])
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert len(door.asked) == 2


def test_the_command_enrols_once_and_says_what_to_do_next(door, tmp_path):
    config = tmp_path / "shop.toml"
    config.write_text(
        '[shop]\ndata_dir = "box"\n[attendant]\npin = "2468"\n[bench]\ncamera = "c"\nprinter = "p"\n'
        '[device.c]\nkind = "camera"\nmodel = "mjpeg"\nurl = "http://127.0.0.1:1/"\n'
        '[device.p]\nkind = "label_printer"\nmodel = "zpl"\naddress = "tcp://127.0.0.1:1"\n'
    )

    def vitrine(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "edge", *words, "--config", str(config)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    first = vitrine("enrol", door.claim)
    assert first.returncode == 0 and "enrolled as shop teahouse" in first.stdout, first.stderr
    second = vitrine("enrol", door.claim)
    assert second.returncode == 1 and "--again" in second.stderr
    assert vitrine("enrol", door.claim, "--again").returncode == 0
    everything = first.stdout + first.stderr
    assert CODE not in everything and base64.b64encode(b"PRIVATE").decode() not in everything
