"""The operator's page of the bank account: what fits nothing, what is to be sent, what was imported."""

from fastapi import Request
from fastapi.responses import Response

from cloud_relay.escrow.bank import book
from cloud_relay.escrow.bank.service import NAME
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import Operator
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(prefix="/operator", include_in_schema=False)


@router.get("/bank")
async def bank(request: Request, relay: RelayDep, principal: Operator) -> Response:
    """Entries that wait for a decision first, then what is to be sent, then files and statements."""
    found = await relay.db.read(book.overview)
    is_set_up = NAME in relay.trading.providers
    return render(request, principal, "operator_bank.html", tab="bank", find="", is_set_up=is_set_up,
                  own=relay.settings.bank, **found)  # fmt: skip
