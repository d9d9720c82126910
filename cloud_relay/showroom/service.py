"""Making and voiding tags, and what a scanned one leads to. One use case, one transaction."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.accounts.roles import check_reach
from cloud_relay.catalog import reading as catalog
from cloud_relay.catalog import service as goods
from cloud_relay.catalog.plan import replace_plan
from cloud_relay.catalog.reading import missing
from cloud_relay.catalog.variant_rules import titled
from cloud_relay.refusals import RefusedError
from cloud_relay.showroom import rules, store
from cloud_relay.showroom.rules import TagKind, TagState
from wire.values import BadValueError, clean_text, format_time, new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Tags of one kind: of a listing's variant (`copies` of them, each with a code of its own), or of a place."""

    listing_id: str = ""
    variant_id: str = ""
    location: str = ""
    copies: int = 1


def make_tags(
    connection: Connection, merchant_ids: frozenset[str], account_id: str, shop_id: str, kind: TagKind,
    wanted: Sequence[Wanted], resolver_url: str, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Make the tags of one sheet; each has its own code, so that one that is lost can be voided alone.

    The shop hears of tags of places with its plan: its own scanners read them too.
    """
    shop = goods.own_shop(connection, shop_id, merchant_ids)
    count = sum(one.copies for one in wanted)
    if not 0 < count <= rules.TAGS_MAX:
        raise BadValueError(f"tags: 1 to {rules.TAGS_MAX} on a sheet")
    sheet_id = new_id("sht")
    about = [_about(connection, shop, kind, one) for one in wanted for _ in range(one.copies)]
    rows = [
        {
            **one, "tag_id": rules.new_code(secrets.choice), "shop_id": shop_id, "kind": kind.value,
            "sheet_id": sheet_id, "place": place, "state": TagState.ACTIVE.value, "made_at": now,
            "account_id": account_id,
        }
        for place, one in enumerate(about)
    ]  # fmt: skip
    store.insert_tags(connection, rows)
    if kind is TagKind.PLACE:
        replace_plan(connection, shop_id, resolver_url, now)
    return {"sheet_id": sheet_id, "shop_id": shop_id, "tag_ids": [row["tag_id"] for row in rows]}


def _about(connection: Connection, shop: RowMapping, kind: TagKind, one: Wanted) -> dict[str, Any]:
    if kind is TagKind.PLACE:
        return {
            "location": clean_text(one.location, "location", rules.LOCATION_LENGTH_MAX), "listing_id": None,
            "variant_id": None,
        }  # fmt: skip
    row = goods.own_listing(connection, one.listing_id, frozenset({shop["merchant_id"]}))
    if row["shop_id"] != shop["shop_id"]:
        raise RefusedError("other_shop", "This listing stands in another shop", "该货品属于另一家店铺", 422)
    variant_id = goods.known_variant(connection, one.listing_id, one.variant_id)
    return {"location": "", "listing_id": one.listing_id, "variant_id": variant_id}


def void_tags(
    connection: Connection, merchant_ids: frozenset[str], tag_ids: Sequence[str], resolver_url: str, now: datetime
) -> dict[str, Any]:
    """Make tags void: what still hangs there says so to whoever scans it. Another merchant's tag is refused."""
    shop_ids = set()
    for tag_id in tag_ids:
        row = store.find(connection, tag_id)
        if row is None or not check_reach(merchant_ids, row["merchant_id"]):
            raise missing()
        shop_ids |= {row["shop_id"]} if row["kind"] == TagKind.PLACE else set()
    voided = store.void(connection, tag_ids, now)
    for shop_id in sorted(shop_ids):
        replace_plan(connection, shop_id, resolver_url, now)
    return {"voided": voided}


def sheet_of(connection: Connection, merchant_ids: frozenset[str], sheet_id: str) -> list[RowMapping]:
    """Return the active tags of a sheet that is to be printed (again)."""
    rows = own_sheet(connection, merchant_ids, sheet_id)
    active = [row for row in rows if row["state"] == TagState.ACTIVE]
    if not active:
        raise RefusedError("sheet_void", "Every tag of this sheet is void", "这一张上的标签均已作废")
    return active


def own_sheet(connection: Connection, merchant_ids: frozenset[str], sheet_id: str) -> list[RowMapping]:
    """Return every tag of a sheet of these merchants; another's is not found."""
    rows = store.of_sheet(connection, sheet_id)
    if not rows or not check_reach(merchant_ids, rows[0]["merchant_id"]):
        raise missing()
    return rows


def sheets_of(connection: Connection, shop_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the newest sheets with their tags, for the merchant's page."""
    sheets: dict[str, dict[str, Any]] = {}
    for row in store.newest(connection, shop_ids):
        sheet = sheets.setdefault(
            row["sheet_id"],
            {
                "sheet_id": row["sheet_id"], "kind": row["kind"], "made_at": format_time(row["made_at"]), "tags": [],
                "shop_name": {"en": row["name_en"], "zh": row["name_zh"]},
                "size": rules.SIZE_OF_KIND[TagKind(row["kind"])],
            },
        )  # fmt: skip
        sheet["tags"].append(
            {
                "tag_id": row["tag_id"], "printed": rules.printed(row["tag_id"]), "title": title_of(row),
                "is_void": row["state"] == TagState.VOID,
            }
        )  # fmt: skip
    for sheet in sheets.values():
        sheet["active"] = sum(not one["is_void"] for one in sheet["tags"])
    return list(sheets.values())


def title_of(row: RowMapping) -> dict[str, str]:
    """Return what a tag is about: goods with their style, or the place."""
    if row["listing_id"] is None:
        return {"en": row["location"], "zh": row["location"]}
    return titled({"en": row["title_en"], "zh": row["title_zh"]}, row["choices"])


def gtin_of(row: RowMapping) -> str:
    """Return the GTIN of a tag's goods, the variant's before the listing's."""
    return str(row["variant_gtin"] or row["gtin"] or "")


def resolve(
    connection: Connection, tag_id: str, merchant_ids: frozenset[str], now: datetime, *, gtin: str = "", here: str = ""
) -> dict[str, Any]:
    """Return what a scanned tag is: `state` is goods, place, void, withdrawn, other_shop, mismatch or unknown.

    `gtin` is the one that stood in the address with the tag: a tag whose goods have another one was tampered with.
    `here` is the shop in which the shopper scans: another shop's tag is said to be one before it is followed.
    """
    row = store.find(connection, rules.code_in(tag_id)) if rules.code_in(tag_id) else None
    if row is None or row["merchant_state"] != "verified":
        return _nothing_of("unknown", tag_id)
    is_own = row["merchant_id"] in merchant_ids
    found: dict[str, Any] = {
        "kind": "tag", "tag_id": row["tag_id"], "shop_id": row["shop_id"], "tag_kind": row["kind"],
        "shop_name": {"en": row["name_en"], "zh": row["name_zh"]}, "printed": rules.printed(row["tag_id"]),
        "is_own": is_own,
    }  # fmt: skip
    state = _state_of(row, gtin, here)
    if state in ("unknown", "mismatch"):
        return _nothing_of(state, row["tag_id"])
    if row["listing_state"] == "published" or is_own or state == "place":
        found |= {"title": title_of(row)}
    if row["listing_id"] is not None and (row["listing_state"] == "published" or is_own):
        found |= {"listing_id": row["listing_id"], "variant_id": row["variant_id"] or "", "address": address_in(row)}
    if state == "place":
        found |= _place(connection, row, now, is_own=is_own)
    return {**found, "state": state}


def _nothing_of(state: str, tag_id: str) -> dict[str, Any]:
    """Return what is shown of a tag that is not there, or not what it pretends to be: nothing but that."""
    return {"kind": "tag", "state": state, "tag_id": tag_id, "shop_id": "", "is_own": False}


def _state_of(row: RowMapping, gtin: str, here: str) -> str:
    if gtin and not rules.same_gtin(gtin, gtin_of(row)):
        return "mismatch"
    if row["state"] == TagState.VOID:
        return "void"
    if row["is_closed"] or (row["listing_id"] is not None and row["listing_state"] != "published"):
        return "withdrawn"
    if here and here != row["shop_id"]:
        return "other_shop"
    return "place" if row["listing_id"] is None else "goods"


def address_in(row: RowMapping) -> str:
    """Return the listing's page with the tag's style chosen, the button to buy in view."""
    style = f"variant={row['variant_id']}&" if row["variant_id"] else ""
    return f"/l/{row['listing_id']}?{style}tag={row['tag_id']}#buy"


def _place(connection: Connection, row: RowMapping, now: datetime, *, is_own: bool) -> dict[str, Any]:
    listing_ids = store.listings_at(connection, row["shop_id"], row["location"])
    found: dict[str, Any] = {"location": row["location"], "hits": catalog.hits(connection, listing_ids, now)}
    if is_own:
        found["pieces"] = [
            {**{name: one[name] for name in ("code", "state", "listing_id")},
             "title": {"en": one["title_en"], "zh": one["title_zh"]}}
            for one in store.pieces_at(connection, row["shop_id"], row["location"])
        ]  # fmt: skip
    return found
