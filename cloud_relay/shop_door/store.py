"""Claim codes, certificates and offered pictures of shops in the database."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from cloud_relay.authority import ShopCertificate
from cloud_relay.tables import (
    bench_check,
    claim_code,
    counter_draft,
    parcel,
    picture,
    piece,
    piece_view,
    shop,
    shop_certificate,
    shop_command,
    shop_link,
    shop_report,
)

PictureRow = Row[Any]
"""A row of `picture`."""

GRACE = timedelta(days=365)
"""A box that was off longer than its certificate lived may renew with its old key for a year."""


def insert_claim(connection: Connection, shop_id: str, code_sha256: str, until: datetime, box_code: str = "") -> None:
    """Remember a claim code, for one box alone if it is named.

    Older unused ones of the shop end now, so that one note on the wall is valid.
    """
    row = claim_code.c
    connection.execute(claim_code.delete().where(row.shop_id == shop_id, row.used_at.is_(None)))
    values = {"code_sha256": code_sha256, "shop_id": shop_id, "expires_until": until, "box_code": box_code}
    connection.execute(insert(claim_code).values(values))


def find_claim(connection: Connection, code_sha256: str) -> Any:
    """Return the claim (shop_id, expires_until, used_at) with this hash, or None."""
    return connection.execute(select(claim_code).where(claim_code.c.code_sha256 == code_sha256)).one_or_none()


def use_claim(connection: Connection, code_sha256: str, now: datetime) -> None:
    """Mark a claim as used."""
    connection.execute(update(claim_code).where(claim_code.c.code_sha256 == code_sha256).values(used_at=now))


def keys_of(connection: Connection, shop_id: str, now: datetime) -> list[str]:
    """Return the public keys (PEM) that may speak for a shop: not revoked, ended a year ago at most; newest first."""
    row = shop_certificate.c
    query = (
        select(row.public_key_pem)
        .where(row.shop_id == shop_id, row.revoked_at.is_(None), row.expires_until > now - GRACE)
        .order_by(row.issued_at.desc())
    )
    return list(dict.fromkeys(connection.scalars(query)))


def insert_certificate(connection: Connection, certificate: ShopCertificate) -> None:
    """Remember a certificate that was given out."""
    values = {
        "serial": certificate.serial, "shop_id": certificate.shop_id, "public_key_pem": certificate.public_key_pem,
        "issued_at": certificate.issued_at, "expires_until": certificate.expires_until,
    }  # fmt: skip
    connection.execute(insert(shop_certificate).values(values))


def revoke(connection: Connection, shop_id: str, now: datetime) -> int:
    """Take back every certificate of the shop; return how many."""
    connection.execute(update(shop_link).where(shop_link.c.shop_id == shop_id).values(is_online=False))
    row = shop_certificate.c
    where = (row.shop_id == shop_id, row.revoked_at.is_(None))
    return connection.execute(update(shop_certificate).where(*where).values(revoked_at=now)).rowcount


def open_link(connection: Connection, shop_id: str, *, has_new_journal: bool) -> None:
    """Make the shop's link row; for a new box begin both sequences anew, because its journal is empty.

    What the old box said and was told stays, under negative sequence numbers; what it never finished goes to the new.
    """
    link = shop_link.c
    if connection.execute(select(link.shop_id).where(link.shop_id == shop_id)).first() is None:
        connection.execute(insert(shop_link).values(shop_id=shop_id))
        return
    connection.execute(update(shop_link).where(link.shop_id == shop_id).values(quarantine_reason=""))
    if not has_new_journal:
        return
    _archive(connection, shop_report, shop_id)
    waiting = (shop_command.c.shop_id == shop_id, shop_command.c.ack_state.in_(("", "accepted")))
    connection.execute(update(shop_command).where(*waiting).values(sequence=None, payload=None, ack_state="", ack=None))
    _archive(connection, shop_command, shop_id)
    fresh = {"report_sequence": 0, "next_sequence": 1, "journal_sequence": 0, "journal_hash": None, "session": ""}
    connection.execute(update(shop_link).where(link.shop_id == shop_id).values(fresh))


def _archive(connection: Connection, table: Any, shop_id: str) -> None:
    row = table.c
    lowest = connection.execute(select(func.min(row.sequence)).where(row.shop_id == shop_id)).scalar()
    if lowest is not None:
        where = (row.shop_id == shop_id, row.sequence > 0)
        connection.execute(update(table).where(*where).values(sequence=min(0, lowest) - row.sequence))


def shop_exists(connection: Connection, shop_id: str) -> bool:
    """Tell whether this shop stands in the catalog."""
    return connection.execute(select(shop.c.shop_id).where(shop.c.shop_id == shop_id)).first() is not None


def has_parcel(connection: Connection, shop_id: str, parcel_id: str) -> bool:
    """Tell whether this parcel is one of the shop's."""
    query = select(parcel.c.parcel_id).where(parcel.c.parcel_id == parcel_id, parcel.c.shop_id == shop_id)
    return connection.execute(query).first() is not None


def has_draft(connection: Connection, shop_id: str, draft_id: str) -> bool:
    """Tell whether this shop wrote that listing at its till."""
    own = counter_draft.c
    query = select(own.draft_id).where(own.draft_id == draft_id, own.shop_id == shop_id)
    return connection.execute(query).first() is not None


def has_check(connection: Connection, shop_id: str, check_id: str) -> bool:
    """Tell whether this bench check is one of the shop's; its pictures name it where others name their parcel."""
    query = select(bench_check.c.check_id).where(bench_check.c.check_id == check_id, bench_check.c.shop_id == shop_id)
    return connection.execute(query).first() is not None


def has_piece_view(connection: Connection, shop_id: str, piece_id: str) -> bool:
    """Tell whether this shop reported views of this piece of its own."""
    query = (
        select(piece_view.c.view_no)
        .join(piece, piece.c.piece_id == piece_view.c.piece_id)
        .where(piece_view.c.piece_id == piece_id, piece.c.shop_id == shop_id)
    )
    return connection.execute(query.limit(1)).first() is not None


def find_picture(connection: Connection, picture_sha256: str) -> PictureRow | None:
    """Return the picture row with this hash, or None."""
    return connection.execute(select(picture).where(picture.c.picture_sha256 == picture_sha256)).one_or_none()


def find_upload(connection: Connection, token_sha256: str) -> PictureRow | None:
    """Return the picture row that this one-time address belongs to, or None."""
    return connection.execute(select(picture).where(picture.c.upload_token_sha256 == token_sha256)).one_or_none()


def insert_picture(connection: Connection, values: dict[str, Any]) -> None:
    """Remember an offered picture."""
    connection.execute(insert(picture).values(values))


def update_picture(connection: Connection, picture_sha256: str, values: dict[str, Any]) -> None:
    """Change an offered picture's row."""
    connection.execute(update(picture).where(picture.c.picture_sha256 == picture_sha256).values(values))
