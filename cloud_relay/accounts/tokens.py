"""What is stored of the random tokens that people and programs bear: sign-ins, invitations."""

import hashlib


def hash_token(token: str) -> str:
    """Return what is stored of a random token; SHA-256 is enough for 256 bits of chance."""
    return hashlib.sha256(token.encode()).hexdigest()
