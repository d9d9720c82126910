"""A short name of a shop box, made from its public key: what the box prints and the relay compares. Pure."""

import hashlib

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LETTERS = 12
"""Twelve of 32 letters are 60 bits: no other key with the same name is found within the ten minutes of a claim."""


def box_code(public_key_der: bytes) -> str:
    """Return the name, as `K7Q4-M2X8-0ABC`, of the key with this SubjectPublicKeyInfo (RFC 5280, 4.1.2.7)."""
    number = int.from_bytes(hashlib.sha256(public_key_der).digest()[:8], "big") >> 4
    letters = "".join(ALPHABET[number >> shift & 31] for shift in range(55, -5, -5))
    return "-".join(letters[at : at + 4] for at in range(0, LETTERS, 4))


def plain_box_code(text: str) -> str:
    """Return a typed or scanned name in its one spelling, or "" for what is none."""
    letters = "".join(letter for letter in text.upper() if letter.isalnum())
    if len(letters) != LETTERS or any(letter not in ALPHABET for letter in letters):
        return ""
    return "-".join(letters[at : at + 4] for at in range(0, LETTERS, 4))
