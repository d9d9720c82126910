"""A shopper collects their parcel: the code that they show, and how often anybody may guess one."""

import hashlib
import hmac
import re
from datetime import timedelta

from edge.bench import parcel as rows
from edge.bench.parcel import Parcel
from edge.bench.tasks import ScanResult
from edge.flows.fulfilment import Stage
from edge.journal.transaction import Transaction
from wire.plan import Text
from wire.values import format_time, parse_time

CODE = re.compile(r"(?:https?://[^\s#]{1,150}#collect=)?([0-9]{8})")
"""The code as the shopper's page shows it: eight digits, alone or behind the address in its QR code."""

COUNTER = "pickup_guesses"
GUESSES_MAX, REST = 5, timedelta(minutes=15)
"""Five wrong codes, then none counts for a quarter of an hour: with 10^8 codes nobody lives to guess one."""


def code_hash(parcel_id: str, code: str) -> str:
    """Return the hash by which the shop knows a parcel's code; it stands in the label that was ordered."""
    return hashlib.sha256(f"{parcel_id}.{code}".encode()).hexdigest()


def parcel_of_code(tx: Transaction, text: str) -> str:
    """Return the parcel that waits for this code, "" when none does."""
    found = CODE.fullmatch(text.strip())
    parcel = _fitting(tx, found[1]) if found else None
    return parcel.parcel_id if parcel else ""


def take_code(tx: Transaction, text: str) -> ScanResult | None:
    """Take a shopper's code; None when the text is none, or nothing waits to be collected."""
    found = CODE.fullmatch(text.strip())
    if found is None or not _waiting(tx):
        return None
    guesses, until = _guesses(tx)
    if guesses >= GUESSES_MAX:
        when = until.partition("T")[2][:5]
        words = Text(
            en=f"Too many wrong codes: none counts before {when} UTC. Ask the shopper to open their order",
            zh=f"错误次数过多：{when}（UTC）前不再接受取货码。请顾客打开订单页面",
        )
        return ScanResult(accepted=False, text=words)
    parcel = _fitting(tx, found[1])
    if parcel is None:
        _count(tx, guesses + 1)
        words = Text(en="No parcel here has this code", zh="这里没有包裹对应这个取货码")
        return ScanResult(accepted=False, text=words)
    _count(tx, 0)
    parcel.is_code_shown = True
    rows.save(tx, parcel, "code_shown")
    name = parcel.label["to"]["name"] if parcel.label else ""
    words = Text(
        en=f"Right code, {name}: now scan label {parcel.serial}", zh=f"取货码正确（{name}）：请扫标签 {parcel.serial}"
    )
    return ScanResult(accepted=True, text=words)


def must_show_code(tx: Transaction, parcel_id: str) -> bool:
    """Whether the parcel is collected and its code has not been shown."""
    parcel = rows.load(tx, parcel_id)
    return parcel is not None and parcel.is_pickup and not parcel.is_code_shown


def _waiting(tx: Transaction) -> list[Parcel]:
    return [one for one in rows.open_parcels(tx) if one.stage is Stage.READY and one.is_pickup]


def _fitting(tx: Transaction, code: str) -> Parcel | None:
    for parcel in _waiting(tx):
        known = str(parcel.label["pickup_sha256"]) if parcel.label else ""
        if hmac.compare_digest(code_hash(parcel.parcel_id, code), known):
            return parcel
    return None


def _guesses(tx: Transaction) -> tuple[int, str]:
    """Return how many wrong codes in a row count now, and until when (RFC 3339)."""
    row = tx.get("counters", COUNTER)
    if row is None or not row["until_at"] or tx.now >= parse_time(row["until_at"]):
        return 0, ""
    return int(row["value"]), str(row["until_at"])


def _count(tx: Transaction, guesses: int) -> None:
    until = format_time(tx.now + REST) if guesses else ""
    tx.put("counters", {"name": COUNTER, "value": guesses, "until_at": until}, "code_guessed", value=guesses)
