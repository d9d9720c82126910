"""Everything that stands about a shopper, table by table: how it is found, what of it they get, what erasing does.

A test holds this list against the tables: whoever adds a column that names a person says here what becomes of it.
Of other people a shopper gets nothing: columns that name them or hold their words are `hidden`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Table, or_, select

from cloud_relay.tables import (
    account,
    bank_entry,
    bank_transfer,
    basket_line,
    carrier_shipment,
    consent,
    counter_line,
    counter_refund,
    counter_sale,
    dispute,
    group_member,
    group_message,
    group_order,
    handoff,
    idempotency_key,
    in_hand,
    invitation,
    listed_owner,
    member,
    notice,
    notice_choice,
    notice_delivery,
    notice_quiet,
    notice_reader,
    order_event,
    order_line,
    order_message,
    order_return,
    order_signature,
    orders,
    owner_list,
    owner_message,
    owner_talk,
    page_event,
    parcel,
    payment,
    payout,
    person_mute,
    pickup,
    pledge,
    purchase,
    push_place,
    quote_attachment,
    quote_request,
    rebate_account,
    rebate_ticket,
    rebate_withdrawal,
    reservation,
    saved_address,
    shop_command,
    shopper_profile,
    sign_in,
    suggestion_due,
    suggestion_person,
    suggestion_want,
    tracking_event,
    viewing_booking,
    viewing_companion,
    viewing_complaint,
    viewing_pass,
    viewing_question,
    viewing_session,
    visit,
    wish,
)

NOBODY = "—"
"""What stands where a nickname stood."""

Whose = Callable[[str], ColumnElement[bool]]
"""From an account id to the rows that are theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One table's rows about a shopper. `delete` and `blank` are what erasing does; neither: they stay, and `why`.

    `people` are the columns by which `whose` finds them; `hidden` columns are not given out; `is_given` False gives out
    none of it, with the reason in `why`.
    """

    table: Table
    whose: Whose
    people: tuple[str, ...] = ("account_id",)
    hidden: tuple[str, ...] = ()
    is_given: bool = True
    delete: bool = False
    blank: dict[str, Any] = field(default_factory=dict)
    why: str = ""


def _own(table: Table, *names: str) -> Whose:
    columns = [table.c[name] for name in names or ("account_id",)]
    return lambda account_id: or_(*(column == account_id for column in columns))


def _of_orders(column: ColumnElement[Any]) -> Whose:
    return lambda account_id: column.in_(select(orders.c.order_id).where(orders.c.account_id == account_id))


def _of_payments(column: ColumnElement[Any]) -> Whose:
    paid = select(payment.c.payment_id).join(orders, orders.c.order_id == payment.c.order_id)
    return lambda account_id: column.in_(paid.where(orders.c.account_id == account_id))


def _of_sessions(column: ColumnElement[Any]) -> Whose:
    own = viewing_session.c.account_id
    return lambda account_id: column.in_(select(viewing_session.c.session_id).where(own == account_id))


def _of_parcels(column: ColumnElement[Any]) -> Whose:
    return lambda account_id: column.in_(select(parcel.c.parcel_id).where(parcel.c.account_id == account_id))


def _of_sales(column: ColumnElement[Any]) -> Whose:
    own = counter_sale.c.shopper_id
    return lambda account_id: column.in_(select(counter_sale.c.sale_id).where(own == account_id))


def _in_groups(column: ColumnElement[Any]) -> Whose:
    own = group_member.c.account_id
    return lambda account_id: column.in_(select(group_member.c.member_id).where(own == account_id))


def _written_in_talks(account_id: str) -> ColumnElement[bool]:
    asking = select(owner_talk.c.talk_id).where(owner_talk.c.asker_id == account_id)
    asked = select(owner_talk.c.talk_id).where(owner_talk.c.asked_id == account_id)
    said = owner_message.c
    return (said.talk_id.in_(asking) & said.is_from_asker) | (said.talk_id.in_(asked) & ~said.is_from_asker)


def _known_talks(account_id: str) -> ColumnElement[bool]:
    return (owner_talk.c.asker_id == account_id) | ((owner_talk.c.asked_id == account_id) & owner_talk.c.is_heard)


def _events(account_id: str) -> ColumnElement[bool]:
    told = page_event.c.channel
    mine = select("order:" + orders.c.order_id).where(orders.c.account_id == account_id)
    seen = select("session:" + viewing_session.c.session_id).where(viewing_session.c.account_id == account_id)
    return (told == f"account:{account_id}") | told.in_(mine) | told.in_(seen)


def _invited(account_id: str) -> ColumnElement[bool]:
    own = select(account.c.email).where(account.c.account_id == account_id).scalar_subquery()
    return invitation.c.email == own


def _asked_alone(account_id: str) -> ColumnElement[bool]:
    mine = select(quote_request.c.quote_request_id).where(quote_request.c.account_id == account_id)
    return quote_attachment.c.quote_request_id.in_(mine) & quote_attachment.c.quote_id.is_(None)


BOOKS = "books and claims: law asks for sums and goods, which stay under an id that leads to nobody"
PROOF = "a key by which somebody proves who they are; it would be no use and could be stolen"
MACHINERY = "how pages and programs are told of what stands elsewhere in this document"

STANDINGS: tuple[Standing, ...] = (
    # what only serves to sign in, to be told, and to be shown to others
    Standing(table=sign_in, whose=_own(sign_in), hidden=("token_sha256", "csrf"), delete=True),
    Standing(table=notice_delivery, whose=_own(notice_delivery), delete=True),
    Standing(table=notice, whose=_own(notice), delete=True),
    Standing(table=notice_choice, whose=_own(notice_choice), delete=True),
    Standing(table=notice_quiet, whose=_own(notice_quiet), delete=True),
    Standing(table=notice_reader, whose=_own(notice_reader), delete=True, is_given=False, why=PROOF),
    Standing(table=push_place, whose=_own(push_place), hidden=("p256dh", "auth"), delete=True),
    Standing(
        table=handoff, whose=_own(handoff), hidden=("link_sha256", "screen_sha256", "phone_sha256"), delete=True,
    ),
    Standing(
        table=idempotency_key, whose=lambda account_id: idempotency_key.c.principal == f"account:{account_id}",
        people=("principal",), delete=True, is_given=False, why=MACHINERY,
    ),
    Standing(table=page_event, whose=_events, people=(), delete=True, is_given=False, why=MACHINERY),
    # the record
    Standing(table=saved_address, whose=_own(saved_address), delete=True),
    Standing(table=shopper_profile, whose=_own(shopper_profile), delete=True),
    Standing(table=purchase, whose=_own(purchase), delete=True),
    Standing(table=consent, whose=_own(consent), delete=True),
    Standing(table=wish, whose=_own(wish), delete=True),
    Standing(table=basket_line, whose=_own(basket_line), delete=True),
    Standing(table=visit, whose=_own(visit), people=("account_id", "person_id"), delete=True),
    Standing(table=in_hand, whose=_own(in_hand), delete=True),
    Standing(table=suggestion_want, whose=_own(suggestion_want), delete=True),
    Standing(table=suggestion_due, whose=_own(suggestion_due), delete=True),
    Standing(
        table=suggestion_person, whose=_own(suggestion_person), people=("account_id", "person_id"), delete=True,
    ),
    # looking
    Standing(table=viewing_booking, whose=_own(viewing_booking), delete=True),
    Standing(table=viewing_question, whose=_of_sessions(viewing_question.c.session_id), people=(), delete=True),
    Standing(
        table=viewing_companion, whose=_of_sessions(viewing_companion.c.session_id), people=("offered_by",),
        hidden=("nickname", "offered_by"), delete=True,
    ),
    Standing(
        table=viewing_pass, whose=_of_sessions(viewing_pass.c.session_id), people=(), delete=True, is_given=False,
        why=PROOF,
    ),
    Standing(table=viewing_session, whose=_own(viewing_session), delete=True),
    Standing(
        table=viewing_complaint, whose=_own(viewing_complaint),
        hidden=("by_account_id", "by_nickname", "by_companion_id"), blank={"text": "", "nickname": NOBODY},
    ),
    # people who meet
    Standing(
        table=listed_owner, whose=_own(listed_owner), people=("account_id", "owner_id"),
        hidden=("list_id", "owner_id"), delete=True,
    ),
    Standing(table=owner_list, whose=_own(owner_list), delete=True),
    Standing(
        table=owner_message, whose=_written_in_talks, people=(), hidden=("reported_at", "report_reason", "closed_at"),
        blank={"text": ""},
    ),
    Standing(
        table=owner_talk, whose=_known_talks, people=("asker_id", "asked_id", "owner_id"),
        hidden=(  # its state would tell an asker who declined and who was never told of the question
            "state", "is_heard", "asker_told_at", "asked_told_at", "asker_id", "asked_id", "owner_id",
            "asker_nickname_en", "asker_nickname_zh", "asked_nickname_en", "asked_nickname_zh",
        ),
        why="nicknames there were drawn for that one talk, and lead to nobody; both sides' words are blanked by theirs",
    ),
    Standing(table=person_mute, whose=_own(person_mute), delete=True, hidden=("muted_id",)),
    Standing(
        table=group_message, whose=_in_groups(group_message.c.member_id), people=("member_id", "reported_by"),
        hidden=("reported_by", "report_reason"), blank={"text": ""},
    ),
    Standing(
        table=group_member, whose=_own(group_member), people=("account_id", "member_id"), blank={"nickname": NOBODY},
    ),
    Standing(
        table=group_order, whose=_own(group_order, "started_by"), people=("started_by",), why=BOOKS,
    ),
    Standing(table=pledge, whose=_of_orders(pledge.c.order_id), people=("member_id",), why=BOOKS),
    # asking merchants
    Standing(table=quote_attachment, whose=_asked_alone, people=(), hidden=("content_sealed",), delete=True),
    Standing(table=quote_request, whose=_own(quote_request), blank={"title": NOBODY, "detail": ""}),
    Standing(
        table=reservation, whose=_own(reservation),
        why="which piece was kept for whom, for the merchant's stock; no word of a person stands there",
    ),
    # orders and their money
    Standing(
        table=order_message,
        whose=lambda account_id: (order_message.c.account_id == account_id) & ~order_message.c.is_from_merchant,
        people=("account_id", "reported_by"), hidden=("reported_by", "report_reason"), blank={"text": ""},
    ),
    Standing(table=order_return, whose=_of_orders(order_return.c.order_id), people=(), blank={"reason": ""},
             hidden=("answered_by",)),
    Standing(table=dispute, whose=_of_orders(dispute.c.order_id), people=(), hidden=("ruled_by",),
             blank={"reason": ""}),
    Standing(
        table=orders, whose=_own(orders), why=f"{BOOKS}; its address goes when the label's time is over (ageing.py)",
    ),
    Standing(table=order_line, whose=_of_orders(order_line.c.order_id), people=(), why=BOOKS),
    Standing(table=order_event, whose=_of_orders(order_event.c.order_id), people=("actor",), hidden=("actor",),
             why=f"{BOOKS}; the shopper's own words in it are taken out (erasing.py)"),
    Standing(
        table=order_signature, whose=_own(order_signature), why="proof of receipt, until the label's time is over",
    ),
    Standing(table=parcel, whose=_own(parcel), hidden=("courier_token_sha256",), why=BOOKS),
    Standing(
        table=tracking_event, whose=_of_parcels(tracking_event.c.parcel_id), people=("by",), hidden=("by", "epcis"),
        why="a courier's scans of a parcel",
    ),
    Standing(
        table=carrier_shipment, whose=_of_parcels(carrier_shipment.c.parcel_id), people=(),
        hidden=("label", "booked_by"), why="its label goes when the label's time is over",
    ),
    Standing(
        table=shop_command, whose=_of_parcels(shop_command.c.subject), people=(), is_given=False,
        why=f"{MACHINERY}; a label in it goes when the label's time is over",
    ),
    Standing(table=payment, whose=_of_orders(payment.c.order_id), people=(), why=BOOKS),
    Standing(table=bank_transfer, whose=_of_payments(bank_transfer.c.payment_id), people=(), why=BOOKS),
    Standing(
        table=bank_entry, whose=_of_payments(bank_entry.c.payment_id), people=(), hidden=("decided_by",),
        why=f"{BOOKS}; a bank's statement is kept as the bank sent it",
    ),
    Standing(
        table=pickup, whose=_of_orders(pickup.c.order_id), people=(), hidden=("code",),
        why="where an order waited to be collected",
    ),
    Standing(table=payout, whose=_own(payout, "shopper_id"), people=("shopper_id",), why=BOOKS),
    Standing(
        table=counter_sale, whose=_own(counter_sale, "shopper_id"), people=("shopper_id",), hidden=("account_id",),
        why=BOOKS,
    ),
    Standing(table=counter_line, whose=_of_sales(counter_line.c.sale_id), people=(), why=BOOKS),
    Standing(
        table=counter_refund, whose=_of_sales(counter_refund.c.sale_id), people=(), hidden=("account_id",), why=BOOKS,
    ),
    Standing(table=rebate_account, whose=_own(rebate_account), people=("account_id", "opened_by"), why=BOOKS),
    Standing(table=rebate_ticket, whose=_own(rebate_ticket), why=BOOKS),
    Standing(table=rebate_withdrawal, whose=_own(rebate_withdrawal), why=BOOKS),
    # for merchants' people
    Standing(table=invitation, whose=_invited, people=("email",), hidden=("token_sha256", "invited_by"), delete=True),
    Standing(table=member, whose=_own(member), hidden=("pin_hash",), delete=True),
    Standing(table=account, whose=_own(account), people=("account_id", "email"), hidden=("password_hash",),
             why="closed, without address, nickname and password (erasing.py)"),
)  # fmt: skip

ELSEWHERE: dict[str, str] = {
    "viewing_complaint.by_account_id": "who complained; erasing.py takes their nickname out",
    "viewing_complaint.by_nickname": "as above",
    "viewing_complaint.by_companion_id": "as above",
    "person_mute.muted_id": "whom somebody else muted is theirs; erasing.py takes the line out",
    "counter_sale.account_id": "the member who sold",
    "counter_refund.account_id": "the member who gave it back",
}
"""Columns that name a person and are neither given out nor blanked by a Standing, each with its reason."""
_BUSINESS = "who did it for a merchant or as operator: business records, which keep the id of a closed account"
ELSEWHERE |= dict.fromkeys(
    (
        "announcement.account_id", "application.account_id", "bank_entry.decided_by", "bank_file.made_by",
        "bank_statement.imported_by", "bulk_change.account_id", "carrier_shipment.booked_by", "dispute.ruled_by",
        "document_reading.account_id", "goods_import.account_id", "invitation.invited_by",
        "listing_schedule.account_id", "merchant.decided_by", "order_return.answered_by", "payout_account.changed_by",
        "payout_approval.asked_by", "payout_approval.decided_by", "promotion.account_id", "quote.account_id",
        "rebate_batch.ran_by", "rebate_switch.operator_id", "spot_colour.account_id", "stock_change.account_id",
        "tag.account_id", "tag_print.account_id", "verdict.decided_by",
    ),
    _BUSINESS,
)  # fmt: skip
ELSEWHERE |= {
    "picture.owner_id": "the shop or merchant whose picture it is",
    "counter_sale.paid_by": "cash, card or code; no person",
    "counter_refund.paid_by": "cash, card or code; no person",
    "notice_choice.by_push": "a way, no person",
    "notice_choice.by_mail": "a way, no person",
}
