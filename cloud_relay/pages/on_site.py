"""The page of somebody who is in a shop: what they hold, what is cheaper together, and with whom there."""

import json
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from cloud_relay.on_site import reading, rules
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import SignedIn, account_id_of
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(include_in_schema=False)


@router.get("/here/{shop_id}")
async def here(shop_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """What one holds in this shop, each promotion's distance, and who there would reach it with one; live."""
    account_id = account_id_of(principal)
    found = await relay.db.read(reading.of_visit, account_id, shop_id, relay.clock.now())
    channels = [f"account:{account_id}", f"shop:{shop_id}", *([f"here:{shop_id}"] if found["visit"] else [])]
    channels += [f"group:{one['group']['group_id']}" for one in found["promotions"] if one.get("group")]
    for one in found["promotions"]:
        if one.get("together"):
            others = [who["person_id"] for who in one["together"]["people"] if not who["is_own"]]
            one["asked"] = json.dumps({"person_ids": others})
    for line in found["in_hand"]:
        line["bodies"] = [_hand(line, count) for count in (line["quantity"] - 1, line["quantity"] + 1, 0)]
    hours = int(rules.VISIT.total_seconds()) // 3600
    return render(request, principal, "here.html", channels=",".join(channels), hours=hours, **found)


def _hand(line: dict[str, Any], count: int) -> str:
    return json.dumps({**{name: line[name] for name in ("listing_id", "variant_id")}, "quantity": count})
