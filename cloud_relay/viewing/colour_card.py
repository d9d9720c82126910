"""The colour card of a spot: kept as it was photographed, the correction is worked out of it whenever it is shown."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from cloud_relay.accounts.roles import check_reach
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import spot_colour
from cloud_relay.viewing import store
from cloud_relay.viewing.colour import CARD, Correction, Rgb, fit_card
from wire.values import BadValueError, format_time

TABLE_KIND = "turntable"


def spot_key(shop_id: str, piece_id: str, spot: Mapping[str, Any]) -> str:
    """Return under which name a spot's light is known: a turntable's for all that is brought to it, else a piece's."""
    place = f"{shop_id}/{spot['camera']}"
    return place if spot.get("kind") == TABLE_KIND else f"{place}/{piece_id}"


@lru_cache(maxsize=256)
def _correction(patches: tuple[Rgb, ...]) -> Correction:
    return fit_card(patches)


def _shown(patches: Sequence[Rgb], taken_at: datetime) -> dict[str, Any]:
    found = _correction(tuple((one[0], one[1], one[2]) for one in patches))
    return {
        "rows": [[round(value, 5) for value in row] for row in found.rows],
        "error_before": round(found.error_before, 1), "error_mean": round(found.error_mean, 1),
        "error_max": round(found.error_max, 1), "taken_at": format_time(taken_at),
    }  # fmt: skip


def colour_of(
    connection: Connection, shop_id: str, piece_id: str, spot: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Return the correction of a spot's pictures with its remaining error; None where nobody showed it a card."""
    if not spot:
        return None
    query = select(spot_colour).where(spot_colour.c.spot_key == spot_key(shop_id, piece_id, spot))
    row = connection.execute(query).mappings().first()
    return _shown(row["patches"], row["taken_at"]) if row is not None else None


def _own_spot(connection: Connection, merchant_ids: frozenset[str], piece_id: str) -> tuple[str, str]:
    """Return shop and key of the spot of a piece of one's own."""
    piece = store.find_piece(connection, piece_id)
    merchant_id = store.merchant_of_shop(connection, piece["shop_id"]) if piece is not None else None
    if piece is None or merchant_id is None or not check_reach(merchant_ids, merchant_id):
        raise RefusedError("not_found", "Not found", "没有找到", 404)
    if not piece["spot"]:
        raise RefusedError("not_offered", "This piece has no camera yet.", "这件货品还没有镜头。")
    return piece["shop_id"], spot_key(piece["shop_id"], piece_id, piece["spot"])


def keep_card(
    connection: Connection, merchant_ids: frozenset[str], account_id: str, piece_id: str,
    patches: Sequence[Rgb], now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Keep what a spot's camera saw of the card, in place of an earlier one; return the correction."""
    if len(patches) != len(CARD) or any(not 0 <= value <= 255 for patch in patches for value in patch):
        raise BadValueError(f"patches: {len(CARD)} colours of red, green and blue from 0 to 255")
    shop_id, key = _own_spot(connection, merchant_ids, piece_id)
    kept = [[round(value, 1) for value in patch] for patch in patches]
    shown = _shown([(one[0], one[1], one[2]) for one in kept], now)
    connection.execute(delete(spot_colour).where(spot_colour.c.spot_key == key))
    row = {"spot_key": key, "shop_id": shop_id, "patches": kept, "account_id": account_id, "taken_at": now}
    connection.execute(insert(spot_colour).values(row))
    return shown


def forget_card(connection: Connection, merchant_ids: frozenset[str], piece_id: str) -> None:
    """Show a spot's pictures as its camera gives them again."""
    _, key = _own_spot(connection, merchant_ids, piece_id)
    connection.execute(delete(spot_colour).where(spot_colour.c.spot_key == key))
