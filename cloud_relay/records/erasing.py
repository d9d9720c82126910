"""An account ends: refused while something is open, then everything that `standing` says, in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, func, select, update

from cloud_relay.accounts import service as accounts
from cloud_relay.accounts import store as account_store
from cloud_relay.accounts.roles import Role
from cloud_relay.escrow import ledger
from cloud_relay.escrow import rules as money
from cloud_relay.groups import closing
from cloud_relay.groups import rules as group_rules
from cloud_relay.groups import store as groups
from cloud_relay.orders.rules import FINAL, OrderState
from cloud_relay.orders.trade import Trade
from cloud_relay.quotes import service as quotes
from cloud_relay.rebates import tickets
from cloud_relay.records import ageing, consent
from cloud_relay.records.hooks import ON_ERASED
from cloud_relay.records.standing import NOBODY, STANDINGS
from cloud_relay.records.uses import Use
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import (
    member,
    order_event,
    orders,
    payment,
    payout,
    person_mute,
    quote_request,
    rebate_ticket,
    reservation,
    shop_command,
    viewing_complaint,
    viewing_question,
    viewing_session,
)
from cloud_relay.web.pages import page_event


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that must end first: what it is called in both languages, and how many there are."""

    name: str
    text_en: str
    text_zh: str
    count: Callable[[Connection, str, datetime], int]


def _count(query: Callable[[str, datetime], Select[Any]]) -> Callable[[Connection, str, datetime], int]:
    return lambda connection, account_id, now: int(connection.scalar(query(account_id, now)) or 0)


def _orders(*where: ColumnElement[bool]) -> Callable[[Connection, str, datetime], int]:
    counted = select(func.count()).select_from(orders).where(*where)
    return _count(lambda account_id, _: counted.where(orders.c.account_id == account_id))


def _holds(account_id: str, now: datetime) -> Select[Any]:
    own = (reservation.c.account_id == account_id, reservation.c.state == "active", reservation.c.until > now)
    return select(func.count()).select_from(reservation).where(*own)


def _refunds(account_id: str, _: datetime) -> Select[Any]:
    own = payment.c.order_id.in_(select(orders.c.order_id).where(orders.c.account_id == account_id))
    return (
        select(func.count()).select_from(payment).where(own, payment.c.kind == "refund", payment.c.state == "started")
    )


def _payouts(account_id: str, _: datetime) -> Select[Any]:
    return (
        select(func.count()).select_from(payout).where(payout.c.shopper_id == account_id, payout.c.state == "started")
    )


def _rebates(connection: Connection, account_id: str, _: datetime) -> int:
    """Return how many rebate accounts of this shopper hold money."""
    queues = tickets.queues_of(connection, account_id)
    held = [ledger.balance(connection, money.rebate(market, account_id), currency) for market, currency in queues]
    return sum(amount != 0 for amount in held)


GROUPS_MAX = 10_000
"""More groups than anybody was ever in; only the open ones are left."""
_APART = (OrderState.PLEDGED, OrderState.DISPUTED)
MATTERS = (
    Matter("disputes", "an open dispute", "未结束的争议", _orders(orders.c.state == OrderState.DISPUTED)),
    Matter("pledges", "a pledge in a group order", "拼单中的承诺", _orders(orders.c.state == OrderState.PLEDGED)),
    Matter("orders", "an order that has not ended", "未完成的订单", _orders(orders.c.state.not_in((*FINAL, *_APART)))),
    Matter("holds", "a piece that is kept for you", "为您保留的货品", _count(_holds)),
    Matter("refunds", "a refund on its way", "退款处理中", _count(_refunds)),
    Matter("rebates", "money in a rebate account; withdraw it first", "返利账户中的余额，请先提取", _rebates),
    Matter("withdrawals", "a withdrawal on its way", "提取处理中", _count(_payouts)),
)


def open_matters(connection: Connection, account_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return what must end before this account can, each with its number."""
    found = [(one, one.count(connection, account_id, now)) for one in MATTERS]
    return [
        {"name": one.name, "count": count, "text": {"en": one.text_en, "zh": one.text_zh}}
        for one, count in found if count
    ]  # fmt: skip


def check(connection: Connection, account_id: str, now: datetime) -> None:
    """Raise RefusedError for an operator, for a merchant's last owner, and while something is open."""
    row = account_store.find_account(connection, account_id)
    if row is None or row.is_closed:
        raise accounts.missing()
    if row.is_operator:
        raise RefusedError(
            "operator_stays", "An operator's account cannot be erased: its decisions are signed with it; let another "
            "operator take your place first", "运营账户不能注销：其决定以此署名，请先由其他运营人员接任",
        )  # fmt: skip
    if _owns_alone(connection, account_id):
        raise RefusedError(
            "last_owner", "You are a merchant's only owner; make somebody else one first",
            "您是商家唯一的店主，请先指定另一位",
        )  # fmt: skip
    left = open_matters(connection, account_id, now)
    if left:
        raise RefusedError(
            "still_open", "Not yet, there is still: " + "; ".join(one["text"]["en"] for one in left),
            "暂不能注销，尚有：" + "；".join(one["text"]["zh"] for one in left), open=left,
        )  # fmt: skip


def _owns_alone(connection: Connection, account_id: str) -> bool:
    others = member.alias()
    has_other = (
        select(others.c.account_id)
        .where(
            others.c.merchant_id == member.c.merchant_id, others.c.role == Role.OWNER, others.c.account_id != account_id
        )
        .exists()
    )
    own = (member.c.account_id == account_id, member.c.role == Role.OWNER)
    return connection.scalar(select(member.c.merchant_id).where(*own, ~has_other).limit(1)) is not None


def erase(connection: Connection, account_id: str, now: datetime) -> None:
    """End an account: every use of it, every row that need not stand, its name; every sign-in ends with it.

    RefusedError as `check`. Who asks for it has proved that they are its person.
    """
    check(connection, account_id, now)
    for use in Use:
        consent.withdraw(connection, account_id, use, now)
    for end in ON_ERASED:
        end(connection, account_id, now)
    _leave_lines(connection, account_id, now)
    _leave_groups(connection, account_id, now)
    _withdraw_requests(connection, account_id, now)
    _forget_words(connection, account_id)
    for one in STANDINGS:
        if one.blank:
            connection.execute(update(one.table).where(one.whose(account_id)).values(**one.blank))
    for one in STANDINGS:
        if one.delete:
            connection.execute(delete(one.table).where(one.whose(account_id)))
    nobody = {"email": f"{account_id}@erased.invalid", "nickname": NOBODY, "password_hash": "", "is_closed": True}
    account_store.update_account(connection, account_id, nobody)
    ageing.drop_labels(connection, now, 10**6, orders.c.account_id == account_id)
    page_event(connection, f"account:{account_id}", "erased", {}, now)


def _leave_lines(connection: Connection, account_id: str, now: datetime) -> None:
    """Who is gone waits for no rebate: the ticket leaves the line, and the pot pays who comes after."""
    own = (rebate_ticket.c.account_id == account_id, rebate_ticket.c.state.in_(tickets.HOPING))
    for row in connection.execute(select(rebate_ticket.c.ticket_id, rebate_ticket.c.market).where(*own)).all():
        tickets.leave_line(connection, row.ticket_id, now)
        page_event(connection, f"rebates:{row.market}", "queue_changed", {"market": row.market}, now)


def _leave_groups(connection: Connection, account_id: str, now: datetime) -> None:
    """Leave every open group; no money moves, for a pledge would have kept the account."""
    for group in groups.groups_of(connection, account_id, GROUPS_MAX):
        own = groups.find_member(connection, group.group_id, account_id)
        is_in = own is not None and own["state"] == groups.JOINED
        if is_in and group_rules.is_open(group.state, group.close_until, now):
            closing.leave(connection, account_id, group.group_id, now, Trade())


def _withdraw_requests(connection: Connection, account_id: str, now: datetime) -> None:
    own = (
        quote_request.c.account_id == account_id, quote_request.c.state == "open", quote_request.c.open_until > now,
    )  # fmt: skip
    for name in connection.scalars(select(quote_request.c.quote_request_id).where(*own)).all():
        quotes.withdraw_request(connection, account_id, name, now)


def _forget_words(connection: Connection, account_id: str) -> None:
    """Take this shopper's words out of rows that stay for somebody else, and their name off others' lists."""
    connection.execute(delete(person_mute).where(person_mute.c.muted_id == account_id))
    complained = update(viewing_complaint).where(viewing_complaint.c.by_account_id == account_id)
    connection.execute(complained.values(by_nickname=NOBODY))
    said = select(order_event.c.event_no, order_event.c.detail).where(order_event.c.actor == account_id)
    for row in connection.execute(said).all():
        if row.detail.get("reason"):
            kept = {name: value for name, value in row.detail.items() if name != "reason"}
            connection.execute(update(order_event).where(order_event.c.event_no == row.event_no).values(detail=kept))
    _forget_questions(connection, account_id)


def _forget_questions(connection: Connection, account_id: str) -> None:
    """Commands with a question to an attendant carry no subject: they are found by shop and question."""
    asked = (
        select(viewing_question.c.question_id, viewing_session.c.shop_id, viewing_question.c.asked_at)
        .join(viewing_session, viewing_session.c.session_id == viewing_question.c.session_id)
        .where(viewing_session.c.account_id == account_id)
    )
    for row in connection.execute(asked).all():
        sent = (
            shop_command.c.shop_id == row.shop_id, shop_command.c.type == "AskAttendant",
            shop_command.c.created_at == row.asked_at,
        )  # fmt: skip
        ageing.forget_commands(connection, *sent)
