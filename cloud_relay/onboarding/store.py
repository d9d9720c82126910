"""Applications, documents, readings and verdicts in SQL."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from cloud_relay.accounts.rules import MerchantState
from cloud_relay.onboarding.rules import OPEN, ApplicationState
from cloud_relay.tables import account, application, application_document, document_reading, member, merchant, verdict

QUEUE_MAX = 200
_ABOUT = [one for one in application_document.c if one.name != "content_sealed"]


def find_merchant(connection: Connection, merchant_id: str) -> RowMapping | None:
    """Return a merchant, or None."""
    query = select(merchant).where(merchant.c.merchant_id == merchant_id)
    return connection.execute(query).mappings().one_or_none()


def is_member(connection: Connection, merchant_id: str, account_id: str) -> bool:
    """Return whether this account belongs to the merchant."""
    where = (member.c.merchant_id == merchant_id, member.c.account_id == account_id)
    return connection.execute(select(member.c.role).where(*where)).first() is not None


def open_application(connection: Connection, merchant_id: str) -> RowMapping | None:
    """Return a merchant's draft or submitted application, or None; there is never more than one."""
    where = (application.c.merchant_id == merchant_id, application.c.state.in_(OPEN))
    query = select(application).where(*where).order_by(application.c.created_at.desc()).limit(1)
    return connection.execute(query).mappings().one_or_none()


def last_decided(connection: Connection, merchant_id: str) -> RowMapping | None:
    """Return the application under whose name a merchant trades, or None."""
    where = (
        application.c.merchant_id == merchant_id, application.c.state == ApplicationState.DECIDED,
        application.c.details_sealed.is_not(None),
    )  # fmt: skip
    query = select(application).where(*where).order_by(application.c.decided_at.desc()).limit(1)
    return connection.execute(query).mappings().one_or_none()


def find_application(connection: Connection, application_id: str) -> RowMapping | None:
    """Return an application, or None."""
    query = select(application).where(application.c.application_id == application_id)
    return connection.execute(query).mappings().one_or_none()


def insert_application(connection: Connection, values: dict[str, Any]) -> None:
    """Begin an application."""
    connection.execute(insert(application).values(values))


def update_application(
    connection: Connection, application_id: str, values: dict[str, Any], states: Iterable[str]
) -> bool:
    """Change an application if it is in one of these states; return whether it was."""
    where = (application.c.application_id == application_id, application.c.state.in_(list(states)))
    changed = {**values, "version": application.c.version + 1}
    return connection.execute(update(application).where(*where).values(changed)).rowcount == 1


def number_held(connection: Connection, number_mark: str, merchant_id: str) -> bool:
    """Return whether another merchant waits, trades or is suspended under the number with this mark."""
    judged = (application.c.state == ApplicationState.DECIDED) & merchant.c.state.in_(
        (MerchantState.VERIFIED, MerchantState.SUSPENDED)
    )
    query = (
        select(application.c.application_id)
        .join(merchant, merchant.c.merchant_id == application.c.merchant_id)
        .where(application.c.number_mark == number_mark, application.c.merchant_id != merchant_id)
        .where((application.c.state == ApplicationState.SUBMITTED) | judged)
        .limit(1)
    )
    return connection.execute(query).first() is not None


def documents_of(connection: Connection, application_id: str) -> list[RowMapping]:
    """Return what there is of documents, without their content, in the order in which they came."""
    query = select(*_ABOUT).where(application_document.c.application_id == application_id)
    ordered = query.order_by(application_document.c.added_at, application_document.c.document_id)
    return list(connection.execute(ordered).mappings())


def find_document(connection: Connection, document_id: str) -> RowMapping | None:
    """Return a document with its sealed content, or None."""
    query = select(application_document).where(application_document.c.document_id == document_id)
    return connection.execute(query).mappings().one_or_none()


def insert_document(connection: Connection, values: dict[str, Any]) -> None:
    """Keep a document."""
    connection.execute(insert(application_document).values(values))


def delete_document(connection: Connection, application_id: str, document_id: str) -> bool:
    """Delete one document; return whether it was there."""
    mine = application_document.c
    where = (mine.application_id == application_id, mine.document_id == document_id)
    return connection.execute(delete(application_document).where(*where)).rowcount == 1


def delete_documents(connection: Connection, application_id: str) -> int:
    """Delete every document of an application; return how many there were."""
    mine = application_document.c.application_id == application_id
    return connection.execute(delete(application_document).where(mine)).rowcount


def note_reading(connection: Connection, values: dict[str, Any]) -> None:
    """Write down who looked at a document."""
    connection.execute(insert(document_reading).values(values))


def readings_of(connection: Connection, application_id: str) -> list[RowMapping]:
    """Return who looked at which document of an application, oldest first."""
    query = (
        select(document_reading, account.c.nickname)
        .join(account, account.c.account_id == document_reading.c.account_id)
        .where(document_reading.c.application_id == application_id)
        .order_by(document_reading.c.reading_no)
    )
    return list(connection.execute(query).mappings())


def submitted(connection: Connection) -> list[RowMapping]:
    """Return the applications that wait for an operator, the oldest first, with their merchants."""
    query = (
        select(application, merchant.c.name_en, merchant.c.name_zh, merchant.c.state.label("merchant_state"))
        .join(merchant, merchant.c.merchant_id == application.c.merchant_id)
        .where(application.c.state == ApplicationState.SUBMITTED)
        .order_by(application.c.submitted_at)
        .limit(QUEUE_MAX)
    )
    return list(connection.execute(query).mappings())


def insert_verdict(connection: Connection, values: dict[str, Any]) -> None:
    """Write a verdict; it is never changed but for the count of its reminders."""
    connection.execute(insert(verdict).values(values))


def verdicts_of(connection: Connection, merchant_id: str) -> list[RowMapping]:
    """Return the verdicts on a merchant with who gave them, newest first."""
    query = (
        select(verdict, account.c.nickname)
        .outerjoin(account, account.c.account_id == verdict.c.decided_by)
        .where(verdict.c.merchant_id == merchant_id)
        .order_by(verdict.c.decided_at.desc(), verdict.c.verdict_id.desc())
    )
    return list(connection.execute(query).mappings())


def update_merchant(connection: Connection, merchant_id: str, state: str, values: dict[str, Any]) -> bool:
    """Change a merchant if it is still in `state`; return whether it was."""
    where = (merchant.c.merchant_id == merchant_id, merchant.c.state == state)
    return connection.execute(update(merchant).where(*where).values(values)).rowcount == 1


def states_over(connection: Connection, now: datetime, states: Iterable[str]) -> list[RowMapping]:
    """Return the merchants in these states whose time has come."""
    where = (merchant.c.state.in_(list(states)), merchant.c.state_until <= now)
    return list(connection.execute(select(merchant).where(*where)).mappings())


def ending(connection: Connection, before: datetime) -> list[RowMapping]:
    """Return verified merchants whose state ends by `before`, with the verdict that holds and its reminders."""
    given = (verdict.c.merchant_id == merchant.c.merchant_id) & (verdict.c.decided_at == merchant.c.decided_at)
    query = (
        select(merchant.c.merchant_id, merchant.c.name_en, merchant.c.name_zh, merchant.c.state_until,
               verdict.c.verdict_id, verdict.c.reminders)
        .join(verdict, given)
        .where(merchant.c.state == MerchantState.VERIFIED, merchant.c.state_until <= before)
        .where(verdict.c.state == MerchantState.VERIFIED)
    )  # fmt: skip
    return list(connection.execute(query).mappings())


def count_reminder(connection: Connection, verdict_id: str, before: int, after: int) -> bool:
    """Note how many reminders went out; False when another relay process was first."""
    where = (verdict.c.verdict_id == verdict_id, verdict.c.reminders == before)
    return connection.execute(update(verdict).where(*where).values(reminders=after)).rowcount == 1


def drafts_over(connection: Connection, now: datetime) -> list[str]:
    """Return drafts that nobody sent in time."""
    where = (application.c.state == ApplicationState.DRAFT, application.c.drop_at <= now)
    return list(connection.scalars(select(application.c.application_id).where(*where)))
