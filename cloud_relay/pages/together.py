"""Pages of group orders: one's own, a new one, one group with its members and its chat, paying into it."""

from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.accounts import addresses
from cloud_relay.groups import reading, rules, store
from cloud_relay.pages.addresses import COUNTRIES, NO_ADDRESS
from cloud_relay.pages.orders import delivery_days, destination
from cloud_relay.pages.shopper import chosen_variant
from cloud_relay.promotions import reading as promotions
from cloud_relay.relay import RelayDep
from cloud_relay.suggestions import reading as suggestions
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.problems import not_found
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(include_in_schema=False)

Chosen = Annotated[str, Query(max_length=64)]
WAITS = (
    (3600, "1 hour", "1 小时"), (3 * 3600, "3 hours", "3 小时"), (12 * 3600, "12 hours", "12 小时"),
    (24 * 3600, "1 day", "1 天"), (3 * 86_400, "3 days", "3 天"), (7 * 86_400, "7 days", "7 天"),
)  # fmt: skip
"""How long a group may wait, as its starter chooses it: from rules.CLOSE_S_MIN to CLOSE_S_MAX."""
CHANNELS_MAX = 15
"""Groups that the list follows; the event stream takes a few more channels."""


@router.get("/together")
async def mine(request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """The groups that one is in, the open ones first; beside them what is suggested to one."""
    account_id = account_id_of(principal)
    found = await relay.db.read(reading.groups_of, account_id, relay.clock.now())
    suggested = await relay.db.read(suggestions.open_of, account_id, relay.clock.now())
    followed = [f"group:{one['group_id']}" for one in found if one["is_open"]][:CHANNELS_MAX]
    channels = ",".join([f"account:{account_id}", *followed])
    return render(
        request, principal, "together.html", is_kept=True, groups_found=found, suggestions=suggested, channels=channels
    )


@router.get("/together/new")
async def new(
    request: Request, relay: RelayDep, principal: SignedIn, promotion: Chosen = "", listing: Chosen = ""
) -> Response:
    """What a promotion brings to those who buy together, and the form that begins a group."""
    now = relay.clock.now()

    def read(connection: Connection) -> dict[str, Any]:
        row = promotions.find_current(connection, promotion, now)
        if row is None or not row["is_online"]:
            raise not_found()
        goods = reading.goods_of(connection, row["shop_id"], row["listing_ids"], now)
        chosen = listing if listing in [one["listing_id"] for one in goods] else ""
        return {
            "promotion": promotions.shown(row), "shop_name": store.shop_name(connection, row["shop_id"]),
            "goods": goods, "chosen": chosen or next((one["listing_id"] for one in goods), ""),
        }  # fmt: skip

    found = await relay.db.read(read)
    return render(request, principal, "together_new.html", **found, waits=WAITS, usual_wait=rules.CLOSE_S)


@router.get("/together/{group_id}")
async def group(group_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """One group order, live: how far, who pays what, the chat; for a holder of its link the way in."""
    account_id, now = account_id_of(principal), relay.clock.now()

    def read(connection: Connection) -> dict[str, Any]:
        found = reading.read_group(connection, group_id, account_id, now, is_operator=principal.is_operator)
        look_piece = store.piece_to_look_at(connection, found["listing_id"]) if found["listing_id"] else None
        return {"group": found, "look_piece": look_piece}

    found = await relay.db.read(read)
    link = f"{relay.settings.relay.public_url.rstrip('/')}/together/{group_id}"
    return render(request, principal, "together_group.html", **found, link=link)


@router.get("/together/{group_id}/pay")
async def pay(
    group_id: str, request: Request, relay: RelayDep, principal: SignedIn, listing: Chosen, variant: Chosen = ""
) -> Response:
    """Address, way of payment and total of one piece, and what of it comes back when."""
    trading, now, account_id = relay.trading, relay.clock.now(), account_id_of(principal)

    def read(connection: Connection) -> dict[str, Any]:
        saved = addresses.list_addresses(connection, account_id)
        address = saved[0] if saved else NO_ADDRESS
        country, postal_code = destination(request.query_params, address)
        styles = reading.styles_of(connection, listing, now)
        found = reading.read_pledge(
            connection, group_id, account_id, listing, chosen_variant(styles, variant), trading.trade,
            trading.methods, now, country=country, postal_code=postal_code,
        )  # fmt: skip
        return {"checkout": found, "address": address, "addresses": found["addresses"]}

    found = await relay.db.read(read)
    first, last = delivery_days(now)
    return render(
        request, principal, "together_pay.html", **found, countries=COUNTRIES, delivery_from=first,
        delivery_until=last,
    )  # fmt: skip
