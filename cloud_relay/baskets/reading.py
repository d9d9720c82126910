"""A basket as pages and programs see it: by shop, with what shipping and tax add, and what cannot be had any more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cloud_relay.baskets import store
from cloud_relay.baskets.rules import LineState, line_state
from cloud_relay.catalog.variant_rules import titled
from cloud_relay.escrow import payments
from cloud_relay.orders import reading
from cloud_relay.shipping import rules as shipping
from cloud_relay.shipping.rules import Cost, Goods, Terms
from cloud_relay.shipping.store import terms_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Goods in a basket: so many of a listing, or (with `parcel_id`) one very piece that is kept for the shopper."""

    key: str
    row: Mapping[str, Any]
    quantity: int
    problem: tuple[str, str] | None = None
    """Why it cannot be bought now, in English and Chinese."""
    parcel_id: str = ""

    @property
    def title(self) -> dict[str, str]:
        """What it is called, with its style."""
        return titled({"en": self.row["title_en"], "zh": self.row["title_zh"]}, self.row["choices"])

    @property
    def goods_minor(self) -> int:
        """The price of all of them."""
        return int(self.row["price_minor"]) * self.quantity


def problem_of(row: Mapping[str, Any], quantity: int, in_stock: int) -> tuple[str, str] | None:
    """Return why so many of this cannot be bought now, or None. Pure."""
    is_offered = row["listing_state"] == "published" and row["merchant_state"] == "verified" and not row["is_closed"]
    if not is_offered or row["is_offered"] is False:
        return "Not for sale now", "目前不出售"
    if row["live_reason"]:
        return "The shop takes no orders just now", "店铺暂不接单"
    if in_stock == 0:
        return "Sold or taken meanwhile", "已被他人买走"
    if in_stock < quantity:
        return f"Only {in_stock} left", f"只剩 {in_stock} 件"
    return None


def open_lines(connection: Connection, account_id: str, now: datetime) -> list[Line]:
    """Return what could be paid now: lines that are in no order, then the pieces that are kept for this account."""
    rows = store.lines_of(connection, account_id, now)
    placed = store.orders_of(connection, [row["basket_id"] for row in rows if row["basket_id"]])
    lines = [
        Line(key=row["line_id"], row=row, quantity=row["quantity"],
             problem=problem_of(row, row["quantity"], row["in_stock"]))
        for row in rows
        if line_state(placed.get(row["basket_id"], ())) is LineState.OPEN
    ]  # fmt: skip
    kept = store.kept_of(connection, account_id, now)
    return lines + [
        Line(key=row["parcel_id"], row=row, quantity=1, parcel_id=row["parcel_id"], problem=problem_of(row, 1, 1))
        for row in kept
    ]


def count(connection: Connection, account_id: str, now: datetime) -> int:
    """Return how many pieces lie in the basket, those whose payment is still open among them."""
    lying = sum(line.quantity for line in open_lines(connection, account_id, now))
    unpaid = store.orders_of(connection, store.unpaid_baskets(connection, account_id)).values()
    return lying + sum(state == "unpaid" for orders in unpaid for state, _ in orders)


def done_lines(connection: Connection, account_id: str, now: datetime) -> list[str]:
    """Return lines whose goods were paid."""
    rows = [row for row in store.lines_of(connection, account_id, now) if row["basket_id"]]
    placed = store.orders_of(connection, [row["basket_id"] for row in rows])
    return [row["line_id"] for row in rows if line_state(placed.get(row["basket_id"], ())) is LineState.DONE]


class Prices:
    """What each line of one payment costs at one destination; "free from" looks at all goods of a shop in it."""

    def __init__(self, connection: Connection, lines: list[Line], country: str, postal_code: str) -> None:
        self._connection, self._country, self._postal_code = connection, country, postal_code
        self._terms: dict[str, Terms] = {}
        self.together: dict[str, int] = {}
        for line in lines:
            shop_id = line.row["shop_id"]
            self.together[shop_id] = self.together.get(shop_id, 0) + line.goods_minor

    def of_piece(self, line: Line) -> Cost | None:
        """Return shipping and tax of one piece of a line; None when the shop does not send it there."""
        row, shop_id = line.row, line.row["shop_id"]
        if shop_id not in self._terms:
            self._terms[shop_id] = terms_of(self._connection, shop_id)
        goods = Goods(
            price_minor=row["price_minor"], weight_g=row["weight_g"],
            attributes=tuple(str(one) for one in (row["attributes"] or {}).values()),
            together_minor=self.together.get(shop_id, row["price_minor"]),
        )  # fmt: skip
        return shipping.cost(
            self._terms[shop_id], row["shipping_minor"], goods, self._country, self._postal_code, is_collected=False
        )


NOT_SENT = ("Not sent to this address", "不寄送到此地址")


def read_basket(
    connection: Connection, account_id: str, now: datetime, country: str, postal_code: str
) -> dict[str, Any]:
    """Return the whole basket: shops with their lines, a sum for each currency, what waits for payment or was removed.

    Lines with a problem are in no sum.
    """
    lines = open_lines(connection, account_id, now)
    prices = Prices(connection, [line for line in lines if line.problem is None], country, postal_code)
    shown = [_line_json(line, prices.of_piece(line)) for line in lines]
    shops: dict[str, dict[str, Any]] = {}
    for line, one in zip(lines, shown, strict=True):
        name = {"en": line.row["name_en"], "zh": line.row["name_zh"]}
        own = shops.setdefault(line.row["shop_id"], {"shop_id": line.row["shop_id"], "name": name, "lines": []})
        own["lines"].append(one)
    return {
        "shops": [{**one, **_sum(one["lines"])} for one in shops.values()],
        "payments": [
            {"currency": currency, **_sum([one for one in shown if one["currency"] == currency])}
            for currency in dict.fromkeys(one["currency"] for one in shown)
        ],
        "unpaid": [read_placed(connection, account_id, one) for one in store.unpaid_baskets(connection, account_id)],
        "removed": [
            {"line_id": row["line_id"], "title": {"en": row["title_en"], "zh": row["title_zh"]}}
            for row in store.removed_of(connection, account_id, now)
        ],
        "count": count(connection, account_id, now),
    }  # fmt: skip


def _line_json(line: Line, cost: Cost | None) -> dict[str, Any]:
    row, problem = line.row, line.problem or (NOT_SENT if cost is None else None)
    shown = cost or Cost(shipping_minor=0)
    return {
        "line_id": "" if line.parcel_id else line.key, "parcel_id": line.parcel_id, "listing_id": row["listing_id"],
        "variant_id": row["variant_id"] or "", "title": line.title, "quantity": line.quantity,
        "in_stock": row.get("in_stock", 1), "until": row.get("until"), "can_extend": row.get("extensions", 1) == 0,
        "picture": row.get("still_sha256") or row["picture"] or "", "price_minor": row["price_minor"],
        "currency": row["currency"], "problem": {"en": problem[0], "zh": problem[1]} if problem else None,
        "goods_minor": line.goods_minor, "shipping_minor": shown.shipping_minor * line.quantity,
        "goods_tax_minor": shown.tax_minor * line.quantity, "goods_tax_ppm": shown.tax_ppm,
        "is_tax_on_top": shown.is_tax_on_top, "total_minor": shown.total_minor(row["price_minor"]) * line.quantity,
    }  # fmt: skip


def _sum(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the sums of the lines that can be bought, and which these are."""
    good = [one for one in lines if one["problem"] is None]
    names = ("quantity", "goods_minor", "shipping_minor", "total_minor")
    return {
        **{name: sum(one[name] for one in good) for name in names},
        "tax_inside_minor": sum(one["goods_tax_minor"] for one in good if not one["is_tax_on_top"]),
        "tax_on_top_minor": sum(one["goods_tax_minor"] for one in good if one["is_tax_on_top"]),
        "line_ids": [one["line_id"] for one in good if one["line_id"]],
        "parcel_ids": [one["parcel_id"] for one in good if one["parcel_id"]],
        "left_out": [one["title"] for one in lines if one["problem"] is not None],
    }


def read_placed(connection: Connection, account_id: str, basket_id: str) -> dict[str, Any]:
    """Return the orders that were placed as one basket, and how their payment stands; LookupError for nobody's."""
    order_ids = store.order_ids_of(connection, account_id, basket_id)
    if not order_ids:
        raise LookupError(f"basket {basket_id}: is not there")
    listed = reading.orders_by_id(connection, order_ids)
    unpaid = [one for one in listed if one["state"] == "unpaid"]
    charges = [
        one for order in unpaid for one in payments.of_order(connection, order["order_id"])
        if one.kind == payments.CHARGE
    ]  # fmt: skip
    open_states = {one.state for one in charges}
    return {
        "basket_id": basket_id, "orders": listed, "currency": listed[0]["currency"],
        "total_minor": sum(one["total_minor"] for one in listed),
        "unpaid_minor": sum(one["total_minor"] for one in unpaid),
        "pay_until": min((one["due_at"] for one in unpaid), default=None),
        "payment_state": payments.STARTED if payments.STARTED in open_states else payments.FAILED if unpaid else "",
    }  # fmt: skip
