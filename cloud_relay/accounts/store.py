"""Accounts, sign-ins, addresses and merchants in SQL."""

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from cloud_relay.accounts.rules import Attempts
from cloud_relay.tables import account, member, merchant, sign_in, sign_in_attempt


def insert_account(connection: Connection, values: dict[str, Any]) -> None:
    """Make an account."""
    connection.execute(insert(account).values(values))


def find_by_email(connection: Connection, email: str) -> Row[Any] | None:
    """Return the open account with this address, or None."""
    query = select(account).where(account.c.email == email, account.c.is_closed.is_(False))
    return connection.execute(query).one_or_none()


def find_account(connection: Connection, account_id: str) -> Row[Any] | None:
    """Return an account, or None."""
    return connection.execute(select(account).where(account.c.account_id == account_id)).one_or_none()


def update_account(connection: Connection, account_id: str, values: dict[str, Any]) -> None:
    """Change an account."""
    connection.execute(update(account).where(account.c.account_id == account_id).values(values))


def insert_sign_in(connection: Connection, values: dict[str, Any]) -> None:
    """Make a sign-in; expired ones of the account go."""
    expired = (sign_in.c.account_id == values["account_id"], sign_in.c.expires_until <= values["created_at"])
    connection.execute(delete(sign_in).where(*expired))
    connection.execute(insert(sign_in).values(values))


def delete_sign_in(connection: Connection, token_sha256: str) -> None:
    """End one sign-in."""
    connection.execute(delete(sign_in).where(sign_in.c.token_sha256 == token_sha256))


def delete_sign_ins(connection: Connection, account_id: str, but_sha256: str = "") -> None:
    """End every sign-in of an account but one."""
    where = (sign_in.c.account_id == account_id, sign_in.c.token_sha256 != but_sha256)
    connection.execute(delete(sign_in).where(*where))


def read_attempts(connection: Connection, key: str) -> Attempts | None:
    """Return the failures under this key, or None."""
    row = connection.execute(select(sign_in_attempt).where(sign_in_attempt.c.key == key)).one_or_none()
    return None if row is None else Attempts(row.failures, row.last_at, row.blocked_until)


def write_attempts(connection: Connection, key: str, attempts: Attempts) -> None:
    """Keep the failures under this key."""
    values = {"failures": attempts.failures, "last_at": attempts.last_at, "blocked_until": attempts.blocked_until}
    changed = connection.execute(update(sign_in_attempt).where(sign_in_attempt.c.key == key).values(values))
    if not changed.rowcount:
        connection.execute(insert(sign_in_attempt).values(key=key, **values))


def forget_attempts(connection: Connection, key: str) -> None:
    """Forget the failures under this key."""
    connection.execute(delete(sign_in_attempt).where(sign_in_attempt.c.key == key))


def insert_merchant(connection: Connection, values: dict[str, Any], owner_id: str) -> None:
    """Make a merchant with its first member."""
    connection.execute(insert(merchant).values(values))
    connection.execute(insert(member).values(merchant_id=values["merchant_id"], account_id=owner_id, role="owner"))


def find_merchant(connection: Connection, merchant_id: str) -> Row[Any] | None:
    """Return a merchant, or None."""
    return connection.execute(select(merchant).where(merchant.c.merchant_id == merchant_id)).one_or_none()


def update_merchant(connection: Connection, merchant_id: str, values: dict[str, Any]) -> None:
    """Change a merchant."""
    connection.execute(update(merchant).where(merchant.c.merchant_id == merchant_id).values(values))


def merchants_of(connection: Connection, account_id: str) -> list[Row[Any]]:
    """Return the merchants that the account is a member of, with its role."""
    query = (
        select(merchant, member.c.role)
        .join(member, member.c.merchant_id == merchant.c.merchant_id)
        .where(member.c.account_id == account_id)
        .order_by(merchant.c.applied_at)
    )
    return list(connection.execute(query))


def merchants_in(connection: Connection, state: str | None, limit: int) -> list[Row[Any]]:
    """Return merchants, newest first; all states when `state` is None."""
    query = select(merchant).order_by(merchant.c.applied_at.desc()).limit(limit)
    return list(connection.execute(query.where(merchant.c.state == state) if state else query))


def members_of(connection: Connection, merchant_id: str) -> list[str]:
    """Return the accounts of a merchant's members."""
    return list(connection.scalars(select(member.c.account_id).where(member.c.merchant_id == merchant_id)))
