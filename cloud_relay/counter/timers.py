"""Keeps tills up to date: a price for a time was set or ended, a member left or got another role."""

import asyncio
import logging
from datetime import datetime

from sqlalchemy import Connection, select

from cloud_relay.catalog.plan import replace_plan
from cloud_relay.counter import goods
from cloud_relay.refusals import RefusedError
from cloud_relay.relay import Relay
from cloud_relay.tables import announcement, member, shop, shop_command
from wire.codec import to_json

log = logging.getLogger(__name__)

LOOK_EVERY_S = 20.0
"""How long a till may show yesterday's price, or let somebody in who left."""


_too_large: set[str] = set()
"""Shops of which it is logged already that no message carries their plan."""


def shops_with_tills(connection: Connection) -> list[tuple[str, str]]:
    """Return (shop, merchant) of open shops whose people have PINs or whose listings have prices for a time."""
    has_pin = select(member.c.merchant_id).where(member.c.pin_hash != "")
    has_price = select(announcement.c.shop_id).where(announcement.c.price_minor.is_not(None))
    where = (
        shop.c.is_closed.is_(False),
        shop.c.plan_version > 0,
        shop.c.merchant_id.in_(has_pin) | shop.c.shop_id.in_(has_price),
    )
    query = select(shop.c.shop_id, shop.c.merchant_id).where(*where).order_by(shop.c.shop_id)
    return [(row.shop_id, row.merchant_id) for row in connection.execute(query)]


def is_behind(connection: Connection, shop_id: str, merchant_id: str) -> bool:
    """Tell whether the newest plan of a shop says otherwise of prices or members than the database does now."""
    sent = select(shop_command.c.data).where(shop_command.c.shop_id == shop_id, shop_command.c.type == "ReplacePlan")
    newest = connection.scalar(
        sent.order_by(shop_command.c.created_at.desc(), shop_command.c.command_id.desc()).limit(1)
    )
    if newest is None:
        return False
    plan = newest["plan"]
    listings, members = goods.till_of(connection, shop_id, merchant_id)
    return bool(plan.get("listings", []) != to_json(listings) or plan.get("till_members", []) != to_json(members))


def keep_up(connection: Connection, resolver_url: str, now: datetime) -> list[str]:
    """Send a new plan to every shop whose till is behind; return which. One that no message carries is passed over."""
    behind = [one for one, merchant_id in shops_with_tills(connection) if is_behind(connection, one, merchant_id)]
    return [one for one in behind if _send(connection, one, resolver_url, now)]


def _send(connection: Connection, shop_id: str, resolver_url: str, now: datetime) -> bool:
    """Send one shop its plan; one shop that is too large must not keep the others' tills behind."""
    try:
        with connection.begin_nested():
            replace_plan(connection, shop_id, resolver_url, now)
    except RefusedError as error:
        log.log(logging.DEBUG if shop_id in _too_large else logging.WARNING, "no plan for a till: %s", error,
            extra={"shop_id": shop_id})  # fmt: skip
        _too_large.add(shop_id)
        return False
    _too_large.discard(shop_id)
    return True


async def work(relay: Relay) -> None:
    """Look for ever; ends only by cancellation."""
    while True:
        behind = await relay.db.keep_running(keep_up, relay.settings.relay.public_url, relay.clock.now())
        if behind:
            log.info("plans sent to tills", extra={"shops": len(behind)})
        await asyncio.sleep(LOOK_EVERY_S)
