"""What shoppers and merchants are shown: hits, listings, shops. Reads only, one snapshot each."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from cloud_relay.announcements import reading as announced
from cloud_relay.catalog import rules, search_store, spins, store, variant_reading, variant_store
from cloud_relay.catalog.variant_rules import name_of
from cloud_relay.refusals import RefusedError
from wire.values import format_time

PAGE_SIZE = 24
PAGES_MAX = 20
"""Nobody turns more pages than that; a shopper who still seeks adds a word."""
FOUND_MAX = PAGE_SIZE * PAGES_MAX
"""So many are counted and ordered: with 200,000 listings one word may find 20,000."""


def missing() -> RefusedError:
    """Return the refusal for what is not there or not yours."""
    return RefusedError("not_found", "Not found", "没有找到", 404)


def _text(row: RowMapping, name: str) -> dict[str, str]:
    return {"en": row[f"{name}_en"], "zh": row[f"{name}_zh"]}


def shown_showing(one: rules.Showing) -> dict[str, Any]:
    """Return the `viewing` part of a hit."""
    opens_at = format_time(one.opens_at) if one.opens_at else None
    return {"state": one.state, "waiting": one.waiting, "opens_at": opens_at}


def _showing_of(
    piece: RowMapping,
    listing: RowMapping,
    cameras: Mapping[tuple[str, str], dict[str, Any]],
    now: datetime,
) -> rules.Showing:
    camera = piece["spot"]["camera"] if piece["spot"] else ""
    plans = {plan["camera"]: plan for plan in listing["cameras"]}
    return rules.showing(
        has_spot=bool(piece["spot"]) and piece["state"] in variant_reading.ON_VIEW,
        is_shop_online=bool(listing["is_online"]),
        hours=listing["hours"],
        holidays=listing["holidays"],
        time_zone=listing["time_zone"],
        camera_state=cameras.get((piece["shop_id"], camera)),
        is_camera_offered=plans.get(camera, {}).get("is_offered", True),
        is_stopped=bool(listing["quarantine_reason"]) or not listing["is_live"],
        now=now,
    )


def hits(connection: Connection, listing_ids: Iterable[str], now: datetime) -> list[dict[str, Any]]:
    """Return these listings as hits, in this order, each with the best way to look at one of its pieces now."""
    wanted = list(listing_ids)
    if not wanted:
        return []
    listings = store.listings_with_shops(connection, wanted, now, store.HITS)
    pieces: dict[str, list[RowMapping]] = {}
    for piece in store.pieces_of(connection, wanted):
        pieces.setdefault(piece["listing_id"], []).append(piece)
    pictures = store.pictures_of(connection, wanted)
    cameras = store.camera_states(connection, {row["shop_id"] for row in listings.values()})
    variants = variant_store.variants_of(connection, wanted)
    found = []
    for listing_id in wanted:
        row = listings[listing_id]
        showings = [_showing_of(piece, row, cameras, now) for piece in pieces.get(listing_id, ())]
        best = min(showings, key=lambda one: (one.rank, one.waiting), default=rules.Showing(state="not_offered"))
        found.append(_hit(row, pictures.get(listing_id, []), best, variants.get(listing_id, [])))
    return found


def _hit(
    row: RowMapping, pictures: list[str], best: rules.Showing, variants: Sequence[RowMapping] = ()
) -> dict[str, Any]:
    offered = {one["price_difference_minor"] for one in variants if one["is_offered"]}
    lowest = variant_reading.lowest_difference(variants)
    return {
        "listing_id": row["listing_id"],
        "title": _text(row, "title"),
        "price_minor": row["price_now_minor"] + lowest,
        "usual_price_minor": row["price_minor"] + lowest,
        "has_other_prices": len(offered) > 1,
        "currency": row["currency"],
        "shop": {"shop_id": row["shop_id"], "name": _text(row, "name"), "is_online": bool(row["is_online"])},
        "picture": pictures[0] if pictures else None,
        "viewing": shown_showing(best),
        "in_stock": row["on_hand"] - row["reserved"],
    }


def search(connection: Connection, query: str, page: int, now: datetime) -> dict[str, Any]:
    """Return one page of hits for a query; without words, the newest listings. `has_more` than the total: count on."""
    found = search_store.search(connection, query, FOUND_MAX)
    first = (page - 1) * PAGE_SIZE
    return {
        "hits": hits(connection, found.listing_ids[first : first + PAGE_SIZE], now),
        "total": len(found.listing_ids),
        "has_more": found.has_more,
        "page": page,
        "page_size": PAGE_SIZE,
    }


def read_listing(
    connection: Connection, listing_id: str, merchant_ids: frozenset[str], now: datetime, *, is_operator: bool = False
) -> dict[str, Any]:
    """Return a listing with its pieces; a draft or withdrawn one only to its merchant and operators."""
    row = store.listings_with_shops(connection, [listing_id], now).get(listing_id)
    is_own = row is not None and row["merchant_id"] in merchant_ids
    if row is None or not (is_own or is_operator or (row["state"] == "published" and not row["is_closed"])):
        raise missing()
    cameras = store.camera_states(connection, [row["shop_id"]])
    pieces = store.pieces_of(connection, [listing_id])
    shown = [_piece(piece, _showing_of(piece, row, cameras, now), is_own=is_own) for piece in pieces]
    found = spins.spins_of(connection, pieces)
    for one in shown:
        one["spin"] = found.get(one["piece_id"])
    pictures = store.pictures_of(connection, [listing_id]).get(listing_id, [])
    variants = variant_store.variants_of(connection, [listing_id]).get(listing_id, [])
    showings = [_showing_of(piece, row, cameras, now) for piece in pieces]
    best = min(showings, key=lambda one: (one.rank, one.waiting), default=rules.Showing(state="not_offered"))
    return {
        **_hit(row, pictures, best, variants),
        **variant_reading.styles_of(row, variants, pieces, is_own=is_own),
        "kept": row["reserved"],
        "description": _text(row, "description"),
        "announcements": announced.of_listing(connection, row["shop_id"], listing_id, now),
        "attributes": row["attributes"],
        "sku": row["sku"],
        "gtin": row["gtin"],
        "weight_g": row["weight_g"],
        "state": row["state"],
        "shipping_minor": row["shipping_minor"],
        "pictures": pictures,
        "pieces": shown if is_own else [one for one in shown if one["state"] in variant_reading.ON_VIEW],
        **({"on_hand": row["on_hand"], "reserved": row["reserved"], "version": row["version"]} if is_own else {}),
    }


def _piece(piece: RowMapping, one: rules.Showing, *, is_own: bool) -> dict[str, Any]:
    spot = piece["spot"] or {}
    own = {name: piece[name] for name in ("location", "serial", "spot", "version")} if is_own else {}
    return {
        "piece_id": piece["piece_id"],
        "code": piece["code"],
        "state": piece["state"],
        "is_sample": piece["state"] == variant_reading.SAMPLE,
        "variant_id": piece["variant_id"] or "",
        "camera": spot.get("camera"),
        "is_brought": spot.get("kind") == "turntable",
        "faces": [face["name"] for face in spot.get("faces", ())],
        "viewing": shown_showing(one),
        **own,
    }


def read_shop(
    connection: Connection, shop_id: str, merchant_ids: frozenset[str], now: datetime, *, is_operator: bool = False
) -> dict[str, Any]:
    """Return a shop: to everybody its name, story, hours and whether it is there; to its people everything."""
    row = store.find_shop(connection, shop_id)
    if row is None:
        raise missing()
    opens_at = rules.next_opening(row["hours"], row["time_zone"], now, row["holidays"])
    shown = {
        "shop_id": shop_id, "merchant_id": row["merchant_id"], "name": _text(row, "name"), "story": _text(row, "story"),
        "merchant_name": _text(row, "merchant_name"), "time_zone": row["time_zone"], "hours": row["hours"],
        "holidays": rules.holidays_ahead(row["holidays"], row["time_zone"], now),
        "announcements": announced.of_shop(connection, shop_id, now),
        "currency": row["currency"], "country": row["country"], "is_online": bool(row["is_online"]),
        "is_closed": row["is_closed"], "is_live": row["is_live"],
        "opens_at": format_time(opens_at) if opens_at else None,
        "cameras": [
            {"camera": plan["camera"], "title": plan["title"]} for plan in row["cameras"] if plan["is_offered"]
        ],
    }  # fmt: skip
    if row["merchant_id"] not in merchant_ids and not is_operator:
        return shown
    names = (
        "pack_when", "gs1_prefix", "market", "turn_s", "is_relay_only", "is_spin_on", "sender_lines", "shipping_minor",
        "cameras", "plan_version", "plan_applied", "quarantine_reason", "live_reason",
    )  # fmt: skip
    presence = row["presence"] or {}
    return {
        **shown,
        **{name: row[name] for name in names},
        "seen_at": format_time(row["seen_at"]) if row["seen_at"] else None,
        "software": presence.get("software", ""),
        "devices": store.devices_of(connection, shop_id),
    }


def merchant_goods(connection: Connection, merchant_id: str) -> list[dict[str, Any]]:
    """Return a merchant's shops with all their listings and pieces, for their own pages."""
    shops = []
    for shop_id in store.shops_of(connection, merchant_id):
        shop = store.find_shop(connection, shop_id)
        assert shop is not None
        listings = store.listings_of(connection, [shop_id])
        ids = [row["listing_id"] for row in listings]
        pictures = store.pictures_of(connection, ids)
        pieces = store.pieces_of(connection, ids)
        variants = variant_store.variants_of(connection, ids)
        shops.append(
            {
                "shop_id": shop_id,
                "name": _text(shop, "name"),
                "is_online": bool(shop["is_online"]),
                "plan_version": shop["plan_version"],
                "plan_applied": shop["plan_applied"],
                "listings": [
                    _own_listing(row, pictures, pieces, variants.get(row["listing_id"], [])) for row in listings
                ],
            }
        )
    return shops


def _own_listing(
    row: RowMapping, pictures: dict[str, list[str]], pieces: Iterable[RowMapping], variants: Sequence[RowMapping]
) -> dict[str, Any]:
    names = ("piece_id", "code", "state", "location", "serial", "spot", "version", "variant_id")
    own = [{name: piece[name] for name in names} for piece in pieces if piece["listing_id"] == row["listing_id"]]
    plain = ("listing_id", "state", "price_minor", "currency", "sku", "gtin", "on_hand", "reserved", "version")
    return {
        **{name: row[name] for name in plain},
        "title": _text(row, "title"),
        "pictures": pictures.get(row["listing_id"], []),
        "variants": [
            {**{name: one[name] for name in ("variant_id", "sku", "gtin")}, "name": name_of(one["choices"])}
            for one in variants
        ],
        "pieces": own,
    }
