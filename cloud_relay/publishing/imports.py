"""Goods from a table: read and judged first, written on the merchant's word, all lines or none; undone while fresh."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from cloud_relay.accounts.roles import check_reach
from cloud_relay.catalog import service as catalog
from cloud_relay.catalog.plan import replace_plan
from cloud_relay.catalog.reading import missing
from cloud_relay.publishing import rules, store
from cloud_relay.publishing.variant_lines import variants_of
from cloud_relay.refusals import RefusedError
from cloud_relay.web.pages import page_event
from wire.values import clean_text, format_time, new_id

READ, DONE, UNDONE = "read", "done", "undone"
READ_LIFE = timedelta(days=1)
"""What nobody confirms in a day is read anew: goods and codes change meanwhile."""
ROWS_SHOWN = 50
KEPT = ("sku", "title_en", "title_zh", "description_en", "description_zh", "gtin", "price_minor", "weight_g", "on_hand")


def shop_facts(connection: Connection, merchant_ids: frozenset[str], shop_id: str) -> tuple[str, list[str], list[str]]:
    """Return (currency, stock codes, piece codes) of a shop of one's own, by which a table is judged."""
    row = catalog.own_shop(connection, shop_id, merchant_ids)
    return row["currency"], store.skus_of(connection, shop_id), store.codes_of(connection, shop_id)


def judge(content: bytes, digits: int, skus: Sequence[str], codes: Sequence[str]) -> rules.Table:
    """Return a table with every line judged and its search words made: slow, and so for a thread of its own."""
    table = rules.read_table(content, digits, skus, codes)
    for rows in _listings(table.rows):
        variants = variants_of(rows)[1] if rows[0]["choices"] else []
        rows[0]["words"] = catalog.search_words(rows[0], variants)
    return table


def _listings(rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the rows of each listing, in the order of their first lines."""
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["head"], []).append(row)
    return list(found.values())


def keep_read(
    connection: Connection, merchant_ids: frozenset[str], account_id: str, shop_id: str, file_name: str,
    table: rules.Table, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Keep a table that was read, for its preview; no listing is written."""
    catalog.own_shop(connection, shop_id, merchant_ids)
    store.drop_imports(connection, now)
    import_id = new_id("imp")
    values = {
        "import_id": import_id, "shop_id": shop_id, "account_id": account_id, "file_name": _name(file_name),
        "encoding": table.encoding, "state": READ, "rows": table.rows, "row_count": len(table.rows),
        "faults": [asdict(one) for one in table.faults[: rules.FAULTS_MAX]], "fault_count": len(table.faults),
        "created_at": now, "drop_at": now + READ_LIFE,
    }  # fmt: skip
    store.insert_import(connection, values)
    return {"import_id": import_id, "row_count": len(table.rows), "fault_count": len(table.faults)}


def _name(file_name: str) -> str:
    plain = "".join(one for one in file_name.replace("\\", "/").rpartition("/")[2] if one.isprintable())[:80]
    return clean_text(plain, "file_name", 80) if plain.strip() else "goods.csv"


def read(connection: Connection, merchant_ids: frozenset[str], import_id: str) -> dict[str, Any]:
    """Return an import for its page: the first rows as they would be written, and every fault by line."""
    row = _own(connection, merchant_ids, import_id)
    plain = ("import_id", "shop_id", "merchant_id", "file_name", "encoding", "state", "row_count", "fault_count",
             "is_published")  # fmt: skip
    return {
        **{name: row[name] for name in plain}, "faults": row["faults"],
        "rows": [{name: value for name, value in one.items() if name != "words"} for one in row["rows"][:ROWS_SHOWN]],
        "created_at": format_time(row["created_at"]),
        "piece_count": sum(len(one["pieces"]) for one in row["rows"]) if row["state"] == READ else 0,
        "listing_count": len(_listings(row["rows"])) if row["state"] == READ else row["row_count"],
    }  # fmt: skip


def confirm(
    connection: Connection, merchant_ids: frozenset[str], import_id: str, resolver_url: str, now: datetime,
    *, is_published: bool,
) -> dict[str, Any]:  # fmt: skip
    """Write every line of a faultless table as a listing, drafts or on show at once; all or none."""
    row = _own(connection, merchant_ids, import_id)
    shop = catalog.own_shop(connection, row["shop_id"], merchant_ids)
    if row["state"] != READ:
        raise RefusedError("import_done", "This table was written already", "该表格已导入")
    if row["fault_count"] or not row["rows"]:
        raise RefusedError("import_faults", "Correct the lines that are marked, then read it again", "请先修正标出的行")
    if row["drop_at"] <= now:
        raise RefusedError("import_late", "It was read too long ago; read it again", "读取已过期，请重新上传")
    _check_again(connection, row)
    listings, variants, pieces = _goods(row["rows"], shop, now, is_published=is_published)
    try:
        store.insert_goods(connection, listings, variants, pieces)
    except IntegrityError:
        raise _came_meanwhile() from None
    ids = [one["listing_id"] for one in listings]
    values = {
        "state": DONE, "confirmed_at": now, "is_published": is_published, "rows": [{"listing_id": one} for one in ids],
        "drop_at": None,
    }  # fmt: skip
    if not store.update_import(connection, import_id, READ, values):
        raise RefusedError("import_done", "This table was written already", "该表格已导入")
    _tell(connection, row["shop_id"], resolver_url, now)
    return {"import_id": import_id, "listings": len(ids), "pieces": len(pieces), "shop_id": row["shop_id"]}


def _check_again(connection: Connection, row: RowMapping) -> None:
    """Refuse when a code came into the shop between the preview and the word."""
    skus, codes = set(store.skus_of(connection, row["shop_id"])), set(store.codes_of(connection, row["shop_id"]))
    for one in row["rows"]:
        if one["sku"] in skus or codes.intersection(one["pieces"]):
            raise _came_meanwhile()


def _came_meanwhile() -> RefusedError:
    return RefusedError(
        "stale_import", "Some of these codes came into the shop meanwhile; read the table again",
        "期间有编号已登记，请重新上传表格",
    )  # fmt: skip


def _goods(
    rows: Sequence[dict[str, Any]], shop: RowMapping, now: datetime, *, is_published: bool
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of listings, variants and pieces that a table becomes."""
    fixed = {
        "shop_id": shop["shop_id"], "currency": shop["currency"], "attributes": {}, "created_at": now,
        "state": "published" if is_published else "draft", "published_at": now if is_published else None,
    }  # fmt: skip
    listings, variants, pieces = [], [], []
    for lines in _listings(rows):
        axes, own = variants_of(lines) if lines[0]["choices"] else ([], [])
        values = {name: lines[0][name] for name in KEPT}
        if own:  # each variant has its own numbers; stock of all of them is the listing's
            values |= {"sku": "", "gtin": "", "on_hand": sum(len(one["pieces"]) for one in lines)}
        listing_id = new_id("lst")
        listings.append({**values, **fixed, **lines[0]["words"], "listing_id": listing_id, "axes": axes})
        for place, line in enumerate(lines):
            variant_id = new_id("var") if own else None
            if own:
                variants.append({**own[place], "variant_id": variant_id, "listing_id": listing_id})
            pieces += [
                {"piece_id": new_id("pc"), "listing_id": listing_id, "shop_id": shop["shop_id"], "code": code,
                 "state": "free", "variant_id": variant_id}
                for code in line["pieces"]
            ]  # fmt: skip
    return listings, variants, pieces


def undo(
    connection: Connection, merchant_ids: frozenset[str], import_id: str, resolver_url: str, now: datetime
) -> dict[str, Any]:
    """Take all goods of an import out again; refused once any of them was changed, promised or sold."""
    row = _own(connection, merchant_ids, import_id)
    catalog.own_shop(connection, row["shop_id"], merchant_ids)
    if row["state"] != DONE:
        raise RefusedError("undone_already", "This was undone already, or never written", "已撤销或尚未导入")
    ids = [one["listing_id"] for one in row["rows"]]
    touched = store.touched(connection, ids, 1)
    if touched:
        raise RefusedError(
            "import_touched", f"{touched} of its listings were changed, promised or sold since: withdraw them instead",
            f"其中 {touched} 件之后有改动、预订或售出，请改为下架",
        )  # fmt: skip
    try:
        store.delete_goods(connection, ids)
    except IntegrityError:
        raise RefusedError(
            "import_touched", "Something refers to its listings by now: withdraw them instead",
            "已有内容引用其中的货品，请改为下架",
        ) from None  # fmt: skip
    store.update_import(connection, import_id, DONE, {"state": UNDONE, "undone_at": now, "rows": []})
    _tell(connection, row["shop_id"], resolver_url, now)
    return {"import_id": import_id, "listings": len(ids), "shop_id": row["shop_id"]}


def _tell(connection: Connection, shop_id: str, resolver_url: str, now: datetime) -> None:
    replace_plan(connection, shop_id, resolver_url, now)
    page_event(connection, f"shop:{shop_id}", "listing_changed", {"shop_id": shop_id}, now)


def _own(connection: Connection, merchant_ids: frozenset[str], import_id: str) -> RowMapping:
    row = store.find_import(connection, import_id)
    if row is None or not check_reach(merchant_ids, row["merchant_id"]):
        raise missing()
    return row
