"""Viewing tickets: what the relay signs to the shop so that one browser may see one camera once. Pure but for
Ed25519.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from wire.codec import dump_bytes, from_base64url, from_json, load_bytes, to_base64url
from wire.envelope import BadSignatureError

TICKET_LIFE_S_MAX = 60
"""A ticket covers one offer on its way to the shop; a longer life would only serve whoever stole it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewingTicket:
    """The right to open one stream: single use (`nonce`), bound to the DTLS fingerprint that stands in the offer.

    `fingerprint` is `sha-256 AA:BB:…` as in SDP (RFC 8122 section 5). `may_steer` is False for spectators.
    """

    shop_id: str
    camera: str
    session_id: str
    fingerprint: str
    nonce: str
    issued_at: datetime
    life_s: int
    may_steer: bool = True


def sign_ticket(ticket: ViewingTicket, key_id: str, private_key: Ed25519PrivateKey) -> str:
    """Return the ticket as `key_id.payload.signature`, the last two base64url."""
    payload = dump_bytes(ticket)
    return f"{key_id}.{to_base64url(payload)}.{to_base64url(private_key.sign(payload))}"


def verify_ticket(text: str, public_keys: dict[str, Ed25519PublicKey], now: datetime) -> ViewingTicket:
    """Return the ticket if its signature, life and issue time hold at `now` (relay time); raise BadSignatureError.

    Whether shop, camera, session, fingerprint and nonce fit is the caller's to check: only it knows them.
    """
    parts = text.split(".")
    key = public_keys.get(parts[0])
    if len(parts) != 3 or key is None:
        raise BadSignatureError("ticket: not signed by a key that is pinned here")
    payload = from_base64url(parts[1], "ticket")
    try:
        key.verify(from_base64url(parts[2], "ticket"), payload)
    except InvalidSignature:
        raise BadSignatureError("ticket: the signature does not fit") from None
    ticket: ViewingTicket = from_json(ViewingTicket, load_bytes(payload))
    if not 0 < ticket.life_s <= TICKET_LIFE_S_MAX:
        raise BadSignatureError(f"ticket: a life of {ticket.life_s} s is not allowed")
    if not ticket.issued_at - timedelta(seconds=5) <= now < ticket.issued_at + timedelta(seconds=ticket.life_s):
        raise BadSignatureError("ticket: expired, or issued in the future; ask for a new one")
    return ticket
