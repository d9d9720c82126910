"""Reads a bank's statement, CSV or camt.053 (ISO 20022), into entries; whatever is unclear refuses the file. Pure."""

import csv
import hashlib
import io
import re
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation

from cloud_relay.escrow.bank.plain_xml import BadXmlError, Element, parse_xml
from cloud_relay.escrow.bank.references import clean_iban

ENTRIES_MAX = 20_000
"""A year of a small market's account; more comes in parts."""
TEXT_MAX = 500
"""Characters kept of what a payer wrote: SEPA carries 140, SWIFT 4 × 35, others a little more."""
AMOUNT_MAX = 10**15
"""As one posting of the ledger."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "date": ("date", "booking date", "buchungstag", "buchungsdatum", "记账日期", "日期", "交易日期"),
    "amount": ("amount", "betrag", "umsatz", "金额", "交易金额"),
    "currency": ("currency", "währung", "waehrung", "币种", "货币"),
    "text": ("text", "reference", "remittance", "verwendungszweck", "摘要", "附言", "备注"),
    "name": ("name", "payer", "counterparty", "auftraggeber/empfänger", "name zahlungsbeteiligter", "对方户名", "户名"),
    "iban": ("iban", "account", "iban zahlungsbeteiligter", "kontonummer/iban", "对方账号", "账号"),
    "bank_reference": ("bank reference", "bank_reference", "bankreferenz", "流水号", "交易流水号"),
}
"""Our names of CSV columns, then what banks call them; date, amount and text must be there."""


class BadStatementError(ValueError):
    """A statement that cannot be read whole: nothing of it is kept. The message says where and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a statement; money that came is positive. `text` holds everything that the payer wrote."""

    booked_on: date
    amount_minor: int
    currency: str
    text: str
    name: str = ""
    iban: str = ""
    bank_reference: str = ""
    end_to_end_id: str = ""
    repeat_no: int = 0

    def content_sha256(self, account: str) -> str:
        """Return what makes this entry the same one in every statement that shows it.

        The bank's own reference where it gives one; otherwise all of its content, and which of equal ones of that day.
        """
        parts = [account, self.booked_on.isoformat(), str(self.amount_minor), self.currency, self.bank_reference]
        if not self.bank_reference:
            parts += [self.text, self.name, self.iban, self.end_to_end_id]
        # banks give one reference to a whole batch too, so the count stands in both cases
        return hashlib.sha256("\x1f".join([*parts, str(self.repeat_no)]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Statement:
    """Entries of one account; `iban` is empty where the file does not say whose account it is."""

    iban: str
    entries: tuple[Entry, ...]


def read_statement(content: bytes, currency: str, minor_digits: int) -> Statement:
    """Return what stands in a statement file; `currency` is the account's, where the file names none.

    Raises BadStatementError for what is neither camt.053 nor CSV with known columns, and names the place.
    """
    is_xml = content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    found = _read_camt(content, minor_digits) if is_xml else _read_csv(content, currency, minor_digits)
    if len(found.entries) > ENTRIES_MAX:
        raise BadStatementError(f"statement: more than {ENTRIES_MAX} entries; import it in parts")
    return replace(found, entries=_numbered(found.entries, found.iban))


def _numbered(entries: tuple[Entry, ...], account: str) -> tuple[Entry, ...]:
    seen: dict[str, int] = {}
    numbered = []
    for one in entries:
        key = one.content_sha256(account)
        numbered.append(replace(one, repeat_no=seen.get(key, 0)))
        seen[key] = seen.get(key, 0) + 1
    return tuple(numbered)


def _minor(text: str, minor_digits: int, where: str) -> int:
    """Return minor units of a plain decimal number; BadStatementError for anything else, also for rounding."""
    try:
        value = Decimal(text) * 10**minor_digits
    except InvalidOperation:
        raise BadStatementError(f"{where}: {text[:40]!r} is no amount") from None
    if not value.is_finite() or value != value.to_integral_value() or abs(value) > AMOUNT_MAX:
        raise BadStatementError(f"{where}: {text[:40]!r} is no amount of this currency")
    return int(value)


_GROUPS = r"[1-9]\d{0,2}(?:\.\d{3})+|[1-9]\d{0,2}(?:,\d{3})+"
"""Thousands never begin with a nought: 0.500 is a half."""


def _number(text: str, minor_digits: int) -> re.Match[str] | None:
    """Return minus, whole, decimal sign, decimals, minus; None for what is not grouped by three."""
    plain = re.sub(r"[\s '+]", "", text).replace("\u2212", "-")
    found = re.fullmatch(rf"(-?)({_GROUPS}|\d+)(?:([.,])(\d{{1,{max(minor_digits, 2)}}}))?(-?)", plain)
    if found is None or (found[1] and found[5]) or (found[3] and found[3] in found[2]):
        return None
    return found


def _is_doubtful(found: re.Match[str], minor_digits: int) -> bool:
    """Return whether one sign before three digits may part decimals or thousands: 12.500 where money has three."""
    return minor_digits > 2 and not found[3] and len(re.findall(r"[.,]", found[2])) == 1


def _decimal_sign(numbers: list[str], minor_digits: int) -> str:
    """Return the decimal sign that all numbers without doubt agree on; nothing when they show none, or both."""
    signs = set()
    for one in numbers:
        found = _number(one, minor_digits)
        if found and not _is_doubtful(found, minor_digits) and (found[3] or not found[2].isdigit()):
            signs.add(found[3] or ("," if "." in found[2] else "."))
    return signs.pop() if len(signs) == 1 else ""


def _plain_number(text: str, minor_digits: int, decimal_sign: str, where: str) -> str:
    """Return `1234.56` for 1.234,56 and 1,234.56 alike; what is not grouped by three stays as it is, to be refused.

    A doubtful number is read by the sign that the rest of the file shows, and refused where it shows none.
    """
    found = _number(text, minor_digits)
    if found is None:
        return text
    whole, decimals = found[2], found[4]
    if _is_doubtful(found, minor_digits):
        if not decimal_sign:
            raise BadStatementError(
                f"{where}: {text[:40]!r} may mean decimals or thousands, and no other line shows which;"
                " import the camt.053 of that day"
            )
        if decimal_sign in whole:
            whole, _, decimals = whole.partition(decimal_sign)
    return f"{found[1] or found[5]}{re.sub('[.,]', '', whole)}.{decimals or '0'}"


def _day(text: str, where: str) -> date:
    plain = text.strip()
    german = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", plain)
    try:
        if german:
            return date(int(german[3]), int(german[2]), int(german[1]))
        return date.fromisoformat(plain[:10].replace("/", "-"))
    except ValueError:
        raise BadStatementError(f"{where}: {plain[:40]!r} is no date; 2026-11-22 or 22.11.2026") from None


def _clean(text: str) -> str:
    return re.sub(r"[\s\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]+", " ", text).strip()[:TEXT_MAX]


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadStatementError("statement: neither UTF-8 nor Windows-1252; save it as UTF-8")


def _read_csv(content: bytes, currency: str, minor_digits: int) -> Statement:
    text = _decoded(content)
    head = text.partition("\n")[0]
    delimiter = max(";,\t", key=head.count)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise BadStatementError(f"statement: no CSV ({error})") from None
    if not rows:
        raise BadStatementError("statement: the file is empty")
    places = _places(rows[0])
    amounts = [row[places["amount"]] for row in rows[1:] if places["amount"] < len(row)]
    sign = _decimal_sign(amounts, minor_digits)
    entries = [
        _csv_entry(row, places, currency, minor_digits, sign, f"line {number}")
        for number, row in enumerate(rows[1:], 2)
        if any(cell.strip() for cell in row)
    ]
    return Statement("", tuple(entries))


def _places(head: list[str]) -> dict[str, int]:
    names = [cell.strip().lower() for cell in head]
    places = {
        ours: names.index(known) for ours, all_known in COLUMNS.items() for known in all_known[::-1] if known in names
    }
    missing = [name for name in ("date", "amount", "text") if name not in places]
    if missing:
        raise BadStatementError(f"line 1: no column {', '.join(missing)}; known columns are {', '.join(COLUMNS)}")
    return places


def _csv_entry(
    row: list[str], places: dict[str, int], currency: str, minor_digits: int, decimal_sign: str, where: str
) -> Entry:
    cells = {name: _clean(row[place]) if place < len(row) else "" for name, place in places.items()}
    return Entry(
        booked_on=_day(cells["date"], where),
        amount_minor=_minor(_plain_number(cells["amount"], minor_digits, decimal_sign, where), minor_digits, where),
        currency=(cells.get("currency") or currency).upper()[:3],
        text=cells["text"],
        name=cells.get("name", ""),
        iban=_iban(cells.get("iban", "")),
        bank_reference=cells.get("bank_reference", "")[:120],
    )


def _iban(text: str) -> str:
    """Return the other side's IBAN, or nothing when it is none: money cannot go back there by itself then."""
    try:
        return clean_iban(text)
    except ValueError:
        return ""


def _read_camt(content: bytes, minor_digits: int) -> Statement:
    try:
        root = parse_xml(content)
    except BadXmlError as error:
        raise BadStatementError(f"statement: {error}") from None
    found = [part for part in root.find_all("BkToCstmrStmt") for part in part.find_all("Stmt")]
    if not found:
        raise BadStatementError("statement: this XML is no camt.053 (it has no BkToCstmrStmt/Stmt)")
    accounts = {_iban(one.text_at("Acct", "Id", "IBAN")) for one in found}
    if len(accounts) > 1:
        raise BadStatementError("statement: it is about several accounts; import each by itself")
    entries: list[Entry] = []
    for statement in found:
        for number, part in enumerate(statement.find_all("Ntry"), 1):
            entries += _camt_entries(part, minor_digits, f"entry {number}")
    return Statement(accounts.pop(), tuple(entries))


def _camt_entries(part: Element, minor_digits: int, where: str) -> list[Entry]:
    """Return one entry for each transaction of an Ntry; only what is booked counts (Sts BOOK)."""
    state = part.text_at("Sts", "Cd") or part.text_at("Sts")
    if state not in ("BOOK", ""):
        return []
    details = [one for group in part.find_all("NtryDtls") for one in group.find_all("TxDtls")]
    total = _amount_of(part, minor_digits, where)
    booked_on = _day(part.text_at("BookgDt", "Dt") or part.text_at("BookgDt", "DtTm"), where)
    if len(details) < 2:
        return [_camt_entry(part, details[0] if details else part, total, booked_on)]
    amounts = [_amount_of(one, minor_digits, where, part) for one in details]
    if sum(one[0] for one in amounts) != total[0]:
        raise BadStatementError(f"{where}: its parts do not sum to its amount")
    return [_camt_entry(part, one, amount, booked_on) for one, amount in zip(details, amounts, strict=True)]


def _amount_of(part: Element, minor_digits: int, where: str, parent: Element | None = None) -> tuple[int, str]:
    amount = part.first("Amt") or part.first("AmtDtls", "TxAmt", "Amt")
    mark = part.text_at("CdtDbtInd") or (parent.text_at("CdtDbtInd") if parent else "")
    if amount is None or mark not in ("CRDT", "DBIT"):
        raise BadStatementError(f"{where}: has no amount (Amt) or direction (CdtDbtInd)")
    value = _minor(amount.text.strip(), minor_digits, where)
    return (value if mark == "CRDT" else -value), amount.attributes.get("Ccy", "")[:3]


def _camt_entry(part: Element, detail: Element, amount: tuple[int, str], booked_on: date) -> Entry:
    side = ("Dbtr", "DbtrAcct") if amount[0] >= 0 else ("Cdtr", "CdtrAcct")
    words = [one.text for group in detail.find_all("RmtInf") for one in group.find_all("Ustrd")]
    words += [
        ref.text for group in detail.find_all("RmtInf") for one in group.find_all("Strd")
        for info in one.find_all("CdtrRefInf") for ref in info.find_all("Ref")
    ]  # fmt: skip
    own = detail.text_at("Refs", "AcctSvcrRef") or part.text_at("AcctSvcrRef")
    end_to_end = detail.text_at("Refs", "EndToEndId")
    name = detail.text_at("RltdPties", side[0], "Pty", "Nm") or detail.text_at("RltdPties", side[0], "Nm")
    return Entry(
        booked_on=booked_on, amount_minor=amount[0], currency=amount[1],
        text=_clean(" ".join(words) or part.text_at("AddtlNtryInf")), name=_clean(name),
        iban=_iban(detail.text_at("RltdPties", side[1], "Id", "IBAN")), bank_reference=_clean(own)[:120],
        end_to_end_id="" if end_to_end == "NOTPROVIDED" else _clean(end_to_end)[:35],
    )  # fmt: skip
