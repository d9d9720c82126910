"""SQL of parcels, labels and tracking events."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from cloud_relay.orders.trade import Trade
from cloud_relay.parcels import codes, epcis
from cloud_relay.parcels.rules import ParcelState, ParcelView
from cloud_relay.tables import label, listing, orders, parcel, picture, piece, shop, tracking_event
from wire.values import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelRow:
    """A parcel with whose it is and what is inside."""

    parcel_id: str
    shop_id: str
    merchant_id: str
    account_id: str
    order_id: str | None
    piece_id: str
    listing_id: str
    gtin: str
    serial: str
    code: str
    title_en: str
    title_zh: str
    shop_name_en: str
    shop_name_zh: str
    sscc: str
    label_no: int
    state: str
    held_reason: str
    held_text: dict[str, str] | None
    still_sha256: str | None
    packed_sha256: str | None
    photo_sha256: str | None
    label_serial: str
    courier_token_sha256: str | None
    trace: str

    @property
    def view(self) -> ParcelView:
        """What the fold knows of it."""
        return ParcelView(
            state=ParcelState(self.state),
            held_reason=self.held_reason,
            held_text=self.held_text,
            still_sha256=self.still_sha256 or "",
            photo_sha256=self.photo_sha256 or "",
            label_serial=self.label_serial,
            courier_token_sha256=self.courier_token_sha256 or "",
        )

    def uri(self, root: str) -> str:
        """Return the address that its label's large code resolves to."""
        return codes.parcel_code(root, self.parcel_id, self.sscc)

    def piece_uri(self, root: str) -> str:
        """Return the address of the piece inside: unique per piece, with or without GS1 numbers."""
        uri = codes.goods_code(root, self.gtin, self.serial or self.code, self.listing_id)
        return uri if "/21/" in uri else f"{uri}#{self.piece_id}"


_OTHER = {
    "merchant_id": shop.c.merchant_id, "listing_id": listing.c.listing_id, "gtin": listing.c.gtin,
    "serial": piece.c.serial, "code": piece.c.code, "title_en": listing.c.title_en, "title_zh": listing.c.title_zh,
    "shop_name_en": shop.c.name_en, "shop_name_zh": shop.c.name_zh, "trace": orders.c.trace,
}  # fmt: skip
_OWN = [parcel.c[name] for name in ParcelRow.__dataclass_fields__ if name not in _OTHER]
_QUERY = (
    select(*_OWN, *(column.label(name) for name, column in _OTHER.items()))
    .join(piece, piece.c.piece_id == parcel.c.piece_id)
    .join(listing, listing.c.listing_id == piece.c.listing_id)
    .join(shop, shop.c.shop_id == parcel.c.shop_id)
    .outerjoin(orders, orders.c.order_id == parcel.c.order_id)
)


def load(connection: Connection, parcel_id: str) -> ParcelRow | None:
    """Return the parcel, or None."""
    row = connection.execute(_QUERY.where(parcel.c.parcel_id == parcel_id)).mappings().one_or_none()
    return None if row is None else ParcelRow(**{**row, "trace": row["trace"] or ""})


def find_by_sscc(connection: Connection, sscc: str) -> tuple[str, bool] | None:
    """Return (parcel id, whether this SSCC still counts) of an SSCC that stands or stood on a label, or None."""
    now = connection.scalar(select(parcel.c.parcel_id).where(parcel.c.sscc == sscc))
    if now is not None:
        return str(now), True
    old = connection.scalar(select(label.c.parcel_id).where(label.c.sscc == sscc).limit(1))
    return None if old is None else (str(old), False)


def save(connection: Connection, parcel_id: str, view: ParcelView, now: datetime) -> None:
    """Write the folded view."""
    values = {
        "state": view.state.value, "held_reason": view.held_reason, "held_text": view.held_text,
        "still_sha256": view.still_sha256 or None, "photo_sha256": view.photo_sha256 or None,
        "label_serial": view.label_serial, "courier_token_sha256": view.courier_token_sha256 or None, "changed_at": now,
    }  # fmt: skip
    connection.execute(update(parcel).where(parcel.c.parcel_id == parcel_id).values(values))


def save_packed_picture(connection: Connection, parcel_id: str, picture_sha256: str, now: datetime) -> None:
    """Note the picture of the packed piece."""
    change = update(parcel).where(parcel.c.parcel_id == parcel_id)
    connection.execute(change.values(packed_sha256=picture_sha256, changed_at=now))


def add_label(connection: Connection, found: ParcelRow, label_serial: str, label_no: int, now: datetime) -> None:
    """Write a label that came out of the printer."""
    row = {
        "label_serial": label_serial, "parcel_id": found.parcel_id, "label_no": label_no, "sscc": found.sscc,
        "state": "printed", "changed_at": now,
    }  # fmt: skip
    connection.execute(insert(label).values(row))


def label_state(connection: Connection, label_serial: str) -> str | None:
    """Return `printed`, `applied`, `read` or `voided`, or None for a label that nobody printed."""
    state: str | None = connection.scalar(select(label.c.state).where(label.c.label_serial == label_serial))
    return state


def label_uri(connection: Connection, found: ParcelRow, label_serial: str, root: str) -> str:
    """Return the address that the large code of this label of the parcel resolves to, voided or not."""
    sscc = connection.scalar(select(label.c.sscc).where(label.c.label_serial == label_serial))
    return codes.parcel_code(root, found.parcel_id, sscc or "")


def set_label(connection: Connection, label_serial: str, state: str, now: datetime) -> None:
    """Write what became of a label."""
    connection.execute(update(label).where(label.c.label_serial == label_serial).values(state=state, changed_at=now))


def set_sscc(connection: Connection, parcel_id: str, sscc: str) -> None:
    """Write which number is on the parcel."""
    connection.execute(update(parcel).where(parcel.c.parcel_id == parcel_id).values(sscc=sscc))


def add_tracking(
    connection: Connection, found: ParcelRow, body: dict[str, Any], *, step: str, place: str, by: str, at: datetime,
    now: datetime, source: str,
) -> str | None:  # fmt: skip
    """Write a tracking event and return its id; None when the same fact is known already."""
    digest = epcis.content_sha256(body)
    known = select(tracking_event.c.event_id).where(tracking_event.c.content_sha256 == digest)
    if connection.scalar(known) is not None:
        return None
    event_id = new_id("evt")
    row = {
        "event_id": event_id, "parcel_id": found.parcel_id, "content_sha256": digest, "biz_step": step,
        "disposition": body["disposition"], "place": place, "by": by, "label_serial": found.label_serial, "at": at,
        "recorded_at": now, "epcis": body, "source": source,
    }  # fmt: skip
    connection.execute(insert(tracking_event).values(row))
    return event_id


def tracking_of(connection: Connection, parcel_id: str) -> list[dict[str, Any]]:
    """Return the parcel's tracking events, oldest first."""
    query = select(tracking_event).where(tracking_event.c.parcel_id == parcel_id)
    ordered = query.order_by(tracking_event.c.at, tracking_event.c.recorded_at, tracking_event.c.event_id)
    return [dict(row) for row in connection.execute(ordered).mappings()]


def is_of_parcel(connection: Connection, picture_sha256: str, parcel_id: str) -> bool:
    """Return whether this stored picture was taken of this parcel."""
    is_it = (picture.c.picture_sha256 == picture_sha256, picture.c.parcel_id == parcel_id)
    return connection.scalar(select(picture.c.stored_at).where(*is_it)) is not None


def count_pictures(connection: Connection, parcel_id: str, kind: str) -> int:
    """Return how many pictures of this kind there are of a parcel."""
    is_it = (picture.c.parcel_id == parcel_id, picture.c.kind == kind)
    return connection.scalar(select(func.count()).select_from(picture).where(*is_it)) or 0


def add_picture(connection: Connection, values: dict[str, Any]) -> None:
    """Remember a stored picture; the same one twice is one."""
    is_it = picture.c.picture_sha256 == values["picture_sha256"]
    if connection.scalar(select(picture.c.picture_sha256).where(is_it)) is None:
        connection.execute(insert(picture).values(values))


def pictures_of(connection: Connection, parcel_ids: list[str]) -> list[dict[str, Any]]:
    """Return the signed pictures of these parcels in the order in which they were taken."""
    names = ("picture_sha256", "parcel_id", "kind", "taken_at", "stored_at", "previous_sha256", "signature")
    query = select(*(picture.c[name] for name in names)).where(picture.c.parcel_id.in_(parcel_ids))
    return [dict(row) for row in connection.execute(query.order_by(picture.c.taken_at)).mappings()]


def labels_of(connection: Connection, parcel_ids: list[str]) -> list[dict[str, Any]]:
    """Return every label that was ever printed for these parcels, and what became of it."""
    query = select(label).where(label.c.parcel_id.in_(parcel_ids)).order_by(label.c.label_no, label.c.label_serial)
    return [dict(row) for row in connection.execute(query).mappings()]


def document_of(connection: Connection, found: ParcelRow, now: datetime, trade: Trade) -> dict[str, Any]:
    """Return everything known of a parcel's journey as one EPCIS 2.0 document."""
    events = [row["epcis"] for row in tracking_of(connection, found.parcel_id)]
    return epcis.document(events, trade.resolver_url, now)
