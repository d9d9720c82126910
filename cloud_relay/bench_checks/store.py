"""SQL of bench checks."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from cloud_relay.tables import bench_check, check_progress, shop, shop_link
from wire.bench_card import BenchChecked, CheckMoved
from wire.codec import from_json, to_json

CARDS_KEPT = 60
"""Two months of nightly checks: enough to see when a device began to fail."""


def insert_card(connection: Connection, shop_id: str, card: BenchChecked, now: datetime) -> bool:
    """Keep a card; False when it is here already."""
    key = bench_check.c.check_id == card.check_id
    if connection.execute(select(bench_check.c.check_id).where(key)).first() is not None:
        return False
    row = {
        "check_id": card.check_id, "shop_id": shop_id, "occasion": card.occasion[:20], "is_passed": card.is_passed,
        "is_whole": card.is_whole, "ended_at": card.ended_at, "received_at": now, "card": to_json(card),
    }  # fmt: skip
    connection.execute(insert(bench_check).values(row))
    return True


def cards_of(connection: Connection, shop_id: str) -> list[BenchChecked]:
    """Return a shop's cards, newest first."""
    query = select(bench_check.c.card).where(bench_check.c.shop_id == shop_id)
    found = connection.scalars(query.order_by(bench_check.c.received_at.desc(), bench_check.c.ended_at.desc()))
    return [from_json(BenchChecked, card) for card in found]


def forget_old(connection: Connection, shop_id: str) -> None:
    """Drop all but the newest cards; the newest whole pass stays, because it is what lets the shop be live."""
    row = bench_check.c
    order = (row.received_at.desc(), row.ended_at.desc())
    ids = list(connection.scalars(select(row.check_id).where(row.shop_id == shop_id).order_by(*order)))
    passed = (row.shop_id == shop_id, row.is_passed, row.is_whole)
    kept = connection.scalar(select(row.check_id).where(*passed).order_by(*order).limit(1))
    old = [check_id for check_id in ids[CARDS_KEPT:] if check_id != kept]
    if old:
        connection.execute(delete(bench_check).where(row.check_id.in_(old)))


def set_live(connection: Connection, shop_id: str, reason: str) -> bool:
    """Note whether the shop is live (`reason` empty) or why not; True when that changed."""
    row = shop.c
    where = (row.shop_id == shop_id, row.live_reason != reason)
    return connection.execute(update(shop).where(*where).values(is_live=not reason, live_reason=reason)).rowcount == 1


def find_shop(connection: Connection, shop_id: str) -> Any:
    """Return merchant_id, names, is_live and live_reason of a shop, or None."""
    row = shop.c
    query = select(row.merchant_id, row.name_en, row.name_zh, row.is_live, row.live_reason)
    return connection.execute(query.where(row.shop_id == shop_id)).one_or_none()


def find_link(connection: Connection, shop_id: str) -> Any:
    """Return is_online and quarantine_reason of a shop's box, or None for one that was never enrolled."""
    row = shop_link.c
    query = select(row.is_online, row.quarantine_reason).where(row.shop_id == shop_id)
    return connection.execute(query).one_or_none()


def find_progress(connection: Connection, shop_id: str) -> Any:
    """Return what was told last of a shop's running check, or None."""
    return connection.execute(select(check_progress).where(check_progress.c.shop_id == shop_id)).one_or_none()


def put_progress(connection: Connection, shop_id: str, moved: CheckMoved, now: datetime) -> None:
    """Keep what was told last."""
    values = {
        "check_id": moved.check_id, "started_at": moved.started_at, "stage": moved.stage, "number": moved.number,
        "told": to_json(moved), "told_at": now,
    }  # fmt: skip
    where = check_progress.c.shop_id == shop_id
    if not connection.execute(update(check_progress).where(where).values(values)).rowcount:
        connection.execute(insert(check_progress).values(shop_id=shop_id, **values))


def card_came(connection: Connection, shop_id: str, check_id: str) -> None:
    """Note that no step of this check runs any more, should the shop's own last word of it have been lost."""
    row = check_progress.c
    where = (row.shop_id == shop_id, row.check_id == check_id, row.stage == "running")
    connection.execute(update(check_progress).where(*where).values(stage="clearing"))
