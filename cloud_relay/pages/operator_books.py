"""The operator's page of reconciliation: a day of the ledger beside each provider's own list."""

from datetime import UTC, date, timedelta
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response

from cloud_relay.escrow.providers.base import ProviderUnknownError
from cloud_relay.escrow.reconciliation import Report, compare_day
from cloud_relay.pages.days import chosen_day
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.web.principal import Operator
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(prefix="/operator", include_in_schema=False)


@router.get("/books")
async def books(
    request: Request, relay: RelayDep, principal: Operator, day: Annotated[date | None, Query()] = None
) -> Response:
    """Each provider's day; the differences first. A provider that does not answer is said so, not left out."""
    today = relay.clock.now().astimezone(UTC).date()
    chosen = chosen_day(day, today)
    found = [await _of(relay, name, chosen) for name in relay.trading.providers]
    return render(
        request, principal, "operator_books.html", tab="books", find="", day=chosen.isoformat(), found=found,
        day_before=(chosen - timedelta(days=1)).isoformat(),
        day_after=(chosen + timedelta(days=1)).isoformat() if chosen < today else "",
    )  # fmt: skip


async def _of(relay: Relay, name: str, day: date) -> dict[str, Any]:
    try:
        report: Report | None = await compare_day(relay.db, relay.trading.providers[name], day)
        reason = ""
    except ProviderUnknownError as error:
        report, reason = None, str(error)
    return {"name": name, "report": report, "reason": reason}
