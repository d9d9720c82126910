"""What pages and programs read of orders: checkout, lists, the whole story, a merchant's and the operator's view."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, select

from cloud_relay.announcements.prices import price_at
from cloud_relay.catalog.rules import next_opening
from cloud_relay.catalog.variant_rules import titled
from cloud_relay.escrow import ledger, payments
from cloud_relay.escrow.providers.base import Method
from cloud_relay.orders import reservations, searching, store, words
from cloud_relay.orders.rules import AT_SHOP, MONEY_HELD, ON_ITS_WAY, OrderState
from cloud_relay.orders.trade import Trade
from cloud_relay.parcels import epcis
from cloud_relay.parcels import store as parcel_store
from cloud_relay.parcels.tracking import STEP_WORDS
from cloud_relay.pickup import points
from cloud_relay.pickup import service as pickups
from cloud_relay.pickup.rules import PickupState
from cloud_relay.refusals import RefusedError
from cloud_relay.shipping.showing import costs_json
from cloud_relay.signing import service as signing
from cloud_relay.tables import (
    account,
    dispute,
    group_order,
    listing,
    listing_picture,
    merchant,
    order_line,
    orders,
    parcel,
    pickup,
    piece,
    pledge,
    shop,
    variant,
)
from wire.codec import to_json
from wire.values import format_time

LATEST = 200


def methods_json(methods: tuple[Method, ...], currency: str = "") -> list[dict[str, Any]]:
    """Return the ways of payment as pages show them; with a currency those that take it."""
    return [
        {"method": one.method, "title": to_json(one.title), "hint": to_json(one.hint) if one.hint.en else None}
        for one in methods
        if not (currency and one.currencies) or currency in one.currencies
    ]


def read_checkout(
    connection: Connection, account_id: str, parcel_id: str, trade: Trade, methods: tuple[Method, ...], now: datetime,
    *, country: str = "CN", postal_code: str = "",
) -> dict[str, Any] | None:  # fmt: skip
    """Return everything that the shopper sees before paying, or None if the reservation is not theirs.

    Shipping and tax are those of a parcel to this country (ISO 3166-1) and postal code.
    """
    found = reservations.find(connection, parcel_id, account_id)
    if found is None:
        return None
    query = (
        select(
            listing.c.title_en, listing.c.title_zh, listing.c.currency, variant.c.choices, listing.c.weight_g,
            listing.c.attributes,
            (price_at(now) + func.coalesce(variant.c.price_difference_minor, 0)).label("price_minor"),
            (listing.c.price_minor + func.coalesce(variant.c.price_difference_minor, 0)).label("usual_price_minor"),
            shop.c.shop_id, shop.c.name_en, shop.c.name_zh, shop.c.shipping_minor,
            shop.c.hours, shop.c.holidays, shop.c.time_zone, parcel.c.still_sha256, parcel.c.order_id,
        )
        .join(shop, shop.c.shop_id == listing.c.shop_id)
        .join(parcel, parcel.c.parcel_id == parcel_id)
        .join(piece, piece.c.piece_id == parcel.c.piece_id)
        .outerjoin(variant, variant.c.variant_id == piece.c.variant_id)
        .where(listing.c.listing_id == found.listing_id)
    )  # fmt: skip
    row = connection.execute(query).one()
    opens_at = next_opening(row.hours, row.time_zone, now, row.holidays)
    more = [one.parcel_id for one in reservations.chosen_with(connection, parcel_id)]
    collected_at = points.of_shop(connection, row.shop_id)
    return {
        "parcel_id": parcel_id,
        "more_parcel_ids": more,
        "quantity": 1 + len(more),
        "piece_id": found.piece_id,
        "listing_id": found.listing_id,
        "order_id": row.order_id,
        "state": found.state,
        "until": found.until,
        "can_extend": found.state == reservations.ACTIVE and found.extensions == 0,
        "title": titled(words.both(row.title_en, row.title_zh), row.choices),
        "shop_name": words.both(row.name_en, row.name_zh),
        "still_sha256": row.still_sha256,
        "price_minor": row.price_minor,
        "usual_price_minor": row.usual_price_minor,
        "deliveries_from": format_time(opens_at) if opens_at else None,
        **costs_json(connection, row, 1 + len(more), country, postal_code, collected_at),
        "currency": row.currency,
        "pickup_points": collected_at,
        "payment_methods": methods_json(methods, row.currency),
        "photo_window_s": trade.settings.photo_window_s,
        "release_after_s": trade.settings.release_after_s,
    }


_FIRST_PICTURE = (
    select(listing_picture.c.picture_sha256)
    .where(listing_picture.c.listing_id == order_line.c.listing_id)
    .order_by(listing_picture.c.place)
    .limit(1)
    .scalar_subquery()
)

_LIST = (
    select(
        orders.c.order_id, orders.c.state, orders.c.total_minor, orders.c.currency, orders.c.placed_at, orders.c.due_at,
        orders.c.shop_id, orders.c.merchant_id, order_line.c.title_en, order_line.c.title_zh, order_line.c.parcel_id,
        shop.c.name_en, shop.c.name_zh, account.c.nickname, parcel.c.held_reason, parcel.c.state.label("parcel_state"),
        pickup.c.state.label("pickup_state"),
        func.coalesce(
            func.nullif(parcel.c.photo_sha256, ""), func.nullif(parcel.c.packed_sha256, ""),
            func.nullif(parcel.c.still_sha256, ""), _FIRST_PICTURE,
        ).label("picture"),
    )
    .join(order_line, order_line.c.order_id == orders.c.order_id)
    .join(shop, shop.c.shop_id == orders.c.shop_id)
    .join(account, account.c.account_id == orders.c.account_id)
    .join(parcel, parcel.c.parcel_id == order_line.c.parcel_id)
    .outerjoin(pickup, pickup.c.order_id == orders.c.order_id)
    .where(order_line.c.line == 1)
    .order_by(orders.c.placed_at.desc(), orders.c.order_id)
    .limit(LATEST)
)  # fmt: skip


def _state_text(state: OrderState, pickup_state: str | None) -> dict[str, str]:
    """Return what a state is called, by courier or at a pick-up point."""
    if pickup_state == PickupState.READY and state is OrderState.CONFIRMED:
        return words.READY_TO_COLLECT
    return words.STATE_TEXTS[state]


def _listed(row: RowMapping) -> dict[str, Any]:
    state = OrderState(row["state"])
    plain = (
        "order_id",
        "state",
        "total_minor",
        "currency",
        "placed_at",
        "due_at",
        "shop_id",
        "parcel_id",
        "held_reason",
        "picture",
    )
    return {
        **{name: row[name] for name in plain},
        "parcel_state": row["parcel_state"],
        "title": words.both(row["title_en"], row["title_zh"]),
        "shop_name": words.both(row["name_en"], row["name_zh"]),
        "nickname": row["nickname"],
        "state_text": _state_text(state, row["pickup_state"]),
        "state_class": words.STATE_CLASSES.get(state, "offline"),
    }


EVERY = searching.OrderSearch()


def orders_of(connection: Connection, account_id: str, wish: searching.OrderSearch = EVERY) -> list[dict[str, Any]]:
    """Return a shopper's newest orders, those that fit a search."""
    query = searching.narrowed(_LIST.where(orders.c.account_id == account_id), wish, is_merchant=False)
    return [_listed(row) for row in connection.execute(query).mappings()]


def orders_of_merchant(
    connection: Connection, merchant_id: str, wish: searching.OrderSearch = EVERY
) -> list[dict[str, Any]]:
    """Return a merchant's newest orders, those that fit a search."""
    query = searching.narrowed(_LIST.where(orders.c.merchant_id == merchant_id), wish, is_merchant=True)
    return [_listed(row) for row in connection.execute(query).mappings()]


def state_choices(connection: Connection, whose: str, *, is_merchant: bool) -> list[tuple[str, dict[str, str]]]:
    """Return (state, what it is called) of all states that somebody's orders are in."""
    column = orders.c.merchant_id if is_merchant else orders.c.account_id
    return [(one, words.STATE_TEXTS[OrderState(one)]) for one in searching.states_of(connection, column == whose)]


def orders_by_id(connection: Connection, order_ids: list[str]) -> list[dict[str, Any]]:
    """Return these orders as lists show them, newest first."""
    rows = connection.execute(_LIST.where(orders.c.order_id.in_(order_ids))).mappings()
    return [_listed(row) for row in rows]


def parties(connection: Connection, order_id: str) -> tuple[str, str] | None:
    """Return (account, merchant) of an order, or None."""
    query = select(orders.c.account_id, orders.c.merchant_id).where(orders.c.order_id == order_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.account_id, row.merchant_id)


def read_order(
    connection: Connection, order_id: str, methods: tuple[Method, ...], *, for_shopper: bool
) -> dict[str, Any]:
    """Return the whole story of an order for one of its parties; LookupError if there is none."""
    row = connection.execute(select(orders).where(orders.c.order_id == order_id)).mappings().one_or_none()
    order = store.load(connection, order_id)
    if row is None or order is None:
        raise LookupError(f"order {order_id}: is not there")
    state = OrderState(order.state)
    found = parcel_store.load(connection, order.parcel_id)
    assert found is not None
    paid = payments.of_order(connection, order_id)
    charges = [one for one in paid if one.kind == payments.CHARGE]
    collected = pickups.of_order(connection, order_id, for_shopper=for_shopper)
    plain = (
        "order_id", "shop_id", "merchant_id", "state", "price_minor", "shipping_minor", "total_minor", "currency",
        "payment_method", "address", "delivery_from", "delivery_until", "photo_window_s", "release_after_s",
        "objections", "placed_at", "pay_until", "paid_at", "photo_until", "handed_over_at", "delivered_at",
        "release_at", "ended_at", "end_reason", "due_at", "goods_tax_minor", "goods_tax_ppm", "is_tax_on_top",
        "basket_id",
    )  # fmt: skip
    return {
        **{name: row[name] for name in plain},
        "lines": _lines(connection, order_id),
        "parcel_id": order.parcel_id,
        "parcel_state": found.state,
        "sscc": found.sscc,
        "photo_sha256": found.photo_sha256,
        "still_sha256": found.still_sha256,
        "held_text": found.held_text,
        "shop_name": words.both(found.shop_name_en, found.shop_name_zh),
        "nickname": connection.scalar(select(account.c.nickname).where(account.c.account_id == order.account_id)),
        "state_text": _state_text(state, collected["state"] if collected else None),
        "state_class": words.STATE_CLASSES.get(state, "offline"),
        "payment_state": charges[-1].state if charges else "",
        "payment_text": words.PAYMENT_TEXTS[charges[-1].state] if charges else words.both("", ""),
        "payment_methods": methods_json(methods, order.currency),
        "money_text": words.money_text(state, is_paid=row["paid_at"] is not None),
        "can_cancel": for_shopper and _can_cancel(order, state),
        "can_dispute": for_shopper and state in AT_SHOP | ON_ITS_WAY | {OrderState.CANCELLING},
        "is_held": state in MONEY_HELD,
        "pickup": collected,
        "group": _group(connection, order_id, for_shopper=for_shopper),
        "dispute": _dispute(connection, order_id),
        "signature": signing.read_signature(connection, order_id),
        "timeline": timeline(connection, order_id),
        "ledger": ledger.postings_of(connection, order_id),
    }


def _group(connection: Connection, order_id: str, *, for_shopper: bool) -> dict[str, Any] | None:
    """Return what an order's group order changes of its price, or None for an ordinary one; its id to its shopper."""
    columns = (pledge, group_order.c.state, group_order.c.close_until, group_order.c.terms)
    query = select(*columns).join(group_order, group_order.c.group_id == pledge.c.group_id)
    row = connection.execute(query.where(pledge.c.order_id == order_id)).mappings().one_or_none()
    if row is None:
        return None
    plain = ("group_id", "usual_minor", "saving_minor", "back_minor", "state", "close_until")
    link = {} if for_shopper else {"group_id": ""}
    return {name: row[name] for name in plain} | {"title": row["terms"]["title"]} | link


def _can_cancel(order: store.Order, state: OrderState) -> bool:
    if order.group_state == "succeeded" and state in AT_SHOP:
        return False
    return state in (OrderState.UNPAID, OrderState.PLEDGED) or state in AT_SHOP


def _lines(connection: Connection, order_id: str) -> list[dict[str, Any]]:
    rows = connection.execute(select(order_line).where(order_line.c.order_id == order_id).order_by(order_line.c.line))
    return [
        {
            "line": row["line"], "listing_id": row["listing_id"], "piece_id": row["piece_id"],
            "parcel_id": row["parcel_id"], "title": words.both(row["title_en"], row["title_zh"]),
            "price_minor": row["price_minor"], "quantity": row["quantity"], "variant_id": row["variant_id"] or "",
        }
        for row in rows.mappings()
    ]  # fmt: skip


def _dispute(connection: Connection, order_id: str) -> dict[str, Any] | None:
    query = select(dispute).where(dispute.c.order_id == order_id).order_by(dispute.c.opened_at.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    names = ("dispute_id", "state", "reason", "opened_at", "ruling", "ruling_reason", "ruled_at", "rule_until")
    return None if row is None else {name: row[name] for name in names}


def timeline(connection: Connection, order_id: str) -> list[dict[str, Any]]:
    """Return what happened to an order, its parcels and on their journey, oldest first, in both languages."""
    parcel_ids = list(connection.scalars(select(parcel.c.parcel_id).where(parcel.c.order_id == order_id)))
    lines = [
        {
            "kind": row["kind"], "at": row["at"], "actor": _actor(row["actor"]),
            "text": words.EVENT_TEXTS.get(row["kind"], words.both(row["kind"], row["kind"])),
            "picture_sha256": row["detail"].get("picture_sha256", ""), **_reason(row),
        }
        for row in store.events_of(connection, order_id, parcel_ids)
        if row["kind"] not in words.HIDDEN_EVENTS and not _is_doubled(row)
    ]  # fmt: skip
    lines += [_tracked(row) for name in parcel_ids for row in parcel_store.tracking_of(connection, name)
              if row["source"] == "courier"]  # fmt: skip
    return sorted(lines, key=lambda line: line["at"])


def _reason(row: dict[str, Any]) -> dict[str, Any]:
    reason = row["detail"].get("reason", "")
    same = reason == row["kind"]  # the line says it already
    told = words.both("", "") if same else words.reason_text(row["actor"], reason, row["detail"].get("text"))
    return {"reason": reason, "reason_text": told}


def _is_doubled(row: dict[str, Any]) -> bool:
    """The parcel's own line of a hand-over, a lost piece or a delivery stands beside the order's: one is enough."""
    return row["kind"] in ("handed_over", "piece_gone") and bool(row["order_id"]) and "state" not in row["detail"]


def _actor(actor: str) -> str:
    return actor if actor in ("shop", "provider", "clock", "courier") else "person"


def _tracked(row: dict[str, Any]) -> dict[str, Any]:
    step_en, step_zh = STEP_WORDS.get(row["biz_step"], (row["biz_step"], row["biz_step"]))
    is_wrong = "errorDeclaration" in row["epcis"]
    mark_en, mark_zh = (" (recorded in error)", "（误录）") if is_wrong else ("", "")
    proof = epcis.proof_of(row["epcis"])
    taken_en, taken_zh = (f" · taken by {proof.received_by}", f" · 签收人：{proof.received_by}")
    taken_en, taken_zh = (taken_en, taken_zh) if proof.received_by else ("", "")
    place = row["place"]
    return {
        "kind": "tracking", "at": row["at"], "actor": "courier",
        "text": words.both(f"{step_en}: {place}{taken_en}{mark_en}", f"{step_zh}：{place}{taken_zh}{mark_zh}"),
        "picture_sha256": "" if is_wrong else proof.picture_sha256, "reason": proof.note,
        "reason_text": words.both(proof.note, proof.note), "step": row["biz_step"], "place": place,
    }  # fmt: skip


def open_disputes(connection: Connection) -> list[dict[str, Any]]:
    """Return the disputes that wait for a ruling, the most urgent first."""
    query = (
        select(
            dispute, orders.c.total_minor, orders.c.currency, orders.c.merchant_id, order_line.c.title_en,
            order_line.c.title_zh, merchant.c.name_en, merchant.c.name_zh,
        )
        .join(orders, orders.c.order_id == dispute.c.order_id)
        .join(order_line, order_line.c.order_id == dispute.c.order_id)
        .join(merchant, merchant.c.merchant_id == orders.c.merchant_id)
        .where(dispute.c.state == "open", order_line.c.line == 1)
        .order_by(dispute.c.rule_until)
    )  # fmt: skip
    plain = (
        "dispute_id", "order_id", "reason", "opened_at", "rule_until", "resume_state", "total_minor", "currency",
    )  # fmt: skip
    return [
        {
            **{name: row[name] for name in plain},
            "title": words.both(row["title_en"], row["title_zh"]),
            "merchant_name": words.both(row["name_en"], row["name_zh"]),
            "can_release": row["resume_state"] in ON_ITS_WAY,
        }
        for row in connection.execute(query).mappings()
    ]


def disputed_order(connection: Connection, dispute_id: str) -> tuple[str, int]:
    """Return (order, its total) of an open dispute; RefusedError when there is none."""
    query = select(orders.c.order_id, orders.c.total_minor).join(dispute, dispute.c.order_id == orders.c.order_id)
    row = connection.execute(query.where(dispute.c.dispute_id == dispute_id, dispute.c.state == "open")).one_or_none()
    if row is None:
        raise RefusedError("no_dispute", "There is no open dispute", "没有进行中的争议", 404)
    return row.order_id, row.total_minor


_STATE = select(orders.c.state).where(orders.c.order_id == bindparam("key"))


def state_of(connection: Connection, order_id: str) -> str:
    """Return the order's state."""
    return str(connection.execute(_STATE, {"key": order_id}).scalar())


def evidence(connection: Connection, order_id: str, trade: Trade, now: datetime) -> dict[str, Any]:
    """Return what the parties and the operator may lay before each other: story, pictures, money, journey."""
    order = read_order(connection, order_id, (), for_shopper=False)
    parcel_ids = list(connection.scalars(select(parcel.c.parcel_id).where(parcel.c.order_id == order_id)))
    from_parcels = [parcel_store.load(connection, name) for name in parcel_ids]
    return {
        "order": order,
        "address_sha256": connection.scalar(select(orders.c.address_sha256).where(orders.c.order_id == order_id)),
        "pictures": parcel_store.pictures_of(connection, parcel_ids),
        "labels": parcel_store.labels_of(connection, parcel_ids),
        "journey": [parcel_store.document_of(connection, found, now, trade) for found in from_parcels if found],
    }
