"""Large payouts: one person asks, another approves; nothing leaves the merchant's ledger account before that."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from cloud_relay.accounts.roles import Deed, check_reach, may
from cloud_relay.accounts.service import missing
from cloud_relay.escrow import payouts
from cloud_relay.escrow.payments import FAILED
from cloud_relay.notices import service as notices
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import account, member, merchant, payout, payout_approval
from cloud_relay.web.amounts import money
from cloud_relay.web.pages import page_event
from wire.values import clean_text, format_time, new_id

ASKED, APPROVED, REFUSED, TAKEN_BACK = "asked", "approved", "refused", "taken_back"
DAY = timedelta(days=1)
"""Several payouts of a day count together: else a large one is asked for in small parts."""
APPROVAL_LIFE = timedelta(days=7)
"""What nobody approves in a week is asked for anew: balances and people change."""
LATEST = 50


def ask(
    connection: Connection, merchant_id: str, amount_minor: int, currency: str, provider: str, account_id: str,
    alone_minor: int, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Start a payout, or have it wait for a second person when the day's sum is more than `alone_minor`."""
    payouts.check_active(connection, merchant_id)
    if _sum_since(connection, merchant_id, currency, now - DAY) + amount_minor <= alone_minor:
        out = payouts.start(connection, merchant_id, amount_minor, currency, provider, now)
        return {
            "payout_id": out.payout_id, "approval_id": "", "state": out.state, "amount_minor": out.amount_minor,
            "currency": out.currency,
        }  # fmt: skip
    available = payouts.available_minor(connection, merchant_id, currency)
    if amount_minor > available:
        raise payouts.not_that_much(available, currency)
    approval_id = new_id("apv")
    row = {
        "approval_id": approval_id, "merchant_id": merchant_id, "amount_minor": amount_minor, "currency": currency,
        "state": ASKED, "asked_by": account_id, "asked_at": now, "until": now + APPROVAL_LIFE,
    }  # fmt: skip
    connection.execute(insert(payout_approval).values(row))
    _call_others(connection, row, now)
    _tell(connection, merchant_id, approval_id, ASKED, now)
    return {
        "payout_id": "", "approval_id": approval_id, "state": ASKED, "amount_minor": amount_minor,
        "currency": currency,
    }  # fmt: skip


def _call_others(connection: Connection, row: dict[str, Any], now: datetime) -> None:
    """Tell who may approve: the merchant's people whose role allows it, and the operators; not who asked."""
    merchant_id, asked_by = row["merchant_id"], row["asked_by"]
    own = connection.execute(select(merchant).where(merchant.c.merchant_id == merchant_id)).one()
    words = {
        "amount": money(row["amount_minor"], row["currency"]), "title_en": own.name_en, "title_zh": own.name_zh,
    }  # fmt: skip
    roles = connection.execute(select(member.c.account_id, member.c.role).where(member.c.merchant_id == merchant_id))
    able = {one.account_id for one in roles if may(one.role, Deed.APPROVE_PAYOUT)}
    notices.notify(connection, sorted(able - {asked_by}), "payout_asked", "/merchant/money", now, **words)
    rest = [one for one in notices.operators(connection) if one not in able | {asked_by}]
    notices.notify(connection, rest, "payout_asked", "/operator/applications", now, **words)


def _sum_since(connection: Connection, merchant_id: str, currency: str, since: datetime) -> int:
    where = (
        payout.c.merchant_id == merchant_id, payout.c.currency == currency, payout.c.started_at > since,
        payout.c.state != FAILED,
    )  # fmt: skip
    return int(connection.scalar(select(func.coalesce(func.sum(payout.c.amount_minor), 0)).where(*where)) or 0)


def approve(
    connection: Connection, approval_id: str, account_id: str, provider: str, now: datetime,
    *, merchant_ids: frozenset[str], is_operator: bool,
) -> dict[str, Any]:  # fmt: skip
    """Start a payout that somebody else asked for; RefusedError for the one who asked, whatever they are."""
    row = _waiting(connection, approval_id, now, merchant_ids, is_operator=is_operator)
    if row["asked_by"] == account_id:
        raise RefusedError(
            "second_person", "You asked for this payout: somebody else must approve it",
            "此提现由您发起，须由另一人批准", 403,
        )  # fmt: skip
    out = payouts.start(connection, row["merchant_id"], row["amount_minor"], row["currency"], provider, now)
    _decide(connection, row, {"state": APPROVED, "decided_by": account_id, "payout_id": out.payout_id}, now)
    return {"approval_id": approval_id, "state": APPROVED, "payout_id": out.payout_id}


def asked_for(connection: Connection, approval_id: str) -> tuple[int, str]:
    """Return amount and currency of what waits for a second person; nothing of nothing for an unknown one."""
    query = select(payout_approval.c.amount_minor, payout_approval.c.currency)
    row = connection.execute(query.where(payout_approval.c.approval_id == approval_id)).one_or_none()
    return (0, "") if row is None else (row.amount_minor, row.currency)


def refuse(
    connection: Connection, approval_id: str, account_id: str, reason: str, now: datetime,
    *, merchant_ids: frozenset[str], is_operator: bool,
) -> dict[str, Any]:  # fmt: skip
    """Refuse a payout, or take one's own back; nothing has moved yet."""
    row = _waiting(connection, approval_id, now, merchant_ids, is_operator=is_operator)
    state = TAKEN_BACK if row["asked_by"] == account_id else REFUSED
    text = clean_text(reason, "reason", 300) if reason.strip() else ""
    _decide(connection, row, {"state": state, "decided_by": account_id, "reason": text}, now)
    if state == REFUSED:
        words = {"amount": money(row["amount_minor"], row["currency"]), "reason": text}
        notices.notify(connection, [row["asked_by"]], "payout_refused", "/merchant/money", now, **words)
    return {"approval_id": approval_id, "state": state, "payout_id": ""}


def _waiting(
    connection: Connection, approval_id: str, now: datetime, merchant_ids: frozenset[str], *, is_operator: bool
) -> RowMapping:
    query = select(payout_approval).where(payout_approval.c.approval_id == approval_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None or not (is_operator or check_reach(merchant_ids, row["merchant_id"])):
        raise missing()
    if row["state"] != ASKED:
        raise RefusedError("approval_over", "This payout was decided already", "该提现已有处理结果")
    if row["until"] <= now:
        raise RefusedError("approval_late", "Nobody approved it in time; ask for it again", "逾期未批准，请重新发起")
    return row


def _decide(connection: Connection, row: RowMapping, values: dict[str, Any], now: datetime) -> None:
    where = (payout_approval.c.approval_id == row["approval_id"], payout_approval.c.state == ASKED)
    changed = connection.execute(update(payout_approval).where(*where).values(**values, decided_at=now))
    if changed.rowcount != 1:
        raise RefusedError("approval_over", "This payout was decided already", "该提现已有处理结果")
    _tell(connection, row["merchant_id"], row["approval_id"], values["state"], now)


def _tell(connection: Connection, merchant_id: str, approval_id: str, state: str, now: datetime) -> None:
    for channel in (f"merchant:{merchant_id}", "operator"):
        page_event(connection, channel, "payout", {"approval_id": approval_id, "state": state}, now)


def waiting(connection: Connection, now: datetime, merchant_id: str | None = None) -> list[dict[str, Any]]:
    """Return the payouts that wait for a second person, of one merchant or (None) of all, the oldest first."""
    query = (
        select(payout_approval, account.c.nickname, merchant.c.name_en, merchant.c.name_zh)
        .join(account, account.c.account_id == payout_approval.c.asked_by)
        .join(merchant, merchant.c.merchant_id == payout_approval.c.merchant_id)
        .where(payout_approval.c.state == ASKED, payout_approval.c.until > now)
        .order_by(payout_approval.c.asked_at)
        .limit(LATEST)
    )
    if merchant_id is not None:
        query = query.where(payout_approval.c.merchant_id == merchant_id)
    plain = ("approval_id", "merchant_id", "amount_minor", "currency", "asked_by")
    return [
        {**{name: row[name] for name in plain}, "by": row["nickname"], "asked_at": format_time(row["asked_at"]),
         "until": format_time(row["until"]), "name": {"en": row["name_en"], "zh": row["name_zh"]}}
        for row in connection.execute(query).mappings()
    ]  # fmt: skip
