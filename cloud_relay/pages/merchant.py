"""A merchant's own pages: today, orders, money. Goods and shops stand in merchant_goods.py."""

import csv
import io
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from cloud_relay.accounts import service as accounts
from cloud_relay.catalog import reading as catalog
from cloud_relay.escrow import payouts
from cloud_relay.notices import service as notices
from cloud_relay.orders import reading as orders
from cloud_relay.pages.desk import Desk, attention_of, desk_of
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import Principal, SignedIn, account_id_of
from cloud_relay.web.templating import MINOR_DIGITS, render

router = APIRouter(prefix="/merchant", include_in_schema=False)

Wish = Annotated[str, Query(alias="merchant", max_length=64)]
"""Which of one's merchants is meant; the first one without it."""

NOTICES_MAX = 8


async def open_desk(relay: Any, principal: Principal, wish: str) -> Desk | None:
    """Return the merchant that the page is about, or None for somebody who has none."""
    mine = await relay.db.read(accounts.my_merchants, account_id_of(principal))
    return desk_of(mine, wish)


def to_application() -> Response:
    """Lead somebody without a merchant to where one applies."""
    return RedirectResponse("/account#sell", 303)


def _today(connection: Connection, desk: Desk, account_id: str, now: datetime) -> dict[str, Any]:
    all_orders = orders.orders_of_merchant(connection, desk.merchant_id)
    shop_ids = [shop["shop_id"] for shop in catalog.merchant_goods(connection, desk.merchant_id)]
    shops = [catalog.read_shop(connection, shop_id, frozenset({desk.merchant_id}), now) for shop_id in shop_ids]
    told = notices.notices_of(connection, account_id)["notices"][:NOTICES_MAX]
    return {
        "attention": attention_of(all_orders),
        "shops": shops,
        "money_balances": payouts.money_of(connection, desk.merchant_id)["balances"],
        "notices": [{**one, "text": {"en": one["text_en"], "zh": one["text_zh"]}} for one in told],
        "order_count": len(all_orders),
    }


@router.get("")
async def today(request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "") -> Response:
    """What needs somebody now: orders that wait, devices that call, messages."""
    desk = await open_desk(relay, principal, wish)
    if desk is None:
        return to_application()
    found = await relay.db.read(_today, desk, account_id_of(principal), relay.clock.now())
    channels = ",".join([f"merchant:{desk.merchant_id}", *(f"shop:{shop['shop_id']}" for shop in found["shops"][:15])])
    return render(request, principal, "merchant_today.html", desk=desk, channels=channels, **found)


@router.get("/orders")
async def all_orders(request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "") -> Response:
    """Every order, newest first."""
    desk = await open_desk(relay, principal, wish)
    if desk is None:
        return to_application()
    found = await relay.db.read(orders.orders_of_merchant, desk.merchant_id)
    return render(request, principal, "merchant_orders.html", desk=desk, orders=found)


@router.get("/money")
async def money(request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "") -> Response:
    """Balances, payouts, postings."""
    desk = await open_desk(relay, principal, wish)
    if desk is None:
        return to_application()
    found = await relay.db.read(payouts.money_of, desk.merchant_id)
    return render(request, principal, "merchant_money.html", desk=desk, digits=MINOR_DIGITS, **found)


@router.get("/money.csv")
async def money_csv(relay: RelayDep, principal: SignedIn, wish: Wish = "") -> Response:
    """The postings as a table for a spreadsheet."""
    desk = await open_desk(relay, principal, wish)
    if desk is None:
        return to_application()
    found = await relay.db.read(payouts.money_of, desk.merchant_id)
    headers = {"Content-Disposition": 'attachment; filename="postings.csv"', "Cache-Control": "no-store"}
    return Response(postings_csv(found["postings"]), headers=headers, media_type="text/csv; charset=utf-8")


def postings_csv(postings: list[dict[str, Any]]) -> str:
    """Return postings as CSV (RFC 4180) with a byte-order mark, by which spreadsheets know UTF-8."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(["time", "kind", "order", "debit", "credit", "amount", "currency", "reference"])
    for row in postings:
        digits = MINOR_DIGITS.get(row["currency"], 2)
        amount = f"{row['amount_minor'] / 10**digits:.{digits}f}"
        fields = [
            row["created_at"].isoformat(),
            row["kind"],
            row["order_id"] or "",
            row["debit"],
            row["credit"],
            amount,
        ]
        table.writerow([*fields, row["currency"], row["reference"]])
    return "\ufeff" + out.getvalue()
