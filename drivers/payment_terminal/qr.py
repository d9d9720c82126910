"""Payment by a QR code that the shopper scans; a person looks at the shop's account and says whether it came.

Source: EPC069-12 v3.1, "Quick Response Code: Guidelines to enable data capture for the initiation of a SCT", section
3.2 (lines of version 002, UTF-8) for `scheme = "epc"`; a wallet's own text for `scheme = "text"`.
Scale: simulated; the lines are compared with the guideline's, no bank's app was held before them.
"""

import re
from dataclasses import dataclass

from drivers.payment_terminal import PaymentAsk
from drivers.payment_terminal.none import HandTerminal

EPC_AMOUNT_MAX_MINOR = 99_999_999_999
"""EPC069-12: an amount from 0.01 to 999999999.99 euro."""

EPC_NAME_MAX = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class QrOptions:
    """Options of payment_terminal.qr."""

    scheme: str = "text"  # "epc" = a euro credit transfer by the shopper's bank app; "text" = the text below
    text: str = ""  # scheme text: what the code says, {amount} {currency} {reference} are filled in
    digits: int = 2  # scheme text: digits after the point in {amount}, as the wallet wants them
    name: str = ""  # scheme epc: the account's holder
    iban: str = ""  # scheme epc: the account
    bic: str = ""  # scheme epc: its bank; may be left out within the EEA

    def __post_init__(self) -> None:
        if self.scheme not in ("epc", "text"):
            raise ValueError('scheme must be "epc" or "text"')
        if self.scheme == "text" and not self.text:
            raise ValueError("text must be given with scheme text")
        if self.scheme == "epc" and not (is_iban(self.iban) and 0 < len(self.name) <= EPC_NAME_MAX):
            raise ValueError(f"scheme epc needs a name of at most {EPC_NAME_MAX} characters and a right iban")
        if not 0 <= self.digits <= 4:
            raise ValueError("digits must be 0…4")


def is_iban(text: str) -> bool:
    """Tell whether the check digits of an IBAN are right (ISO 13616: moved to the end, letters as 10…35, mod 97)."""
    iban = text.replace(" ", "").upper()
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", iban):
        return False
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1


def encode_epc(options: QrOptions, ask: PaymentAsk) -> str:
    """Return the lines of a credit transfer; ValueError for another currency or an amount out of range."""
    if ask.currency != "EUR":
        raise ValueError(f"an EPC code asks for euro, not {ask.currency}")
    if not 0 < ask.amount_minor <= EPC_AMOUNT_MAX_MINOR:
        raise ValueError(f"amount {ask.amount_minor} is out of an EPC code's range")
    amount = f"EUR{ask.amount_minor // 100}.{ask.amount_minor % 100:02d}"
    iban = options.iban.replace(" ", "").upper()
    lines = ("BCD", "002", "1", "SCT", options.bic, options.name, iban, amount, "", "", ask.reference)
    return "\n".join(lines)


def decimal_text(amount_minor: int, digits: int) -> str:
    """Return an amount with this many digits after the point."""
    if digits == 0:
        return str(amount_minor)
    return f"{amount_minor // 10**digits}.{amount_minor % 10**digits:0{digits}d}"


class QrPayment(HandTerminal):
    """A code on the page or the till's second screen; nothing here knows by itself whether the money came."""

    Options = QrOptions
    way = "qr"

    def __init__(self, options: QrOptions) -> None:
        self._qr_options = options

    def code_to_show(self, ask: PaymentAsk) -> str:
        options = self._qr_options
        if options.scheme == "epc":
            return encode_epc(options, ask)
        amount = decimal_text(ask.amount_minor, options.digits)
        filled = {"{amount}": amount, "{currency}": ask.currency, "{reference}": ask.reference}
        text = options.text
        for place, value in filled.items():
            text = text.replace(place, value)
        return text


DRIVER = QrPayment
