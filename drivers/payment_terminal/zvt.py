"""Card terminal that speaks ZVT over TCP: a payment is asked once, and an unknown end is asked of the terminal.

Source: ZVT-Protocol, PA00P015 revision 13.09, chapters 2.1, 2.2, 2.2.6, 2.2.9, 3.7 and the commands by their codes
(05 01, 06 20, 06 30); PA00P016 for TCP; the bytes are in `_zvt_apdu.py`. Scale: simulated; it reads the status
information of real terminals as Portalum.Zvt publishes it. Unproved against another whole implementation: none in pip
or npm speaks the terminal's side.
"""

import asyncio
from dataclasses import dataclass

from drivers.base import (
    AttendantNeededError,
    BadOptionsError,
    Condition,
    DeviceOfflineError,
    DeviceStatus,
    OutcomeUnknownError,
)
from drivers.payment_terminal import OnStep, PaymentAsk, PaymentTerminal, TerminalPayment, ignore_step
from drivers.payment_terminal import _zvt_apdu as zvt
from drivers.payment_terminal._zvt_apdu import Told
from drivers.transport import Pipe, after_sending, open_pipe, split_tcp

READY, BUSY = 0x00, 0x9C
"""Terminal status codes: ready; please wait, a booking runs."""

REASONS = {
    0xCC: "slip_paper_out", 0xF0: "day_not_closed", 0xB1: "terminal_full", 0xB2: "terminal_full",
    0x51: "terminal_not_set_up", 0xC2: "terminal_not_set_up", 0xDF: "terminal_out_of_order",
}  # fmt: skip
"""Status codes that a person must act on (chapter "Terminal Status Codes")."""

WRONG_PASSWORD_HINT = "compare password and currency with the terminal's own menu"  # noqa: S105  # a sentence, no secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ZvtOptions:
    """Options of payment_terminal.zvt."""

    address: str  # tcp://host:20007, the port set in the terminal's menu
    password: str = "0" * 6  # six digits, as set in the terminal's menu
    currency: str = "EUR"  # ISO 4217 letters of the terminal's one currency
    slips: str = "terminal"  # "terminal" = it prints card slips itself; "here" = it sends their lines to us
    timeout_s: float = 5.0  # no answer to a command for this long is silence
    pay_s: float = 180.0  # from the amount to the end of a payment, with a shopper who looks for a card

    def __post_init__(self) -> None:
        if not (len(self.password) == 6 and self.password.isascii() and self.password.isdigit()):
            raise ValueError("password must be six digits in quotes")
        if self.currency not in zvt.NUMERIC:
            raise ValueError(f"currency must be one of {', '.join(sorted(zvt.NUMERIC))}")
        if self.slips not in ("terminal", "here"):
            raise ValueError('slips must be "terminal" or "here"')
        split_tcp_or_value_error(self.address)


def split_tcp_or_value_error(address: str) -> None:
    """Raise ValueError for an address that is no tcp://host:port."""
    try:
        split_tcp(address)
    except BadOptionsError as error:
        raise ValueError(str(error)) from None


class ZvtTerminal(PaymentTerminal):
    """One terminal, registered to us: nobody types amounts on it, so each payment that it keeps is one we asked for."""

    Options = ZvtOptions

    def __init__(self, options: ZvtOptions) -> None:
        self._options = options
        self._password = int(options.password)
        self._pipe: Pipe | None = None

    async def open(self) -> None:
        options = self._options
        self._pipe = await open_pipe(options.address, timeout_s=options.timeout_s)
        register = zvt.encode_registration(self._password, options.currency, prints_here=options.slips == "here")
        ended, data, _told = await self._converse(register, options.timeout_s)
        if ended != zvt.COMPLETION:
            raise BadOptionsError(
                f"{options.address}: refuses to be registered ({data.hex()}); {WRONG_PASSWORD_HINT}", "settings"
            )

    async def close(self) -> None:
        """Let go of the line; a payment under way goes on at the terminal."""
        if self._pipe is not None:
            await self._pipe.close()

    async def status(self) -> DeviceStatus:
        ended, data, _told = await self._converse(
            zvt.block(zvt.STATUS, zvt.to_bcd(self._password, 3)), self._options.timeout_s
        )
        code = zvt.parse_terminal_status(data) if ended == zvt.COMPLETION else _result(data)
        if code == BUSY:
            return DeviceStatus(condition=Condition.BUSY, raw=f"{code:02X}")
        if code in REASONS:
            return DeviceStatus(condition=Condition.NEEDS_ATTENDANT, reason=REASONS[code], raw=f"{code:02X}")
        return DeviceStatus(condition=Condition.ONLINE, raw=f"{code:02X}")

    async def pay(self, ask: PaymentAsk, on_step: OnStep = ignore_step) -> TerminalPayment:
        if ask.currency != self._options.currency:
            raise AttendantNeededError(
                f"{self._options.address}: takes {self._options.currency}, not {ask.currency}", "wrong_currency"
            )
        command = zvt.encode_authorisation(ask)
        return await self._book(command, f"payment {ask.reference}", on_step)

    async def reverse(self, receipt_no: int) -> TerminalPayment:
        return await self._book(
            zvt.encode_reversal(self._password, receipt_no), f"reversal of receipt {receipt_no}", ignore_step
        )

    async def last_payment(self) -> TerminalPayment | None:
        """Ask for the newest receipt again (06 20); while a booking runs, wait for its end."""
        await self._until_idle()
        command = zvt.block(zvt.REPEAT, zvt.to_bcd(self._password, 3))
        ended, _data, told = await self._converse(command, self._options.timeout_s)
        if told.fields is None:
            if ended == zvt.COMPLETION:
                raise AttendantNeededError(
                    f"{self._options.address}: repeats its receipt without saying what it is", "not_told"
                )
            return None
        code = told.result_code or 0
        return told.payment(is_paid=code == 0, reason=zvt.reason(code) if code else "")

    async def _until_idle(self) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._options.pay_s
        while (await self.status()).condition is Condition.BUSY:
            if loop.time() > until_s:
                raise AttendantNeededError(f"{self._options.address}: is busy without end", "busy")
            await asyncio.sleep(0.5)

    async def _book(self, command: bytes, act: str, on_step: OnStep) -> TerminalPayment:
        """Send a command that moves money, once, and return how it ended.

        A good result that no completion follows, or that an abort follows, is unknown: the terminal takes a booking
        back by itself when it is not heard to the end.
        """
        where = self._options.address
        self._opened().check()
        with after_sending(where, act):
            ended, data, told = await self._converse(command, self._options.pay_s, on_step)
        code = told.result_code
        if ended == zvt.COMPLETION and code == 0:
            return told.payment(is_paid=True)
        if ended == zvt.COMPLETION and code is None:
            raise OutcomeUnknownError(f"{where}: ended {act} without a result; ask for its last receipt", "not_told")
        if code == 0:
            raise OutcomeUnknownError(
                f"{where}: booked {act} and broke it off ({data.hex()}); ask for its last receipt", "broken_off"
            )
        return told.payment(is_paid=False, reason=zvt.reason(code or _result(data)))

    async def _converse(self, command: bytes, end_s: float, on_step: OnStep = ignore_step) -> tuple[bytes, bytes, Told]:
        """Send a command and answer everything until its end: completion, abort or a negative acknowledgement.

        Returns the end's two command bytes, its data, and what was told on the way.
        """
        pipe, told = self._opened(), Told()
        pipe.drop_input()
        await pipe.write(command, self._options.timeout_s)
        loop = asyncio.get_running_loop()
        until_s, wait_s = loop.time() + end_s, self._options.timeout_s
        while True:
            head, data = await self._block(min(wait_s, max(0.01, until_s - loop.time())))
            if head[:1] == b"\x84" and head[1:] != b"\x00":
                return head, head[1:], told
            if head[:1] in (b"\x80", b"\x84"):
                wait_s = end_s
                continue
            await pipe.write(self._heard(head, data, told, on_step), self._options.timeout_s)
            if head in (zvt.COMPLETION, zvt.ABORT):
                return head, data, told

    def _heard(self, head: bytes, data: bytes, told: Told, on_step: OnStep) -> bytes:
        """Take in what the terminal said; return our acknowledgement."""
        if head == zvt.INTERMEDIATE:
            on_step(zvt.STEPS.get(data[0], "") if data else "")
        elif head == zvt.STATUS_INFORMATION:
            try:
                told.fields = zvt.parse_bmps(data)
                told.payment(is_paid=False)
            except ValueError as error:
                raise DeviceOfflineError(
                    f"{self._options.address}: status information makes no sense ({error})", "garbled"
                ) from None
        elif head == zvt.PRINT_LINE:
            told.slip.append(zvt.parse_printed_line(data))
        elif head not in (zvt.COMPLETION, zvt.ABORT, zvt.PRINT_BLOCK):
            return zvt.NOT_POSSIBLE
        return zvt.ACK

    async def _block(self, timeout_s: float) -> tuple[bytes, bytes]:
        """Return the next block's command bytes and data."""
        pipe = self._opened()
        head = await pipe.read_exactly(3, timeout_s)
        size = head[2]
        if head[:1] not in (b"\x04", b"\x06", b"\x80", b"\x84"):
            pipe.drop_input()
            raise DeviceOfflineError(f"{self._options.address}: {head.hex()} begins no ZVT block", "garbled")
        if size == 0xFF:
            size = int.from_bytes(await pipe.read_exactly(2, self._options.timeout_s), "little")
        return head[:2], await pipe.read_exactly(size, self._options.timeout_s) if size else b""

    def _opened(self) -> Pipe:
        if self._pipe is None:
            raise DeviceOfflineError(f"{self._options.address}: is not connected; check cable and power", "hang_up")
        return self._pipe


def _result(data: bytes) -> int:
    """Return the result code of an abort or of a negative acknowledgement; FF (system error) when it has none."""
    return data[0] if data else 0xFF


DRIVER = ZvtTerminal
