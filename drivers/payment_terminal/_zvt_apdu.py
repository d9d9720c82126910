"""ZVT's bytes: blocks, numbers in BCD, and the data fields of what a terminal tells. Pure.

Source: ZVT-Protocol, PA00P015 revision 13.09, chapters 1 (APDU), 2.1 Registration (06 00), 2.2 Authorization (06 01),
2.2.6 Status-Information (04 0F), 3.7 Intermediate Status-Information (04 FF), "Summary of utilised BMPs"; the block
without further frame over TCP: PA00P016, "TCP/IP".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.payment_terminal import PaymentAsk, TerminalPayment

ACK = b"\x80\x00\x00"
"""Positive acknowledgement."""
NOT_POSSIBLE = b"\x84\x83\x00"
"""Negative acknowledgement, "function not possible": our answer to what we do not know."""

REGISTER, AUTHORISE, REVERSE, STATUS, REPEAT = b"\x06\x00", b"\x06\x01", b"\x06\x30", b"\x05\x01", b"\x06\x20"
COMPLETION, ABORT, STATUS_INFORMATION, INTERMEDIATE = b"\x06\x0f", b"\x06\x1e", b"\x04\x0f", b"\x04\xff"
PRINT_LINE, PRINT_BLOCK = b"\x06\xd1", b"\x06\xd3"

AMOUNT_MAX_MINOR = 10**12 - 1
"""Twelve BCD digits (BMP 04)."""

LENGTHS = {
    0x01: 1, 0x02: 1, 0x03: 1, 0x04: 6, 0x05: 1, 0x0B: 3, 0x0C: 3, 0x0D: 2, 0x0E: 2, 0x17: 2, 0x19: 1, 0x27: 1,
    0x29: 4, 0x2A: 15, 0x37: 3, 0x3A: 2, 0x3B: 8, 0x3D: 3, 0x49: 2, 0x87: 2, 0x88: 3, 0x8A: 1, 0x8C: 1, 0xA0: 1,
    0xAA: 3, 0xBA: 5, 0xD0: 1, 0xD2: 1, 0xD3: 1,
}  # fmt: skip
"""BMPs of fixed length, in bytes."""
LLVAR = frozenset({0x22, 0x23, 0x2D, 0x8B, 0xA7, 0xD1, 0xF0, *range(0xE1, 0xE9), *range(0xF1, 0xF9)})
"""BMPs that begin with two bytes Fx Fy: xy bytes follow."""
LLLVAR = frozenset({0x24, 0x2E, 0x3C, 0x60, 0x9A, 0xAF})
"""BMPs that begin with three such bytes."""
TLV = 0x06

NUMERIC = {
    "AED": 784, "ARS": 32, "AUD": 36, "BHD": 48, "BRL": 986, "CAD": 124, "CHF": 756, "CLP": 152, "CNY": 156,
    "COP": 170, "CZK": 203, "DKK": 208, "EGP": 818, "EUR": 978, "GBP": 826, "HKD": 344, "HUF": 348, "IDR": 360,
    "ILS": 376, "INR": 356, "JPY": 392, "KES": 404, "KRW": 410, "KWD": 414, "MAD": 504, "MXN": 484, "MYR": 458,
    "NGN": 566, "NOK": 578, "NZD": 554, "PEN": 604, "PHP": 608, "PKR": 586, "PLN": 985, "QAR": 634, "RON": 946,
    "SAR": 682, "SEK": 752, "SGD": 702, "THB": 764, "TND": 788, "TRY": 949, "TWD": 901, "UAH": 980, "USD": 840,
    "VND": 704, "ZAR": 710,
}  # fmt: skip
"""ISO 4217 letters and numbers; a terminal counts in each currency's own minor units."""

STEPS = {
    0x00: "wait", 0x01: "pin", 0x02: "pin", 0x04: "wait", 0x05: "remove", 0x0A: "card", 0x0B: "card", 0x0E: "wait",
    0x0F: "wait", 0x13: "pin", 0x17: "wait", 0x9C: "wait",
}  # fmt: skip
"""What an intermediate status asks of a person, of those that a shopper must see (chapter 3.7)."""

REASONS = {
    0x64: "card_unreadable", 0x6C: "cancelled", 0x6E: "card_blocked", 0x6F: "wrong_currency", 0x71: "no_funds",
    0x72: "card_unreadable", 0x7B: "card_expired", 0x9B: "no_bank", 0xA1: "no_bank", 0xA3: "no_bank",
    0xC3: "over_limit", 0xCC: "slip_paper_out", 0xF0: "day_not_closed",
}  # fmt: skip
"""Result codes that a person can do something about (chapter "Error-Messages"); every other one is `declined`."""


def reason(code: int) -> str:
    """Return our word for a result code other than 00."""
    return REASONS.get(code, "declined")


def to_bcd(number: int, size: int) -> bytes:
    """Return `size` bytes of packed BCD, high digit first; ValueError when the number does not fit."""
    if not 0 <= number < 100**size:
        raise ValueError(f"{number} does not fit {2 * size} digits")
    return bytes.fromhex(f"{number:0{2 * size}d}")


def from_bcd(data: bytes) -> int:
    """Return the number of packed BCD; ValueError for a byte that is none."""
    text = data.hex()
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text} is no BCD")
    return int(text)


def block(command: bytes, data: bytes = b"") -> bytes:
    """Return an APDU: two bytes command, length (FF and two bytes, low first, from 255 on), data."""
    if len(data) < 0xFF:
        return command + bytes([len(data)]) + data
    return command + b"\xff" + len(data).to_bytes(2, "little") + data


def encode_registration(password: int, currency: str, *, prints_here: bool) -> bytes:
    """Return Registration: the till controls payment and administration and wants to hear what happens meanwhile.

    The config byte (chapter 2.1): 08 intermediate status, 10 no amount typed at the terminal, 20 no administration
    there, 02 the till prints payment slips, 80 by lines that the terminal sends.
    """
    config = 0x08 | 0x10 | 0x20 | (0x82 if prints_here else 0)
    return block(REGISTER, to_bcd(password, 3) + bytes([config]) + to_bcd(NUMERIC[currency], 2))


def encode_authorisation(ask: PaymentAsk) -> bytes:
    """Return Authorization with amount (BMP 04) and currency (BMP 49); ValueError for what does not fit."""
    if not 0 < ask.amount_minor <= AMOUNT_MAX_MINOR:
        raise ValueError(f"amount {ask.amount_minor} must be 1…{AMOUNT_MAX_MINOR} minor units")
    if ask.currency not in NUMERIC:
        raise ValueError(f"currency {ask.currency!r} has no number here")
    return block(AUTHORISE, b"\x04" + to_bcd(ask.amount_minor, 6) + b"\x49" + to_bcd(NUMERIC[ask.currency], 2))


def encode_reversal(password: int, receipt_no: int) -> bytes:
    """Return Reversal (06 30) of the payment with this receipt number (BMP 87)."""
    return block(REVERSE, to_bcd(password, 3) + b"\x87" + to_bcd(receipt_no, 2))


def parse_bmps(data: bytes) -> dict[int, bytes]:
    """Return the data fields by number; ValueError for one that is unknown or cut short. The TLV container ends them.

    What follows the container stays unread: its inner tags differ from maker to maker and say nothing that we need.
    """
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        number, at = data[at], at + 1
        if number == TLV:
            break
        size, at = _size(number, data, at)
        if at + size > len(data):
            raise ValueError(f"field {number:02X} is cut short")
        found[number], at = data[at : at + size], at + size
    return found


def _size(number: int, data: bytes, at: int) -> tuple[int, int]:
    """Return a field's length and where its content begins."""
    if number in LENGTHS:
        return LENGTHS[number], at
    digits = 2 if number in LLVAR else 3 if number in LLLVAR else 0
    if not digits:
        raise ValueError(f"field {number:02X} is unknown")
    head = data[at : at + digits]
    if len(head) < digits or any(byte & 0x0F > 9 for byte in head):
        raise ValueError(f"field {number:02X} has no length")
    return int("".join(str(byte & 0x0F) for byte in head)), at + digits


@dataclass(slots=True)
class Told:
    """What a terminal said between a command and its end; a status information that comes twice counts once."""

    fields: Mapping[int, bytes] | None = None
    slip: list[str] = field(default_factory=list)

    @property
    def result_code(self) -> int | None:
        """Result of the newest status information (BMP 27), None before one came; one without the field is good."""
        return None if self.fields is None else self.fields.get(0x27, b"\x00")[0]

    def payment(self, *, is_paid: bool, reason: str = "") -> TerminalPayment:
        """Return what the terminal told of a payment."""
        fields = self.fields or {}
        return TerminalPayment(
            is_paid=is_paid,
            amount_minor=_number(fields, 0x04),
            receipt_no=_number(fields, 0x87),
            trace_no=_number(fields, 0x0B),
            terminal_id=fields.get(0x29, b"").hex(),
            card_name=fields.get(0x8B, b"").rstrip(b"\x00").decode("cp437", "replace")[:40],
            reason=reason,
            slip=tuple(self.slip),
        )


def _number(fields: Mapping[int, bytes], number: int) -> int:
    return from_bcd(fields[number]) if number in fields else 0


def parse_printed_line(data: bytes) -> str:
    """Return the text of Print Line (06 D1): one attribute byte, then the characters."""
    return data[1:].decode("cp437", "replace")


def parse_terminal_status(data: bytes) -> int:
    """Return the terminal's status code from the end of Status-Enquiry: an optional software version, then one byte."""
    if data[:1] == b"\xf0":
        size, at = _size(0xF0, data, 1)
        data = data[at + size :]
    return data[0] if data else 0
