"""Goods in and stock counts: pieces come in together, a count corrects with a reason, and each can be undone once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from cloud_relay.catalog import stock_store, store
from cloud_relay.catalog.plan import replace_plan
from cloud_relay.catalog.reading import missing
from cloud_relay.catalog.service import known_variant, own_listing
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.values import clean_text, format_time, new_id

PIECES_MAX = 200
"""Pieces in one delivery: a box of cups, typed or scanned in one go."""

GOODS_IN, COUNT = "goods_in", "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPiece:
    """A piece that comes in: its tag's code, its serial, where it lies and which variant it is."""

    code: str
    serial: str = ""
    location: str = ""
    variant_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A count of one listing as seen at `version`: how many there are, and which pieces were not found."""

    version: int
    on_hand: int
    missing: tuple[str, ...] = ()
    reason: str = ""


def take_in(
    connection: Connection, merchant_ids: frozenset[str], account_id: str, listing_id: str,
    pieces: Sequence[NewPiece], reason: str, resolver_url: str, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Take several pieces in at once, all or none; the shop's new plan goes out once for all of them."""
    row = own_listing(connection, listing_id, merchant_ids)
    _check_codes(connection, row["shop_id"], [one.code for one in pieces])
    ids = [_insert_piece(connection, row, one) for one in pieces]
    store.update_listing(connection, listing_id, {"on_hand": row["on_hand"] + len(ids)})
    change_id = _note(connection, row, account_id, GOODS_IN, len(ids), row["on_hand"] + len(ids), ids, reason, now)
    _tell(connection, row, resolver_url, now)
    return {"change_id": change_id, "listing_id": listing_id, "pieces": ids, "on_hand": row["on_hand"] + len(ids)}


def _check_codes(connection: Connection, shop_id: str, codes: list[str]) -> None:
    double = sorted({code for code in codes if codes.count(code) > 1})
    taken = double or stock_store.known_codes(connection, shop_id, codes)
    if taken:
        text = ", ".join(taken[:5])
        raise RefusedError(
            "code_taken", f"These codes stand here twice or are known already: {text}", f"编号重复或已登记：{text}",
            codes=taken,
        )  # fmt: skip


def _insert_piece(connection: Connection, listing: RowMapping, one: NewPiece) -> str:
    piece_id = new_id("pc")
    values = {
        "piece_id": piece_id, "listing_id": listing["listing_id"], "shop_id": listing["shop_id"], "state": "free",
        "code": clean_text(one.code, "code", 40),
        "serial": clean_text(one.serial, "serial", 20) if one.serial.strip() else "",
        "location": clean_text(one.location, "location", 40) if one.location.strip() else "",
        "variant_id": known_variant(connection, listing["listing_id"], one.variant_id),
    }  # fmt: skip
    try:
        store.insert_piece(connection, values)
    except IntegrityError:
        raise RefusedError(
            "code_taken", f"A piece of this shop has the code {one.code}", f"本店已有编号 {one.code}", codes=[one.code]
        ) from None
    return piece_id


def count(
    connection: Connection, merchant_ids: frozenset[str], account_id: str, listing_id: str, counted: Counted,
    resolver_url: str, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Correct a listing's stock to what was counted; refused when more is promised, or without a reason."""
    row = own_listing(connection, listing_id, merchant_ids)
    if row["version"] != counted.version:
        raise RefusedError(
            "stale_version", "Something was sold or changed meanwhile; please count again", "期间有变动，请重新盘点"
        )
    difference = counted.on_hand - row["on_hand"]
    reason = _reason(counted.reason, is_needed=bool(difference or counted.missing))
    _check_promise(connection, row, counted)
    for piece_id in counted.missing:
        _take_out(connection, listing_id, piece_id)
    store.update_listing(connection, listing_id, {"on_hand": counted.on_hand})
    ids = list(counted.missing)
    change_id = _note(connection, row, account_id, COUNT, difference, counted.on_hand, ids, reason, now)
    _tell(connection, row, resolver_url, now, is_planned=bool(ids))
    return {
        "change_id": change_id, "listing_id": listing_id, "on_hand": counted.on_hand, "difference": difference,
        "reserved": row["reserved"], "version": row["version"] + 1,
    }  # fmt: skip


def _reason(text: str, *, is_needed: bool) -> str:
    if text.strip():
        return clean_text(text, "reason", 200)
    if is_needed:
        raise RefusedError(
            "reason_missing", "Say why the count differs: broken, stolen, found again…",
            "请填写差异原因：破损、遗失、找回……", 422,
        )  # fmt: skip
    return ""


def _check_promise(connection: Connection, row: RowMapping, counted: Counted) -> None:
    if counted.on_hand < row["reserved"]:
        raise RefusedError(
            "promised", f"{row['reserved']} are promised to shoppers; the count cannot be lower",
            f"已有 {row['reserved']} 件被预订，盘点数不能更低", reserved=row["reserved"],
        )  # fmt: skip
    left = store.count_in_house(connection, row["listing_id"]) - len(set(counted.missing))
    if counted.on_hand < left:
        raise RefusedError(
            "pieces_remain", f"{left} pieces stand in the list; untick those that you did not find",
            f"清单中仍有 {left} 件，请取消勾选未找到的单件", left=left,
        )  # fmt: skip


def _take_out(connection: Connection, listing_id: str, piece_id: str) -> None:
    row = store.find_piece(connection, piece_id)
    if row is None or row["listing_id"] != listing_id:
        raise missing()
    if not stock_store.move_piece(connection, piece_id, "free", "gone"):
        raise RefusedError(
            "promised", f"Piece {row['code']} is promised to a shopper; look for it at the bench",
            f"单件 {row['code']} 已被预订，请到工作台查找", code=row["code"],
        )  # fmt: skip


def undo(
    connection: Connection, merchant_ids: frozenset[str], change_id: str, resolver_url: str, now: datetime
) -> dict[str, Any]:
    """Undo a change of stock once: what came in goes, what was not found is back. Refused when it is promised."""
    change = stock_store.find(connection, change_id)
    if change is None:
        raise missing()
    row = own_listing(connection, change["listing_id"], merchant_ids)
    if change["undone_at"] is not None:
        raise RefusedError("undone_already", "This was undone already", "该变动已撤销")
    on_hand = row["on_hand"] - change["difference"]
    if on_hand < row["reserved"]:
        raise RefusedError("promised", "Some of it is promised to shoppers by now", "其中一部分已被预订")
    for piece_id in change["pieces"]:
        _undo_piece(connection, change["kind"], piece_id)
    if on_hand < store.count_in_house(connection, row["listing_id"]):
        raise RefusedError("pieces_remain", "Pieces came in since; count again instead", "之后又有入库，请重新盘点")
    store.update_listing(connection, row["listing_id"], {"on_hand": on_hand})
    stock_store.mark_undone(connection, change_id, now)
    _tell(connection, row, resolver_url, now)
    return {"change_id": change_id, "listing_id": row["listing_id"], "on_hand": on_hand}


def _undo_piece(connection: Connection, kind: str, piece_id: str) -> None:
    if kind == GOODS_IN:
        is_done = stock_store.delete_fresh_piece(connection, piece_id)
    else:
        is_done = stock_store.move_piece(connection, piece_id, "gone", "free")
    if not is_done:
        raise RefusedError("piece_moved", "One of its pieces was sold or changed since", "其中一件之后已售出或变动")


def changes_of(connection: Connection, shop_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the newest changes of stock of these shops, with who made them and why."""
    return [
        {
            **{name: row[name] for name in ("change_id", "listing_id", "kind", "difference", "on_hand", "reason")},
            "title": {"en": row["title_en"], "zh": row["title_zh"]}, "by": row["nickname"],
            "at": format_time(row["at"]), "is_undone": row["undone_at"] is not None, "count": len(row["pieces"]),
        }
        for row in stock_store.newest(connection, shop_ids)
    ]  # fmt: skip


def _note(
    connection: Connection, row: RowMapping, account_id: str, kind: str, difference: int, on_hand: int,
    pieces: list[str], reason: str, now: datetime,
) -> str:  # fmt: skip
    change_id = new_id("chg")
    values = {
        "change_id": change_id, "listing_id": row["listing_id"], "shop_id": row["shop_id"], "kind": kind,
        "difference": difference, "on_hand": on_hand, "reason": reason, "pieces": pieces, "account_id": account_id,
        "at": now,
    }  # fmt: skip
    stock_store.insert_change(connection, values)
    return change_id


def _tell(
    connection: Connection, row: RowMapping, resolver_url: str, now: datetime, *, is_planned: bool = True
) -> None:
    if is_planned:
        replace_plan(connection, row["shop_id"], resolver_url, now)
    found = store.find_listing(connection, row["listing_id"])
    assert found is not None
    stock = {"listing_id": row["listing_id"], "in_stock": found["on_hand"] - found["reserved"]}
    page_event(connection, f"shop:{row['shop_id']}", "stock_changed", stock, now)
