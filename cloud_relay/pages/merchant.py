"""A merchant's own pages: today's work at a glance, and orders. Each other subject has its file merchant_….py."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from cloud_relay.accounts import service as accounts
from cloud_relay.accounts.roles import Deed, barred
from cloud_relay.bench_checks import service as bench_checks
from cloud_relay.catalog import plan_changes
from cloud_relay.catalog import reading as catalog
from cloud_relay.catalog import store as catalog_store
from cloud_relay.escrow import day_close, payouts
from cloud_relay.notices import service as notices
from cloud_relay.orders import reading as orders
from cloud_relay.orders import reservations
from cloud_relay.orders.routes import SearchDep
from cloud_relay.pages.desk import Desk, attention_of, desk_of, glances_of
from cloud_relay.relay import RelayDep
from cloud_relay.viewing import store as viewing
from cloud_relay.web.principal import Principal, SignedIn, account_id_of
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(prefix="/merchant", include_in_schema=False)

Wish = Annotated[str, Query(alias="merchant", max_length=64)]
"""Which of one's merchants is meant; the first one without it."""

NOTICES_MAX = 8
QUESTION_LIFE = timedelta(minutes=10)
"""A question that nobody answered for so long is not shown: the command that carries it to the bench ends then too."""


async def open_desk(relay: Any, principal: Principal, wish: str, deed: Deed = Deed.SEE) -> Desk | None:
    """Return the merchant that the page is about, None for somebody without one; 403 where the role is in the way."""
    mine = await relay.db.read(accounts.my_merchants, account_id_of(principal))
    desk = desk_of(mine, wish)
    if desk is not None and not desk.may(deed):
        raise barred()
    return desk


def to_application() -> Response:
    """Lead somebody without a merchant to where one applies."""
    return RedirectResponse("/account#sell", 303)


def channels_of(desk: Desk, shop_ids: list[str]) -> str:
    """Return the event channels of a merchant's page."""
    return ",".join([f"merchant:{desk.merchant_id}", *(f"shop:{shop_id}" for shop_id in shop_ids[:15])])


def _shop(connection: Connection, shop_id: str, desk: Desk, url: str, now: datetime) -> dict[str, Any]:
    own = frozenset({desk.merchant_id})
    checks = bench_checks.read_checks(connection, shop_id, own, now)
    return {
        **catalog.read_shop(connection, shop_id, own, now),
        "check": checks["cards"][0] if checks["cards"] else None,
        "live": {"is_live": checks["is_live"], "text": checks["text"], "failed": checks["failed"]},
        "plan_waits": plan_changes.waiting(connection, shop_id, url),
    }


def _today(connection: Connection, desk: Desk, account_id: str, url: str, now: datetime) -> dict[str, Any]:
    all_orders = orders.orders_of_merchant(connection, desk.merchant_id)
    shop_ids = catalog_store.shops_of(connection, desk.merchant_id)
    told = notices.notices_of(connection, account_id)["notices"][:NOTICES_MAX]
    questions = viewing.open_questions(connection, shop_ids, now - QUESTION_LIFE)
    kept = reservations.count_active(connection, shop_ids, now)
    can_see_money = desk.may(Deed.SEE_MONEY)
    return {
        "glances": glances_of(all_orders, kept=kept, questions=len(questions)),
        "attention": attention_of(all_orders),
        "shops": [_shop(connection, shop_id, desk, url, now) for shop_id in shop_ids],
        "money_balances": payouts.money_of(connection, desk.merchant_id)["balances"] if can_see_money else [],
        "arriving": day_close.arriving(connection, desk.merchant_id) if can_see_money else [],
        "notices": [{**one, "text": {"en": one["text_en"], "zh": one["text_zh"]}} for one in told],
        "order_count": len(all_orders),
        "questions": questions,
    }


@router.get("")
async def today(request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "") -> Response:
    """What needs somebody now: numbers first, then orders that wait, devices that call, messages."""
    desk = await open_desk(relay, principal, wish)
    if desk is None:
        return to_application()
    url = relay.settings.relay.public_url
    found = await relay.db.read(_today, desk, account_id_of(principal), url, relay.clock.now())
    channels = channels_of(desk, [shop["shop_id"] for shop in found["shops"]])
    return render(request, principal, "merchant_today.html", desk=desk, channels=channels, **found)


@router.get("/orders")
async def all_orders(
    request: Request, relay: RelayDep, principal: SignedIn, search: SearchDep, wish: Wish = ""
) -> Response:
    """Every order, newest first: all, or those that fit a search."""
    desk = await open_desk(relay, principal, wish)
    if desk is None:
        return to_application()
    found = await relay.db.read(orders.orders_of_merchant, desk.merchant_id, search)
    states = await relay.db.read(orders.state_choices, desk.merchant_id, is_merchant=True)
    return render(request, principal, "merchant_orders.html", desk=desk, orders=found, search=search, states=states)
