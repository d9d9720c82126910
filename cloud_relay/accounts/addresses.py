"""Saved addresses: titled, one of them the default, changed, deleted and taken back. Each use case one transaction."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from cloud_relay.accounts import rules
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import saved_address
from cloud_relay.web.pages import page_event
from wire.codec import from_json, to_json
from wire.plan import Address
from wire.values import clean_text, new_id

TITLE_LENGTH_MAX = 40
"""A word or two that one finds it by: Home, 公司."""
UNDO = timedelta(days=1)
"""How long a deleted address can be taken back; then the next change of one's addresses forgets it for good."""


def missing() -> RefusedError:
    """Return the refusal for an address that is not there or not yours."""
    return RefusedError("not_found", "Not found", "没有找到", 404)


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {"address_id": row.address_id, "title": row.title, "is_default": row.is_default, **row.address}


def _rows(connection: Connection, account_id: str) -> list[Row[Any]]:
    own = (saved_address.c.account_id == account_id, saved_address.c.deleted_at.is_(None))
    order = (saved_address.c.is_default.desc(), saved_address.c.address_id)
    return list(connection.execute(select(saved_address).where(*own).order_by(*order)))


def list_addresses(connection: Connection, account_id: str) -> list[dict[str, Any]]:
    """Return one's saved addresses, the default one first, then as they were saved."""
    return [_shown(row) for row in _rows(connection, account_id)]


def _cleaned(given: dict[str, Any]) -> dict[str, Any]:
    title = str(given.get("title", "")).strip()
    fields = {name: value for name, value in given.items() if name not in ("title", "is_default")}
    address = to_json(rules.clean_address(from_json(Address, fields)))
    return {"address": address, "title": clean_text(title, "title", TITLE_LENGTH_MAX) if title else ""}


def save_address(connection: Connection, account_id: str, given: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Save an address that fits a label; the first one is the default. RefusedError when there are too many."""
    cleaned, own = _cleaned(given), _rows(connection, account_id)
    _check_room(len(own) + 1)
    address_id = new_id("adr")
    connection.execute(insert(saved_address).values(address_id=address_id, account_id=account_id, **cleaned))
    if given.get("is_default") or not own:
        _set_default(connection, account_id, address_id)
    _tell(connection, account_id, now)
    return _shown(_find(connection, account_id, address_id))


def _check_room(count: int) -> None:
    if count > rules.ADDRESSES_MAX:
        title = (f"At most {rules.ADDRESSES_MAX} addresses", f"最多保存 {rules.ADDRESSES_MAX} 个地址")
        raise RefusedError("too_many_addresses", *title)


def _find(connection: Connection, account_id: str, address_id: str) -> Row[Any]:
    found = next((row for row in _rows(connection, account_id) if row.address_id == address_id), None)
    if found is None:
        raise missing()
    return found


def change_address(
    connection: Connection, account_id: str, address_id: str, given: dict[str, Any], now: datetime
) -> dict[str, Any]:
    """Write a saved address anew; orders that went to the old one keep it."""
    _find(connection, account_id, address_id)
    cleaned = _cleaned(given)
    change = update(saved_address).where(saved_address.c.address_id == address_id)
    connection.execute(change.values(**cleaned))
    if given.get("is_default"):
        _set_default(connection, account_id, address_id)
    _tell(connection, account_id, now)
    return _shown(_find(connection, account_id, address_id))


def make_default(connection: Connection, account_id: str, address_id: str, now: datetime) -> dict[str, Any]:
    """Make one of one's addresses that with which every checkout begins."""
    _find(connection, account_id, address_id)
    _set_default(connection, account_id, address_id)
    _tell(connection, account_id, now)
    return _shown(_find(connection, account_id, address_id))


def _set_default(connection: Connection, account_id: str, address_id: str) -> None:
    own = saved_address.c.account_id == account_id
    connection.execute(update(saved_address).where(own).values(is_default=saved_address.c.address_id == address_id))


def delete_address(connection: Connection, account_id: str, address_id: str, now: datetime) -> dict[str, Any]:
    """Delete one of one's addresses; it can be taken back for a day. Another one becomes the default."""
    found = _find(connection, account_id, address_id)
    own = saved_address.c.account_id == account_id
    connection.execute(delete(saved_address).where(own, saved_address.c.deleted_at <= now - UNDO))
    change = update(saved_address).where(saved_address.c.address_id == address_id)
    connection.execute(change.values(deleted_at=now, is_default=False))
    left = _rows(connection, account_id)
    if found.is_default and left:
        _set_default(connection, account_id, left[-1].address_id)
    _tell(connection, account_id, now)
    return {"address_id": address_id}


def restore_address(connection: Connection, account_id: str, address_id: str, now: datetime) -> dict[str, Any]:
    """Take a deleted address back within a day; RefusedError (404) after it, and when there are too many by now."""
    own = (saved_address.c.account_id == account_id, saved_address.c.address_id == address_id)
    change = update(saved_address).where(*own, saved_address.c.deleted_at > now - UNDO).values(deleted_at=None)
    if connection.execute(change).rowcount != 1:
        raise missing()
    count = len(_rows(connection, account_id))
    _check_room(count)
    if count == 1:
        _set_default(connection, account_id, address_id)
    _tell(connection, account_id, now)
    return _shown(_find(connection, account_id, address_id))


def deleted_addresses(connection: Connection, account_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return what can still be taken back, the newest first."""
    own = (saved_address.c.account_id == account_id, saved_address.c.deleted_at > now - UNDO)
    rows = connection.execute(select(saved_address).where(*own).order_by(saved_address.c.deleted_at.desc()))
    return [_shown(row) for row in rows]


def _tell(connection: Connection, account_id: str, now: datetime) -> None:
    page_event(connection, f"account:{account_id}", "addresses", {}, now)
