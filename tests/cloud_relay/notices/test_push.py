"""Web push: the standard's own example, a browser that reads it, an address that must not be asked."""

import base64
import json
import ssl
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from cloud_relay.notices import push_crypto
from cloud_relay.notices.push import WebPush, is_public, meaning, push_key
from cloud_relay.notices.push_crypto import BadPushKeyError, b64url, unb64url
from cloud_relay.notices.rules import Sent, is_https

NOW = datetime(2030, 1, 1, 9, 0, tzinfo=UTC)
PLAIN = b"When I grow up, I want to be a watermelon"
BROWSER_PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
BROWSER_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SENDER_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
MESSAGE = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
    "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
"""RFC 8291, section 5 and appendix A."""


def private(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unb64url(text), "big"), ec.SECP256R1())


def test_the_standards_own_example():
    made = push_crypto.encrypt(PLAIN, BROWSER_PUBLIC, AUTH, lambda: private(SENDER_PRIVATE), lambda _: unb64url(SALT))
    assert b64url(made) == MESSAGE


def test_only_the_browser_reads_it():
    made = push_crypto.encrypt("轮到您了".encode(), BROWSER_PUBLIC, AUTH)
    assert push_crypto.decrypt(made, private(BROWSER_PRIVATE), unb64url(AUTH)).decode() == "轮到您了"
    assert made != push_crypto.encrypt("轮到您了".encode(), BROWSER_PUBLIC, AUTH)
    with pytest.raises(ValueError, match="not a message"):
        push_crypto.decrypt(made, private(SENDER_PRIVATE), unb64url(AUTH))


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        ("x", AUTH),
        (BROWSER_PUBLIC, "x"),
        (b64url(b"\x04" + b"\x01" * 64), AUTH),
        ("*", AUTH),
        (BROWSER_PUBLIC[:-4], AUTH),
    ],
)
def test_keys_that_are_none_are_refused(p256dh, auth):
    with pytest.raises(BadPushKeyError):
        push_crypto.encrypt(PLAIN, p256dh, auth)


def test_too_long_a_message_is_refused():
    with pytest.raises(ValueError, match="at most"):
        push_crypto.encrypt(b"x" * 3994, BROWSER_PUBLIC, AUTH)
    assert len(push_crypto.encrypt(b"x" * 3993, BROWSER_PUBLIC, AUTH)) == 4096


def test_the_sender_proves_who_it_is():
    """RFC 8292: ES256 over header and claims, the key beside it."""
    key = private(SENDER_PRIVATE)
    header = push_crypto.vapid_header(key, "https://push.example", "mailto:shop@example.org", NOW)
    token, _, public = header.removeprefix("vapid t=").partition(", k=")
    head, claims, signature = (unb64url(part) for part in token.split("."))
    assert json.loads(head) == {"typ": "JWT", "alg": "ES256"}
    said = json.loads(claims)
    assert said["aud"] == "https://push.example"
    assert said["sub"] == "mailto:shop@example.org"
    assert 0 < said["exp"] - NOW.timestamp() <= 24 * 3600
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    signed = token.rpartition(".")[0].encode()
    key.public_key().verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    assert unb64url(public) == push_crypto.point_of(key.public_key())


@pytest.mark.parametrize(
    "endpoint",
    ["http://push.example/1", "https://user:pw@push.example/1", "https://push.example:8443/1", "https:///1", "ftp://x/",
     "https://[::1", "https://push.example/1#x", ""],
)  # fmt: skip
def test_what_is_no_push_address(endpoint):
    assert not is_https(endpoint)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "::1",
     "fe80::1%eth0", "fc00::1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "224.0.0.1", "ff02::1", "nonsense"],
)  # fmt: skip
def test_addresses_of_our_own_network_are_not_asked(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888"])
def test_addresses_of_the_open_internet_are(address):
    assert is_public(address)


async def test_one_private_address_among_public_ones_is_enough_to_refuse():
    async def find(host: str) -> list[str]:
        return ["8.8.8.8", "127.0.0.1"]

    sender = WebPush(private(SENDER_PRIVATE), "mailto:x@example.org", find=find)
    place = {"endpoint": "https://push.example/1", "p256dh": BROWSER_PUBLIC, "auth": AUTH}
    assert (await sender.send(place, {"text": "x"}, NOW))[0] is Sent.GONE


async def test_a_service_that_is_not_there_is_asked_again_later(free_port):
    port = free_port()

    async def find(host: str) -> list[str]:
        return [f"127.0.0.1:{port}".partition(":")[0]]

    sender = WebPush(private(SENDER_PRIVATE), "mailto:x@example.org", find=find, may_ask=lambda _: True)
    place = {"endpoint": "https://push.example/1", "p256dh": BROWSER_PUBLIC, "auth": AUTH}
    outcome, _ = await sender.send(place, {"text": "x"}, NOW)
    assert outcome is Sent.LATER


def test_what_a_status_means():
    assert {meaning(status) for status in (200, 201, 202)} == {Sent.SENT}
    assert {meaning(status) for status in (404, 410, 403, 400, 301)} == {Sent.GONE}
    assert {meaning(status) for status in (429, 500, 503)} == {Sent.LATER}


def test_the_relays_key_stays(tmp_path):
    first = push_key(tmp_path / "push_key.pem")
    assert push_key(tmp_path / "push_key.pem").private_numbers() == first.private_numbers()
    assert (tmp_path / "push_key.pem").stat().st_mode & 0o077 == 0


def test_base64_is_of_the_url_kind():
    assert base64.urlsafe_b64decode(b64url(bytes(range(256))) + "==") == bytes(range(256))
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED
