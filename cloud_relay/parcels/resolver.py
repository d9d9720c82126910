"""What a code resolves to, by who asks: everybody sees goods and shop, parties their parcel, nobody an address."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, func, select

from cloud_relay.announcements.prices import price_at
from cloud_relay.catalog.store import pictures_of
from cloud_relay.catalog.variant_rules import titled
from cloud_relay.orders.words import STATE_TEXTS, both
from cloud_relay.parcels import epcis, store
from cloud_relay.parcels.rules import ParcelState
from cloud_relay.parcels.store import ParcelRow
from cloud_relay.parcels.tracking import STEP_WORDS
from cloud_relay.tables import listing, merchant, order_line, orders, piece, shop, variant
from wire.values import BadValueError, Gtin, Sscc

PARCEL_TEXTS: dict[ParcelState, dict[str, str]] = {
    ParcelState.WAITING: both("Waiting for payment", "等待付款"),
    ParcelState.PREPARING: both("Being fetched", "备货中"),
    ParcelState.PICKED: both("At the bench", "已到工作台"),
    ParcelState.PACKED: both("Packed", "已打包"),
    ParcelState.LABELLED: both("Labelled", "已贴标签"),
    ParcelState.PHOTOGRAPHED: both("Photographed; waiting for the shopper", "已拍照，等待买家确认"),
    ParcelState.HANDED_OVER: both("Handed over to the post", "已交寄"),
    ParcelState.IN_TRANSIT: both("On its way", "运输中"),
    ParcelState.DELIVERED: both("Delivered", "已送达"),
    ParcelState.RELEASING: both("Going back to its place", "正在放回"),
    ParcelState.RETURNED: both("Back at its place", "已放回原处"),
    ParcelState.CANCELLED: both("Cancelled", "已取消"),
    ParcelState.GONE: both("Not there any more", "已不在店内"),
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who opens a code; a visitor has no account."""

    account_id: str | None = None
    merchant_ids: frozenset[str] = frozenset()
    is_operator: bool = False

    def may_see(self, found: ParcelRow) -> bool:
        """Whether they are a party of the parcel."""
        is_shopper = self.account_id is not None and self.account_id == found.account_id
        return is_shopper or found.merchant_id in self.merchant_ids or self.is_operator


def resolve_parcel(connection: Connection, parcel_id: str, asker: Asker, *, is_current: bool = True) -> dict[str, Any]:
    """Return what a parcel's code shows; LookupError when there is no such parcel.

    Strangers learn the shop and that the label is genuine; parties where the parcel is and its journey.
    """
    found = store.load(connection, parcel_id)
    if found is None:
        raise LookupError(f"parcel {parcel_id}: is not there")
    shown: dict[str, Any] = {
        "kind": "parcel", "parcel_id": parcel_id, "shop_name": both(found.shop_name_en, found.shop_name_zh),
        "shop_id": found.shop_id, "is_current": is_current, "is_party": asker.may_see(found),
    }  # fmt: skip
    if not asker.may_see(found):
        return shown
    state = found.view.state
    order_state = _order_state(connection, found.order_id)
    return shown | {
        "title": both(found.title_en, found.title_zh),
        "sscc": found.sscc,
        "order_id": found.order_id,
        "order_state": order_state,
        "order_state_text": STATE_TEXTS[order_state] if order_state else None,
        "state": state.value,
        "state_text": PARCEL_TEXTS[state],
        "photo_sha256": found.photo_sha256,
        "journey": _journey(connection, parcel_id),
    }


def _order_state(connection: Connection, order_id: str | None) -> Any:
    return connection.scalar(select(orders.c.state).where(orders.c.order_id == order_id)) if order_id else None


def _journey(connection: Connection, parcel_id: str) -> list[dict[str, Any]]:
    """Return the journey; of a scan that was declared wrong only the declaration."""
    rows = [row for row in store.tracking_of(connection, parcel_id) if row["biz_step"] in STEP_WORDS]
    wrong = {row["epcis"]["eventID"] for row in rows if "errorDeclaration" in row["epcis"]}
    return [
        {
            "event_id": row["event_id"], "biz_step": row["biz_step"], "place": row["place"], "at": row["at"],
            "by": row["by"], "is_corrected": "errorDeclaration" in row["epcis"],
            "text": both(*STEP_WORDS[row["biz_step"]]), **asdict(epcis.proof_of(row["epcis"])),
        }
        for row in rows
        if row["epcis"]["eventID"] not in wrong or "errorDeclaration" in row["epcis"]
    ]  # fmt: skip


def resolve_sscc(connection: Connection, sscc: str, asker: Asker) -> dict[str, Any]:
    """As `resolve_parcel`, by SSCC; an older label of the parcel says that it counts no more."""
    try:
        found = store.find_by_sscc(connection, str(Sscc(sscc)))
    except BadValueError:
        found = None
    if found is None:
        raise LookupError(f"SSCC {sscc}: stands on no label of ours")
    return resolve_parcel(connection, found[0], asker, is_current=found[1])


_GOODS = (
    select(
        piece.c.piece_id, piece.c.serial, piece.c.code, piece.c.state, piece.c.location, listing.c.listing_id,
        listing.c.gtin, piece.c.variant_id, variant.c.choices, listing.c.title_en, listing.c.title_zh,
        listing.c.currency,
        listing.c.state.label("listing_state"), shop.c.shop_id, shop.c.merchant_id, shop.c.name_en, shop.c.name_zh,
    )
    .join(listing, listing.c.listing_id == piece.c.listing_id)
    .join(shop, shop.c.shop_id == piece.c.shop_id)
    .outerjoin(variant, variant.c.variant_id == piece.c.variant_id)
)  # fmt: skip


def resolve_goods(connection: Connection, gtin: str, serial: str, asker: Asker, now: datetime) -> dict[str, Any]:
    """Return what a tag or a label's goods code shows; LookupError when we know no such goods.

    The one who bought this very piece also finds the order, its merchant where it lies.
    """
    try:
        digits = str(Gtin(gtin))
    except BadValueError:
        raise LookupError(f"GTIN {gtin}: is not one") from None
    # listings keep the GTIN as typed (8 to 14 digits); the 14-digit form is the same number with zeros before it
    forms = {digits, digits.removeprefix("0"), digits.removeprefix("00"), digits.removeprefix("000000")}
    price = price_at(now) + func.coalesce(variant.c.price_difference_minor, 0)
    query = _GOODS.add_columns(price.label("price_minor"))
    query = query.where(listing.c.gtin.in_(forms) | variant.c.gtin.in_(forms))
    if serial:
        query = query.where((piece.c.serial == serial) | ((piece.c.serial == "") & (piece.c.code == serial)))
    is_offered = case((listing.c.state == "published", 0), else_=1)
    order = (is_offered, listing.c.published_at, piece.c.code)
    row = connection.execute(query.order_by(*order).limit(1)).mappings().one_or_none()
    if row is None:
        raise LookupError(f"GTIN {gtin}: nothing of ours")
    is_own = row["merchant_id"] in asker.merchant_ids or asker.is_operator
    is_public = row["listing_state"] == "published"
    bought = _bought(connection, row["piece_id"], asker.account_id) if serial else None
    if not (is_public or is_own or bought):
        raise LookupError(f"GTIN {gtin}: not shown now")
    shown: dict[str, Any] = {
        "kind": "goods", "listing_id": row["listing_id"], "gtin": digits, "serial": serial, "shop_id": row["shop_id"],
        "title": titled(both(row["title_en"], row["title_zh"]), row["choices"]),
        "shop_name": both(row["name_en"], row["name_zh"]), "variant_id": row["variant_id"] or "",
        "price_minor": row["price_minor"], "currency": row["currency"], "piece_id": row["piece_id"] if serial else None,
        "piece_state": row["state"] if serial else None, "order_id": bought, "is_party": is_own or bought is not None,
        "picture_sha256": next(iter(pictures_of(connection, [row["listing_id"]]).get(row["listing_id"], ())), None),
    }  # fmt: skip
    return shown | ({"location": row["location"]} if is_own else {})


def _bought(connection: Connection, piece_id: str, account_id: str | None) -> str | None:
    if account_id is None:
        return None
    query = (
        select(orders.c.order_id)
        .join(order_line, order_line.c.order_id == orders.c.order_id)
        .where(order_line.c.piece_id == piece_id, orders.c.account_id == account_id)
        .order_by(orders.c.placed_at.desc())
        .limit(1)
    )
    order_id: str | None = connection.scalar(query)
    return order_id


def resolve_merchant(connection: Connection, merchant_id: str) -> dict[str, Any]:
    """Return what a label's merchant code shows: the merchant and its open shops."""
    query = select(merchant.c.name_en, merchant.c.name_zh).where(
        merchant.c.merchant_id == merchant_id, merchant.c.state == "verified"
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise LookupError(f"merchant {merchant_id}: is not there")
    shops = connection.execute(
        select(shop.c.shop_id, shop.c.name_en, shop.c.name_zh).where(
            shop.c.merchant_id == merchant_id, ~shop.c.is_closed
        )
    )
    return {
        "kind": "merchant", "merchant_id": merchant_id, "name": both(row.name_en, row.name_zh),
        "shops": [{"shop_id": one.shop_id, "name": both(one.name_en, one.name_zh)} for one in shops],
    }  # fmt: skip
