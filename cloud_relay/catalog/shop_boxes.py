"""A merchant lets a shop's box in or takes its rights back."""

from datetime import datetime

from sqlalchemy import Connection

from cloud_relay.accounts.roles import check_reach
from cloud_relay.authority import Authority
from cloud_relay.catalog import service, store
from cloud_relay.catalog.reading import missing
from cloud_relay.settings import Settings
from cloud_relay.shop_door import enrolment
from cloud_relay.shop_door import store as door_store
from cloud_relay.web.pages import page_event


def make_claim(
    connection: Connection,
    merchant_ids: frozenset[str],
    shop_id: str,
    settings: Settings,
    authority: Authority,
    now: datetime,
    box: str = "",
) -> tuple[str, datetime]:
    """Return a claim text for one's own shop, for the named box alone if one is, and until when."""
    service.own_shop(connection, shop_id, merchant_ids)
    return enrolment.make_claim(connection, shop_id, settings, authority, now, box)


def revoke(
    connection: Connection, merchant_ids: frozenset[str], shop_id: str, now: datetime, *, is_operator: bool
) -> int:
    """Take back every certificate of a shop; return how many."""
    row = store.find_shop(connection, shop_id)
    if row is None or not (is_operator or check_reach(merchant_ids, row["merchant_id"])):
        raise missing()
    page_event(connection, f"shop:{shop_id}", "box_revoked", {"shop_id": shop_id}, now)
    return door_store.revoke(connection, shop_id, now)
