"""Changing shops, listings, stock and pieces. One use case, one transaction; the shop's new plan goes out with it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from cloud_relay.accounts import store as accounts
from cloud_relay.accounts.roles import check_reach
from cloud_relay.accounts.rules import MerchantState
from cloud_relay.authority import RESERVED
from cloud_relay.catalog import reading, rules, store, variant_store, words
from cloud_relay.catalog.plan import replace_plan
from cloud_relay.catalog.reading import missing
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.codec import to_json
from wire.reports import FacesTaught, PlanApplied
from wire.values import check_id, clean_text, new_id

SHOPS_MAX = 50
TITLES = ("title_en", "title_zh")
INDEXED = (*TITLES, "description_en", "description_zh", "sku", "gtin", "attributes")
PLANNED = ("title_en", "title_zh", "sku", "gtin", "price_minor")
"""Fields of a listing that stand in the shop plan."""


def stale() -> RefusedError:
    """Return the refusal for a change of something that changed meanwhile."""
    return RefusedError(
        "stale_version", "Somebody changed this meanwhile; please look again", "内容已被他人修改，请刷新后重试"
    )


def _own_merchant(connection: Connection, merchant_id: str, merchant_ids: frozenset[str]) -> None:
    row = accounts.find_merchant(connection, merchant_id)
    if row is None or not check_reach(merchant_ids, merchant_id):
        raise missing()
    if row.state != MerchantState.VERIFIED:
        raise RefusedError("not_verified", "This merchant is not verified yet", "商户尚未通过审核")


def own_shop(connection: Connection, shop_id: str, merchant_ids: frozenset[str]) -> RowMapping:
    """Return a shop of one of these (verified) merchants; RefusedError otherwise."""
    row = store.find_shop(connection, shop_id)
    if row is None:
        raise missing()
    _own_merchant(connection, row["merchant_id"], merchant_ids)
    return row


def own_listing(connection: Connection, listing_id: str, merchant_ids: frozenset[str]) -> RowMapping:
    """Return a listing of one of these (verified) merchants; RefusedError otherwise."""
    row = store.find_listing(connection, listing_id)
    if row is None:
        raise missing()
    _own_merchant(connection, row["merchant_id"], merchant_ids)
    return row


def _own_piece(connection: Connection, piece_id: str, merchant_ids: frozenset[str]) -> RowMapping:
    row = store.find_piece(connection, piece_id)
    if row is None:
        raise missing()
    _own_merchant(connection, row["merchant_id"], merchant_ids)
    return row


def create_shop(
    connection: Connection, merchant_ids: frozenset[str], values: dict[str, Any], resolver_url: str, now: datetime
) -> dict[str, Any]:
    """Open a shop of a verified merchant; its first plan waits for its box."""
    _own_merchant(connection, values["merchant_id"], merchant_ids)
    if len(store.shops_of(connection, values["merchant_id"])) >= SHOPS_MAX:
        raise RefusedError("too_many_shops", f"At most {SHOPS_MAX} shops", f"最多 {SHOPS_MAX} 家店铺")
    checked = rules.check_shop(values)
    if not (checked.get("name_en") or checked.get("name_zh")):
        raise RefusedError("name_missing", "A name in one language at least", "至少填写一种语言的名称", 422)
    shop_id = checked.pop("shop_id", None) or new_id("shop")
    if shop_id.startswith(RESERVED):
        raise RefusedError(
            "name_reserved", f"{shop_id} cannot be a shop's name", f"店铺不能使用 {shop_id} 这个名称", 422
        )
    try:
        store.insert_shop(connection, {"shop_id": shop_id, **checked})
    except IntegrityError:
        raise RefusedError("name_taken", f"Another shop is called {shop_id}", f"已有店铺使用 {shop_id}") from None
    replace_plan(connection, shop_id, resolver_url, now)
    return reading.read_shop(connection, shop_id, merchant_ids, now)


def change_shop(
    connection: Connection, merchant_ids: frozenset[str], shop_id: str, changes: dict[str, Any], resolver_url: str,
    now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Change a shop; its new plan goes out. The currency stays while listings carry it."""
    row = own_shop(connection, shop_id, merchant_ids)
    checked = rules.check_shop(changes)
    if checked.get("currency", row["currency"]) != row["currency"] and store.listings_of(connection, [shop_id]):
        raise RefusedError("currency_in_use", "Listings carry this shop's currency", "已有商品使用该币种，无法更改")
    if checked:
        store.update_shop(connection, shop_id, checked)
        replace_plan(connection, shop_id, resolver_url, now)
        page_event(connection, f"shop:{shop_id}", "shop_changed", {"shop_id": shop_id}, now)
    return reading.read_shop(connection, shop_id, merchant_ids, now)


def create_listing(
    connection: Connection, merchant_ids: frozenset[str], values: dict[str, Any], now: datetime
) -> dict[str, Any]:
    """Make a draft listing in a shop; its currency is the shop's."""
    shop = own_shop(connection, values["shop_id"], merchant_ids)
    checked = rules.check_listing(values)
    if (checked.get("currency") or shop["currency"]) != shop["currency"]:
        raise RefusedError(
            "other_currency", f"This shop sells in {shop['currency']}", f"本店使用 {shop['currency']} 计价", 422
        )
    if not (checked.get("title_en") or checked.get("title_zh")):
        raise RefusedError("title_missing", "A title in one language at least", "至少填写一种语言的标题", 422)
    listing_id = new_id("lst")
    row = {
        **checked, "listing_id": listing_id, "currency": shop["currency"], "state": "draft", "created_at": now,
        **search_words(checked),
    }  # fmt: skip
    store.insert_listing(connection, row)
    return reading.read_listing(connection, listing_id, merchant_ids, now)


def search_words(
    row: Mapping[str, Any] | RowMapping, variants: Sequence[Mapping[str, Any] | RowMapping] = ()
) -> dict[str, str]:
    """Return the words by which a listing is found: its titles', and all its own with those of its variants."""
    attributes = row.get("attributes") or {}
    plain = [row.get(name) or "" for name in INDEXED if name != "attributes"]
    styles = [word for one in variants for choice in one["choices"] for word in choice.values()]
    numbers = [one[name] for one in variants for name in ("sku", "gtin") if one[name]]
    return {
        "search_title": words.index_text(*(row.get(name) or "" for name in TITLES)),
        "search_text": words.index_text(*plain, *attributes, *attributes.values(), *dict.fromkeys((*styles, *numbers))),
    }


def change_listing(
    connection: Connection, merchant_ids: frozenset[str], listing_id: str, changes: dict[str, Any], resolver_url: str,
    now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Change what a listing says; with `version` only if nobody changed it meanwhile."""
    row = own_listing(connection, listing_id, merchant_ids)
    version = changes.pop("version", None)
    checked = rules.check_listing(changes)
    merged = {**row, **checked}
    if not (merged["title_en"] or merged["title_zh"]):
        raise RefusedError("title_missing", "A title in one language at least", "至少填写一种语言的标题", 422)
    variants = variant_store.variants_of(connection, [listing_id]).get(listing_id, [])
    _check_differences(merged, variants)
    values = {**checked, **search_words(merged, variants)}
    if not store.update_listing(connection, listing_id, values, version):
        raise stale()
    if any(name in checked for name in PLANNED):
        replace_plan(connection, row["shop_id"], resolver_url, now)
    page_event(connection, f"shop:{row['shop_id']}", "listing_changed", {"listing_id": listing_id}, now)
    return reading.read_listing(connection, listing_id, merchant_ids, now)


def _check_differences(row: Mapping[str, Any], variants: Sequence[RowMapping]) -> None:
    if any(row["price_minor"] + one["price_difference_minor"] <= 0 for one in variants):
        raise RefusedError(
            "price_difference", "A variant would cost nothing or less; change its difference first",
            "有款式的价格将不大于零，请先修改差价", 422,
        )  # fmt: skip


def move_listing(
    connection: Connection, merchant_ids: frozenset[str], listing_id: str, step: str, now: datetime
) -> dict[str, Any]:
    """Publish or withdraw a listing. Orders that run are not touched."""
    row = own_listing(connection, listing_id, merchant_ids)
    state = rules.step_listing(row["state"], step)
    values: dict[str, Any] = {"state": state}
    if state == "published" and row["published_at"] is None:
        values["published_at"] = now
    store.update_listing(connection, listing_id, values)
    page_event(connection, f"shop:{row['shop_id']}", "listing_changed", {"listing_id": listing_id, "state": state}, now)
    return reading.read_listing(connection, listing_id, merchant_ids, now)


def set_stock(
    connection: Connection, merchant_ids: frozenset[str], listing_id: str, on_hand: int, version: int, now: datetime
) -> dict[str, Any]:
    """Correct how many there are, as seen at `version`; refused when something changed since or more is promised."""
    row = own_listing(connection, listing_id, merchant_ids)
    if row["version"] != version:
        raise stale()
    if on_hand < row["reserved"]:
        raise RefusedError(
            "promised", f"{row['reserved']} are promised to shoppers", f"已有 {row['reserved']} 件被预订"
        )
    if on_hand < store.count_in_house(connection, listing_id):
        raise RefusedError(
            "pieces_remain", "More pieces than that stand in the shop; take them out first", "请先移除多余的单件"
        )
    if not store.update_listing(connection, listing_id, {"on_hand": on_hand}, version):
        raise stale()
    stock = {"listing_id": listing_id, "in_stock": on_hand - row["reserved"]}
    page_event(connection, f"shop:{row['shop_id']}", "stock_changed", stock, now)
    return {**stock, "on_hand": on_hand, "reserved": row["reserved"], "version": version + 1}


def create_piece(
    connection: Connection, merchant_ids: frozenset[str], values: dict[str, Any], resolver_url: str, now: datetime
) -> dict[str, Any]:
    """Add one physical piece; the listing's stock rises with it when it counted fewer than stand there."""
    row = own_listing(connection, values["listing_id"], merchant_ids)
    piece_id = new_id("pc")
    checked = _check_piece(values)
    checked["variant_id"] = known_variant(connection, values["listing_id"], checked.get("variant_id"))
    state = checked.pop("state", None) or "free"
    fresh = {**checked, "piece_id": piece_id, "shop_id": row["shop_id"], "state": state}
    try:
        store.insert_piece(connection, fresh)
    except IntegrityError:
        raise RefusedError(
            "code_taken", "A piece of this shop has this code already", "本店已有使用该编码的单件"
        ) from None
    in_house = store.count_in_house(connection, values["listing_id"])
    if in_house > row["on_hand"]:
        store.update_listing(connection, values["listing_id"], {"on_hand": in_house})
    replace_plan(connection, row["shop_id"], resolver_url, now)
    _tell_stock(connection, row["shop_id"], values["listing_id"], now)
    return _shown_piece(connection, piece_id)


def known_variant(connection: Connection, listing_id: str, variant_id: str | None) -> str | None:
    """Return the variant of a piece of this listing, None for the unnamed one; RefusedError for another listing's."""
    if not variant_id:
        return None
    row = variant_store.find(connection, variant_id)
    if row is None or row["listing_id"] != listing_id:
        raise RefusedError("unknown_variant", "This listing has no such variant", "该货品没有这个款式", 422)
    return variant_id


def _tell_stock(connection: Connection, shop_id: str, listing_id: str, now: datetime) -> None:
    found = store.find_listing(connection, listing_id)
    assert found is not None
    stock = {"listing_id": listing_id, "in_stock": found["on_hand"] - found["reserved"]}
    page_event(connection, f"shop:{shop_id}", "stock_changed", stock, now)


def change_piece(
    connection: Connection, merchant_ids: frozenset[str], piece_id: str, changes: dict[str, Any], resolver_url: str,
    now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Change a piece; `state` "gone" and "sample" take a free one out of stock and "free" puts it back."""
    row = _own_piece(connection, piece_id, merchant_ids)
    version = changes.pop("version", None)
    state = changes.pop("state", None)
    values = _check_piece(changes)
    if "variant_id" in values:
        _may_change_variant(row, values["variant_id"] or None)
        values["variant_id"] = known_variant(connection, row["listing_id"], values["variant_id"])
    if state is not None and state != row["state"]:
        _count_piece(connection, row, state)
        values["state"] = state
    try:
        is_changed = store.update_piece(connection, piece_id, values, version)
    except IntegrityError:
        raise RefusedError(
            "code_taken", "A piece of this shop has this code already", "本店已有使用该编码的单件"
        ) from None
    if not is_changed:
        raise stale()
    replace_plan(connection, row["shop_id"], resolver_url, now)
    _tell_stock(connection, row["shop_id"], row["listing_id"], now)
    return _shown_piece(connection, piece_id)


def _may_change_variant(row: RowMapping, variant_id: str | None) -> None:
    if row["variant_id"] != variant_id and row["state"] not in ("free", "sample"):
        raise RefusedError("piece_state", "It is promised or sold as what it was", "该件已预订或售出，不能更改款式")


PIECE_STEPS: dict[tuple[str, str], int] = {
    ("free", "gone"): -1, ("gone", "free"): 1, ("free", "sample"): -1, ("sample", "free"): 1, ("sample", "gone"): 0,
    ("gone", "sample"): 0,
}  # fmt: skip
"""What a merchant may make of a piece, and what that does to the stock: a sample is on show and never counted."""


def _count_piece(connection: Connection, row: RowMapping, state: str) -> None:
    change = PIECE_STEPS.get((row["state"], state))
    if change is None:
        raise RefusedError("piece_state", f"A {row['state']} piece cannot become {state}", "单件当前状态不允许此操作")
    listing = store.find_listing(connection, row["listing_id"])
    assert listing is not None
    on_hand = listing["on_hand"] + change
    if on_hand < listing["reserved"]:
        raise RefusedError("promised", "It is promised to a shopper", "该件已被预订")
    store.update_listing(connection, row["listing_id"], {"on_hand": on_hand})


def _check_piece(values: dict[str, Any]) -> dict[str, Any]:
    checked = rules.texts(values, {"serial": (20, 1), "location": (40, 1)})
    if "code" in checked:
        checked["code"] = clean_text(checked["code"], "code", 40)
    if "spot" in checked:
        checked["spot"] = rules.check_spot(checked["spot"])
    return checked


def _shown_piece(connection: Connection, piece_id: str) -> dict[str, Any]:
    row = store.find_piece(connection, piece_id)
    assert row is not None
    names = ("piece_id", "listing_id", "shop_id", "code", "serial", "state", "location", "spot", "version")
    return {**{name: row[name] for name in names}, "variant_id": row["variant_id"] or ""}


def take_plan_applied(connection: Connection, shop_id: str, report: PlanApplied, now: datetime) -> None:
    """Note which plan is in force at the shop."""
    store.update_shop(connection, shop_id, {"plan_applied": report.version})
    page_event(connection, f"shop:{shop_id}", "plan_applied", {"version": report.version}, now)


def take_faces_taught(connection: Connection, shop_id: str, report: FacesTaught, now: datetime) -> None:
    """Keep the faces that the attendant taught; they are the shop's to know, so no new plan goes out for them."""
    row = store.find_piece(connection, report.piece_id)
    if row is None or row["shop_id"] != shop_id:
        raise missing()
    spot = dict(row["spot"] or {"camera": check_id(report.camera, "camera"), "kind": "stays"})
    if spot["camera"] != report.camera:
        raise RefusedError("other_camera", "The piece has its spot at another camera", "该件位于另一台摄像机前", 422)
    spot["faces"] = to_json(report.faces)
    if report.home is not None:
        spot["home"] = to_json(report.home)
    store.update_piece(connection, report.piece_id, {"spot": rules.check_spot(spot)})
    page_event(connection, f"shop:{shop_id}", "faces_taught", {"piece_id": report.piece_id}, now)
