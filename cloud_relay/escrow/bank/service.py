"""Use cases of the bank account: take a statement in, decide on an entry, make a payment file. One transaction each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cloud_relay import put_back
from cloud_relay.escrow import ledger, rules
from cloud_relay.escrow.bank import book
from cloud_relay.escrow.bank.book import BankEntry, BankTransfer
from cloud_relay.escrow.bank.matching import WAITING, EntryState, Fit, fit
from cloud_relay.escrow.bank.payment_file import Account, Transfer, payment_file
from cloud_relay.escrow.bank.references import clean_bic, clean_iban, make_reference, references_in
from cloud_relay.escrow.bank.statements import Statement
from cloud_relay.escrow.providers.base import Outcome, OutcomeState
from cloud_relay.escrow.rules import Posting
from cloud_relay.notices import service as notices
from cloud_relay.refusals import RefusedError
from wire.values import BadValueError, clean_text, new_id

NAME = "bank_transfer"
"""The provider's name; its ledger accounts are psp:bank_transfer and suspense:bank_transfer."""
PSP, SUSPENSE = rules.psp(NAME), rules.suspense(NAME)
Tell = Callable[[Connection, BankTransfer, Outcome], None]
"""Told, in the same transaction, what became of a charge, refund or payout."""
Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every use case here needs: our own account, when it is, who is told, where chance comes from."""

    own: Account
    currency: str
    minor_digits: int
    now: datetime
    tell: Tell
    random: Random


def take_statement(connection: Connection, desk: Desk, statement: Statement, name: str, by: str) -> dict[str, int]:
    """Take in what a statement shows and nobody has shown yet; return how many entries it had, were new, wait.

    RefusedError for another account's statement. Importing one twice, or two that overlap by whole days, adds nothing;
    what a statement in another format may have shown already waits for a person and is not booked until then.
    """
    if statement.iban and statement.iban != desk.own.iban:
        raise RefusedError("other_account", "This statement is of another account", "该对账单属于其他账户", 422)
    statement_id, account = new_id("stm"), desk.own.iban
    found = [book.add_entry(connection, statement_id, one, account, desk.now) for one in statement.entries]
    fresh = [one for one in found if one is not None]
    book.add_statement(
        connection, statement_id, name=name[:120], iban=statement.iban, entries=len(found), new_entries=len(fresh),
        imported_at=desk.now, imported_by=by,
    )  # fmt: skip
    for one in fresh:
        if book.may_be_known(connection, statement_id, one):
            _put(connection, one, EntryState.REPEATED, left=0)
        else:
            _book(connection, desk, one)
    send_back_ended(connection, desk)
    left = [book.find_entry(connection, one.entry_id) for one in fresh]
    waiting = sum(one is not None and one.state in WAITING for one in left)
    if waiting:
        notices.notify(
            connection, notices.operators(connection), "bank_waits", "/operator/bank", desk.now, count=str(waiting)
        )
    return {"entries": len(found), "new": len(fresh), "waiting": waiting}


def _book(connection: Connection, desk: Desk, entry: BankEntry) -> None:
    _take_in(connection, desk, entry) if entry.amount_minor > 0 else _take_out(connection, desk, entry)


def _take_in(connection: Connection, desk: Desk, entry: BankEntry) -> None:
    """Book money that came: first into suspense, whatever it is; then on to its order if it is one's whole amount."""
    line = Posting(PSP, SUSPENSE, entry.amount_minor)
    ledger.post(connection, f"bank_in:{entry.entry_id}", "bank_in", [line], desk.now, currency=entry.currency)
    found = book.find_by_references(connection, references_in(f"{entry.text} {entry.end_to_end_id}"))
    known = found[0] if len(found) == 1 else None  # two references in one transfer: a person says which
    if known is None or known.currency != entry.currency:
        _put(connection, entry, EntryState.UNKNOWN, left=entry.amount_minor)
    elif known.kind != book.CHARGE:
        _put(connection, entry, EntryState.CAME_BACK, left=entry.amount_minor, payment_id=known.payment_id)
    else:
        _join(connection, desk, entry, known, entry.amount_minor)


def _put(connection: Connection, entry: BankEntry, state: EntryState, *, left: int, payment_id: str = "") -> None:
    named = {"payment_id": payment_id} if payment_id else {}
    book.save_entry(connection, entry.entry_id, state=state.value, left_minor=left, **named)


def _join(connection: Connection, desk: Desk, entry: BankEntry, charge: BankTransfer, amount_minor: int) -> Fit:
    """Give an entry's money to the order that its reference names, if that completes it; say how it fits."""
    earlier = [one for one in book.short_entries(connection, charge.payment_id) if one.entry_id != entry.entry_id]
    so_far = sum(one.left_minor for one in earlier)
    is_settled = charge.state == book.SUCCEEDED
    how, surplus = fit(charge.amount_minor, so_far, amount_minor, is_settled=is_settled)
    if how is Fit.SHORT:
        _put(connection, entry, EntryState.SHORT, left=amount_minor, payment_id=charge.payment_id)
    elif how is Fit.DOUBLED:
        _put(connection, entry, EntryState.DOUBLED, left=amount_minor, payment_id=charge.payment_id)
        _send_back_known(connection, desk, entry.entry_id)
    else:
        for one in earlier:
            _leave_suspense(connection, desk, one, charge, one.left_minor)
            _put(connection, one, EntryState.MATCHED, left=0)
        _leave_suspense(connection, desk, entry, charge, amount_minor - surplus)
        state = EntryState.SURPLUS if surplus else EntryState.MATCHED
        _put(connection, entry, state, left=surplus, payment_id=charge.payment_id)
        _settle_charge(connection, desk, charge, entry)
        if surplus:
            _send_back_known(connection, desk, entry.entry_id)
    return how


def _leave_suspense(
    connection: Connection, desk: Desk, entry: BankEntry, charge: BankTransfer, amount_minor: int
) -> None:
    line = Posting(SUSPENSE, PSP, amount_minor)
    reference = f"bank_joined:{entry.entry_id}:{charge.payment_id}"
    ledger.post(connection, reference, "bank_joined", [line], desk.now, currency=entry.currency)


def _settle_charge(connection: Connection, desk: Desk, charge: BankTransfer, entry: BankEntry) -> None:
    values = {"state": book.SUCCEEDED, "entry_id": entry.entry_id, "holder": entry.name, "iban": entry.iban}
    book.save_transfer(connection, charge.payment_id, desk.now, **values)
    desk.tell(connection, charge, _succeeded(charge))


def _succeeded(transfer: BankTransfer) -> Outcome:
    return Outcome(
        state=OutcomeState.SUCCEEDED, amount_minor=transfer.amount_minor, currency=transfer.currency,
        provider_reference=transfer.reference,
    )  # fmt: skip


def _take_out(connection: Connection, desk: Desk, entry: BankEntry) -> None:
    """Book money that left: a transfer of ours by its reference and exact amount; else a cost nobody explained yet."""
    if entry.amount_minor == 0:
        return
    found = book.find_by_references(connection, references_in(f"{entry.end_to_end_id} {entry.text}"))
    ours = [
        one
        for one in found
        if one.kind != book.CHARGE
        and one.state in (book.AWAITED, book.SENT)
        and (one.amount_minor, one.currency) == (-entry.amount_minor, entry.currency)
    ]
    if len(ours) != 1:
        line = Posting(rules.LOSS, PSP, -entry.amount_minor)
        ledger.post(connection, f"bank_in:{entry.entry_id}", "bank_in", [line], desk.now, currency=entry.currency)
        _put(connection, entry, EntryState.UNEXPLAINED, left=0)
        return
    out = ours[0]
    book.save_transfer(connection, out.payment_id, desk.now, state=book.SUCCEEDED)
    _put(connection, entry, EntryState.MATCHED, left=0, payment_id=out.payment_id)
    if out.kind == book.RETURN:
        _returned(connection, desk, out)
    else:
        desk.tell(connection, out, _succeeded(out))


def _returned(connection: Connection, desk: Desk, out: BankTransfer) -> None:
    line = Posting(SUSPENSE, PSP, out.amount_minor)
    ledger.post(connection, f"bank_returned:{out.payment_id}", "bank_returned", [line], desk.now, currency=out.currency)
    source = book.find_entry(connection, out.entry_id or "")
    if source is not None:
        book.save_entry(connection, source.entry_id, state=EntryState.SENT_BACK.value, left_minor=0)


def send_back_ended(connection: Connection, desk: Desk) -> int:
    """Send back what came short for orders that are over; return how many entries that were."""
    found = book.short_of_ended_orders(connection)
    return sum(_send_back_known(connection, desk, one.entry_id) for one in found)


def _send_back_known(connection: Connection, desk: Desk, entry_id: str) -> bool:
    """Send an entry's rest back to where it came from; False where the bank did not say from where."""
    entry = book.find_entry(connection, entry_id)
    if entry is None or not entry.iban or entry.left_minor <= 0:
        return False
    _start_return(connection, desk, entry, Account(holder=entry.name, iban=entry.iban))
    return True


def _start_return(connection: Connection, desk: Desk, entry: BankEntry, to: Account) -> None:
    book.add_transfer(
        connection, new_id("ret"), book.RETURN, desk.now, reference=make_reference(desk.random(5)),
        amount_minor=entry.left_minor, currency=entry.currency, holder=to.holder or "-", iban=to.iban, bic=to.bic,
        entry_id=entry.entry_id,
    )  # fmt: skip
    book.save_entry(connection, entry.entry_id, state=EntryState.GOING_BACK.value)


def decide(
    connection: Connection, desk: Desk, entry_id: str, deed: str, by: str, *, order: str = "", holder: str = "",
    iban: str = "", reason: str = "",
) -> dict[str, str]:  # fmt: skip
    """Carry out an operator's decision on an entry that waits; RefusedError for one that does not, or does not fit.

    `assign` to an order, `send_back`, `keep` as the market's own, `credit` to the merchant whose payout came back,
    `seen` for a cost that is explained or a booking that another import has, `book` for one that is more. Each needs
    a reason where it moves money to or from the market itself.
    """
    entry = book.find_entry(connection, entry_id)
    if entry is None:
        raise RefusedError("not_found", "Not found", "没有找到", 404)
    if entry.state not in WAITING:
        raise RefusedError("decided", "This entry is decided already", "该笔款项已处理")
    _DEEDS[deed](connection, desk, entry, order=order, holder=holder, iban=iban, reason=reason)
    book.save_entry(connection, entry_id, decided_by=by, decided_at=desk.now, reason=reason.strip())
    after = book.find_entry(connection, entry_id)
    assert after is not None
    return {"entry_id": entry_id, "state": after.state}


def _assign(connection: Connection, desk: Desk, entry: BankEntry, *, order: str, **_rest: str) -> None:
    _require_money(entry)
    charges = [one for one in book.charges_of(connection, order) if one.currency == entry.currency]
    if len({one.order_id for one in charges}) != 1:
        raise RefusedError(
            "no_such_order", "No order waits for a transfer under this number", "没有等待转账的订单使用此编号", 422
        )
    _join(connection, desk, entry, charges[0], entry.left_minor)


def _send_back(connection: Connection, desk: Desk, entry: BankEntry, *, holder: str, iban: str, **_rest: str) -> None:
    _require_money(entry)
    to = clean_account(holder or entry.name or "-", iban or entry.iban)
    _start_return(connection, desk, entry, to)


def _keep(connection: Connection, desk: Desk, entry: BankEntry, *, reason: str, **_rest: str) -> None:
    _require_money(entry)
    _require_reason(reason)
    line = Posting(SUSPENSE, rules.LOSS, entry.left_minor)
    ledger.post(connection, f"bank_kept:{entry.entry_id}", "bank_kept", [line], desk.now, currency=entry.currency)
    _put(connection, entry, EntryState.KEPT, left=0)


def _credit(connection: Connection, desk: Desk, entry: BankEntry, **_rest: str) -> None:
    out = book.find_transfer(connection, entry.payment_id or "")
    is_returned_payout = entry.state == EntryState.CAME_BACK and out is not None and out.kind == book.PAYOUT
    if out is None or not is_returned_payout or entry.left_minor > out.amount_minor:
        raise RefusedError("no_payout", "This is no payout that came back", "这不是被退回的提现", 422)
    line = Posting(SUSPENSE, rules.payable(out.merchant_id or ""), entry.left_minor)
    ledger.post(connection, f"bank_credited:{entry.entry_id}", "bank_credited", [line], desk.now, currency=out.currency)
    _put(connection, entry, EntryState.CREDITED, left=0)


def _seen(connection: Connection, _desk: Desk, entry: BankEntry, *, reason: str, **_rest: str) -> None:
    if entry.state == EntryState.REPEATED:
        _require_reason(reason)
        _put(connection, entry, EntryState.SAME, left=0)
        return
    if entry.state != EntryState.UNEXPLAINED:
        raise RefusedError("needs_more", "This money needs a place to go", "这笔款项需要确定去向", 422)
    _require_reason(reason)
    _put(connection, entry, EntryState.SEEN, left=0)


def _book_after_all(connection: Connection, desk: Desk, entry: BankEntry, **_rest: str) -> None:
    if entry.state != EntryState.REPEATED:
        raise RefusedError("booked", "This entry is booked already", "该笔款项已入账", 422)
    # the ledger has it from now on, and the day's comparison looks at when an entry was taken in
    book.save_entry(connection, entry.entry_id, state=EntryState.SEEN.value, imported_at=desk.now)
    _book(connection, desk, entry)


_DEEDS: dict[str, Callable[..., None]] = {
    "assign": _assign, "send_back": _send_back, "keep": _keep, "credit": _credit, "seen": _seen,
    "book": _book_after_all,
}  # fmt: skip


def _require_money(entry: BankEntry) -> None:
    if entry.left_minor <= 0:
        raise RefusedError("no_money", "Nothing of this entry is left to decide on", "该笔款项没有余额可处理", 422)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise RefusedError("reason_missing", "Say why, for the books", "请填写理由，以备查账", 422)


def clean_account(holder: str, iban: str, bic: str = "") -> Account:
    """Return an account whose numbers can be right; BadValueError names the field and why."""
    try:
        name = clean_text(holder, "holder", 70)
        return Account(holder=name, iban=clean_iban(iban), bic=clean_bic(bic))
    except BadValueError:
        raise
    except ValueError as error:
        raise BadValueError(f"iban: {error}") from None


def give_account(connection: Connection, desk: Desk, payment_id: str, holder: str, iban: str) -> dict[str, str]:
    """Say where a refund or return goes whose account nobody knew (the statement did not name the payer's).

    RefusedError for a payout: where it goes the merchant alone says, and every member is told.
    """
    found = book.find_transfer(connection, payment_id)
    if found is None or found.kind == book.CHARGE:
        raise RefusedError("not_found", "Not found", "没有找到", 404)
    if found.kind == book.PAYOUT:
        raise RefusedError(
            "merchants_own", "Where a payout goes is set by the merchant, on its money page",
            "提现账户只能由商家在其资金页面设置", 422,
        )  # fmt: skip
    if found.state != book.AWAITED:
        raise RefusedError("sent_already", "This transfer is with the bank already", "该转账已提交银行")
    to = clean_account(holder, iban)
    book.save_transfer(connection, payment_id, desk.now, holder=to.holder, iban=to.iban, bic=to.bic)
    return {"payment_id": payment_id}


def make_file(connection: Connection, desk: Desk, by: str) -> dict[str, Any]:
    """Write a payment file of all that waits and has somewhere to go; from then on it counts as being with the bank.

    RefusedError when nothing waits, and after a restore until it is reconciled: one of them may have left before.
    """
    if put_back.is_marked(connection):
        raise RefusedError(
            "put_back", "This relay was put back from a backup: reconcile first", "系统刚从备份恢复，请先核对"
        )
    waiting = book.to_send(connection, desk.currency)
    if not waiting:
        raise RefusedError("nothing_to_send", "Nothing waits to be sent", "没有待付款项")
    file_id = new_id("pmt")
    wanted = [
        Transfer(
            end_to_end_id=one.reference, to=Account(holder=one.holder, iban=one.iban, bic=one.bic),
            amount_minor=one.amount_minor, text=f"{one.reference} {one.kind}",
        )
        for one in waiting
    ]  # fmt: skip
    content = payment_file(
        file_id, desk.own, wanted, currency=desk.currency, minor_digits=desk.minor_digits, made_at=desk.now,
        pay_on=desk.now.date(),
    )  # fmt: skip
    total = sum(one.amount_minor for one in waiting)
    book.add_file(
        connection, file_id, waiting, content=content, transfers=len(waiting), amount_minor=total,
        currency=desk.currency, made_at=desk.now, made_by=by,
    )  # fmt: skip
    return {"file_id": file_id, "transfers": len(waiting), "amount_minor": total, "currency": desk.currency}
