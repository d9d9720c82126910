"""The shop plan: made anew whenever a shop, a listing or a piece changes, and sent in that very transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import accumulate

from sqlalchemy import Connection, func, select, update

from cloud_relay.catalog.variant_rules import titled
from cloud_relay.counter import goods as till
from cloud_relay.outbox import send_command
from cloud_relay.promotions.reading import for_plan
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import listing, merchant, parcel, piece, shop, tag, variant
from wire.codec import MESSAGE_BYTES_MAX, dump_bytes, from_json
from wire.commands import ReplacePlan
from wire.plan import CameraPlan, Holiday, OpenHours, PackWhen, PiecePlan, PlacePlan, ShopPlan, Spot, Text
from wire.promotions import Promotion
from wire.values import BadValueError

PLAN_BYTES_MAX = MESSAGE_BYTES_MAX * 3 // 4 - 8192
"""A signed command carries its bytes as base64url, four for three, with the envelope around them."""

RESOLVER_LENGTH_MAX = 120
"""Longer than any relay's own address: who asks for room in advance need not know it."""

PLACES_MAX = 400
"""As many as a sheet has tags: 25 KB of the message. What is older is typed, or looked up on the page."""

OUT_OF_HOUSE = ("handed_over", "in_transit", "delivered", "cancelled", "returned", "gone")
"""Parcel states after which the shop needs to know nothing more of a sold piece."""


def build_plan(connection: Connection, shop_id: str, resolver_url: str) -> ShopPlan:
    """Return the plan of a shop as the database has it now."""
    row = connection.execute(
        select(shop, merchant.c.name_en.label("merchant_en"), merchant.c.name_zh.label("merchant_zh"))
        .join(merchant, merchant.c.merchant_id == shop.c.merchant_id)
        .where(shop.c.shop_id == shop_id)
    ).one()
    listings, members = till.till_of(connection, shop_id, row.merchant_id)
    return ShopPlan(
        version=row.plan_version,
        shop_id=shop_id,
        shop_name=Text(en=row.name_en, zh=row.name_zh),
        merchant_id=row.merchant_id,
        merchant_name=Text(en=row.merchant_en, zh=row.merchant_zh),
        time_zone=row.time_zone,
        hours=from_json(tuple[OpenHours, ...], row.hours),
        pack_when=PackWhen(row.pack_when),
        resolver_url=resolver_url,
        sender_lines=tuple(row.sender_lines),
        cameras=from_json(tuple[CameraPlan, ...], row.cameras),
        pieces=_pieces(connection, shop_id),
        turn_s=row.turn_s,
        is_relay_only=row.is_relay_only,
        is_spin_on=row.is_spin_on,
        holidays=from_json(tuple[Holiday, ...], row.holidays),
        listings=listings,
        till_members=members,
        currency=row.currency,
        places=_places(connection, shop_id),
        promotions=for_plan(connection, shop_id),
    )


def _places(connection: Connection, shop_id: str) -> tuple[PlacePlan, ...]:
    """Return the newest tags that hang at places, so that the shop's own scanners know them with the internet down."""
    where = (tag.c.shop_id == shop_id, tag.c.kind == "place", tag.c.state == "active")
    query = select(tag.c.tag_id, tag.c.location).where(*where).order_by(tag.c.made_at.desc(), tag.c.tag_id)
    return tuple(
        PlacePlan(tag_id=row.tag_id, location=row.location) for row in connection.execute(query.limit(PLACES_MAX))
    )


def _pieces(connection: Connection, shop_id: str) -> tuple[PiecePlan, ...]:
    """Return the pieces that are in the shop, samples too, and the sold ones until their parcel left the house."""
    on_the_bench = select(parcel.c.piece_id).where(parcel.c.shop_id == shop_id, parcel.c.state.not_in(OUT_OF_HOUSE))
    rows = connection.execute(
        select(
            piece, variant.c.price_difference_minor, listing.c.title_en, listing.c.title_zh, listing.c.sku,
            listing.c.gtin, variant.c.choices,
            variant.c.sku.label("variant_sku"), variant.c.gtin.label("variant_gtin"),
        )
        .join(listing, listing.c.listing_id == piece.c.listing_id)
        .outerjoin(variant, variant.c.variant_id == piece.c.variant_id)
        .where(piece.c.shop_id == shop_id)
        .where(piece.c.state.in_(("free", "reserved", "sample")) | piece.c.piece_id.in_(on_the_bench))
        .order_by(piece.c.code)
    )  # fmt: skip
    return tuple(
        PiecePlan(
            piece_id=row.piece_id, code=row.code, sku=row.variant_sku or row.sku, gtin=row.variant_gtin or row.gtin,
            title=Text(**titled({"en": row.title_en, "zh": row.title_zh}, row.choices)),
            serial=row.serial, location=row.location,
            spot=from_json(Spot, row.spot) if row.spot else None,
            listing_id="" if row.state == "sample" else row.listing_id,
            price_difference_minor=row.price_difference_minor or 0,
        )
        for row in rows
    )  # fmt: skip


def _fits(plan: ShopPlan) -> bool:
    try:
        return len(dump_bytes(plan)) <= PLAN_BYTES_MAX
    except BadValueError:  # more than any message may have
        return False


def fitted(plan: ShopPlan) -> ShopPlan | None:
    """Return the plan as one message carries it, or None when no message does.

    Promotions give way to goods, and places to both: without places the shop's own scanners know fewer tags, without a
    promotion its till takes the usual price, without goods nothing is sold. What begins first and the newest places
    stay, as many as there is room for.
    """
    if _fits(plan):
        return plan
    fuller = replace(plan, places=(), promotions=())
    if not _fits(fuller):
        return None
    told = _room_for(fuller, plan.promotions)
    fuller = replace(fuller, promotions=plan.promotions[:told])
    if told < len(plan.promotions):
        return fuller
    return replace(fuller, places=plan.places[: _room_for(fuller, plan.places)])


def _room_for(plan: ShopPlan, parts: Sequence[Promotion] | Sequence[PlacePlan]) -> int:
    """Return how many of these, from the first on, fit into a plan that has none of them."""
    room = PLAN_BYTES_MAX - len(dump_bytes(plan)) + 1  # the first one has no comma before it
    sizes = accumulate(len(dump_bytes(one)) + 1 for one in parts)
    return sum(size <= room for size in sizes)


def promotions_left_out(connection: Connection, shop_id: str) -> int:
    """Return how many promotions at the counter the shop's till cannot be told of."""
    whole = build_plan(connection, shop_id, "x" * RESOLVER_LENGTH_MAX)
    plan = fitted(whole)
    return len(whole.promotions) - (len(plan.promotions) if plan else 0)


def places_left_out(connection: Connection, shop_id: str, resolver_url: str) -> int:
    """Return how many tags of places hang in the shop whose own scanners are not told of them."""
    where = (tag.c.shop_id == shop_id, tag.c.kind == "place", tag.c.state == "active")
    hanging = connection.scalar(select(func.count()).where(*where)) or 0
    plan = fitted(build_plan(connection, shop_id, resolver_url)) if hanging else None
    return hanging - len(plan.places) if plan else hanging


def require_room(connection: Connection, shop_id: str) -> None:
    """Raise RefusedError `plan_too_large` when the shop's plan, as the database has it now, fits no message."""
    if fitted(build_plan(connection, shop_id, "x" * RESOLVER_LENGTH_MAX)) is None:
        raise _too_large()


def _too_large() -> RefusedError:
    return RefusedError(
        "plan_too_large",
        "More pieces, and goods at its till, than a shop's box is told at once; open a second shop for the rest",
        "单件和收银台货品超过一家店的上限，请为其余货品另开一家店",
    )


def replace_plan(connection: Connection, shop_id: str, resolver_url: str, now: datetime) -> int:
    """Raise the plan's version and send the new plan within this transaction; return the version."""
    version = shop.c.plan_version + 1
    change = update(shop).where(shop.c.shop_id == shop_id).values(plan_version=version).returning(shop.c.plan_version)
    raised: int = connection.execute(change).scalar_one()
    plan = fitted(build_plan(connection, shop_id, resolver_url))
    if plan is None:
        raise _too_large()
    send_command(connection, shop_id, ReplacePlan(plan=plan), now, subject=shop_id)
    return raised
