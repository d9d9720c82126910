"""What the shop must remember beside orders: plan, turn numbers, used nonces, where pieces lie."""

import json
from datetime import datetime

from edge.journal.outbox import append_report
from edge.journal.transaction import Transaction
from wire.codec import from_json, to_json
from wire.plan import ShopPlan
from wire.reports import PlanApplied
from wire.values import BadValueError, format_time


def plan(tx: Transaction) -> ShopPlan | None:
    """Return the plan in force."""
    rows = tx.select("plans", tail="order by version desc limit 1")
    return from_json(ShopPlan, json.loads(rows[0]["body"])) if rows else None


def save_plan(tx: Transaction, new: ShopPlan) -> bool:
    """Store a newer plan with its report; an older or equal one changes nothing."""
    if new.shop_id != tx.shop_id:
        raise BadValueError(f"plan: made for shop {new.shop_id[:40]!r}, not for {tx.shop_id!r}")
    versions = [version for (version,) in tx.run("select version from plans")]
    if versions and new.version <= max(versions):
        return False
    body = json.dumps(to_json(new), ensure_ascii=False, separators=(",", ":"))
    tx.put("plans", {"version": new.version, "body": body, "saved_at": tx.at}, "plan", version=new.version)
    tx.remove("plans", versions, "plan_replaced")
    append_report(tx, PlanApplied(version=new.version))
    return True


def next_turn_no(tx: Transaction, camera: str) -> int:
    """Return a turn number never given before for this camera."""
    row = tx.get("turns", camera)
    turn_no = int(row["turn_no"]) + 1 if row else 1
    tx.put("turns", {"camera": camera, "turn_no": turn_no}, "turn", turn_no=turn_no)
    return turn_no


def use_nonce(tx: Transaction, nonce: str, until_at: datetime) -> bool:
    """Note a nonce as used; False when it was. Nonces past their `until_at` are forgotten on the way."""
    if tx.get("nonces", nonce) is not None:
        return False
    old = [key for (key,) in tx.run("select nonce from nonces where until_at < ? limit 50", (tx.at,))]
    tx.remove("nonces", old, "nonces_forgotten")
    tx.put("nonces", {"nonce": nonce, "until_at": format_time(until_at)}, "nonce")
    return True


def set_place(tx: Transaction, piece_id: str, place: str) -> None:
    """Note where a piece is now: a location, `bench`, `parcel` or `gone`."""
    tx.put("places", {"piece_id": piece_id, "place": place, "at": tx.at}, "place", place=place)
