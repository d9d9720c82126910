"""Every shop's box at a glance, for the operator: there or not, versions, clock, certificate, bench check, faults."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from cloud_relay.tables import bench_check, device_state, merchant, shop, shop_certificate, shop_link

CERTIFICATE_DAYS_MIN = 8
"""A box renews its certificate when ten of its thirty days are left; below this something keeps it from doing so."""
CLOCK_OFFSET_S_MAX = 2.0
"""Deadlines are judged by relay time, whatever the box's clock says; beyond this its own records begin to mislead."""
GOOD = ("online", "unknown")


def shops_overview(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """Return every shop, those that need somebody first, then by name."""
    query = (
        select(
            shop, merchant.c.name_en.label("merchant_en"), merchant.c.name_zh.label("merchant_zh"),
            shop_link.c.is_online, shop_link.c.presence, shop_link.c.seen_at, shop_link.c.quarantine_reason,
            shop_link.c.clock_offset_s, shop_link.c.clock_at,
        )
        .join(merchant, merchant.c.merchant_id == shop.c.merchant_id)
        .outerjoin(shop_link, shop_link.c.shop_id == shop.c.shop_id)
        .order_by(shop.c.name_en, shop.c.shop_id)
    )  # fmt: skip
    until, checks, faults = _certificates(connection), _checks(connection), _faults(connection)
    shops = [
        _line(row, until.get(row["shop_id"]), checks.get(row["shop_id"]), faults.get(row["shop_id"], []), now)
        for row in connection.execute(query).mappings()
    ]
    return sorted(shops, key=lambda one: not one["worries"])


def _certificates(connection: Connection) -> dict[str, datetime]:
    row = shop_certificate.c
    query = (
        select(row.shop_id, func.max(row.expires_until).label("until"))
        .where(row.revoked_at.is_(None))
        .group_by(row.shop_id)
    )
    return {row.shop_id: row.until for row in connection.execute(query)}


def _checks(connection: Connection) -> dict[str, Any]:
    """Return each shop's newest card."""
    newest = select(bench_check.c.shop_id, func.max(bench_check.c.received_at).label("at"))
    last = newest.group_by(bench_check.c.shop_id).subquery()
    is_last = (bench_check.c.shop_id == last.c.shop_id) & (bench_check.c.received_at == last.c.at)
    return {row["shop_id"]: row for row in connection.execute(select(bench_check).join(last, is_last)).mappings()}


def _faults(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(select(device_state).order_by(device_state.c.device)).mappings():
        state = row["state"]
        if state.get("health") not in GOOD:
            words = {"en": state["text"].get("en") or state.get("reason") or state["health"]}
            words["zh"] = state["text"].get("zh") or words["en"]
            fault = {"device": row["device"], "model": state.get("model", ""), "text": words, "at": row["changed_at"]}
            found.setdefault(row["shop_id"], []).append(fault)
    return found


def _line(row: Any, until: datetime | None, check: Any, faults: list[dict[str, Any]], now: datetime) -> dict[str, Any]:
    presence = row["presence"] or {}
    is_online = bool(row["is_online"])
    line = {
        "shop_id": row["shop_id"],
        "name": {"en": row["name_en"], "zh": row["name_zh"]},
        "merchant_name": {"en": row["merchant_en"], "zh": row["merchant_zh"]},
        "is_closed": row["is_closed"],
        "is_live": row["is_live"],
        "is_online": is_online,
        "since": presence.get("at") if is_online else row["seen_at"],
        "software": presence.get("software", ""),
        "plan_version": row["plan_version"],
        "plan_applied": row["plan_applied"],
        "clock_offset_s": row["clock_offset_s"],
        "certificate_days": None if until is None else (until - now).days,
        "check": _check(check),
        "faults": faults if is_online else [],
        "quarantine_reason": row["quarantine_reason"] or "",
    }
    return {**line, "worries": worries(line)}


def _check(row: Any) -> dict[str, Any] | None:
    if row is None:
        return None
    failed = [step["title"] for step in row["card"].get("steps", ()) if step.get("result") == "failed"]
    return {"is_passed": row["is_passed"], "ended_at": row["ended_at"], "failed": failed}


def worries(line: dict[str, Any]) -> list[str]:
    """Return what the operator should look at, as names: quarantine, box, certificate, clock, check, plan, faults."""
    if line["is_closed"]:
        return []
    offset_s, days, check = line["clock_offset_s"], line["certificate_days"], line["check"]
    found = {
        "quarantine": bool(line["quarantine_reason"]),
        "box": not line["is_online"] and line["since"] is not None,
        "certificate": days is not None and days < CERTIFICATE_DAYS_MIN,
        "clock": offset_s is not None and abs(offset_s) > CLOCK_OFFSET_S_MAX,
        "check": check is not None and not check["is_passed"],
        "plan": line["is_online"] and line["plan_applied"] < line["plan_version"],
        "faults": bool(line["faults"]),
    }
    return [name for name, is_so in found.items() if is_so]
