"""Placing an order: price, stock, order, payment intent in one transaction; the provider is asked after it."""

import hashlib
import json
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, insert, select, update

from cloud_relay.catalog.rules import next_opening
from cloud_relay.catalog.variant_rules import titled
from cloud_relay.escrow import payments
from cloud_relay.orders import reservations, stock, store
from cloud_relay.orders.choosing import require_variant
from cloud_relay.orders.rules import OrderState
from cloud_relay.orders.trade import Trade
from cloud_relay.parcels import work as parcels
from cloud_relay.pickup import points
from cloud_relay.refusals import RefusedError
from cloud_relay.shipping import service as shipping
from cloud_relay.tables import order_line, orders, parcel, piece
from wire.codec import to_json
from wire.plan import Address
from wire.values import BadValueError, clean_text, format_time, new_id

ADDRESS_LINES_MAX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWish:
    """What the shopper asks for: a reserved parcel, or (bought unseen) any free piece of a listing and variant.

    `payment_method` is `provider:token`. `total_minor`, if given, is the total that the shopper saw.
    `more_parcel_ids` are reserved parcels that are ordered with the first: see `place_orders`. With `pickup_point_id`
    instead of an address the shopper collects it there and pays no shipping.
    """

    parcel_id: str = ""
    listing_id: str = ""
    variant_id: str = ""
    more_parcel_ids: tuple[str, ...] = ()
    address: Address | None = None
    pickup_point_id: str = ""
    delivery_from: datetime | None = None
    delivery_until: datetime | None = None
    payment_method: str
    agrees_photo_window: bool
    total_minor: int | None = None
    together_minor: int = 0
    """What all goods of this shop that are paid together are worth: "free from" is judged by it."""
    basket_id: str = ""
    joint_id: str = ""
    """Orders of one basket, and the one charge at the provider that pays for all of them."""
    piece_id: str = ""
    """This very piece, bought unseen."""
    quote_id: str = ""
    agreed_minor: int | None = None
    """The price that a merchant quoted for one piece and the shopper accepted; it stands in place of the listing's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What an accepted quote says: goods, number, and the price of each; `kept_parcel_ids` the shopper has reserved."""

    quote_id: str
    listing_id: str
    variant_id: str = ""
    piece_id: str = ""
    quantity: int = 1
    price_minor: int
    kept_parcel_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A placed order and the payment that the provider is to be asked for next."""

    order_id: str
    parcel_id: str
    payment_id: str
    state: str
    total_minor: int
    currency: str
    pay_until: datetime


def clean_address(address: Address) -> Address:
    """Return the address as it will stand on the label; BadValueError for what cannot be printed or delivered to."""
    lines = tuple(clean_text(line, "address.lines") for line in address.lines if line.strip())
    if not 1 <= len(lines) <= ADDRESS_LINES_MAX:
        raise BadValueError(f"address.lines: 1 to {ADDRESS_LINES_MAX} lines are needed")
    country = address.country.strip().upper()
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise BadValueError("address.country: two letters (ISO 3166-1), such as CN or DE")
    return Address(
        name=clean_text(address.name, "address.name"),
        lines=lines,
        postal_code=_optional(address.postal_code, "address.postal_code", 20),
        city=clean_text(address.city, "address.city"),
        country=country,
        phone=_optional(address.phone, "address.phone", 40),
    )


def _optional(value: str, field: str, length_max: int) -> str:
    return clean_text(value, field, length_max) if value.strip() else ""


def address_sha256(address: Address) -> str:
    """Return the hash by which label and order are compared without spelling the address."""
    text = json.dumps(to_json(address), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def place_order(connection: Connection, account_id: str, wish: OrderWish, now: datetime, trade: Trade) -> Placed:
    """Take the stock, write the order and the intent to charge; all or nothing. The charge itself is asked for after.

    Raises RefusedError (out of stock, reservation over, price changed, not agreed) or BadValueError (address).
    """
    _check(wish, now)
    given = clean_address(wish.address) if wish.address else None
    reserved = None
    if wish.parcel_id:
        reserved = reservations.require_active(connection, wish.parcel_id, account_id, now)
    sale = at_price(_sale(connection, reserved, wish, now), wish.agreed_minor)
    provider = check_method(wish.payment_method, sale.currency, trade)
    point = points.offered(connection, sale.shop_id, wish.pickup_point_id) if wish.pickup_point_id else None
    if point is None:
        _check_delivery(wish, sale, now)
    address = given or points.address_of(connection, point, account_id)
    cost = shipping.cost_of(
        connection, sale, address, together_minor=wish.together_minor, is_collected=point is not None
    )
    total = cost.total_minor(sale.price_minor)
    if wish.total_minor not in (None, total) or total <= 0:
        raise price_changed(total)
    order_id = new_id("ord")
    piece_id, parcel_id = _take(connection, reserved, wish, sale, account_id, order_id, now)
    pay_until = now + timedelta(seconds=trade.pay_s_of(provider))
    order = {
        "order_id": order_id, "account_id": account_id, "payment_provider": provider, "total_minor": total,
        "address": to_json(address), "address_sha256": address_sha256(address), "placed_at": now,
        "pay_until": pay_until, "due_at": pay_until, "shipping_minor": cost.shipping_minor,
        "goods_tax_minor": cost.tax_minor, "goods_tax_ppm": cost.tax_ppm, "is_tax_on_top": cost.is_tax_on_top,
        "basket_id": wish.basket_id or None, "quote_id": wish.quote_id or None,
    }  # fmt: skip
    _insert(connection, order, wish, sale, piece_id, parcel_id, trade)
    if point is not None:
        points.choose(connection, order_id, point, secrets.token_bytes)
    payment_id = _start_charge(
        connection, order_id, provider, wish.payment_method, total, sale.currency, now, trade, wish.joint_id
    )
    store.add_event(connection, order_id, parcel_id, "placed", {"total_minor": total}, account_id, now)
    if reserved is None:
        stock.tell(connection, sale.listing_id, now)
    return Placed(
        order_id=order_id, parcel_id=parcel_id, payment_id=payment_id, state=OrderState.UNPAID.value, total_minor=total,
        currency=sale.currency, pay_until=pay_until,
    )  # fmt: skip


def place_orders(connection: Connection, account_id: str, wish: OrderWish, now: datetime, trade: Trade) -> list[Placed]:
    """Place an order for each parcel of the wish, all or none: every piece has its own parcel, hold, photo and proof.

    Raises as `place_order`; `total_minor` is the sum over all of them.
    """
    if not wish.more_parcel_ids:
        return [place_order(connection, account_id, wish, now, trade)]
    parcel_ids = list(dict.fromkeys((wish.parcel_id, *wish.more_parcel_ids)))
    each = [replace(wish, parcel_id=one, more_parcel_ids=(), total_minor=None) for one in parcel_ids]
    together = sum(price_of(connection, account_id, one, now) for one in each)
    each = [replace(one, together_minor=together) for one in each]
    placed = [place_order(connection, account_id, one, now, trade) for one in each]
    total = sum(one.total_minor for one in placed)
    if wish.total_minor not in (None, total) or len({one.currency for one in placed}) > 1:
        raise price_changed(total)
    return placed


def place_quoted(
    connection: Connection, account_id: str, wish: OrderWish, agreed: Agreed, now: datetime, trade: Trade
) -> list[Placed]:
    """Place an order for each piece of an accepted quote at its agreed price, all or none; raises as `place_order`.

    `wish` says where it goes and how it is paid; its `total_minor` is the sum over all of them.
    """
    own = replace(
        wish, listing_id=agreed.listing_id, variant_id=agreed.variant_id, piece_id=agreed.piece_id, parcel_id="",
        more_parcel_ids=(), total_minor=None, quote_id=agreed.quote_id, agreed_minor=agreed.price_minor,
        together_minor=agreed.price_minor * agreed.quantity,
    )  # fmt: skip
    kept = [replace(own, parcel_id=one, listing_id="", variant_id="", piece_id="") for one in agreed.kept_parcel_ids]
    each = [*kept, *[own] * (agreed.quantity - len(kept))]
    placed = [place_order(connection, account_id, one, now, trade) for one in each]
    total = sum(one.total_minor for one in placed)
    if wish.total_minor not in (None, total):
        raise price_changed(total)
    return placed


def price_of(connection: Connection, account_id: str, wish: OrderWish, now: datetime) -> int:
    """Return the price of the goods of a wish, without shipping and tax on top; RefusedError as `place_order`."""
    reserved = None
    if wish.parcel_id:
        reserved = reservations.require_active(connection, wish.parcel_id, account_id, now)
    return int(_sale(connection, reserved, wish, now).price_minor)


def price_changed(total_minor: int) -> RefusedError:
    """Return the refusal for a total that is not the one that the shopper saw."""
    return RefusedError(
        "price_changed", "The price has changed; please look again", "价格已变动，请重新确认", total_minor=total_minor
    )


def _sale(connection: Connection, reserved: reservations.Reservation | None, wish: OrderWish, now: datetime) -> Any:
    """Return what is sold: the variant of the reserved piece, or the one that was chosen unseen."""
    if reserved is not None:
        variant_id = connection.scalar(select(piece.c.variant_id).where(piece.c.piece_id == reserved.piece_id))
        return reservations.sale_of(connection, reserved.listing_id, now, variant_id)
    require_variant(connection, wish.listing_id, wish.variant_id)
    sale = reservations.sale_of(connection, wish.listing_id, now, wish.variant_id)
    if wish.variant_id and not sale.is_offered:
        raise reservations.not_for_sale()
    reservations.require_live(sale)
    return sale


def at_price(sale: Any, agreed_minor: int | None) -> Any:
    """Return a sale at the price that was agreed for it, or as it is without one."""
    if agreed_minor is None:
        return sale
    return SimpleNamespace(**{**sale._mapping, "price_minor": agreed_minor})  # noqa: SLF001  # a Row's public name


_ORDER, _LINE = insert(orders), insert(order_line)


def _insert(
    connection: Connection,
    order: dict[str, Any],
    wish: OrderWish,
    sale: Any,
    piece_id: str,
    parcel_id: str,
    trade: Trade,
) -> None:
    agreed = trade.settings
    row = {
        **order, "shop_id": sale.shop_id, "merchant_id": sale.merchant_id, "market": sale.market or trade.market,
        "state": OrderState.UNPAID.value, "price_minor": sale.price_minor,
        "currency": sale.currency, "payment_method": wish.payment_method, "delivery_from": wish.delivery_from,
        "delivery_until": wish.delivery_until, "photo_window_s": agreed.photo_window_s,
        "release_after_s": agreed.release_after_s, "commission_ppm": agreed.commission_ppm, "tax_ppm": agreed.tax_ppm,
    }  # fmt: skip
    title = titled({"en": sale.title_en, "zh": sale.title_zh}, sale.choices)
    line = {
        "order_id": order["order_id"], "line": 1, "listing_id": sale.listing_id, "piece_id": piece_id,
        "parcel_id": parcel_id, "price_minor": sale.price_minor, "variant_id": sale.variant_id,
        "title_en": title["en"], "title_zh": title["zh"],
    }  # fmt: skip
    connection.execute(_ORDER, row)
    connection.execute(_LINE, line)


def _check(wish: OrderWish, now: datetime) -> None:
    if not wish.agrees_photo_window:
        raise RefusedError(
            "photo_window_not_agreed",
            "Please agree how long you have to answer the photo",
            "请先同意照片确认的时限",
            422,
        )
    if (wish.address is None) == (not wish.pickup_point_id):
        raise BadValueError("address, pickup_point_id: exactly one of them must be given")
    if bool(wish.parcel_id) == bool(wish.listing_id):
        raise BadValueError("parcel_id, listing_id: exactly one of them must be given")
    if wish.delivery_from and wish.delivery_until and wish.delivery_until <= wish.delivery_from:
        raise BadValueError("delivery_until: must be after delivery_from")
    if wish.delivery_until and wish.delivery_until <= now:
        raise BadValueError("delivery_until: must not be over already")


def _check_delivery(wish: OrderWish, sale: Any, now: datetime) -> None:
    """Refuse a delivery time that ends before the shop is open again: on holidays nobody hands a parcel over."""
    opens_at = next_opening(sale.hours, sale.time_zone, now, sale.holidays)
    if opens_at is not None and wish.delivery_until is not None and wish.delivery_until <= opens_at:
        raise RefusedError(
            "shop_closed_until", "The shop is closed until then; please choose a later delivery time",
            "店铺届时尚未营业，请选择更晚的收货时间", opens_at=format_time(opens_at),
        )  # fmt: skip


def check_method(payment_method: str, currency: str, trade: Trade) -> str:
    """Return the provider of a way of payment; BadValueError for one that is not offered.

    RefusedError for one that does not take this currency.
    """
    provider, _, token = payment_method.partition(":")
    if provider not in trade.providers or not token or len(payment_method) > 100:
        raise BadValueError(f"payment_method: {payment_method[:40]!r} is not offered here")
    if currency not in trade.currencies.get(provider, {currency}):
        raise RefusedError(
            "currency_not_taken", f"This way of payment does not take {currency}; please choose another",
            f"该付款方式不支持 {currency}，请选择其他方式", 422,
        )  # fmt: skip
    return provider


def _take(
    connection: Connection, reserved: reservations.Reservation | None, wish: OrderWish, sale: Any, account_id: str,
    order_id: str, now: datetime,
) -> tuple[str, str]:  # fmt: skip
    if reserved is None:
        piece_id = wish.piece_id or stock.reserve_any(connection, wish.listing_id, wish.variant_id)
        if wish.piece_id:
            stock.reserve(connection, piece_id)
        parcel_id = parcels.create(connection, sale.shop_id, piece_id, account_id, now, order_id=order_id)
        return piece_id, parcel_id
    reservations.convert(connection, reserved)
    change = update(parcel).where(parcel.c.parcel_id == reserved.parcel_id).values(order_id=order_id, changed_at=now)
    connection.execute(change)
    return reserved.piece_id, reserved.parcel_id


def _start_charge(
    connection: Connection, order_id: str, provider: str, method: str, total: int, currency: str, now: datetime,
    trade: Trade, joint_id: str = "",
) -> str:  # fmt: skip
    retry_at = now + timedelta(seconds=trade.charge_retry_s)
    return payments.start(
        connection, payments.CHARGE, order_id, total, currency, now,
        provider=provider, method=method, next_try_at=retry_at, joint_id=joint_id or None,
    )  # fmt: skip


def pay_again(
    connection: Connection, account_id: str, order_id: str, payment_method: str, now: datetime, trade: Trade,
    joint_id: str = "",
) -> str:  # fmt: skip
    """Start another charge for an unpaid order whose last one failed; return its payment id.

    By a provider that takes its own time (days, or no less than half an hour) the order waits that long from now;
    otherwise it waits no longer for having been declined. RefusedError while an earlier one is still open: it may yet
    succeed, and nobody shall pay twice.
    """
    order = store.load(connection, order_id)
    if order is None or order.account_id != account_id:
        raise LookupError(f"order {order_id}: is not this account's")
    if order.state != OrderState.UNPAID or (order.due_at and order.due_at <= now):
        raise RefusedError("not_payable", "This order cannot be paid now", "此订单目前不能付款")
    if any(one.state == payments.STARTED for one in payments.of_order(connection, order_id)):
        raise RefusedError("payment_open", "A payment is still being checked", "上一笔付款仍在确认中")
    provider = check_method(payment_method, order.currency, trade)
    chosen: dict[str, Any] = {"payment_method": payment_method, "payment_provider": provider}
    if provider in trade.pay_s and order.due_at is not None:
        until = max(order.due_at, now + timedelta(seconds=trade.pay_s_of(provider)))
        chosen |= {"pay_until": until, "due_at": until}
    connection.execute(update(orders).where(orders.c.order_id == order_id).values(**chosen))
    total, currency = order.total_minor, order.currency
    return _start_charge(connection, order_id, provider, payment_method, total, currency, now, trade, joint_id)
