"""The reference a shopper writes on a transfer: ISO 11649, so that their own bank refuses a mistyped one. Pure."""

import re

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, which people take for 1, 1, 0 and V."""
BODY_CHARACTERS = 8
"""40 bits: of a million open references a guess meets one in a million tries, and needs its amount too."""
_SHAPE = re.compile(rf"(?=(RF\d\d[{ALPHABET}]{{{BODY_CHARACTERS}}}))")
_ACCOUNT = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")


def _mod97(text: str) -> int:
    """Return ISO/IEC 7064 MOD 97-10 over a text whose letters count as 10 (A) to 35 (Z)."""
    return int("".join(str(int(sign, 36)) for sign in text)) % 97


def make_reference(random_bytes: bytes) -> str:
    """Return `RF`, two check digits and eight characters made of the first five random bytes (ISO 11649, 5.2)."""
    number = int.from_bytes(random_bytes[:5], "big")
    body = "".join(ALPHABET[number >> shift & 31] for shift in range(35, -1, -5))
    return f"RF{98 - _mod97(f'{body}RF00'):02d}{body}"


def is_reference(text: str) -> bool:
    """Return whether the text is a creditor reference whose check digits fit (ISO 11649)."""
    is_shaped = re.fullmatch(r"RF\d\d[0-9A-Z]{1,21}", text) is not None
    return is_shaped and _mod97(text[4:] + text[:4]) == 1


def references_in(text: str) -> tuple[str, ...]:
    """Return every reference of ours in what a payer wrote, however they spaced it; mistyped ones are none."""
    plain = re.sub(r"[^0-9A-Z]", "", text.upper())
    return tuple(dict.fromkeys(one for one in _SHAPE.findall(plain) if is_reference(one)))


def grouped(code: str) -> str:
    """Return a reference or IBAN in groups of four, as people read and type it."""
    return " ".join(code[place : place + 4] for place in range(0, len(code), 4))


def clean_iban(text: str) -> str:
    """Return an IBAN without spaces; ValueError when length or check digits do not fit (ISO 13616)."""
    plain = re.sub(r"\s", "", text).upper()
    if _ACCOUNT.fullmatch(plain) is None or _mod97(plain[4:] + plain[:4]) != 1:
        raise ValueError("this IBAN cannot be right: its check digits do not fit")
    return plain


def clean_bic(text: str) -> str:
    """Return a BIC without spaces, or nothing for nothing; ValueError for what is none (ISO 9362)."""
    plain = re.sub(r"\s", "", text).upper()
    if plain and _BIC.fullmatch(plain) is None:
        raise ValueError("this BIC cannot be right: 8 or 11 letters and digits")
    return plain
