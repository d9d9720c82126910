"""Pages about a shop's box: let exactly this box in, and have its bench checked."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed
from cloud_relay.bench_checks import service as bench_checks
from cloud_relay.catalog import reading
from cloud_relay.pages.merchant import Wish, open_desk, to_application
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render
from wire.box_code import plain_box_code
from wire.values import parse_time

router = Router(prefix="/merchant", include_in_schema=False)

OCCASIONS: dict[str, tuple[str, str]] = {
    "setup": ("at setup", "安装时"),
    "asked": ("asked for at the bench", "工作台发起"),
    "merchant": ("asked for on this page", "本页发起"),
    "nightly": ("at night", "夜间"),
}
"""How a check came about."""


def _shops(connection: Connection, merchant_id: str) -> list[dict[str, Any]]:
    return reading.merchant_goods(connection, merchant_id)


@router.get("/box")
async def box(
    request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "",
    code: Annotated[str, Query(max_length=40)] = "",
) -> Response:  # fmt: skip
    """Choose the shop that this box is for; the claim that is made then works for this box alone."""
    desk = await open_desk(relay, principal, wish, Deed.LET_BOX_IN)
    if desk is None:
        return to_application()
    shops = await relay.db.read(_shops, desk.merchant_id)
    return render(request, principal, "merchant_box.html", desk=desk, shops=shops, box_code=plain_box_code(code))


def _checks(connection: Connection, shop_id: str, own: frozenset[str], now: datetime) -> dict[str, Any]:
    return {
        "shop": reading.read_shop(connection, shop_id, own, now),
        "checks": bench_checks.read_checks(connection, shop_id, own, now),
    }


@router.get("/shops/{shop_id}/check")
async def check(shop_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """Have the bench checked, see each step as it ends, and read the cards of earlier checks."""
    found = await relay.db.read(_checks, shop_id, principal.merchant_ids, relay.clock.now())
    shop, checks = found["shop"], found["checks"]
    desk = await open_desk(relay, principal, shop["merchant_id"], Deed.CHECK_BENCH)
    card, is_zh = checks["card"], principal.language == "zh"
    took_s = (parse_time(card["ended_at"]) - parse_time(card["started_at"])).total_seconds() if card else 0.0
    return render(
        request, principal, "merchant_check.html", desk=desk, shop=shop, took_s=took_s, why=checks["text"],
        occasions={name: words[is_zh] for name, words in OCCASIONS.items()},
        **{name: checks[name] for name in ("is_live", "failed", "running", "card", "cards")},
    )  # fmt: skip
