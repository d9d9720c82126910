"""Locations as the shop reported them last, and corrections that are the shop's to accept."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from cloud_relay.catalog.reading import missing
from cloud_relay.notices import service as notices
from cloud_relay.outbox import send_command
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import listing, piece, shop, shop_location
from cloud_relay.web.pages import page_event
from wire.commands import CorrectLocation
from wire.locations import LocationChanged
from wire.reports import Ack, AckState
from wire.values import clean_text, format_time

LOCATION_LENGTH_MAX = 40


def take_change(connection: Connection, shop_id: str, report: LocationChanged, now: datetime) -> None:
    """Fold one report: they come once and in order, so the newest word counts. A box in another's place counts anew."""
    own = (shop_location.c.shop_id == shop_id, shop_location.c.location == report.location[:60])
    known = connection.scalar(select(shop_location.c.version).where(*own))
    values = {
        "version": report.version, "pieces": list(report.pieces), "away": list(report.away),
        "reason": report.reason[:200], "changed_at": report.at,
    }  # fmt: skip
    if known is None:
        where = {"shop_id": shop_id, "location": report.location[:60]}
        connection.execute(insert(shop_location).values(**where, **values))
    else:
        connection.execute(update(shop_location).where(*own).values(values))
    page_event(connection, f"shop:{shop_id}", "location", {"location": report.location, "version": report.version}, now)


def of_shop(connection: Connection, shop_id: str) -> list[dict[str, Any]]:
    """Return the locations of a shop with the pieces in them, by name."""
    query = select(shop_location).where(shop_location.c.shop_id == shop_id).order_by(shop_location.c.location)
    rows = list(connection.execute(query).mappings())
    ids = {one for row in rows for one in (*row["pieces"], *row["away"])}
    named = (
        select(piece.c.piece_id, piece.c.code, piece.c.state, listing.c.title_en, listing.c.title_zh)
        .join(listing, listing.c.listing_id == piece.c.listing_id)
        .where(piece.c.shop_id == shop_id, piece.c.piece_id.in_(ids))
    )
    pieces = {row["piece_id"]: _piece(dict(row)) for row in connection.execute(named).mappings()}
    return [
        {
            "location": row["location"], "version": row["version"], "reason": row["reason"],
            "changed_at": format_time(row["changed_at"]),
            "pieces": [pieces[one] for one in row["pieces"] if one in pieces],
            "away": [pieces[one] for one in row["away"] if one in pieces],
        }
        for row in rows
    ]  # fmt: skip


def _piece(row: dict[str, Any]) -> dict[str, Any]:
    title = {"en": row["title_en"], "zh": row["title_zh"]}
    return {"piece_id": row["piece_id"], "code": row["code"], "state": row["state"], "title": title}


def ask_correction(
    connection: Connection, merchant_ids: frozenset[str], shop_id: str, location: str, codes: list[str], version: int,
    reason: str, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Ask the shop to write what was found; it says no when it knows better by then.

    RefusedError `stale_version` with how it is now when the relay itself knows a newer version already.
    """
    merchant_id = connection.scalar(select(shop.c.merchant_id).where(shop.c.shop_id == shop_id))
    if merchant_id is None or merchant_id not in merchant_ids:
        raise missing()
    known = next((one for one in of_shop(connection, shop_id) if one["location"] == location), None)
    if known is not None and known["version"] != version:
        raise RefusedError(
            "stale_version", "It changed meanwhile. Look again, then correct", "期间有变动，请重新查看后再更正",
            location=known,
        )  # fmt: skip
    ids = _ids(connection, shop_id, codes)
    command = CorrectLocation(
        location=clean_text(location, "location", LOCATION_LENGTH_MAX), version=version, pieces=tuple(ids),
        reason=clean_text(reason, "reason", 200) if reason.strip() else "",
    )  # fmt: skip
    send_command(connection, shop_id, command, now, "", command.location)
    return {"location": command.location, "state": "asked"}


def _ids(connection: Connection, shop_id: str, codes: list[str]) -> list[str]:
    query = select(piece.c.code, piece.c.piece_id).where(piece.c.shop_id == shop_id, piece.c.code.in_(codes))
    found = {row.code: row.piece_id for row in connection.execute(query)}
    strange = [code for code in codes if code not in found]
    if strange:
        text = ", ".join(strange[:5])
        raise RefusedError(
            "unknown_code", f"No piece of this shop has the code {text}", f"本店没有这个编号：{text}", 422
        )
    return [found[code] for code in dict.fromkeys(codes)]


def take_answer(connection: Connection, shop_id: str, row: dict[str, Any], ack: Ack, now: datetime) -> None:
    """The shop's answer to a correction: pages hear of it; when it said no, the merchant's people do."""
    if ack.state is AckState.ACCEPTED:
        return
    location, is_done = str(row["data"].get("location", "")), ack.state is AckState.DONE
    data = {"location": location, "is_done": is_done, "reason": ack.reason}
    page_event(connection, f"shop:{shop_id}", "location_answer", data, now)
    if not is_done:
        merchant_id = connection.scalar(select(shop.c.merchant_id).where(shop.c.shop_id == shop_id))
        people = notices.members_of(connection, str(merchant_id))
        notices.notify(connection, people, "location_conflict", f"/merchant/shops/{shop_id}/locations", now,
                       title_en=location, title_zh=location)  # fmt: skip
