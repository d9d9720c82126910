"""Admits one stream for one ticket: signature, life, shop, camera, session, the browser's fingerprint, single use."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.viewing.ports import Clock, Nonces, ViewingRefusedError
from wire.tickets import TICKET_LIFE_S_MAX, ViewingTicket, verify_ticket
from wire.values import BadValueError

NONCES_MAX = 10_000
"""More tickets than any relay signs for one shop within a ticket's life."""


class NoncesInMemory:
    """Used nonces of one run; the journal's memory is the better one, as it outlives a restart."""

    def __init__(self) -> None:
        self._used: dict[str, datetime] = {}

    async def use_nonce(self, nonce: str, until_at: datetime) -> bool:
        """Note a nonce as used; False when it was."""
        if nonce in self._used:
            return False
        self._used[nonce] = until_at
        while len(self._used) > NONCES_MAX:
            self._used.pop(next(iter(self._used)))
        return True


def fingerprints_of(offer_sdp: str) -> set[str]:
    """Return every DTLS fingerprint of an offer as `sha-256 AA:BB…` (RFC 8122 section 5: hash names ignore case)."""
    found = re.findall(r"^a=fingerprint:[ \t]*(\S+)[ \t]+(\S+)[ \t]*\r?$", offer_sdp, re.MULTILINE)
    return {f"{name.lower()} {value.upper()}" for name, value in found}


class Admission:
    """Judges tickets. Whatever is wrong with one, the answer is `bad_ticket`: a forger learns nothing from it."""

    def __init__(self, relay_keys: Callable[[], Mapping[str, Ed25519PublicKey]], clock: Clock, nonces: Nonces) -> None:
        self._relay_keys = relay_keys
        self._clock = clock
        self._nonces = nonces

    async def admit(
        self, text: str, *, shop_id: str, camera: str, session_id: str, offer_sdp: str | None = None
    ) -> ViewingTicket:
        """Return the ticket and burn it; with an offer its fingerprint must be the ticket's.

        Raises ViewingRefusedError. A ticket shown by the wrong browser is not burnt: else a thief could spoil what they
        cannot use.
        """
        now = self._clock.relay_now()
        if now is None:
            raise ViewingRefusedError("clock_unknown", "relay time is not known yet: no ticket can be judged")
        try:
            ticket = verify_ticket(text, dict(self._relay_keys()), now)
        except BadValueError as error:
            raise ViewingRefusedError("bad_ticket", str(error)) from None
        if (ticket.shop_id, ticket.camera, ticket.session_id) != (shop_id, camera, session_id):
            raise ViewingRefusedError("bad_ticket", "ticket: made out for another shop, camera or session")
        name, _, value = ticket.fingerprint.partition(" ")
        if offer_sdp is not None and fingerprints_of(offer_sdp) != {f"{name.lower()} {value.upper()}"}:
            raise ViewingRefusedError("bad_ticket", "ticket: made out for another browser's fingerprint")
        if not await self._nonces.use_nonce(ticket.nonce, now + timedelta(seconds=TICKET_LIFE_S_MAX + 10)):
            raise ViewingRefusedError("bad_ticket", "ticket: used before")
        return ticket
