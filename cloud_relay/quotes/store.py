"""SQL of quote requests and quotes. The one row that decides which quote is accepted is the request's."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, exists, func, insert, or_, select, update

from cloud_relay.catalog import search_store
from cloud_relay.quotes.rules import Candidate, Match
from cloud_relay.shipping import rules as shipping
from cloud_relay.shipping import store as shipping_store
from cloud_relay.tables import (
    listing,
    member,
    merchant,
    piece,
    quote,
    quote_attachment,
    quote_match,
    quote_request,
    shop,
    variant,
)

FOUND_MAX = 200
"""Listings looked at for one word of a request: enough for MATCHES_MAX merchants, and bounded at any size."""
LATEST = 100

_REQ, _QUOTE, _ATTACHED = quote_request.c, quote.c, quote_attachment.c


def candidates(connection: Connection, words: Sequence[str], country: str) -> list[Candidate]:
    """Return the listings on show that have these words, each with how many of them and whether it is sent there."""
    shared: dict[str, int] = {}
    for word in words:
        for listing_id in search_store.search(connection, word, FOUND_MAX).listing_ids:
            shared[listing_id] = shared.get(listing_id, 0) + 1
    query = (
        select(
            listing.c.listing_id, listing.c.currency, listing.c.weight_g, listing.c.price_minor, shop.c.shop_id,
            shop.c.merchant_id, shop.c.shipping_minor,
        )
        .join(shop, shop.c.shop_id == listing.c.shop_id)
        .where(listing.c.listing_id.in_(list(shared)))
    )  # fmt: skip
    terms: dict[str, shipping.Terms] = {}
    found = []
    for row in connection.execute(query):
        own = terms.get(row.shop_id) or terms.setdefault(row.shop_id, shipping_store.terms_of(connection, row.shop_id))
        goods = shipping.Goods(price_minor=row.price_minor, weight_g=row.weight_g)
        cost = shipping.cost(own, row.shipping_minor, goods, country, "", is_collected=False)
        found.append(
            Candidate(
                merchant_id=row.merchant_id, listing_id=row.listing_id, currency=row.currency,
                sends_there=cost is not None, shared_words=shared[row.listing_id],
            )
        )  # fmt: skip
    return found


def merchants_of(connection: Connection, account_id: str) -> list[str]:
    """Return the merchants that an account is a member of."""
    return list(connection.scalars(select(member.c.merchant_id).where(member.c.account_id == account_id)))


def count_open(connection: Connection, account_id: str, now: datetime) -> int:
    """Return how many requests of a shopper are open at `now`."""
    own = (_REQ.account_id == account_id, _REQ.state == "open", _REQ.open_until > now)
    return int(connection.scalar(select(func.count()).select_from(quote_request).where(*own)) or 0)


def add_request(connection: Connection, values: dict[str, Any], matched: Iterable[Match], now: datetime) -> None:
    """Write a request and who is told of it."""
    connection.execute(insert(quote_request).values(values))
    rows = [
        {"quote_request_id": values["quote_request_id"], "merchant_id": one.merchant_id,
         "shared_words": one.shared_words, "told_at": now}
        for one in matched
    ]  # fmt: skip
    if rows:
        connection.execute(insert(quote_match), rows)


def find_request(connection: Connection, quote_request_id: str) -> RowMapping | None:
    """Return a request, or None."""
    query = select(quote_request).where(_REQ.quote_request_id == quote_request_id)
    return connection.execute(query).mappings().one_or_none()


def requests_of(connection: Connection, account_id: str) -> list[RowMapping]:
    """Return a shopper's newest requests."""
    query = select(quote_request).where(_REQ.account_id == account_id)
    return list(connection.execute(query.order_by(_REQ.created_at.desc()).limit(LATEST)).mappings())


def requests_for(connection: Connection, merchant_id: str) -> list[RowMapping]:
    """Return the newest requests that a merchant was told of."""
    query = (
        select(quote_request)
        .join(quote_match, quote_match.c.quote_request_id == _REQ.quote_request_id)
        .where(quote_match.c.merchant_id == merchant_id)
        .order_by(_REQ.created_at.desc())
        .limit(LATEST)
    )
    return list(connection.execute(query).mappings())


def matched_merchants(connection: Connection, quote_request_id: str) -> list[str]:
    """Return the merchants that were told of a request."""
    query = select(quote_match.c.merchant_id).where(quote_match.c.quote_request_id == quote_request_id)
    return list(connection.scalars(query))


def accept(connection: Connection, quote_request_id: str, quote_id: str, now: datetime) -> bool:
    """Give a request to one quote if it is open still; False when it is not. Whatever races, one of them gets it."""
    is_open = (_REQ.quote_request_id == quote_request_id, _REQ.state == "open", _REQ.open_until > now)
    values = {"state": "accepted", "accepted_quote_id": quote_id, "ended_at": now, "told_end_at": now}
    return connection.execute(update(quote_request).where(*is_open).values(values)).rowcount == 1


def withdraw(connection: Connection, quote_request_id: str, now: datetime) -> bool:
    """End an open request; False when it is not open."""
    is_open = (_REQ.quote_request_id == quote_request_id, _REQ.state == "open", _REQ.open_until > now)
    values = {"state": "withdrawn", "ended_at": now, "told_end_at": now}
    return connection.execute(update(quote_request).where(*is_open).values(values)).rowcount == 1


def untold_ends(connection: Connection, now: datetime, limit: int = 100) -> list[RowMapping]:
    """Return requests whose time ran out and whose shopper has not been told."""
    over = (_REQ.state == "open", _REQ.open_until <= now, _REQ.told_end_at.is_(None))
    query = select(quote_request).where(*over).order_by(_REQ.open_until).limit(limit)
    return list(connection.execute(query).mappings())


def note_told(connection: Connection, quote_request_id: str, now: datetime) -> bool:
    """Mark that a shopper is told of the end; False when somebody did so before."""
    own = (_REQ.quote_request_id == quote_request_id, _REQ.told_end_at.is_(None))
    return connection.execute(update(quote_request).where(*own).values(told_end_at=now)).rowcount == 1


def add_quote(connection: Connection, values: dict[str, Any]) -> None:
    """Write a quote."""
    connection.execute(insert(quote).values(values))


def find_quote(connection: Connection, quote_id: str) -> RowMapping | None:
    """Return a quote, or None."""
    return connection.execute(select(quote).where(_QUOTE.quote_id == quote_id)).mappings().one_or_none()


def take_back(connection: Connection, quote_id: str, now: datetime) -> None:
    """Note that a merchant withdrew a quote."""
    own = (_QUOTE.quote_id == quote_id, _QUOTE.withdrawn_at.is_(None))
    connection.execute(update(quote).where(*own).values(withdrawn_at=now))


def quotes_to(connection: Connection, quote_request_ids: Iterable[str]) -> list[RowMapping]:
    """Return all quotes to these requests with shop, goods and stock, the lowest price first."""
    free = (
        select(func.count())
        .select_from(piece)
        .where(piece.c.listing_id == _QUOTE.listing_id, piece.c.state == "free")
        .where(_QUOTE.variant_id.is_(None) | (piece.c.variant_id == _QUOTE.variant_id))
        .where(_QUOTE.piece_id.is_(None) | (piece.c.piece_id == _QUOTE.piece_id))
        .correlate(quote)
        .scalar_subquery()
    )
    query = (
        select(
            quote, free.label("free"), listing.c.title_en, listing.c.title_zh, listing.c.state.label("listing_state"),
            listing.c.price_minor.label("usual_price_minor"), variant.c.choices, shop.c.name_en, shop.c.name_zh,
        )
        .join(listing, listing.c.listing_id == _QUOTE.listing_id)
        .join(shop, shop.c.shop_id == _QUOTE.shop_id)
        .outerjoin(variant, variant.c.variant_id == _QUOTE.variant_id)
        .where(_QUOTE.quote_request_id.in_(list(quote_request_ids)))
        .order_by(_QUOTE.price_minor, _QUOTE.created_at, _QUOTE.quote_id)
    )  # fmt: skip
    return list(connection.execute(query).mappings())


def look_at(connection: Connection, listing_id: str, variant_id: str | None) -> str:
    """Return the piece of a listing (and style) that a camera can show: the first with a spot, or nothing."""
    query = select(piece.c.piece_id, piece.c.spot).where(
        piece.c.listing_id == listing_id, piece.c.state.in_(("free", "sample", "reserved"))
    )
    if variant_id:
        query = query.where(piece.c.variant_id == variant_id)
    rows = connection.execute(query.order_by(piece.c.code)).all()
    return next((row.piece_id for row in rows if row.spot), "")


def goods_of(connection: Connection, merchant_id: str, currency: str) -> list[RowMapping]:
    """Return what a merchant may quote: published listings in this currency with free pieces, by title."""
    query = (
        select(listing.c.listing_id, listing.c.title_en, listing.c.title_zh, listing.c.price_minor, listing.c.currency,
               shop.c.shop_id, (listing.c.on_hand - listing.c.reserved).label("in_stock"))
        .join(shop, shop.c.shop_id == listing.c.shop_id)
        .join(merchant, merchant.c.merchant_id == shop.c.merchant_id)
        .where(shop.c.merchant_id == merchant_id, listing.c.state == "published", listing.c.currency == currency)
        .where(~shop.c.is_closed, listing.c.on_hand > listing.c.reserved)
        .order_by(listing.c.title_en, listing.c.listing_id)
        .limit(500)
    )  # fmt: skip
    return list(connection.execute(query).mappings())


def variants_on_sale(connection: Connection, listing_ids: Iterable[str]) -> list[RowMapping]:
    """Return the offered styles of these listings, in their order."""
    query = select(variant).where(variant.c.listing_id.in_(list(listing_ids)), variant.c.is_offered)
    return list(connection.execute(query.order_by(variant.c.listing_id, variant.c.place)).mappings())


def insert_attachment(connection: Connection, values: dict[str, Any]) -> None:
    """Keep a picture or a clip, sealed."""
    connection.execute(insert(quote_attachment).values(values))


def find_attachment(connection: Connection, attachment_id: str) -> RowMapping | None:
    """Return a picture or clip with its sealed content, or None."""
    query = select(quote_attachment).where(_ATTACHED.attachment_id == attachment_id)
    return connection.execute(query).mappings().one_or_none()


def pictures_of(connection: Connection, quote_request_id: str) -> list[str]:
    """Return the pictures of a request, in the order in which they came."""
    is_it = (_ATTACHED.quote_request_id == quote_request_id, _ATTACHED.quote_id.is_(None))
    query = select(_ATTACHED.attachment_id).where(*is_it).order_by(_ATTACHED.added_at, _ATTACHED.attachment_id)
    return list(connection.scalars(query))


def clip_of(connection: Connection, quote_id: str) -> str:
    """Return the clip of a quote, or nothing."""
    query = select(_ATTACHED.attachment_id).where(_ATTACHED.quote_id == quote_id).order_by(_ATTACHED.added_at.desc())
    return connection.scalar(query.limit(1)) or ""


def delete_clips(connection: Connection, quote_id: str) -> None:
    """Delete the clip of a quote."""
    connection.execute(delete(quote_attachment).where(_ATTACHED.quote_id == quote_id))


def count_clips(connection: Connection, merchant_id: str, quote_id: str, now: datetime) -> int:
    """Return how many clips a merchant keeps for quotes that stand, but for the one of this quote."""
    own = select(_QUOTE.quote_id).where(_QUOTE.merchant_id == merchant_id, _QUOTE.quote_id != quote_id)
    query = select(func.count()).select_from(quote_attachment).where(_ATTACHED.quote_id.in_(own), ~_is_over(now))
    return int(connection.scalar(query) or 0)


def delete_attachment(connection: Connection, attachment_id: str) -> None:
    """Delete a picture or clip."""
    connection.execute(delete(quote_attachment).where(_ATTACHED.attachment_id == attachment_id))


def has_ended(connection: Connection, now: datetime) -> bool:
    """Return whether there is a picture or clip to delete."""
    return connection.scalar(select(_ATTACHED.attachment_id).where(_is_over(now)).limit(1)) is not None


def drop_ended(connection: Connection, now: datetime) -> int:
    """Delete pictures of requests that are over, and clips of quotes that stand no more; return how many."""
    return connection.execute(delete(quote_attachment).where(_is_over(now))).rowcount


def _is_over(now: datetime) -> ColumnElement[bool]:
    own_request = _REQ.quote_request_id == _ATTACHED.quote_request_id
    own_quote = _QUOTE.quote_id == _ATTACHED.quote_id
    return or_(
        exists().where(own_request, or_(_REQ.state != "open", _REQ.open_until <= now)),
        exists().where(own_quote, or_(_QUOTE.withdrawn_at.is_not(None), _QUOTE.quoted_until <= now)),
    )
