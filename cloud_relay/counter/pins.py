"""PINs for the till, one per member: only the slow hash is kept, and goes to the shops with their plan."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from cloud_relay.accounts import member_store
from cloud_relay.accounts.service import missing
from cloud_relay.catalog.plan import replace_plan
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import member, shop
from cloud_relay.web.pages import page_event

EASY = frozenset({"1234", "0000", "1111", "4321", "123456", "000000", "12345", "8888", "6666", "9999"})
"""What is tried first by anybody who stands at a till."""


def check_not_easy(pin: str) -> None:
    """Raise RefusedError for a PIN that everybody tries first."""
    if pin in EASY or len(set(pin)) == 1:
        raise RefusedError(
            "easy_pin", "Everybody tries this one first; choose another", "这个密码太容易猜，请换一个", 422
        )


def set_pin(
    connection: Connection, merchant_id: str, account_id: str, pin_hash: str, resolver_url: str, now: datetime
) -> dict[str, Any]:
    """Give a member a PIN for the till (an empty hash takes it away); every shop of the merchant gets a new plan."""
    if all(row.account_id != account_id for row in member_store.members_of(connection, merchant_id)):
        raise missing()
    where = (member.c.merchant_id == merchant_id, member.c.account_id == account_id)
    connection.execute(update(member).where(*where).values(pin_hash=pin_hash))
    send_plans(connection, merchant_id, resolver_url, now)
    page_event(connection, f"merchant:{merchant_id}", "members_changed", {"merchant_id": merchant_id}, now)
    return {"account_id": account_id, "has_pin": bool(pin_hash)}


def send_plans(connection: Connection, merchant_id: str, resolver_url: str, now: datetime) -> None:
    """Send every open shop of a merchant its new plan: members or their PINs changed."""
    where = (shop.c.merchant_id == merchant_id, shop.c.is_closed.is_(False))
    for shop_id in connection.scalars(select(shop.c.shop_id).where(*where).order_by(shop.c.shop_id)).all():
        replace_plan(connection, shop_id, resolver_url, now)


def with_pin(connection: Connection, merchant_id: str) -> list[str]:
    """Return which members have a PIN."""
    query = select(member.c.account_id).where(member.c.merchant_id == merchant_id, member.c.pin_hash != "")
    return list(connection.scalars(query))
