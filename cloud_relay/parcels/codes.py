"""The addresses in a label's codes: GS1 Digital Link URIs (GS1 Digital Link 1.2, URI syntax) on our own host. Pure."""

import re
from urllib.parse import quote

from wire.values import BadValueError, Gtin, Sscc

SERIAL_PATTERN = re.compile(r"[!%-?A-Z_a-z\"]{1,20}")
"""AI 21: up to 20 characters of GS1 character set 82 (General Specifications figure 7.11-1)."""


def is_serial(text: str) -> bool:
    """Return whether `text` may stand behind AI 21."""
    return SERIAL_PATTERN.fullmatch(text) is not None


def goods_code(root: str, gtin: str, serial: str, listing_id: str) -> str:
    """Return the address of the goods: `/01/{gtin}/21/{serial}` with a GTIN, else the listing's page."""
    if not gtin:
        return f"{root}/l/{listing_id}"
    uri = f"{root}/01/{Gtin(gtin)}"
    return f"{uri}/21/{quote(serial, safe='')}" if is_serial(serial) else uri


def merchant_code(root: str, merchant_id: str) -> str:
    """Return the address of the merchant."""
    return f"{root}/m/{merchant_id}"


def parcel_code(root: str, parcel_id: str, sscc: str) -> str:
    """Return the address of the parcel: `/00/{sscc}` for merchants with a GS1 prefix, else `/p/{parcel_id}`."""
    return f"{root}/00/{Sscc(sscc)}" if sscc else f"{root}/p/{parcel_id}"


def same_code(scanned: str, parcel_id: str, sscc: str) -> bool:
    """Return whether a scanned or typed code is this parcel's: its address on any host, its SSCC, or its id alone."""
    text = scanned.strip().partition("?")[0].rstrip("/")
    tail = text.rsplit("/", 1)[-1]
    if tail == parcel_id:
        return True
    digits = tail.removeprefix("(00)")
    if len(digits) == 20 and digits.startswith("00"):
        digits = digits[2:]  # element string: AI and SSCC
    try:
        return bool(sscc) and Sscc(digits) == Sscc(sscc)
    except BadValueError:
        return False
