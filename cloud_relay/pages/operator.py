"""The operator's page: merchants to verify, disputes to rule on."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.accounts import service as accounts
from cloud_relay.accounts.rules import MERCHANT_DECISIONS
from cloud_relay.orders import reading as orders
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import Operator
from cloud_relay.web.templating import MINOR_DIGITS, render

router = APIRouter(include_in_schema=False)


def _desk(connection: Connection) -> dict[str, Any]:
    merchants = [
        {
            **one,
            "name": {"en": one["name_en"], "zh": one["name_zh"]},
            "decisions": sorted(MERCHANT_DECISIONS.get(one["state"], set()), reverse=True),
        }
        for one in accounts.list_merchants(connection, None)
    ]
    return {
        "pending": [one for one in merchants if one["state"] == "pending"],
        "decided": [one for one in merchants if one["state"] != "pending"],
        "disputes": orders.open_disputes(connection),
    }


@router.get("/operator")
async def operator(request: Request, relay: RelayDep, principal: Operator) -> Response:
    """What waits for the operator, the most urgent first."""
    found = await relay.db.read(_desk)
    return render(request, principal, "operator.html", digits=MINOR_DIGITS, **found)
