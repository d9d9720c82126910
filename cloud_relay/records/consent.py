"""A shopper's yes to one use of what is known of them: off until given, taken back at once with what it made."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, insert, select, update

from cloud_relay.records.hooks import ON_GIVEN, ON_WITHDRAWN
from cloud_relay.records.uses import Use
from cloud_relay.tables import consent
from cloud_relay.web.pages import page_event

__all__ = ["Use", "give", "has", "is_given_by", "of", "withdraw"]


def has(connection: Connection, account_id: str, use: Use) -> bool:
    """Tell whether this shopper says yes to this use now."""
    return bool(connection.scalar(select(_given(use, consent.c.account_id == account_id))))


def is_given_by(account_id: ColumnElement[str], use: Use) -> ColumnElement[bool]:
    """Return the same as a condition on a column of account ids, for queries over many people."""
    return _given(use, consent.c.account_id == account_id)


def _given(use: Use, whose: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(whose, consent.c.use == use.value, consent.c.is_given)


def of(connection: Connection, account_id: str) -> dict[Use, datetime | None]:
    """Return for each use since when this shopper says yes to it, None where they do not."""
    rows = connection.execute(select(consent).where(consent.c.account_id == account_id))
    since = {row.use: row.changed_at for row in rows if row.is_given}
    return {use: since.get(use.value) for use in Use}


def give(connection: Connection, account_id: str, use: Use, now: datetime) -> bool:
    """Write this shopper's yes; False when it stands already."""
    is_changed = _write(connection, account_id, use, is_given=True, now=now)
    if is_changed:
        for hear in ON_GIVEN[use]:
            hear(connection, account_id, now)
    return is_changed


def withdraw(connection: Connection, account_id: str, use: Use, now: datetime) -> bool:
    """Take a yes back, and all that other rooms keep by it; False when there was none.

    The rooms forget in any case: what lies about without a yes goes too.
    """
    is_changed = _write(connection, account_id, use, is_given=False, now=now)
    for forget in ON_WITHDRAWN[use]:
        forget(connection, account_id, now)
    return is_changed


def _write(connection: Connection, account_id: str, use: Use, *, is_given: bool, now: datetime) -> bool:
    own = (consent.c.account_id == account_id, consent.c.use == use.value)
    before = connection.scalar(select(consent.c.is_given).where(*own))
    if bool(before) is is_given:
        return False
    values = {"is_given": is_given, "changed_at": now}
    if before is None:
        connection.execute(insert(consent).values(account_id=account_id, use=use.value, **values))
    else:
        connection.execute(update(consent).where(*own).values(**values))
    page_event(connection, f"account:{account_id}", "consent", {"use": use.value, "is_given": is_given}, now)
    return True
