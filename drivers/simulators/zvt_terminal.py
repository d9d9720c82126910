"""A card terminal behind ZVT over TCP, and the shopper who holds a card to it.

Source: ZVT-Protocol PA00P015 revision 13.09 and PA00P016 (blocks without frame over TCP). Knows Registration 06 00,
Authorization 06 01, Reversal 06 30, Repeat Receipt 06 20, Status-Enquiry 05 01; everything else is answered 84 83.
It sends a block and waits for its acknowledgement before the next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from drivers.simulators.faults import FaultBoard
from drivers.simulators.plan import TerminalPlan
from drivers.simulators.port import Reply
from drivers.simulators.truth import TruthLog

GOOD, CANCELLED, SYSTEM_ERROR, NO_PAPER, NOT_POSSIBLE, REVERSED_ALREADY = 0x00, 0x6C, 0xFF, 0xCC, 0x83, 0xB4
NO_FUNDS, WRONG_CURRENCY, NOT_REGISTERED, PLEASE_WAIT = 0x71, 0x6F, 0x6B, 0x9C
INSERT_CARD, WAIT_FOR_BANK = 0x0A, 0x0E


@dataclass(slots=True)
class Booking:
    """One entry of the terminal's own journal."""

    kind: str
    amount_minor: int
    receipt_no: int
    trace_no: int
    result: int
    is_reversed: bool = False


class ZvtTerminal:
    """The terminal itself: what it has booked stays, whoever is connected."""

    def __init__(self, name: str, plan: TerminalPlan, truth: TruthLog, faults: FaultBoard) -> None:
        self.name = name
        self.plan = plan
        self.truth = truth
        self.faults = faults
        self.bookings: list[Booking] = []
        self.is_busy = False
        self._receipts = 0

    def session(self, reply: Reply) -> ZvtSession:
        """A till connects."""
        return ZvtSession(self, reply)

    async def shut_down(self) -> None:
        """Power off; what is under way is forgotten by the line."""

    def picture(self) -> dict[str, object]:
        """How it is, for people."""
        good = [one for one in self.bookings if one.result == GOOD]
        return {
            "bookings": len(good), "is_busy": self.is_busy,
            "taken_minor": sum(one.amount_minor for one in good if one.kind == "payment" and not one.is_reversed),
        }  # fmt: skip

    def book(self, kind: str, amount_minor: int, result: int) -> Booking:
        """Write an entry; a good one is money that moved."""
        self._receipts += 1
        entry = Booking(kind, amount_minor, self._receipts % 10_000, self._receipts % 1_000_000, result)
        self.bookings.append(entry)
        event = f"{kind}_booked" if result == GOOD else f"{kind}_declined"
        self.truth.write(
            self.name, event, amount_minor=amount_minor, receipt_no=entry.receipt_no, trace_no=entry.trace_no,
            result=f"{result:02X}",
        )  # fmt: skip
        return entry

    def break_off(self) -> None:
        """Its network goes and comes back."""
        self.faults.set(self.name, "unplugged")
        self.faults.clear(self.name, "unplugged")


class ZvtSession:
    """One connection: blocks in, blocks out, one command at a time."""

    def __init__(self, terminal: ZvtTerminal, reply: Reply) -> None:
        self._terminal = terminal
        self._reply = reply
        self._buffer = bytearray()
        self._to_send: deque[bytes] = deque()
        self._is_unheard = False
        self._is_registered = False
        self._card: asyncio.TimerHandle | None = None
        self._breaks_after_ack = False

    def received(self, data: bytes) -> None:
        self._buffer += data
        while (found := _split(self._buffer)) is not None:
            command, body, used = found
            del self._buffer[:used]
            self._obey(command, body)

    def lost(self) -> None:
        """The till went: a payment that waits for its card ends, one that is booked stays."""
        if self._card is not None:
            self._card.cancel()
            self._card = None
            self._terminal.truth.write(self._terminal.name, "payment_given_up")
        self._terminal.is_busy = False

    def _obey(self, command: bytes, body: bytes) -> None:
        if command[:1] in (b"\x80", b"\x84"):
            self._acknowledged()
            return
        act = {
            b"\x06\x00": self._register, b"\x06\x01": self._authorise, b"\x06\x30": self._reverse,
            b"\x06\x20": self._repeat, b"\x05\x01": self._tell_status, b"\x06\xb0": self._abort,
        }.get(command)  # fmt: skip
        if act is None:
            self._refuse(NOT_POSSIBLE)
        elif self._card is not None and command != b"\x06\xb0":
            self._refuse(PLEASE_WAIT)
        else:
            self._to_send.clear()
            self._is_unheard = False
            act(body)

    # one command each

    def _register(self, body: bytes) -> None:
        plan = self._terminal.plan
        if body[:3].hex() != plan.password or (len(body) >= 6 and int(body[4:6].hex()) != plan.currency_no):
            self._refuse(WRONG_CURRENCY)
            return
        self._is_registered = True
        self._terminal.truth.write(self._terminal.name, "registered", config=f"{body[3]:02X}")
        self._accept()
        currency = bytes.fromhex(f"{plan.currency_no:04d}")
        self._say(b"\x06\x0f", b"\x19\x00\x29" + bytes.fromhex(plan.terminal_id) + b"\x49" + currency)

    def _authorise(self, body: bytes) -> None:
        if not self._is_registered:
            self._refuse(NOT_REGISTERED)
            return
        if self._terminal.faults.is_on(self._terminal.name, "slip_paper_out"):
            self._refuse(NO_PAPER)
            return
        amount_minor = int(body[1:7].hex()) if body[:1] == b"\x04" and len(body) >= 7 else 0
        currency_no = int(body[8:10].hex()) if body[7:8] == b"\x49" else self._terminal.plan.currency_no
        if not amount_minor or currency_no != self._terminal.plan.currency_no:
            self._refuse(WRONG_CURRENCY)
            return
        self._terminal.truth.write(self._terminal.name, "payment_asked", amount_minor=amount_minor)
        self._terminal.is_busy = True
        self._accept()
        self._say(b"\x04\xff", bytes([INSERT_CARD, 0x01]))
        loop = asyncio.get_running_loop()
        self._card = loop.call_later(self._terminal.plan.card_s, self._card_is_there, amount_minor)

    def _card_is_there(self, amount_minor: int) -> None:
        self._card = None
        terminal, name = self._terminal, self._terminal.name
        if terminal.faults.strikes(name, "hang_up_unbooked") is not None:
            terminal.is_busy = False
            terminal.break_off()
            return
        self._say(b"\x04\xff", bytes([WAIT_FOR_BANK]))
        is_declined = terminal.faults.strikes(name, "declined") is not None
        entry = terminal.book("payment", amount_minor, NO_FUNDS if is_declined else GOOD)
        self._tell(entry)

    def _reverse(self, body: bytes) -> None:
        if not self._is_registered:
            self._refuse(NOT_REGISTERED)
            return
        receipt_no = int(body[4:6].hex()) if body[3:4] == b"\x87" and len(body) >= 6 else 0
        found = next((one for one in self._terminal.bookings if one.receipt_no == receipt_no), None)
        self._accept()
        if found is None or found.kind != "payment" or found.result != GOOD or found.is_reversed:
            self._say(b"\x06\x1e", bytes([REVERSED_ALREADY]))
            return
        found.is_reversed = True
        self._tell(self._terminal.book("reversal", found.amount_minor, GOOD))

    def _repeat(self, _body: bytes) -> None:
        self._accept()
        if not self._terminal.bookings:
            self._say(b"\x06\x1e", bytes([SYSTEM_ERROR]))
            return
        self._terminal.truth.write(self._terminal.name, "receipt_repeated")
        self._say(b"\x04\x0f", self._facts(self._terminal.bookings[-1]))
        self._say(b"\x06\x0f")

    def _tell_status(self, _body: bytes) -> None:
        self._accept()
        paper = self._terminal.faults.is_on(self._terminal.name, "slip_paper_out")
        self._say(b"\x06\x0f", bytes([PLEASE_WAIT if self._terminal.is_busy else NO_PAPER if paper else GOOD]))

    def _abort(self, _body: bytes) -> None:
        self._accept()
        if self._card is not None:
            self._card.cancel()
            self._card = None
            self._terminal.is_busy = False
            self._say(b"\x06\x1e", bytes([CANCELLED]))

    # speaking

    def _tell(self, entry: Booking) -> None:
        """Tell a booking and end the command."""
        terminal, name = self._terminal, self._terminal.name
        terminal.is_busy = False
        facts = self._facts(entry)
        self._breaks_after_ack = terminal.faults.strikes(name, "hang_up_booked") is not None
        for _ in range(1 if terminal.faults.strikes(name, "told_twice") is None else 2):
            self._say(b"\x04\x0f", facts)
        if entry.result == GOOD:
            self._say(b"\x06\x0f")
        else:
            self._say(b"\x06\x1e", bytes([entry.result]))

    def _facts(self, entry: Booking) -> bytes:
        plan = self._terminal.plan
        name = plan.card_name.encode("cp437") + b"\x00"
        return (
            b"\x27" + bytes([entry.result])
            + b"\x04" + bytes.fromhex(f"{entry.amount_minor:012d}")
            + b"\x0b" + bytes.fromhex(f"{entry.trace_no:06d}")
            + b"\x29" + bytes.fromhex(plan.terminal_id)
            + b"\x49" + bytes.fromhex(f"{plan.currency_no:04d}")
            + b"\x87" + bytes.fromhex(f"{entry.receipt_no:04d}")
            + b"\x8b" + bytes([0xF0 | len(name) // 10, 0xF0 | len(name) % 10]) + name
        )  # fmt: skip

    def _accept(self) -> None:
        self._reply(b"\x80\x00\x00")

    def _refuse(self, code: int) -> None:
        self._reply(bytes([0x84, code, 0x00]))

    def _say(self, command: bytes, body: bytes = b"") -> None:
        """Send a block, or keep it until the one before it was acknowledged."""
        self._to_send.append(command + bytes([len(body)]) + body)
        if not self._is_unheard:
            self._next()

    def _next(self) -> None:
        if self._to_send:
            self._is_unheard = True
            self._reply(self._to_send.popleft())

    def _acknowledged(self) -> None:
        if not self._is_unheard:
            return
        self._is_unheard = False
        if self._breaks_after_ack and self._to_send and self._to_send[0][:2] in (b"\x06\x0f", b"\x06\x1e"):
            self._to_send.clear()
            self._terminal.break_off()
            return
        self._next()


def _split(buffer: bytearray) -> tuple[bytes, bytes, int] | None:
    """Return the first whole block's command, body and size in bytes."""
    if len(buffer) < 3:
        return None
    at, size = 3, buffer[2]
    if size == 0xFF:
        if len(buffer) < 5:
            return None
        at, size = 5, int.from_bytes(buffer[3:5], "little")
    if len(buffer) < at + size:
        return None
    return bytes(buffer[:2]), bytes(buffer[at : at + size]), at + size
