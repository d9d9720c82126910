"""Counter sales and drafts in SQL."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from cloud_relay.tables import (
    account,
    counter_draft,
    counter_line,
    counter_refund,
    counter_sale,
    listing,
    parcel,
    piece,
    promotion,
    shop,
)

OUT_OF_HOUSE = ("handed_over", "in_transit", "delivered", "cancelled", "returned", "gone")
"""Parcel states in which a piece is not on its way out of this house any more."""

_TAKE = (
    update(listing)
    .where(listing.c.listing_id == bindparam("key"), listing.c.on_hand - bindparam("sold") >= listing.c.reserved)
    .values(on_hand=listing.c.on_hand - bindparam("sold"), version=listing.c.version + 1)
)
_TAKE_FREE_PIECE = update(piece).where(piece.c.piece_id == bindparam("key"), piece.c.state == "free")


def has_sale(connection: Connection, sale_id: str) -> bool:
    """Tell whether a sale was taken before."""
    return connection.scalar(select(counter_sale.c.sale_id).where(counter_sale.c.sale_id == sale_id)) is not None


def find_sale(connection: Connection, shop_id: str, sale_id: str) -> RowMapping | None:
    """Return a sale of this shop."""
    where = (counter_sale.c.sale_id == sale_id, counter_sale.c.shop_id == shop_id)
    return connection.execute(select(counter_sale).where(*where)).mappings().one_or_none()


def sale_by_id(connection: Connection, sale_id: str) -> RowMapping | None:
    """Return a sale of any shop with the shop's name."""
    query = select(counter_sale, shop.c.name_en, shop.c.name_zh).join(shop, shop.c.shop_id == counter_sale.c.shop_id)
    return connection.execute(query.where(counter_sale.c.sale_id == sale_id)).mappings().one_or_none()


def name_shopper(connection: Connection, sale_id: str, shopper_id: str) -> bool:
    """Say whose a sale is; False when it is somebody's already."""
    where = (counter_sale.c.sale_id == sale_id, counter_sale.c.shopper_id.is_(None))
    return connection.execute(update(counter_sale).where(*where).values(shopper_id=shopper_id)).rowcount == 1


def has_refund(connection: Connection, sale_id: str) -> bool:
    """Tell whether a sale was given back."""
    query = select(counter_refund.c.sale_id).where(counter_refund.c.sale_id == sale_id)
    return connection.scalar(query) is not None


def insert_refund(connection: Connection, values: dict[str, Any]) -> None:
    """Write a refund."""
    connection.execute(insert(counter_refund).values(values))


def refunds_of(connection: Connection, sale_ids: Iterable[str]) -> dict[str, datetime]:
    """Return when these sales were given back, those that were."""
    query = select(counter_refund.c.sale_id, counter_refund.c.refunded_at)
    found = connection.execute(query.where(counter_refund.c.sale_id.in_(list(sale_ids))))
    return {row.sale_id: row.refunded_at for row in found}


def return_piece(connection: Connection, shop_id: str, piece_id: str) -> bool:
    """Sold, or written off when it was sold → free; False when it is neither, or not this shop's."""
    where = (piece.c.piece_id == piece_id, piece.c.shop_id == shop_id, piece.c.state.in_(("sold", "gone")))
    change = update(piece).where(*where).values(state="free", version=piece.c.version + 1)
    return connection.execute(change).rowcount == 1


def add_stock(connection: Connection, listing_id: str, quantity: int) -> None:
    """Put so many on a listing's books again."""
    values = {"on_hand": listing.c.on_hand + quantity, "version": listing.c.version + 1}
    connection.execute(update(listing).where(listing.c.listing_id == listing_id).values(values))


def has_promotion(connection: Connection, shop_id: str, promotion_id: str) -> bool:
    """Tell whether a promotion is, or was, this shop's."""
    where = (promotion.c.promotion_id == promotion_id, promotion.c.shop_id == shop_id)
    return connection.scalar(select(promotion.c.promotion_id).where(*where)) is not None


def shares_of(connection: Connection, shop_id: str, joint_id: str) -> list[RowMapping]:
    """Return the sales of a joint sale: whose each is, and whether it was given back."""
    own = counter_sale.c
    query = (
        select(own.sale_id, own.shopper_id, counter_refund.c.refund_id)
        .outerjoin(counter_refund, counter_refund.c.sale_id == own.sale_id)
        .where(own.shop_id == shop_id, own.joint_id == joint_id)
        .order_by(own.sale_id)
    )
    return list(connection.execute(query).mappings())


def find_shop(connection: Connection, shop_id: str) -> RowMapping | None:
    """Return a shop's merchant, market and currency."""
    query = select(shop.c.shop_id, shop.c.merchant_id, shop.c.market, shop.c.currency).where(shop.c.shop_id == shop_id)
    return connection.execute(query).mappings().one_or_none()


def insert_sale(connection: Connection, sale: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    """Write a sale with its lines."""
    connection.execute(insert(counter_sale).values(sale))
    connection.execute(insert(counter_line), lines)


def own_listing(connection: Connection, shop_id: str, listing_id: str) -> bool:
    """Tell whether a listing is this shop's."""
    where = (listing.c.listing_id == listing_id, listing.c.shop_id == shop_id)
    return connection.scalar(select(listing.c.listing_id).where(*where)) is not None


def piece_of(connection: Connection, shop_id: str, piece_id: str) -> RowMapping | None:
    """Return a piece of this shop."""
    query = select(piece).where(piece.c.piece_id == piece_id, piece.c.shop_id == shop_id)
    return connection.execute(query).mappings().one_or_none()


def sell_free_piece(connection: Connection, piece_id: str) -> bool:
    """Free → sold; False when it is not free."""
    change = _TAKE_FREE_PIECE.values(state="sold", version=piece.c.version + 1)
    return connection.execute(change, {"key": piece_id}).rowcount == 1


def take_stock(connection: Connection, listing_id: str, quantity: int) -> bool:
    """Take so many off a listing's books unless what is promised would fall short; return whether it was done."""
    return connection.execute(_TAKE, {"key": listing_id, "sold": quantity}).rowcount == 1


def spare(connection: Connection, listing_id: str) -> int:
    """Return how many of a listing are on the books and promised to nobody."""
    query = select(listing.c.on_hand - listing.c.reserved).where(listing.c.listing_id == listing_id)
    return int(connection.scalar(query) or 0)


def parcel_of_piece(connection: Connection, shop_id: str, piece_id: str) -> str | None:
    """Return the newest parcel that this piece is promised to or packed in."""
    where = (parcel.c.shop_id == shop_id, parcel.c.piece_id == piece_id, parcel.c.state.not_in(OUT_OF_HOUSE))
    query = select(parcel.c.parcel_id).where(*where).order_by(parcel.c.created_at.desc(), parcel.c.parcel_id.desc())
    found: str | None = connection.scalar(query.limit(1))
    return found


def sales_of(connection: Connection, merchant_id: str, limit: int) -> list[RowMapping]:
    """Return a merchant's newest counter sales with the shop's and the seller's name."""
    own = counter_sale.c
    query = (
        select(counter_sale, shop.c.name_en, shop.c.name_zh, account.c.nickname)
        .join(shop, shop.c.shop_id == own.shop_id)
        .outerjoin(account, account.c.account_id == own.account_id)
        .where(own.merchant_id == merchant_id)
        .order_by(own.sold_at.desc(), own.sale_id)
        .limit(limit)
    )
    return list(connection.execute(query).mappings())


def sales_to(connection: Connection, shopper_id: str, limit: int) -> list[RowMapping]:
    """Return what a shopper who said who they are bought at counters, newest first."""
    own = counter_sale.c
    query = (
        select(counter_sale, shop.c.name_en, shop.c.name_zh)
        .join(shop, shop.c.shop_id == own.shop_id)
        .where(own.shopper_id == shopper_id)
        .order_by(own.sold_at.desc(), own.sale_id)
        .limit(limit)
    )
    return list(connection.execute(query).mappings())


def lines_of(connection: Connection, sale_ids: Iterable[str]) -> dict[str, list[RowMapping]]:
    """Return the lines of these sales."""
    query = select(counter_line).where(counter_line.c.sale_id.in_(list(sale_ids)))
    found: dict[str, list[RowMapping]] = {}
    for row in connection.execute(query.order_by(counter_line.c.sale_id, counter_line.c.line)).mappings():
        found.setdefault(row["sale_id"], []).append(row)
    return found


def has_account(connection: Connection, account_id: str) -> bool:
    """Tell whether there is such an account, and it is not closed."""
    where = (account.c.account_id == account_id, account.c.is_closed.is_(False))
    return connection.scalar(select(account.c.account_id).where(*where)) is not None


def insert_draft(
    connection: Connection, draft_id: str, shop_id: str, listing_id: str, picture: str, now: datetime
) -> None:
    """Remember which listing a draft became."""
    row = {
        "draft_id": draft_id, "shop_id": shop_id, "listing_id": listing_id, "picture_sha256": picture or None,
        "taken_at": now,
    }  # fmt: skip
    connection.execute(insert(counter_draft).values(row))


def has_draft_elsewhere(connection: Connection, shop_id: str, draft_id: str) -> bool:
    """Tell whether another shop used this draft's id."""
    where = (counter_draft.c.draft_id == draft_id, counter_draft.c.shop_id != shop_id)
    return connection.scalar(select(counter_draft.c.draft_id).where(*where)) is not None


def find_draft(connection: Connection, shop_id: str, draft_id: str) -> RowMapping | None:
    """Return a draft of this shop."""
    where = (counter_draft.c.draft_id == draft_id, counter_draft.c.shop_id == shop_id)
    return connection.execute(select(counter_draft).where(*where)).mappings().one_or_none()
