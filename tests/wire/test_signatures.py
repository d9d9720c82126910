"""A command or ticket that was not signed by a pinned key, for this shop, as it stands, is never parsed further."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from wire import topics
from wire.codec import from_base64url, to_base64url
from wire.envelope import BadSignatureError, Envelope, decode_envelope, encode_envelope, sign_command, verify_command
from wire.reports import PictureKind, signed_picture
from wire.tickets import TICKET_LIFE_S_MAX, ViewingTicket, sign_ticket, verify_ticket
from wire.values import BadValueError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY, OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32)), Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
PINNED = {"k1": KEY.public_key()}
ENVELOPE = Envelope(id="cmd_1", source="relay-1", type="NoteForShop", time=NOW, shop_id="teahouse", data={"note": "壶"},
                    sequence=4, deadline_s=60.0)  # fmt: skip
TICKET = ViewingTicket(shop_id="teahouse", camera="front", session_id="s", fingerprint="sha-256 AA", nonce="n",
                       issued_at=NOW, life_s=30)  # fmt: skip


def test_a_signed_command_comes_back_whole():
    assert verify_command(sign_command(ENVELOPE, "k1", KEY), "teahouse", PINNED) == ENVELOPE
    assert decode_envelope(encode_envelope(ENVELOPE)) == ENVELOPE


def test_two_keys_hold_during_rotation():
    both = {**PINNED, "k2": OTHER.public_key()}
    assert verify_command(sign_command(ENVELOPE, "k2", OTHER), "teahouse", both) == ENVELOPE


@pytest.mark.parametrize(
    ("key_id", "key", "shop"), [("k1", OTHER, "teahouse"), ("k9", KEY, "teahouse"), ("k1", KEY, "studio")]
)
def test_wrong_key_unknown_key_and_another_shop_are_refused(key_id, key, shop):
    with pytest.raises(BadSignatureError):
        verify_command(sign_command(ENVELOPE, key_id, key), shop, PINNED)


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_flipped_bit_inside_gets_through(place, bit):
    outer = json.loads(sign_command(ENVELOPE, "k1", KEY))
    signed = bytearray(from_base64url(outer["signed"], "signed"))
    signed[place % len(signed)] ^= 1 << bit
    outer["signed"] = to_base64url(bytes(signed))
    with pytest.raises(BadSignatureError):
        verify_command(json.dumps(outer).encode(), "teahouse", PINNED)


def test_damage_outside_is_a_bad_value():
    for payload in (b"", b"[]", b'{"key_id":"k1"}', b'{"key_id":"k1","signed":"a","signature":"a"}'):
        with pytest.raises(BadValueError):
            verify_command(payload, "teahouse", PINNED)


@pytest.mark.parametrize(
    ("after_s", "holds"), [(-6, False), (-5, True), (0, True), (29.999, True), (30, False), (31, False)]
)
def test_a_ticket_lives_exactly_its_life(after_s, holds):
    text, moment = sign_ticket(TICKET, "k1", KEY), NOW + timedelta(seconds=after_s)
    if holds:
        assert verify_ticket(text, PINNED, moment) == TICKET
    else:
        with pytest.raises(BadSignatureError, match="expired"):
            verify_ticket(text, PINNED, moment)


@pytest.mark.parametrize("life_s", [0, -1, TICKET_LIFE_S_MAX + 1])
def test_a_ticket_of_another_life_is_refused(life_s):
    ticket = ViewingTicket(
        shop_id="t", camera="c", session_id="s", fingerprint="f", nonce="n", issued_at=NOW, life_s=life_s
    )
    with pytest.raises(BadSignatureError, match="life"):
        verify_ticket(sign_ticket(ticket, "k1", KEY), PINNED, NOW)


def test_forged_tickets_are_refused():
    text = sign_ticket(TICKET, "k1", KEY)
    for forged in (
        sign_ticket(TICKET, "k1", OTHER),
        sign_ticket(TICKET, "none", KEY),
        "",
        "k1",
        "k1.e30",
        "k1.e30.",
        text + ".x",
    ):
        with pytest.raises(BadValueError):
            verify_ticket(forged, PINNED, NOW)


def test_topics_name_shop_and_kind():
    assert topics.parse(topics.frame("teahouse", "s1")) == ("teahouse", "frame", "s1")
    assert topics.parse(topics.state("teahouse", "front")) == ("teahouse", "state", "front")
    for make, kind in (
        (topics.presence, "presence"),
        (topics.command, "command"),
        (topics.report, "report"),
        (topics.ack, "ack"),
    ):
        assert topics.parse(make("teahouse")) == ("teahouse", kind, "")
    for bad in ("v2/teahouse/report", "v1/teahouse", "v1/+/report", "v1/a/b/c/d", "$SYS/broker"):
        with pytest.raises(BadValueError):
            topics.parse(bad)
    with pytest.raises(BadValueError):
        topics.report("#")


def test_what_a_picture_signature_covers_is_frozen():
    signed = signed_picture("teahouse", "pcl_1", PictureKind.STILL, "ab", "2026-11-22T12:00:00.000Z", "cd")
    assert signed == b"vitrine-picture-1\nteahouse\npcl_1\nstill\nab\n2026-11-22T12:00:00.000Z\ncd"
