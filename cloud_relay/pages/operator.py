"""The operator's pages: what waits (alarm, disputes, merchants), every shop's box, an order by any code."""

import asyncio
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.accounts import service as accounts
from cloud_relay.accounts.rules import MERCHANT_DECISIONS
from cloud_relay.catalog import overview
from cloud_relay.orders import finding
from cloud_relay.orders import reading as orders
from cloud_relay.owners import reading as owners
from cloud_relay.parcels import store as parcels
from cloud_relay.parcels.epcis import DELIVERED, EXCEPTIONS
from cloud_relay.relay import RelayDep
from cloud_relay.viewing import complaints
from cloud_relay.web.principal import Operator
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import MINOR_DIGITS, render

router = Router(prefix="/operator", include_in_schema=False)

CASES_MAX = 20
"""Disputes shown whole; the others come up as these are ruled on."""


def proofs_of(order: dict[str, Any], packed_sha256: str | None) -> list[dict[str, Any]]:
    """Return the pictures to compare, in the order of the journey; one that does not exist has no hash."""
    told = [one for one in order["timeline"] if one.get("step") in (DELIVERED, *EXCEPTIONS)]
    last = told[-1] if told else {"picture_sha256": "", "text": {"en": "", "zh": ""}}
    named = (
        ("before", "As it was confirmed", "确认时的货品", order["still_sha256"]),
        ("packed", "Packed", "打包后", packed_sha256),
        ("label", "The label", "标签照片", order["photo_sha256"]),
        ("door", "At the door", "送达时", last["picture_sha256"]),
    )
    shown = [{"name": name, "title": {"en": en, "zh": zh}, "picture_sha256": sha} for name, en, zh, sha in named]
    return [*shown[:3], {**shown[3], "words": last["text"]}]


def _case(connection: Connection, one: dict[str, Any]) -> dict[str, Any]:
    order = orders.read_order(connection, one["order_id"], (), for_shopper=False)
    parcel = parcels.load(connection, order["parcel_id"])
    proofs = proofs_of(order, parcel.packed_sha256 if parcel else None)
    return {**one, "proofs": proofs, "timeline": order["timeline"], "ledger": order["ledger"]}


def _desk(connection: Connection, find: str) -> dict[str, Any]:
    merchants = [
        {
            **one,
            "name": {"en": one["name_en"], "zh": one["name_zh"]},
            "decisions": sorted(MERCHANT_DECISIONS.get(one["state"], set()), reverse=True),
        }
        for one in accounts.list_merchants(connection, None)
    ]
    disputes = orders.open_disputes(connection)
    return {
        "pending": [one for one in merchants if one["state"] == "pending"],
        "decided": [one for one in merchants if one["state"] != "pending"],
        "disputes": [_case(connection, one) for one in disputes[:CASES_MAX]],
        "dispute_count": len(disputes),
        "found": finding.find_orders(connection, find) if find else [],
        "complaints": complaints.open_complaints(connection),
        "talk_reports": owners.reported(connection),
    }


@router.get("")
async def operator(
    request: Request, relay: RelayDep, principal: Operator, find: Annotated[str, Query(max_length=300)] = ""
) -> Response:
    """What waits for the operator, the most urgent first; with `find` the orders of a code."""
    found = await relay.db.read(_desk, find.strip())
    violations = await asyncio.to_thread(relay.db.violations)
    return render(
        request, principal, "operator.html", tab="waiting", violations=violations, find=find.strip(),
        digits=MINOR_DIGITS, checked_at=relay.clock.now(), **found,
    )  # fmt: skip


@router.get("/shops")
async def shops(request: Request, relay: RelayDep, principal: Operator) -> Response:
    """Every shop's box, those that need somebody first."""
    found = await relay.db.read(overview.shops_overview, relay.clock.now())
    channels = ",".join(["operator", *(f"shop:{one['shop_id']}" for one in found[:19])])
    return render(request, principal, "operator_shops.html", tab="shops", shops=found, channels=channels, find="")
