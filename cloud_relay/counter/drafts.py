"""Listings written at a till become listings here: drafts, or published where the writer's role allows it."""

import re
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from cloud_relay.accounts.roles import Deed, Reach, may
from cloud_relay.catalog import service as catalog
from cloud_relay.catalog import store as catalog_store
from cloud_relay.counter import store
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import member
from wire.counter import ListingWritten
from wire.reports import PictureKind
from wire.values import BadValueError, Gtin, check_id

STOCK_MAX = 10_000
PICTURE = re.compile(r"(?:[0-9a-f]{64})?")


def take_listing(
    connection: Connection, shop_id: str, written: ListingWritten, now: datetime, resolver_url: str
) -> str | None:
    """Make the listing once; return its id, None when it was made before. RefusedError for somebody's else account."""
    draft_id = check_id(written.draft_id, "draft_id")
    if store.find_draft(connection, shop_id, draft_id) is not None:
        return None
    if store.has_draft_elsewhere(connection, shop_id, draft_id):
        raise RefusedError("draft_taken", "Another shop used this draft's id", "草稿编号已被其他店铺使用")
    if not PICTURE.fullmatch(written.picture_sha256):
        raise BadValueError("picture_sha256: 64 hex digits, or nothing")
    shop = store.find_shop(connection, shop_id)
    role = _role(connection, shop["merchant_id"], written.account_id) if shop else ""
    if shop is None or not may(role, Deed.TAKE_IN):
        raise RefusedError("role_may_not", "Not a member of this shop's merchant", "不是本店成员", 403)
    if written.currency != shop["currency"]:
        raise RefusedError("other_currency", f"This shop sells in {shop['currency']}", "币种不符", 422)
    if not 0 < written.stock <= STOCK_MAX:
        raise BadValueError(f"stock: 1 to {STOCK_MAX}")
    own = Reach({shop["merchant_id"]})
    gtin = _gtin(written.code)
    values = {
        "shop_id": shop_id, "title_en": written.title.en, "title_zh": written.title.zh,
        "price_minor": written.price_minor, "attributes": {}, **({"gtin": gtin} if gtin else {}),
    }  # fmt: skip
    listing_id: str = catalog.create_listing(connection, own, values, now)["listing_id"]
    if written.code and not gtin:
        piece: dict[str, Any] = {"listing_id": listing_id, "code": written.code}
        catalog.create_piece(connection, own, piece, resolver_url, now)
    row = catalog_store.find_listing(connection, listing_id)
    assert row is not None, "it was made above"
    catalog.set_stock(connection, own, listing_id, written.stock, row["version"], now)
    store.insert_draft(connection, draft_id, shop_id, listing_id, written.picture_sha256, now)
    if written.is_published and may(role, Deed.LIST):
        catalog.move_listing(connection, own, listing_id, "publish", now)
    return listing_id


def take_picture(
    connection: Connection, shop_id: str, draft_id: str, kind: PictureKind, picture_sha256: str, _now: datetime
) -> None:
    """The picture that was taken for a draft arrived: it stands on the listing."""
    if kind is not PictureKind.LISTING:
        return
    draft = store.find_draft(connection, shop_id, draft_id)
    if draft is not None and draft["picture_sha256"] == picture_sha256:
        catalog_store.add_listing_picture(connection, draft["listing_id"], picture_sha256)


def _role(connection: Connection, merchant_id: str, account_id: str) -> str:
    where = (member.c.merchant_id == merchant_id, member.c.account_id == account_id)
    return connection.scalar(select(member.c.role).where(*where)) or ""


def _gtin(code: str) -> str:
    """Return a scanned GTIN as 14 digits, nothing for a code of the shop's own."""
    try:
        return Gtin(code).digits if code.isdigit() else ""
    except BadValueError:
        return ""
