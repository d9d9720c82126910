"""Money without a database: the chart of ledger accounts, splitting by largest remainder. Pure."""

from dataclasses import dataclass

from wire.sharing import share_out
from wire.values import BadValueError

PPM = 1_000_000
"""Shares are parts per million."""

ESCROW, DISPUTE, PAYABLE, RESERVE, POT = "escrow", "dispute", "payable", "reserve", "pot"
TILL, TAKEN, DUE, SUSPENSE, REBATE = "till", "taken", "due", "suspense", "rebate"
CHART = frozenset(
    {"psp", ESCROW, PAYABLE, RESERVE, "fees", "tax", "loss", POT, DISPUTE, TILL, TAKEN, DUE, SUSPENSE, REBATE}
)
"""First word of each ledger account; all but `loss` are followed by `:` and whose it is.

A credit raises an account, a debit lowers it.
"""
NEVER_NEGATIVE = frozenset({ESCROW, DISPUTE, PAYABLE, RESERVE, POT, "fees", "tax", TAKEN, SUSPENSE, REBATE})
"""Only the outside world (`psp`, `till`), what a merchant owes (`due`) and `loss` may be below zero."""
MINOR_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "BHD": 3, "KWD": 3, "TND": 3}
"""ISO 4217 minor units where they are not 2."""
AMOUNT_MAX = 10**15
"""Largest amount of one posting in minor units; far above any sale and far below 64 bits."""


class LedgerError(ValueError):
    """A transfer that must not be posted: nothing is written. It is a bug or an attack, never a person's mistake."""


@dataclass(frozen=True, slots=True)
class Posting:
    """`amount_minor` minor units (ISO 4217) leave `debit` and reach `credit`."""

    debit: str
    credit: str
    amount_minor: int


def psp(provider: str) -> str:
    """Return the ledger account that mirrors a payment provider: minus what it holds for us."""
    return f"psp:{provider}"


def escrow(order_id: str) -> str:
    """Return the ledger account of one order's held money; one each, so no two payments share a row."""
    return f"{ESCROW}:{order_id}"


def dispute(order_id: str) -> str:
    """Return the ledger account where held money stands while it is disputed, out of every timer's reach."""
    return f"{DISPUTE}:{order_id}"


def payable(merchant_id: str) -> str:
    """Return what the market owes a merchant."""
    return f"{PAYABLE}:{merchant_id}"


def reserve(merchant_id: str) -> str:
    """Return what is kept back of a merchant's money."""
    return f"{RESERVE}:{merchant_id}"


def fees(market: str) -> str:
    """Return the market's commission."""
    return f"fees:{market}"


def tax(market: str) -> str:
    """Return the tax on the market's commission, owed to the state."""
    return f"tax:{market}"


def till(shop_id: str, paid_by: str) -> str:
    """Return the ledger account that mirrors the money in a shop's own hands, by way: minus what it took there."""
    return f"{TILL}:{shop_id}/{paid_by}"


def taken(merchant_id: str) -> str:
    """Return what a merchant took at its own counters, less what it gave back there; the market never held it."""
    return f"{TAKEN}:{merchant_id}"


def due(merchant_id: str) -> str:
    """Return what a merchant owes the market for such sales: minus that amount."""
    return f"{DUE}:{merchant_id}"


def suspense(provider: str) -> str:
    """Return where money stands that arrived and is not an order's yet: until it is matched, sent back or explained."""
    return f"{SUSPENSE}:{provider}"


def pot(market: str) -> str:
    """Return what pays rebates in a market: fed by settled commissions alone, never seeded."""
    return f"{POT}:{market}"


def rebate(market: str, account_id: str) -> str:
    """Return what a shopper was given back in a market and has not withdrawn."""
    return f"{REBATE}:{market}/{account_id}"


LOSS = "loss"
_AT_COUNTER, _RELEASE = "counter:", "release:"


def counter_reference(sale_id: str) -> str:
    """Return the reference of the transfer that books a counter sale; its commission is owed first, paid later."""
    return f"{_AT_COUNTER}{sale_id}"


def charge_back_reference(payment_id: str) -> str:
    """Return the reference of the transfer that books what the bank took back of a charge."""
    return f"charge_back:{payment_id}"


def release_reference(order_id: str) -> str:
    """Return the reference of the transfer that releases an order's money."""
    return f"{_RELEASE}{order_id}"


def source_of(reference: str) -> tuple[bool, str]:
    """Return (whether a counter sale's, the sale or order) of a reference of either."""
    kind, _, name = reference.partition(":")
    return f"{kind}:" == _AT_COUNTER, name


def check_postings(postings: list[Posting]) -> None:
    """Raise LedgerError unless each posting moves a whole positive amount between two different known accounts."""
    if not postings:
        raise LedgerError("transfer: has no posting")
    for posting in postings:
        amount = posting.amount_minor
        if type(amount) is not int or not 0 < amount <= AMOUNT_MAX:
            raise LedgerError(f"posting: amount {amount!r} must be a whole number from 1 to {AMOUNT_MAX}")
        if posting.debit == posting.credit:
            raise LedgerError(f"posting: {posting.debit} on both sides moves nothing")
        for account in (posting.debit, posting.credit):
            kind, colon, owner = account.partition(":")
            if kind not in CHART or bool(colon and owner) is (kind == LOSS):
                raise LedgerError(f"posting: {account!r} is no ledger account of the chart")


def split(amount_minor: int, weights: list[int]) -> list[int]:
    """Return `wire.sharing.share_out`; LedgerError where it cannot be."""
    try:
        return share_out(amount_minor, weights)
    except BadValueError as error:
        raise LedgerError(f"split: {error}") from None


def release_parts(amount_minor: int, commission_ppm: int, tax_ppm: int) -> tuple[int, int, int]:
    """Return (to the merchant, commission, tax on the commission) of held money that is released.

    `tax_ppm` is the tax inside the commission: of a commission of 100 with 60 000 ppm, 94 are the market's, 6 the tax.
    """
    tax_weight = commission_ppm * tax_ppm
    weights = [(PPM - commission_ppm) * PPM, commission_ppm * PPM - tax_weight, tax_weight]
    merchant, commission, levy = split(amount_minor, weights)
    return merchant, commission, levy
