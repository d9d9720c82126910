"""A sale at the counter as the journal keeps it, and the newest payment known of each terminal."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from edge.flows.counter_sale import FINAL, Stage
from edge.journal.transaction import Transaction
from wire.codec import from_json, to_json
from wire.counter import CounterLine
from wire.text import Text


@dataclass(slots=True, kw_only=True)
class Sale:
    """One sale. `device` is what was asked for the money, `way` cash, card or qr; `asked_minor` how much was asked.

    `before` is the terminal's newest payment before it was asked: what its answer is told apart from. `is_sensed`:
    the terminal was asked what became of it and could not tell, so a person must. `receipt_no` counts from 1 once paid.

    With `refund_of` it is the way back of that sale's money, by the same stages: asked means to be given back, paid
    means given back. `refunded_no` is the terminal's number of the payment that is reversed.

    `shoppers` are the codes of several at this sale, empty while it is one (`shopper_code`); `at_shopper` is the place
    in it of whom goods are for now, `whose` that of each line's. `joint_id` ties what they pay: with `part_no` from 1
    it is one share of `part_count`, at net prices. `promotion_id` and its title: by which the lines cost less.
    """

    sale_id: str
    stage: Stage = Stage.OPEN
    lines: tuple[CounterLine, ...] = ()
    currency: str = ""
    account_id: str = ""
    shopper_code: str = ""
    device: str = ""
    way: str = ""
    asked_minor: int = 0
    tendered_minor: int = 0
    before: tuple[int, ...] = (0, 0)
    payment_no: int = 0
    reason: str = ""
    is_sensed: bool = False
    how_known: str = ""
    terminal_id: str = ""
    trace_no: int = 0
    terminal_receipt_no: int = 0
    card_name: str = ""
    slip: tuple[str, ...] = ()
    receipt_no: int = 0
    paid_at: str = ""
    receipt: str = ""
    copies: int = 0
    refund_of: str = ""
    refunded_no: int = 0
    is_restocked: bool = False
    shoppers: tuple[str, ...] = ()
    at_shopper: int = 0
    whose: tuple[int, ...] = ()
    joint_id: str = ""
    part_no: int = 0
    part_count: int = 0
    promotion_id: str = ""
    promotion_title: Text = Text()

    @property
    def codes(self) -> tuple[str, ...]:
        """The code of every shopper at this sale, empty for one without; at least one."""
        return self.shoppers or (self.shopper_code,)

    @property
    def owners(self) -> tuple[int, ...]:
        """The place of each line's shopper; a sale of an earlier version knows of none."""
        return self.whose or (0,) * len(self.lines)

    @property
    def total_minor(self) -> int:
        """What all of it costs."""
        return sum(line.price_minor * line.quantity for line in self.lines)

    @property
    def is_open(self) -> bool:
        """Whether anything can still become of it."""
        return self.stage not in FINAL


def save(tx: Transaction, sale: Sale, kind: str, **facts: Any) -> None:
    """Write a sale and its chain entry; amounts and ids only stand there."""
    body = {part.name: to_json(getattr(sale, part.name)) for part in dataclasses.fields(sale)}
    row = {
        "sale_id": sale.sale_id,
        "stage": sale.stage.value,
        "is_open": int(sale.is_open),
        "receipt_no": sale.receipt_no,
        "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        "changed_at": tx.at,
    }
    tx.put("counter_sales", row, kind, stage=sale.stage.value, **facts)


def _sale(row: dict[str, Any]) -> Sale:
    made: Sale = from_json(Sale, json.loads(row["body"]))
    return made


def load(tx: Transaction, sale_id: str) -> Sale | None:
    """Return a sale, or None."""
    row = tx.get("counter_sales", sale_id)
    return _sale(row) if row else None


def open_sales(tx: Transaction) -> list[Sale]:
    """Return the sales that have not ended, oldest change first."""
    return [_sale(row) for row in tx.select("counter_sales", "is_open = 1", tail="order by changed_at, sale_id")]


def newest_paid(tx: Transaction, limit: int) -> list[Sale]:
    """Return the newest receipts, newest first."""
    rows = tx.select("counter_sales", "receipt_no > 0", tail=f"order by receipt_no desc limit {int(limit)}")
    return [_sale(row) for row in rows]


def refund_of(tx: Transaction, sale_id: str) -> Sale | None:
    """Return the refund of a sale that is under way or done, None when its money is still here."""
    rows = tx.select("counter_sales", "(is_open = 1 or receipt_no > 0) and instr(body, ?) > 0", (f'"{sale_id}"',))
    return next((sale for sale in map(_sale, rows) if sale.refund_of == sale_id), None)


def refund_state(tx: Transaction, sale_id: str) -> str:
    """Return what became of giving a sale back: "" nothing, runs or done."""
    found = refund_of(tx, sale_id)
    return "" if found is None else "runs" if found.is_open else "done"


_OF_DEVICE = "json_extract(body, '$.device') = ?"
_TERMINAL_NO = "json_extract(body, '$.terminal_receipt_no')"


def why_by_hand(tx: Transaction, paid: Sale) -> str:
    """Return why a terminal cannot be told which payment to reverse, "" when it can.

    A reversal names nothing but the terminal's receipt number (ZVT, BMP 87: four digits). It means another payment
    when the terminal has counted round to it again, or when another terminal stands at this address by now.
    """
    if not paid.terminal_receipt_no:
        return "no_number"
    again = f"receipt_no > ? and {_OF_DEVICE} and {_TERMINAL_NO} = ?"
    if tx.select("counter_sales", again, (paid.receipt_no, paid.device, paid.terminal_receipt_no), tail="limit 1"):
        return "number_again"
    told = f"receipt_no > 0 and {_OF_DEVICE} and {_TERMINAL_NO} > 0"
    newest = tx.select("counter_sales", told, (paid.device,), tail="order by receipt_no desc limit 1")
    return "other_terminal" if newest and _sale(newest[0]).terminal_id != paid.terminal_id else ""


def next_receipt_no(tx: Transaction) -> int:
    """Return the number of the next receipt; receipts are never deleted, so no number comes twice."""
    return int(tx.run("select coalesce(max(receipt_no), 0) from counter_sales")[0][0]) + 1


def known_mark(tx: Transaction, device: str) -> tuple[int, int] | None:
    """Return (receipt number, trace number) of the newest payment we know of this terminal; None: never asked."""
    row = tx.get("counter_marks", device)
    return (row["receipt_no"], row["trace_no"]) if row else None


def set_mark(tx: Transaction, device: str, receipt_no: int, trace_no: int) -> None:
    """Note the newest payment of a terminal."""
    tx.put("counter_marks", {"device": device, "receipt_no": receipt_no, "trace_no": trace_no}, "counter_mark")
