"""A shopper's own code for the counter: who they are, proved by our key; the shop only passes it on. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

HEAD = "vs1"
PROOF_BYTES = 15
"""120 bits: nobody guesses the code of somebody else's account."""


def code_of(account_id: str, key: bytes) -> str:
    """Return the text of a shopper's code."""
    return f"{HEAD}.{account_id}.{_proof(account_id, key)}"


def account_of(code: str, keys: Sequence[bytes]) -> str | None:
    """Return whose code this is, by any of our keys; None for none, or one that is not ours."""
    head, _, rest = code.partition(".")
    account_id, _, proof = rest.partition(".")
    is_ours = any(hmac.compare_digest(proof.encode(), _proof(account_id, key).encode()) for key in keys)
    return account_id if head == HEAD and is_ours else None


def _proof(account_id: str, key: bytes) -> str:
    made = hmac.new(key, f"{HEAD}.{account_id}".encode(), hashlib.sha256).digest()[:PROOF_BYTES]
    return base64.urlsafe_b64encode(made).decode()
