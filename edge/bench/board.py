"""The parcels in work as the attendant's page shows them. Pure."""

from collections.abc import Callable, Iterable
from typing import Any

from edge.bench.parcel import Parcel
from wire.plan import ShopPlan, Text


def board_of(
    parcels: Iterable[Parcel], plan: ShopPlan | None, waits_for: Callable[[Parcel], str]
) -> list[dict[str, Any]]:
    """Return a row for each parcel: its ids, title, stage, reason, label_serial, is_paid, is_pickup, since."""
    titles = {piece.piece_id: piece.title for piece in plan.pieces} if plan else {}
    return [
        {
            "parcel_id": parcel.parcel_id, "piece_id": parcel.piece_id, "title": titles.get(parcel.piece_id, Text()),
            "stage": parcel.stage.value, "reason": waits_for(parcel), "label_serial": parcel.serial,
            "is_paid": parcel.is_paid, "is_pickup": parcel.is_pickup, "since": parcel.since,
        }
        for parcel in parcels
    ]  # fmt: skip
