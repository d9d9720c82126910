"""Reservations: a shopper confirmed this piece and has a visible countdown to pay."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, select, update

from cloud_relay.announcements.prices import price_at
from cloud_relay.bench_checks.rules import refusal
from cloud_relay.notices import service as notices
from cloud_relay.orders import stock
from cloud_relay.orders.trade import Trade
from cloud_relay.parcels import work as parcels
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import listing, merchant, piece, reservation, shop, variant
from cloud_relay.web.pages import page_event
from wire.values import format_time

ACTIVE, ORDERED, EXPIRED, GIVEN_UP, GONE = "active", "ordered", "expired", "given_up", "gone"
"""A reservation ends exactly once, in one of the last four."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A piece kept for an account until `until`; `parcel_id` is the key of everything physical from here on."""

    parcel_id: str
    piece_id: str
    listing_id: str
    account_id: str
    state: str
    until: datetime
    extensions: int
    with_parcel_id: str | None = None
    """The first of several that were chosen at once and are paid together; None for that first one."""


_COLUMNS = [reservation.c[name] for name in Reservation.__dataclass_fields__]


def gone() -> RefusedError:
    """Return the refusal for a reservation that is over or never was."""
    return RefusedError("reservation_over", "The reservation is over; please choose again", "保留时间已过，请重新选择")


_SALE = (
    select(
        listing.c.listing_id, listing.c.title_en, listing.c.title_zh,
        (price_at() + func.coalesce(variant.c.price_difference_minor, 0)).label("price_minor"),
        variant.c.variant_id, variant.c.choices, variant.c.is_offered,
        listing.c.currency, listing.c.weight_g, listing.c.attributes,
        shop.c.shop_id, shop.c.merchant_id, shop.c.market, shop.c.shipping_minor,
        shop.c.live_reason, shop.c.hours, shop.c.holidays, shop.c.time_zone,
    )
    .join(shop, shop.c.shop_id == listing.c.shop_id)
    .join(merchant, merchant.c.merchant_id == shop.c.merchant_id)
    .outerjoin(
        variant, and_(variant.c.listing_id == listing.c.listing_id, variant.c.variant_id == bindparam("variant"))
    )
    .where(listing.c.listing_id == bindparam("key"), listing.c.state == "published", ~shop.c.is_closed)
    .where(merchant.c.state == "verified")
)  # fmt: skip


def not_for_sale() -> RefusedError:
    """Return the refusal for what is withdrawn, or of a shop that is closed."""
    return RefusedError("not_for_sale", "This is not for sale now", "此商品目前不出售")


def sale_of(connection: Connection, listing_id: str, now: datetime, variant_id: str | None = None) -> Any:
    """Return listing, shop and price at `now` of what is for sale; RefusedError when it is not, or the shop closed.

    With `variant_id` it is that variant: its price, its name, and whether it is offered.
    """
    values = {"key": listing_id, "now": now, "variant": variant_id or ""}
    row = connection.execute(_SALE, values).one_or_none()
    if row is None or (variant_id and row.variant_id is None):
        raise not_for_sale()
    return row


def require_live(sale: Any) -> None:
    """Raise RefusedError `shop_not_live` for a shop whose bench cannot carry an order out; `sale` is of `sale_of`."""
    if sale.live_reason:
        raise refusal(sale.live_reason)


def confirm_piece(
    connection: Connection, account_id: str, piece_id: str, session_id: str | None, now: datetime, trade: Trade
) -> Reservation:
    """Reserve this very piece for the account and send it to packing; RefusedError when somebody else has it.

    With `session_id` the still is what that viewing session sees now. Confirming one's own reserved piece again
    returns the same reservation, so a double click does nothing.
    """
    own = _active_of_piece(connection, account_id, piece_id, now)
    if own is not None:
        return own
    query = select(piece.c.listing_id, piece.c.variant_id, piece.c.state).where(piece.c.piece_id == piece_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise stock.out_of_stock()
    sale = sale_of(connection, row.listing_id, now, row.variant_id)
    require_live(sale)
    check_bound(connection, account_id, trade)
    stock.reserve(connection, piece_id)
    return keep(connection, account_id, sale, piece_id, now, trade, session_id=session_id)


def keep(
    connection: Connection, account_id: str, sale: Any, piece_id: str, now: datetime, trade: Trade,
    *, session_id: str | None = None, with_parcel_id: str | None = None,
) -> Reservation:  # fmt: skip
    """Write the reservation of a piece whose stock was just reserved, and have the shop fetch it."""
    until = now + timedelta(seconds=trade.settings.reservation_s)
    parcel_id = parcels.create(connection, sale.shop_id, piece_id, account_id, now)
    row = {
        "parcel_id": parcel_id, "piece_id": piece_id, "listing_id": sale.listing_id, "account_id": account_id,
        "state": ACTIVE, "until": until, "extensions": 0, "with_parcel_id": with_parcel_id,
    }  # fmt: skip
    connection.execute(insert(reservation).values(**row, session_id=session_id, created_at=now))
    parcels.prepare(
        connection, sale.shop_id, parcel_id, piece_id, now, session_id=session_id or "", reserved_until=until
    )
    reserved = Reservation(**row)
    _tell(connection, reserved, now)
    return reserved


def _active_of_piece(connection: Connection, account_id: str, piece_id: str, now: datetime) -> Reservation | None:
    query = select(*_COLUMNS).where(
        reservation.c.account_id == account_id, reservation.c.piece_id == piece_id,
        reservation.c.state == ACTIVE, reservation.c.until > now,
    )  # fmt: skip
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else Reservation(**row)


def check_bound(connection: Connection, account_id: str, trade: Trade, count: int = 1) -> None:
    """Refuse `count` more: one shopper must not keep a shop's goods from all others without paying."""
    query = select(func.count()).where(reservation.c.account_id == account_id, reservation.c.state == ACTIVE)
    if int(connection.scalar(query) or 0) + count > trade.settings.reservations_per_account:
        raise RefusedError(
            "too_many_reservations",
            "Please pay or give up a piece that you have reserved first",
            "请先支付或放弃已保留的商品",
        )


def find(connection: Connection, parcel_id: str, account_id: str | None = None) -> Reservation | None:
    """Return the reservation of a parcel, of this account only if one is given."""
    query = select(*_COLUMNS).where(reservation.c.parcel_id == parcel_id)
    if account_id is not None:
        query = query.where(reservation.c.account_id == account_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else Reservation(**row)


def chosen_with(connection: Connection, parcel_id: str) -> list[Reservation]:
    """Return the running reservations that were chosen together with this first one, in a lasting order."""
    where = (reservation.c.with_parcel_id == parcel_id, reservation.c.state == ACTIVE)
    rows = connection.execute(select(*_COLUMNS).where(*where).order_by(reservation.c.parcel_id)).mappings()
    return [Reservation(**row) for row in rows]


def kept_of_listing(connection: Connection, account_id: str, listing_id: str, now: datetime) -> list[Reservation]:
    """Return what an account keeps of a listing now, in a lasting order."""
    own = (reservation.c.account_id == account_id, reservation.c.listing_id == listing_id)
    is_active = (reservation.c.state == ACTIVE, reservation.c.until > now)
    query = select(*_COLUMNS).where(*own, *is_active).order_by(reservation.c.parcel_id)
    return [Reservation(**row) for row in connection.execute(query).mappings()]


def variant_of(connection: Connection, piece_id: str) -> str:
    """Return a piece's variant, or nothing."""
    return connection.scalar(select(piece.c.variant_id).where(piece.c.piece_id == piece_id)) or ""


def require_active(connection: Connection, parcel_id: str, account_id: str, now: datetime) -> Reservation:
    """Return the account's reservation while it runs; RefusedError otherwise, at its very deadline too."""
    found = find(connection, parcel_id, account_id)
    if found is None or found.state != ACTIVE or found.until <= now:
        raise gone()
    return found


def extend_reservation(
    connection: Connection, account_id: str, parcel_id: str, now: datetime, trade: Trade
) -> Reservation:
    """Give the shopper more time, once, for all that was chosen together; RefusedError the second time or too late."""
    found = require_active(connection, parcel_id, account_id, now)
    if found.extensions >= 1:
        raise RefusedError("extended_already", "It can be extended only once", "只能延长一次")
    for other in chosen_with(connection, parcel_id):
        _extend(connection, other, now, trade)
    return _extend(connection, found, now, trade)


def _extend(connection: Connection, found: Reservation, now: datetime, trade: Trade) -> Reservation:
    until = found.until + timedelta(seconds=trade.settings.extension_s)
    change = update(reservation).where(reservation.c.parcel_id == found.parcel_id, reservation.c.extensions == 0)
    connection.execute(change.values(until=until, extensions=1))
    changed = replace(found, until=until, extensions=1)
    _tell(connection, changed, now)
    return changed


def give_up_reservation(connection: Connection, account_id: str, parcel_id: str, now: datetime) -> None:
    """The shopper lets the piece go, and what was chosen with it; all is unpacked and free for others."""
    found = require_active(connection, parcel_id, account_id, now)
    for one in (found, *chosen_with(connection, parcel_id)):
        _end(connection, one, GIVEN_UP, now)


def expire_due(connection: Connection, now: datetime, limit: int = 100) -> int:
    """End reservations whose time is over and return how many; their pieces are free for others."""
    due = select(*_COLUMNS).where(reservation.c.state == ACTIVE, reservation.c.until <= now)
    rows = connection.execute(due.order_by(reservation.c.until).limit(limit)).mappings().all()
    for row in rows:
        found = Reservation(**row)
        _end(connection, found, EXPIRED, now)
        title = connection.execute(
            select(listing.c.title_en, listing.c.title_zh).where(listing.c.listing_id == found.listing_id)
        ).one()
        values = {"title_en": title.title_en, "title_zh": title.title_zh}
        link = f"/l/{found.listing_id}"
        notices.notify(connection, [found.account_id], "reservation_expired", link, now, **values)
    return len(rows)


def count_active(connection: Connection, shop_ids: list[str], now: datetime) -> int:
    """Return how many pieces of these shops are kept for shoppers at the checkout."""
    query = (
        select(func.count())
        .select_from(reservation)
        .join(piece, piece.c.piece_id == reservation.c.piece_id)
        .where(piece.c.shop_id.in_(shop_ids), reservation.c.state == ACTIVE, reservation.c.until > now)
    )
    return int(connection.scalar(query) or 0)


def next_until(connection: Connection) -> datetime | None:
    """Return the nearest deadline of all reservations."""
    query = select(func.min(reservation.c.until)).where(reservation.c.state == ACTIVE)
    until: datetime | None = connection.scalar(query)
    return until


def convert(connection: Connection, found: Reservation) -> None:
    """End a reservation by an order."""
    _set_state(connection, found, ORDERED)


def lose(connection: Connection, parcel_id: str, now: datetime) -> None:
    """End a reservation whose piece is not there any more; the stock is written off by the caller."""
    found = find(connection, parcel_id)
    if found is not None and found.state == ACTIVE:
        _set_state(connection, found, GONE)
        _tell(connection, replace(found, state=GONE), now)


def _end(connection: Connection, found: Reservation, state: str, now: datetime) -> None:
    _set_state(connection, found, state)
    stock.give_back(connection, found.piece_id)
    parcels.release(connection, _shop_of(connection, found.listing_id), found.parcel_id, state, now)
    _tell(connection, replace(found, state=state), now)


def _set_state(connection: Connection, found: Reservation, state: str) -> None:
    where = (reservation.c.parcel_id == found.parcel_id, reservation.c.state == ACTIVE)
    if connection.execute(update(reservation).where(*where).values(state=state)).rowcount != 1:
        raise gone()


def _shop_of(connection: Connection, listing_id: str) -> str:
    return str(connection.scalar(select(listing.c.shop_id).where(listing.c.listing_id == listing_id)))


def _tell(connection: Connection, found: Reservation, now: datetime) -> None:
    data = {"parcel_id": found.parcel_id, "state": found.state, "until": format_time(found.until)}
    page_event(connection, f"account:{found.account_id}", "reservation", data, now)
    stock.tell(connection, found.listing_id, now)
