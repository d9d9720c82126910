"""What shopper and merchant read of quote requests; a merchant never sees another one's name, nor a sealed price."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from cloud_relay.accounts import addresses
from cloud_relay.catalog.reading import missing
from cloud_relay.catalog.variant_rules import name_of, titled
from cloud_relay.escrow.providers.base import Method
from cloud_relay.orders import placing, reservations
from cloud_relay.orders.reading import methods_json
from cloud_relay.orders.trade import Trade
from cloud_relay.pickup import points
from cloud_relay.quotes import rules, service, store
from cloud_relay.quotes.rules import QuoteRequestState, QuoteState
from cloud_relay.refusals import RefusedError
from cloud_relay.shipping import rules as shipping
from cloud_relay.shipping import service as costs
from cloud_relay.tables import orders
from wire.plan import Address
from wire.values import format_time

STATE_TEXTS = {
    QuoteRequestState.OPEN: {"en": "Open", "zh": "征集中"},
    QuoteRequestState.ACCEPTED: {"en": "Quote accepted", "zh": "已成交"},
    QuoteRequestState.WITHDRAWN: {"en": "Withdrawn", "zh": "已撤回"},
    QuoteRequestState.EXPIRED: {"en": "Over", "zh": "已到期"},
}
QUOTE_TEXTS = {
    QuoteState.OPEN: {"en": "Stands", "zh": "有效"},
    QuoteState.ACCEPTED: {"en": "Accepted", "zh": "已接受"},
    QuoteState.LOST: {"en": "Another was chosen", "zh": "未被选中"},
    QuoteState.ENDED: {"en": "The request is over", "zh": "需求已结束"},
    QuoteState.WITHDRAWN: {"en": "Taken back", "zh": "已撤回"},
    QuoteState.EXPIRED: {"en": "Expired", "zh": "已过期"},
}


def _request(row: RowMapping, now: datetime) -> dict[str, Any]:
    state = rules.state_at(row["state"], row["open_until"], now)
    plain = ("quote_request_id", "title", "detail", "budget_minor", "currency", "country", "is_sealed")
    return {
        **{name: row[name] for name in plain}, "state": state.value, "state_text": STATE_TEXTS[state],
        "open_until": format_time(row["open_until"]), "created_at": format_time(row["created_at"]),
    }  # fmt: skip


def _quote(connection: Connection, row: RowMapping, found: RowMapping, now: datetime) -> dict[str, Any]:
    state = rules.quote_state(service.view_of(row, found, now), now)
    is_in_stock = found["free"] >= found["quantity"] and found["listing_state"] == "published"
    plain = ("quote_id", "listing_id", "quantity", "price_minor", "currency", "note", "shop_id", "merchant_id")
    return {
        **{name: found[name] for name in plain}, "variant_id": found["variant_id"] or "",
        "piece_id": found["piece_id"] or "", "state": state.value, "state_text": QUOTE_TEXTS[state],
        "title": titled({"en": found["title_en"], "zh": found["title_zh"]}, found["choices"]),
        "shop_name": {"en": found["name_en"], "zh": found["name_zh"]}, "is_in_stock": is_in_stock,
        "sum_minor": found["price_minor"] * found["quantity"], "usual_price_minor": found["usual_price_minor"],
        "quoted_until": format_time(found["quoted_until"]), "created_at": format_time(found["created_at"]),
        "clip_id": store.clip_of(connection, found["quote_id"]) if state is QuoteState.OPEN else "",
        "look_at": found["piece_id"] or store.look_at(connection, found["listing_id"], found["variant_id"]),
    }  # fmt: skip


def _pictures(connection: Connection, row: RowMapping, now: datetime) -> list[str]:
    """Return the pictures of a request that is open; of one that is over they are deleted."""
    is_open = rules.state_at(row["state"], row["open_until"], now) is QuoteRequestState.OPEN
    return store.pictures_of(connection, row["quote_request_id"]) if is_open else []


def read_mine(connection: Connection, account_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return a shopper's requests, newest first, each with how many quotes stand and the lowest price."""
    rows = store.requests_of(connection, account_id)
    quotes: dict[str, list[dict[str, Any]]] = {}
    known = {row["quote_request_id"]: row for row in rows}
    for found in store.quotes_to(connection, list(known)):
        row = known[found["quote_request_id"]]
        quotes.setdefault(row["quote_request_id"], []).append(_quote(connection, row, found, now))
    shown = []
    for row in rows:
        standing = [one for one in quotes.get(row["quote_request_id"], []) if one["state"] == QuoteState.OPEN]
        lowest = min((one["sum_minor"] for one in standing), default=None)
        shown.append({**_request(row, now), "quote_count": len(standing), "lowest_minor": lowest})
    return shown


def read_one(connection: Connection, account_id: str, quote_request_id: str, now: datetime) -> dict[str, Any]:
    """Return one's own request with its quotes side by side; RefusedError (404) for anybody else's."""
    row = service.own_request(connection, account_id, quote_request_id)
    quotes = [_quote(connection, row, one, now) for one in store.quotes_to(connection, [quote_request_id])]
    of_quote = select(orders.c.order_id).where(orders.c.quote_id == row["accepted_quote_id"])
    order_ids = list(connection.scalars(of_quote.order_by(orders.c.order_id))) if row["accepted_quote_id"] else []
    told = len(store.matched_merchants(connection, quote_request_id))
    pictures = _pictures(connection, row, now)
    return {**_request(row, now), "quotes": quotes, "told": told, "order_ids": order_ids, "pictures": pictures}


def read_inbox(connection: Connection, merchant_id: str, now: datetime) -> list[dict[str, Any]]:
    """Return the requests that a merchant was told of: open ones first, then by age."""
    rows = store.requests_for(connection, merchant_id)
    own: dict[str, list[str]] = {}
    known = {row["quote_request_id"]: row for row in rows}
    for found in store.quotes_to(connection, list(known)):
        if found["merchant_id"] == merchant_id:
            state = rules.quote_state(service.view_of(known[found["quote_request_id"]], found, now), now)
            own.setdefault(found["quote_request_id"], []).append(state.value)
    shown = [{**_request(row, now), "my_states": own.get(row["quote_request_id"], [])} for row in rows]
    return sorted(shown, key=lambda one: one["state"] != QuoteRequestState.OPEN)


def read_for_merchant(connection: Connection, merchant_id: str, quote_request_id: str, now: datetime) -> dict[str, Any]:
    """Return a request as a merchant who was told of it sees it: own quotes, and the others' prices if it is open."""
    row = store.find_request(connection, quote_request_id)
    if row is None or merchant_id not in store.matched_merchants(connection, quote_request_id):
        raise missing()
    quotes = [_quote(connection, row, one, now) for one in store.quotes_to(connection, [quote_request_id])]
    others = [
        one["sum_minor"] for one in quotes if one["merchant_id"] != merchant_id and one["state"] == QuoteState.OPEN
    ]
    return {
        **_request(row, now), "quotes": [one for one in quotes if one["merchant_id"] == merchant_id],
        "other_prices": rules.shown_prices(others, is_sealed=row["is_sealed"]),
        "pictures": _pictures(connection, row, now),
    }  # fmt: skip


def read_goods(connection: Connection, merchant_id: str, currency: str) -> list[dict[str, Any]]:
    """Return what a merchant may quote, each listing with its offered styles."""
    rows = store.goods_of(connection, merchant_id, currency)
    styles: dict[str, list[dict[str, Any]]] = {}
    for one in store.variants_on_sale(connection, [row["listing_id"] for row in rows]):
        styles.setdefault(one["listing_id"], []).append(
            {"variant_id": one["variant_id"], "name": name_of(one["choices"])}
        )
    return [
        {**row, "title": {"en": row["title_en"], "zh": row["title_zh"]}, "variants": styles.get(row["listing_id"], [])}
        for row in rows
    ]


def read_acceptance(
    connection: Connection, account_id: str, quote_id: str, trade: Trade, methods: Sequence[Method], now: datetime,
    *, country: str = "", postal_code: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Return what the shopper sees before accepting: price, shipping and tax to a destination, total, ways to pay."""
    found = store.find_quote(connection, quote_id)
    if found is None:
        raise missing()
    row = service.own_request(connection, account_id, found["quote_request_id"])
    shown = next(
        _quote(connection, row, one, now)
        for one in store.quotes_to(connection, [found["quote_request_id"]])
        if one["quote_id"] == quote_id
    )
    try:
        sale: Any = reservations.sale_of(connection, found["listing_id"], now, found["variant_id"])
    except RefusedError as refused:
        return {**shown, "not_sent": {"en": refused.text_en, "zh": refused.text_zh}, "total_minor": None}
    sale, number = placing.at_price(sale, found["price_minor"]), found["quantity"]
    where = Address(name="", lines=(), postal_code=postal_code, city="", country=country or row["country"])
    collected = costs.cost_of(connection, sale, where, is_collected=True)
    try:
        cost, not_sent = costs.cost_of(connection, sale, where, together_minor=sale.price_minor * number), None
    except RefusedError as refused:
        cost, not_sent = shipping.Cost(shipping_minor=0), {"en": refused.text_en, "zh": refused.text_zh}
    return {
        **shown, "request": _request(row, now), "more_parcel_ids": [], "not_sent": not_sent,
        "shipping_minor": cost.shipping_minor, "zone": {"en": cost.zone_en, "zh": cost.zone_zh},
        "goods_tax_minor": cost.tax_minor, "goods_tax_ppm": cost.tax_ppm, "is_tax_on_top": cost.is_tax_on_top,
        "collected_tax_minor": collected.tax_minor, "collected_tax_ppm": collected.tax_ppm,
        "total_minor": cost.total_minor(sale.price_minor) * number,
        "collected_total_minor": collected.total_minor(sale.price_minor) * number,
        "pickup_points": points.of_shop(connection, sale.shop_id),
        "payment_methods": methods_json(tuple(methods), found["currency"]),
        "photo_window_s": trade.settings.photo_window_s, "release_after_s": trade.settings.release_after_s,
        "addresses": addresses.list_addresses(connection, account_id),
    }  # fmt: skip
