"""Use cases of quote requests: post, withdraw, quote, take back, accept. One function, one transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from cloud_relay.accounts.roles import check_reach
from cloud_relay.catalog.reading import missing
from cloud_relay.contact_words import refuse_contact
from cloud_relay.notices import service as notices
from cloud_relay.orders import placing, reservations
from cloud_relay.orders.choosing import require_variant
from cloud_relay.orders.placing import OrderWish, Placed
from cloud_relay.orders.trade import Trade
from cloud_relay.quotes import rules, store
from cloud_relay.quotes.rules import QuoteRequestEvent, QuoteState, QuoteView
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import piece
from cloud_relay.web.pages import page_event, page_events
from wire.values import BadValueError, clean_text, new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestWish:
    """What a shopper posts; `budget_minor` is what they would pay for all of it, without shipping."""

    title: str
    detail: str = ""
    budget_minor: int
    currency: str
    country: str
    is_sealed: bool = True
    open_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteWish:
    """What a merchant offers: `quantity` pieces of a listing (of a style, or one very piece) at a price for each."""

    listing_id: str
    variant_id: str = ""
    piece_id: str = ""
    quantity: int = 1
    price_minor: int
    note: str = ""
    quoted_until: datetime


def request_quotes(
    connection: Connection, account_id: str, wish: RequestWish, now: datetime, our_host: str = ""
) -> dict[str, Any]:
    """Post a request and tell the merchants whom it matches (the rule: `rules.matches`); return it with how many."""
    title = refuse_contact(clean_text(wish.title, "title", rules.TITLE_LENGTH_MAX), our_host)
    detail = wish.detail.strip() and clean_text(
        wish.detail, "detail", rules.DETAIL_LENGTH_MAX, lines=rules.TEXT_LINES_MAX
    )
    refuse_contact(detail, our_host)
    rules.check_amount(wish.budget_minor, "budget_minor")
    rules.check_until(wish.open_until, now, "open_until")
    words = rules.telling_words(title)
    if not words:
        text = ("Name the thing itself: teapot, bowl, vase…", "请写明要找的东西，例如茶壶、碗、花瓶")
        raise RefusedError("nothing_named", *text, 422)
    if store.count_open(connection, account_id, now) >= rules.OPEN_REQUESTS_MAX:
        raise RefusedError(
            "too_many_open", f"At most {rules.OPEN_REQUESTS_MAX} requests may be open; withdraw one first",
            f"最多同时发布 {rules.OPEN_REQUESTS_MAX} 个需求，请先撤回一个",
        )  # fmt: skip
    found = store.candidates(connection, words, wish.country)
    matched = rules.matches(found, wish.currency, store.merchants_of(connection, account_id))
    quote_request_id = new_id("qrq")
    values = {
        "quote_request_id": quote_request_id, "account_id": account_id, "title": title, "detail": detail,
        "budget_minor": wish.budget_minor, "currency": wish.currency, "country": wish.country,
        "is_sealed": wish.is_sealed, "state": "open", "open_until": wish.open_until, "created_at": now,
    }  # fmt: skip
    store.add_request(connection, values, matched, now)
    merchants = [one.merchant_id for one in matched]
    _tell_merchants(connection, merchants, "quote_asked", quote_request_id, title, now)
    return {"quote_request_id": quote_request_id, "told": len(matched)}


def withdraw_request(connection: Connection, account_id: str, quote_request_id: str, now: datetime) -> dict[str, Any]:
    """End one's own request; merchants who quoted are told once. A second time changes nothing."""
    row = own_request(connection, account_id, quote_request_id)
    after = rules.step(rules.state_at(row["state"], row["open_until"], now), QuoteRequestEvent.WITHDRAW)
    if store.withdraw(connection, quote_request_id, now):
        store.drop_ended(connection, now)
        quoted = _standing(connection, row, now)
        merchants = {one["merchant_id"] for one in quoted}
        _tell_merchants(connection, merchants, "quote_request_ended", quote_request_id, row["title"], now)
        refresh(connection, row, now)
    return {"quote_request_id": quote_request_id, "state": after.value}


def own_request(connection: Connection, account_id: str, quote_request_id: str) -> RowMapping:
    """Return one's own request; RefusedError (404) for anybody else's."""
    row = store.find_request(connection, quote_request_id)
    if row is None or row["account_id"] != account_id:
        raise missing()
    return row


def give_quote(
    connection: Connection, merchant_ids: Iterable[str], account_id: str, quote_request_id: str, merchant_id: str,
    wish: QuoteWish, now: datetime, our_host: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Answer a request with a binding price; RefusedError for one's own request, one that is over, or wrong goods."""
    if not check_reach(merchant_ids, merchant_id):
        raise missing()
    row = store.find_request(connection, quote_request_id)
    if row is None:
        raise missing()
    if merchant_id in store.merchants_of(connection, row["account_id"]):
        raise RefusedError("own_quote_request", "This is your own request", "不能给自己的需求报价")
    if merchant_id not in store.matched_merchants(connection, quote_request_id):
        raise missing()
    rules.step(rules.state_at(row["state"], row["open_until"], now), QuoteRequestEvent.QUOTE)
    sale = _check_goods(connection, merchant_id, row["currency"], wish, now)
    note = wish.note.strip() and clean_text(wish.note, "note", rules.NOTE_LENGTH_MAX, lines=rules.TEXT_LINES_MAX)
    refuse_contact(note, our_host)
    rules.check_until(wish.quoted_until, now, "quoted_until")
    mine = [one for one in _standing(connection, row, now) if one["merchant_id"] == merchant_id]
    if len(mine) >= rules.QUOTES_MAX:
        raise RefusedError(
            "too_many_quotes", f"At most {rules.QUOTES_MAX} quotes may stand; take one back first",
            f"最多同时报 {rules.QUOTES_MAX} 个价，请先撤回一个",
        )  # fmt: skip
    quote_id = new_id("quo")
    values = {
        "quote_id": quote_id, "quote_request_id": quote_request_id, "merchant_id": merchant_id,
        "shop_id": sale.shop_id, "account_id": account_id, "listing_id": wish.listing_id,
        "variant_id": sale.variant_id, "piece_id": wish.piece_id or None, "quantity": wish.quantity,
        "price_minor": wish.price_minor, "currency": row["currency"], "note": note,
        "quoted_until": wish.quoted_until, "created_at": now,
    }  # fmt: skip
    store.add_quote(connection, values)
    words = {"title_en": row["title"], "title_zh": row["title"]}
    link = f"/quotes/{quote_request_id}"
    notices.notify(connection, [row["account_id"]], "quote_received", link, now, **words)
    refresh(connection, row, now)
    return {"quote_id": quote_id, "quote_request_id": quote_request_id}


def _check_goods(connection: Connection, merchant_id: str, currency: str, wish: QuoteWish, now: datetime) -> Any:
    """Return the sale of what is quoted; it must be the merchant's own, on sale, in this currency and in stock."""
    rules.check_amount(wish.price_minor, "price_minor")
    if not 1 <= wish.quantity <= rules.QUANTITY_MAX:
        raise BadValueError(f"quantity: 1 to {rules.QUANTITY_MAX}")
    variant_id = wish.variant_id
    if wish.piece_id:
        query = select(piece.c.listing_id, piece.c.variant_id, piece.c.state).where(piece.c.piece_id == wish.piece_id)
        own = connection.execute(query).one_or_none()
        if own is None or own.listing_id != wish.listing_id or own.state != "free" or wish.quantity != 1:
            raise RefusedError("not_quotable", "This piece cannot be quoted", "此件不能报价", 422)
        variant_id = own.variant_id or ""
    else:
        require_variant(connection, wish.listing_id, variant_id)
    sale = reservations.sale_of(connection, wish.listing_id, now, variant_id)
    if sale.merchant_id != merchant_id:
        raise missing()
    if variant_id and not sale.is_offered:
        raise reservations.not_for_sale()
    if sale.currency != currency:
        raise RefusedError("other_currency", f"The quote must be in {currency}", f"报价货币须为 {currency}", 422)
    return sale


def take_back(connection: Connection, merchant_ids: Iterable[str], quote_id: str, now: datetime) -> dict[str, Any]:
    """Withdraw a quote that nobody accepted; a second time changes nothing."""
    found = store.find_quote(connection, quote_id)
    if found is None or not check_reach(merchant_ids, found["merchant_id"]):
        raise missing()
    row = store.find_request(connection, found["quote_request_id"])
    assert row is not None
    if row["accepted_quote_id"] == quote_id:
        raise RefusedError("quote_accepted_already", "The shopper accepted this quote", "买家已接受此报价")
    store.take_back(connection, quote_id, now)
    store.drop_ended(connection, now)
    refresh(connection, row, now)
    return {"quote_id": quote_id, "state": QuoteState.WITHDRAWN.value}


def accept_quote(
    connection: Connection, account_id: str, quote_id: str, wish: OrderWish, now: datetime, trade: Trade
) -> list[Placed]:
    """Accept a quote: its orders with their payment intents are written in this transaction, and the losers told once.

    `wish` says where it goes and how it is paid; goods and price are the quote's. Raises RefusedError when the quote
    or its request is over, another quote was accepted, or the goods are gone; nothing of it is kept then.
    """
    found = store.find_quote(connection, quote_id)
    if found is None:
        raise missing()
    row = own_request(connection, account_id, found["quote_request_id"])
    is_withdrawn = found["withdrawn_at"] is not None
    rules.check_acceptable(is_withdrawn=is_withdrawn, quoted_until=found["quoted_until"], now=now)
    losers = {one["merchant_id"] for one in _standing(connection, row, now)} - {found["merchant_id"]}
    if not store.accept(connection, row["quote_request_id"], quote_id, now):
        newest = store.find_request(connection, row["quote_request_id"])
        assert newest is not None
        raise rules.refusal(rules.state_at(newest["state"], newest["open_until"], now))
    store.drop_ended(connection, now)
    placed = placing.place_quoted(connection, account_id, wish, _agreed(connection, account_id, found, now), now, trade)
    title, link = row["title"], f"/orders/{placed[0].order_id}"
    winners = notices.members_of(connection, found["merchant_id"])
    notices.notify(connection, winners, "quote_accepted", link, now, title_en=title, title_zh=title)
    _tell_merchants(connection, losers, "quote_lost", row["quote_request_id"], title, now)
    refresh(connection, row, now)
    return placed


def _agreed(connection: Connection, account_id: str, found: RowMapping, now: datetime) -> placing.Agreed:
    """Return what was agreed; a piece of it that the shopper keeps at the checkout already is the one that is sold."""
    kept = reservations.kept_of_listing(connection, account_id, found["listing_id"], now)
    fitting = [
        one.parcel_id
        for one in kept
        if (not found["piece_id"] or one.piece_id == found["piece_id"])
        and (not found["variant_id"] or reservations.variant_of(connection, one.piece_id) == found["variant_id"])
    ]
    return placing.Agreed(
        quote_id=found["quote_id"], listing_id=found["listing_id"], variant_id=found["variant_id"] or "",
        piece_id=found["piece_id"] or "", quantity=found["quantity"], price_minor=found["price_minor"],
        kept_parcel_ids=tuple(fitting[: found["quantity"]]),
    )  # fmt: skip


def view_of(row: RowMapping, found: RowMapping, now: datetime) -> QuoteView:
    """Return what the rules know of a quote (`found`) to a request (`row`)."""
    return QuoteView(
        quote_id=found["quote_id"], quoted_until=found["quoted_until"], is_withdrawn=found["withdrawn_at"] is not None,
        request=rules.state_at(row["state"], row["open_until"], now), accepted_quote_id=row["accepted_quote_id"],
    )  # fmt: skip


def _standing(connection: Connection, row: RowMapping, now: datetime) -> list[RowMapping]:
    """Return the quotes that could still be accepted, had the request not just ended."""
    return [
        one
        for one in store.quotes_to(connection, [row["quote_request_id"]])
        if one["withdrawn_at"] is None and now < one["quoted_until"]
    ]


def tell_ends(connection: Connection, now: datetime) -> int:
    """Tell shoppers, once, of requests whose time ran out without an acceptance; return how many."""
    count = 0
    for row in store.untold_ends(connection, now):
        if store.note_told(connection, row["quote_request_id"], now):
            words = {"title_en": row["title"], "title_zh": row["title"]}
            link = f"/quotes/{row['quote_request_id']}"
            notices.notify(connection, [row["account_id"]], "quote_request_expired", link, now, **words)
            refresh(connection, row, now)
            count += 1
    return count


def _tell_merchants(
    connection: Connection, merchant_ids: Iterable[str], kind: str, quote_request_id: str, title: str, now: datetime
) -> None:
    for merchant_id in sorted(merchant_ids):
        link = f"/merchant/quotes/{quote_request_id}?merchant={merchant_id}"
        members = notices.members_of(connection, merchant_id)
        notices.notify(connection, members, kind, link, now, title_en=title, title_zh=title)
        page_event(connection, f"merchant:{merchant_id}", "quote", {"quote_request_id": quote_request_id}, now)


def refresh(connection: Connection, row: RowMapping, now: datetime) -> None:
    """Have every open page that shows a request look again; a sealed one moves only the shopper's and the quoters'."""
    data = {"quote_request_id": row["quote_request_id"]}
    quoted = {one["merchant_id"] for one in store.quotes_to(connection, [row["quote_request_id"]])}
    told = quoted if row["is_sealed"] else set(store.matched_merchants(connection, row["quote_request_id"]))
    channels = [f"account:{row['account_id']}", *(f"merchant:{one}" for one in sorted(told))]
    page_events(connection, [(channel, "quote", data) for channel in channels], now)
