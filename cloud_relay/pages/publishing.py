"""Pages of publishing quickly: a table of goods with its preview, and a change of many listings with its preview."""

import re
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed
from cloud_relay.catalog import store as catalog
from cloud_relay.pages.desk import Desk
from cloud_relay.pages.merchant import Wish, open_desk, to_application
from cloud_relay.publishing import bulk, bulk_rules, imports, rules, store
from cloud_relay.publishing.bulk_rules import Rule, What
from cloud_relay.refusals import RefusedError
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import MINOR_DIGITS, render
from wire.values import format_time

router = Router(prefix="/merchant", include_in_schema=False)

Shop = Annotated[str, Query(max_length=64)]
DEEDS: dict[str, tuple[str, str]] = {
    What.PRICE_PERCENT: ("Change prices by percent", "按百分比调价"),
    What.PRICE_ADD: ("Add to prices (or take off)", "价格加减"),
    What.PRICE_SET: ("Set one price", "统一价格"),
    What.STOCK_ADD: ("Add to stock (or take off)", "库存加减"),
    What.STOCK_SET: ("Set stock", "统一库存"),
    What.PUBLISH: ("Put on show", "上架"),
    What.WITHDRAW: ("Take off show", "下架"),
}
PRICES = (What.PRICE_SET, What.PRICE_ADD)
TICKED_MAX = 200
"""As many as fit into one address; more are chosen by their state."""


def _shop_of(connection: Connection, desk: Desk, shop_id: str) -> dict[str, Any] | None:
    """Return the wished shop of this merchant, else its first one, else None."""
    ids = catalog.shops_of(connection, desk.merchant_id)
    chosen = shop_id if shop_id in ids else (ids[0] if ids else "")
    row = catalog.find_shop(connection, chosen)
    if row is None:
        return None
    name = {"en": row["name_en"], "zh": row["name_zh"]}
    return {
        "shop_id": chosen,
        "name": name,
        "currency": row["currency"],
        "others": [one for one in ids if one != chosen],
    }


def _imports(connection: Connection, desk: Desk, shop_id: str) -> dict[str, Any]:
    shop = _shop_of(connection, desk, shop_id)
    rows = store.imports_of(connection, [shop["shop_id"]]) if shop else []
    done = [
        {**{name: row[name] for name in ("import_id", "file_name", "state", "row_count", "is_published")},
         "by": row["nickname"], "at": format_time(row["confirmed_at"] or row["created_at"])}
        for row in rows
    ]  # fmt: skip
    return {"shop": shop, "done": done}


@router.get("/import")
async def import_page(
    request: Request, relay: RelayDep, principal: SignedIn, shop: Shop = "", wish: Wish = ""
) -> Response:
    """Choose a table of goods; what was brought in before, and how to take it out again."""
    desk = await open_desk(relay, principal, wish, Deed.LIST)
    if desk is None:
        return to_application()
    found = await relay.db.read(_imports, desk, shop)
    return render(
        request, principal, "merchant_import.html", desk=desk, columns=rules.COLUMNS, needed=rules.NEEDED,
        lines_max=rules.LINES_MAX, bytes_max=rules.BYTES_MAX, **found,
    )  # fmt: skip


@router.get("/imports/{import_id}")
async def preview_page(import_id: str, request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """What a table would become, or every line that keeps it from that."""
    found = await relay.db.read(imports.read, principal.reach(Deed.LIST), import_id)
    desk = await open_desk(relay, principal, found["merchant_id"], Deed.LIST)
    assert desk is not None
    shop = await relay.db.read(_shop_of, desk, found["shop_id"])
    return render(request, principal, "merchant_import_preview.html", desk=desk, shop=shop, table=found)


def _bulk(
    connection: Connection, desk: Desk, merchant_ids: frozenset[str], shop_id: str, which: str, ticked: list[str],
    what: str, amount: str,
) -> dict[str, Any]:  # fmt: skip
    shop = _shop_of(connection, desk, shop_id)
    if shop is None:
        return {"shop": None, "listings": [], "changes": [], "preview": None, "problem": None}
    rows = catalog.listings_of(connection, [shop["shop_id"]])
    plain = ("listing_id", "sku", "state", "price_minor", "currency", "on_hand", "reserved")
    listings = [
        {**{name: row[name] for name in plain}, "title": {"en": row["title_en"], "zh": row["title_zh"]}} for row in rows
    ]
    changes = [
        {**{name: row[name] for name in ("change_id", "what", "row_count")}, "by": row["nickname"],
         "at": format_time(row["at"]), "is_undone": row["undone_at"] is not None}
        for row in store.bulks_of(connection, [shop["shop_id"]])
    ]  # fmt: skip
    found = {"shop": shop, "listings": listings, "changes": changes, "preview": None, "problem": None}
    if what not in DEEDS:
        return found
    chosen = [one["listing_id"] for one in listings if which in ("all", one["state"]) or one["listing_id"] in ticked]
    try:
        rule = Rule(what=What(what), amount=_amount(What(what), amount, shop["currency"]))
        found["preview"] = bulk.preview(connection, merchant_ids, shop["shop_id"], chosen, rule)
    except RefusedError as refused:
        found["problem"] = {"en": refused.text_en, "zh": refused.text_zh}
    return found


def _amount(what: What, text: str, currency: str) -> int:
    """Return what was typed as minor units, percent or pieces."""
    if what in (What.PUBLISH, What.WITHDRAW):
        return 0
    digits = MINOR_DIGITS.get(currency, 2) if what in PRICES else 0
    pattern = rf"([+-]?)(\d{{1,12}})(?:[.,](\d{{1,{digits}}}))?" if digits else r"([+-]?)(\d{1,12})()"
    found = re.fullmatch(pattern, text.strip().replace("−", "-"), re.ASCII)
    if not found:
        raise RefusedError("bad_amount", "Type a number, as 12 or −5", "请输入数字，如 12 或 −5", 422)
    whole = int(found[2] + (found[3] or "").ljust(digits, "0"))
    return -whole if found[1] == "-" else whole


@router.get("/bulk")
async def bulk_page(
    request: Request, relay: RelayDep, principal: SignedIn, shop: Shop = "", wish: Wish = "",
    which: Annotated[str, Query(max_length=20)] = "", what: Annotated[str, Query(max_length=20)] = "",
    amount: Annotated[str, Query(max_length=20)] = "",
    ticked: Annotated[list[str] | None, Query(alias="id", max_length=TICKED_MAX)] = None,
) -> Response:  # fmt: skip
    """Choose listings and a change; see each before and after; then do it, and undo it."""
    desk = await open_desk(relay, principal, wish, Deed.LIST)
    if desk is None:
        return to_application()
    found = await relay.db.read(_bulk, desk, principal.reach(Deed.LIST), shop, which, ticked or [], what, amount)
    return render(
        request, principal, "merchant_bulk.html", desk=desk, deeds=DEEDS, which=which, what=what, amount=amount,
        ticked=set(ticked or []), ticked_max=TICKED_MAX, listings_max=bulk_rules.LISTINGS_MAX, **found,
    )  # fmt: skip
