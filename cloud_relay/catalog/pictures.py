"""Listing pictures coming in, and who may see which picture."""

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cloud_relay.catalog import service, store
from cloud_relay.catalog.reading import missing
from cloud_relay.refusals import RefusedError

PICTURES_MAX = 12


def may_add(connection: Connection, merchant_ids: frozenset[str], listing_id: str) -> None:
    """Raise RefusedError unless one may add a picture to this listing."""
    service.own_listing(connection, listing_id, merchant_ids)
    if len(store.pictures_of(connection, [listing_id]).get(listing_id, [])) >= PICTURES_MAX:
        raise RefusedError("too_many_pictures", f"At most {PICTURES_MAX} pictures", f"最多 {PICTURES_MAX} 张图片")


def add_picture(
    connection: Connection, merchant_ids: frozenset[str], listing_id: str, content: bytes, size_px: tuple[int, int],
    now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Put a cleaned picture at the end of a listing's pictures."""
    may_add(connection, merchant_ids, listing_id)
    row = service.own_listing(connection, listing_id, merchant_ids)
    sha256 = hashlib.sha256(content).hexdigest()
    values = {
        "picture_sha256": sha256, "owner_id": row["merchant_id"], "kind": "listing", "media_type": "image/jpeg",
        "size_bytes": len(content), "width_px": size_px[0], "height_px": size_px[1], "stored_at": now,
    }  # fmt: skip
    store.insert_picture_once(connection, values)
    store.add_listing_picture(connection, listing_id, sha256)
    return {"listing_id": listing_id, "picture_sha256": sha256}


def remove_picture(
    connection: Connection, merchant_ids: frozenset[str], listing_id: str, picture_sha256: str
) -> dict[str, Any]:
    """Take a picture off a listing."""
    service.own_listing(connection, listing_id, merchant_ids)
    if not store.remove_listing_picture(connection, listing_id, picture_sha256):
        raise missing()
    return {"listing_id": listing_id, "picture_sha256": picture_sha256}


def check_rights(
    connection: Connection,
    picture_sha256: str,
    account_id: str | None,
    merchant_ids: frozenset[str],
    *,
    is_operator: bool,
) -> bool:
    """Return whether the picture is public; RefusedError (404) unless one may see it.

    Listing pictures are everybody's; pictures of an order are for its shopper and merchant, and for operators while
    there is a dispute to rule on; pictures of a bench check are for the shop's own people and operators.
    """
    row, is_public, parties = store.picture_rights(connection, picture_sha256)
    if row is None or row["stored_at"] is None:
        raise missing()
    if is_public:
        return True
    is_own_listing = row["kind"] == "listing" and row["owner_id"] in merchant_ids
    is_party = parties is not None and (
        (account_id is not None and parties["account_id"] == account_id)
        or parties["merchant_id"] in merchant_ids
        or (is_operator and parties["order_state"] == "disputed")
    )
    is_own_check = row["kind"] == "bench_check" and (
        is_operator or store.merchant_of_shop(connection, row["owner_id"]) in merchant_ids
    )
    if not (is_own_listing or is_party or is_own_check):
        raise missing()
    return False
