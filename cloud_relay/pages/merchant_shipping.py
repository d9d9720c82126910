"""A shop's price list of shipping and its tax rates: the merchant's form."""

from typing import Any

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.catalog.store import find_shop
from cloud_relay.pages.merchant import open_desk, to_application
from cloud_relay.relay import RelayDep
from cloud_relay.shipping import service as shipping
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.problems import not_found
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import MINOR_DIGITS, render

router = Router(prefix="/merchant", include_in_schema=False)


def _read(connection: Connection, shop_id: str, merchant_ids: frozenset[str]) -> dict[str, Any] | None:
    row = find_shop(connection, shop_id)
    if row is None or row["merchant_id"] not in merchant_ids:
        return None
    terms = shipping.read_shipping(connection, merchant_ids, shop_id)
    digits = MINOR_DIGITS.get(terms["currency"], 2)
    zones = [{**one, "text": "\n".join(_step_text(step, digits) for step in one["steps"])} for one in terms["zones"]]
    rates = "\n".join("; ".join(_rate_parts(one)) for one in terms["rates"])
    name = {"en": row["name_en"], "zh": row["name_zh"]}
    return {
        "shop": {"shop_id": shop_id, "merchant_id": row["merchant_id"], "name": name}, "digits": digits,
        "terms": {**terms, "zones": zones, "rates_text": rates},
    }  # fmt: skip


def plain_amount(amount_minor: int, digits: int) -> str:
    """Return an amount as it is typed into a form: no symbol, no thousands."""
    whole, rest = divmod(amount_minor, 10**digits)
    return f"{whole}.{rest:0{digits}d}" if digits else str(whole)


def _step_text(step: dict[str, Any], digits: int) -> str:
    weight = "*" if step["up_to_g"] is None else step["up_to_g"]
    return f"{weight}: {plain_amount(step['price_minor'], digits)}"


def _rate_parts(rate: dict[str, Any]) -> list[str]:
    percent = f"{rate['rate_ppm'] / 10_000:.4f}".rstrip("0").rstrip(".")
    return [rate["place"], percent, *([rate["category"]] if rate["category"] else [])]


@router.get("/shops/{shop_id}/shipping")
async def shop_shipping(shop_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """Zones by place, prices by weight, tax by destination."""
    found = await relay.db.read(_read, shop_id, principal.merchant_ids)
    if found is None:
        raise not_found()
    desk = await open_desk(relay, principal, found["shop"]["merchant_id"])
    if desk is None:
        return to_application()
    return render(request, principal, "merchant_shipping.html", desk=desk, amount=plain_amount, **found)
