"""A merchant's money: balances, payouts, postings, and the close of a day as a page and as a table."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from cloud_relay.accounts.roles import Deed
from cloud_relay.catalog import store as catalog
from cloud_relay.escrow import day_close, payouts, two_people
from cloud_relay.escrow.bank import payout_accounts
from cloud_relay.escrow.day_close import to_csv
from cloud_relay.pages.days import chosen_day
from cloud_relay.pages.desk import Desk
from cloud_relay.pages.merchant import Wish, open_desk, to_application
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import MINOR_DIGITS, render

router = Router(prefix="/merchant", include_in_schema=False)

Day = Annotated[date | None, Query()]

KINDS = {
    "hold": ("Paid in, held", "付款（代管）"), "release": ("Released", "放款"), "refund": ("Refund", "退款"),
    "payout": ("Payout", "提现"), "payout_failed": ("Payout came back", "提现退回"),
    "bank_credited": ("Payout came back", "提现退回"),
    "counter": ("Sold at the counter", "柜台销售"),
    "counter_refund": ("Given back at the counter", "柜台退款"),
    "counter_due_back": ("Share of counter sales returned", "退回柜台佣金"),
    "counter_due": ("Share of counter sales kept back", "扣除柜台佣金"),
    "charge_back": ("Taken back by the bank", "银行追回"),
}  # fmt: skip


@router.get("/money")
async def money(request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "") -> Response:
    """Balances, payouts, postings."""
    desk = await open_desk(relay, principal, wish, Deed.SEE_MONEY)
    if desk is None:
        return to_application()
    found = await relay.db.read(payouts.money_of, desk.merchant_id)
    arriving = await relay.db.read(day_close.arriving, desk.merchant_id)
    accounts = await relay.db.read(payout_accounts.accounts_of, desk.merchant_id)
    approvals = await relay.db.read(two_people.waiting, relay.clock.now(), desk.merchant_id)
    return render(
        request, principal, "merchant_money.html", desk=desk, digits=MINOR_DIGITS, arriving=arriving,
        approvals=approvals, payout_accounts=accounts, **found,
    )  # fmt: skip


@router.get("/money.csv")
async def money_csv(relay: RelayDep, principal: SignedIn, wish: Wish = "") -> Response:
    """The postings as a table for a spreadsheet."""
    desk = await open_desk(relay, principal, wish, Deed.SEE_MONEY)
    if desk is None:
        return to_application()
    found = await relay.db.read(payouts.money_of, desk.merchant_id)
    return _table("postings.csv", postings_csv(found["postings"]))


def _table(name: str, text: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(text, headers=headers, media_type="text/csv; charset=utf-8")


def amount_text(amount_minor: int, currency: str) -> str:
    """Return an amount as a plain number with the currency's digits, as spreadsheets add it up."""
    digits = MINOR_DIGITS.get(currency, 2)
    sign, whole = ("-" if amount_minor < 0 else ""), abs(amount_minor)
    return f"{sign}{whole // 10**digits}" + (f".{whole % 10**digits:0{digits}d}" if digits else "")


def postings_csv(postings: list[dict[str, Any]]) -> str:
    """Return postings as a table for spreadsheets."""
    rows: list[list[str]] = [["time", "kind", "order", "debit", "credit", "amount", "currency", "reference"]]
    rows += [
        [
            row["created_at"].isoformat(), row["kind"], row["order_id"] or "", row["debit"], row["credit"],
            amount_text(row["amount_minor"], row["currency"]), row["currency"], row["reference"],
        ]
        for row in postings
    ]  # fmt: skip
    return to_csv(rows)


def _zone(connection: Connection, merchant_id: str) -> str:
    """A merchant's day is the day of its first shop."""
    for shop_id in catalog.shops_of(connection, merchant_id):
        row = catalog.find_shop(connection, shop_id)
        if row is not None:
            return str(row["time_zone"])
    return "UTC"


def _day(connection: Connection, desk: Desk, day: date | None, now: datetime) -> dict[str, Any]:
    zone = _zone(connection, desk.merchant_id)
    today = now.astimezone(ZoneInfo(zone)).date()
    chosen = chosen_day(day, today)
    first, after = day_close.bounds(chosen, zone)
    found = day_close.read_day(connection, desk.merchant_id, first, after)
    return {
        **found, "day": chosen.isoformat(), "zone": zone, "is_over": now >= after,
        "day_before": (chosen - timedelta(days=1)).isoformat(),
        "day_after": (chosen + timedelta(days=1)).isoformat() if chosen < today else "",
    }  # fmt: skip


@router.get("/money/day")
async def day_page(
    request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "", day: Day = None
) -> Response:
    """One day: orders paid, released, commission, refunds, payouts; final once the day is over in the shop's zone."""
    desk = await open_desk(relay, principal, wish, Deed.SEE_MONEY)
    if desk is None:
        return to_application()
    found = await relay.db.read(_day, desk, day, relay.clock.now())
    return render(request, principal, "merchant_day.html", desk=desk, kinds=KINDS, **found)


@router.get("/money/day.csv")
async def day_csv(relay: RelayDep, principal: SignedIn, wish: Wish = "", day: Day = None) -> Response:
    """The same day as a table, in the reader's language."""
    desk = await open_desk(relay, principal, wish, Deed.SEE_MONEY)
    if desk is None:
        return to_application()
    found = await relay.db.read(_day, desk, day, relay.clock.now())
    return _table(f"day-{found['day']}.csv", to_csv(_day_rows(found, principal.language)))


HEAD = {
    "en": ["Time", "What", "Order", "Goods", "Paid in", "Released", "Commission", "Tax in it", "Yours", "Refund",
           "Payout", "At the counter", "Currency",
           "Reference"],
    "zh": ["时间", "事项", "订单", "货品", "付款", "放款", "佣金", "其中税", "所得", "退款", "提现", "柜台",
           "币种", "凭证号"],
}  # fmt: skip


def _day_rows(found: dict[str, Any], language: str) -> Iterator[list[str]]:
    place = 1 if language == "zh" else 0
    yield list(HEAD[language])
    for line in found["lines"]:
        title = line["title"][language] or line["title"]["en"] or line["title"]["zh"]
        at = line["created_at"].astimezone(ZoneInfo(found["zone"])).strftime("%Y-%m-%d %H:%M:%S")
        amounts = _amounts(line)
        kind = KINDS.get(line["kind"], (line["kind"],) * 2)[place]
        yield [at, kind, line["order_id"] or "", title, *amounts, line["currency"], line["reference"]]
    for total in found["sums"]:
        yield ["", ("Sum", "合计")[place], "", "", *_amounts(total), total["currency"], ""]


def _amounts(line: dict[str, Any]) -> list[str]:
    names = ("held", "gross", "commission", "tax", "net", "refund", "payout", "counter")
    return [amount_text(line[f"{name}_minor"], line["currency"]) for name in names]
