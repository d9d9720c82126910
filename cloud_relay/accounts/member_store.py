"""Members and invitations in SQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from cloud_relay.tables import account, invitation, invitation_delivery, member, merchant


def members_of(connection: Connection, merchant_id: str) -> list[Row[Any]]:
    """Return a merchant's members with their roles, owners first."""
    query = (
        select(account.c.account_id, account.c.nickname, account.c.email, member.c.role)
        .join(member, member.c.account_id == account.c.account_id)
        .where(member.c.merchant_id == merchant_id)
        .order_by(member.c.role != "owner", member.c.role, account.c.email)
    )
    return list(connection.execute(query))


def put_member(connection: Connection, merchant_id: str, account_id: str, role: str) -> None:
    """Make somebody a member, or give a member this role."""
    where = (member.c.merchant_id == merchant_id, member.c.account_id == account_id)
    if not connection.execute(update(member).where(*where).values(role=role)).rowcount:
        connection.execute(insert(member).values(merchant_id=merchant_id, account_id=account_id, role=role))


def delete_member(connection: Connection, merchant_id: str, account_id: str) -> None:
    """Remove a member."""
    connection.execute(delete(member).where(member.c.merchant_id == merchant_id, member.c.account_id == account_id))


def insert_invitation(connection: Connection, values: dict[str, Any]) -> None:
    """Remember an invitation."""
    connection.execute(insert(invitation).values(values))


def _is_open(now: datetime) -> tuple[ColumnElement[bool], ...]:
    own = invitation.c
    return own.accepted_at.is_(None), own.withdrawn_at.is_(None), own.until > now


def open_invitations(connection: Connection, merchant_id: str, now: datetime) -> list[Row[Any]]:
    """Return the invitations of a merchant that wait for an answer, newest first."""
    query = select(invitation).where(invitation.c.merchant_id == merchant_id, *_is_open(now))
    return list(connection.execute(query.order_by(invitation.c.created_at.desc())))


def find_invitation(connection: Connection, token_sha256: str, now: datetime) -> Row[Any] | None:
    """Return an open invitation with its merchant's name, or None."""
    query = (
        select(invitation, merchant.c.name_en, merchant.c.name_zh)
        .join(merchant, merchant.c.merchant_id == invitation.c.merchant_id)
        .where(invitation.c.token_sha256 == token_sha256, *_is_open(now))
    )
    return connection.execute(query).one_or_none()


def accept(connection: Connection, token_sha256: str, now: datetime) -> bool:
    """Note that an invitation was used; False when it is used or over already."""
    where = (invitation.c.token_sha256 == token_sha256, *_is_open(now))
    return connection.execute(update(invitation).where(*where).values(accepted_at=now)).rowcount == 1


def count_mailed(connection: Connection, merchant_id: str, since: datetime) -> int:
    """Return how many invitations of a merchant went out by mail since then, those taken back included."""
    query = (
        select(func.count())
        .select_from(invitation)
        .join(invitation_delivery, invitation_delivery.c.invitation_id == invitation.c.invitation_id)
        .where(invitation.c.merchant_id == merchant_id, invitation.c.created_at > since)
    )
    return connection.scalar(query) or 0


def withdraw(connection: Connection, merchant_id: str, invitation_id: str, now: datetime) -> bool:
    """Take back an open invitation; False when there is none."""
    where = (invitation.c.merchant_id == merchant_id, invitation.c.invitation_id == invitation_id, *_is_open(now))
    return connection.execute(update(invitation).where(*where).values(withdrawn_at=now)).rowcount == 1


def withdraw_of_address(connection: Connection, merchant_id: str, email: str, now: datetime) -> None:
    """Take back what was sent to this address before."""
    where = (invitation.c.merchant_id == merchant_id, invitation.c.email == email, *_is_open(now))
    connection.execute(update(invitation).where(*where).values(withdrawn_at=now))
