"""Pick-up points: the shop's default and others that its merchant presets; one is chosen at checkout."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select, update

from cloud_relay.catalog.reading import missing
from cloud_relay.pickup.rules import CODE_DIGITS, POINTS_MAX
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import account, pickup, pickup_point, shop
from wire.codec import from_json, to_json
from wire.plan import Address
from wire.values import BadValueError, clean_text, new_id

NAME_LENGTH_MAX, HOURS_LENGTH_MAX = 60, 120


def gone() -> RefusedError:
    """Return the refusal for a point that its merchant does not offer any more."""
    return RefusedError(
        "pickup_point_gone", "This pick-up point is not offered any more; please choose another",
        "该自提点已停用，请另选", 409,
    )  # fmt: skip


def of_shop(connection: Connection, shop_id: str) -> list[dict[str, Any]]:
    """Return the points of a shop, the default one first."""
    query = (
        select(pickup_point)
        .where(pickup_point.c.shop_id == shop_id, pickup_point.c.deleted_at.is_(None))
        .order_by(pickup_point.c.is_default.desc(), pickup_point.c.created_at)
    )
    return [_shown(row) for row in connection.execute(query).mappings()]


def _shown(row: RowMapping) -> dict[str, Any]:
    return {
        "point_id": row["point_id"], "name": {"en": row["name_en"], "zh": row["name_zh"]}, "address": row["address"],
        "hours": {"en": row["hours_en"], "zh": row["hours_zh"]}, "is_default": row["is_default"],
    }  # fmt: skip


def _own_shop(connection: Connection, shop_id: str, merchant_ids: frozenset[str]) -> None:
    merchant_id = connection.scalar(select(shop.c.merchant_id).where(shop.c.shop_id == shop_id))
    if merchant_id is None or merchant_id not in merchant_ids:
        raise missing()


def add(
    connection: Connection, merchant_ids: frozenset[str], shop_id: str, address: Address, words: dict[str, str],
    now: datetime, *, is_default: bool,
) -> dict[str, Any]:  # fmt: skip
    """Preset a point; the first one of a shop is its default whatever was wished."""
    _own_shop(connection, shop_id, merchant_ids)
    own = (pickup_point.c.shop_id == shop_id, pickup_point.c.deleted_at.is_(None))
    count = int(connection.scalar(select(func.count()).where(*own)) or 0)
    if count >= POINTS_MAX:
        raise RefusedError(
            "too_many_points", f"A shop has at most {POINTS_MAX} pick-up points", f"每店最多 {POINTS_MAX} 个自提点"
        )
    if not (words.get("name_en", "").strip() or words.get("name_zh", "").strip()):
        raise BadValueError("name: in at least one language")
    point_id = new_id("pup")
    texts = {
        name: clean_text(words[name], name, NAME_LENGTH_MAX if name.startswith("name") else HOURS_LENGTH_MAX)
        for name in ("name_en", "name_zh", "hours_en", "hours_zh")
        if words.get(name, "").strip()
    }
    row = {"point_id": point_id, "shop_id": shop_id, "address": to_json(address), "created_at": now, **texts}
    connection.execute(insert(pickup_point).values(**row, is_default=False))
    if is_default or count == 0:
        _set_default(connection, shop_id, point_id)
    return {"point_id": point_id}


def make_default(connection: Connection, merchant_ids: frozenset[str], shop_id: str, point_id: str) -> dict[str, Any]:
    """Make a point the one that is offered first."""
    _own_shop(connection, shop_id, merchant_ids)
    offered(connection, shop_id, point_id)
    _set_default(connection, shop_id, point_id)
    return {"point_id": point_id}


def remove(connection: Connection, merchant_ids: frozenset[str], shop_id: str, point_id: str, now: datetime) -> None:
    """Offer a point no more; what was ordered to it is still collected there."""
    _own_shop(connection, shop_id, merchant_ids)
    found = offered(connection, shop_id, point_id)
    change = update(pickup_point).where(pickup_point.c.point_id == point_id)
    connection.execute(change.values(deleted_at=now, is_default=False))
    left = of_shop(connection, shop_id)
    if found["is_default"] and left:
        _set_default(connection, shop_id, left[0]["point_id"])


def _set_default(connection: Connection, shop_id: str, point_id: str) -> None:
    connection.execute(update(pickup_point).where(pickup_point.c.shop_id == shop_id).values(is_default=False))
    connection.execute(update(pickup_point).where(pickup_point.c.point_id == point_id).values(is_default=True))


def offered(connection: Connection, shop_id: str, point_id: str) -> RowMapping:
    """Return a point of this shop that may be chosen; RefusedError when there is none."""
    own = (pickup_point.c.point_id == point_id, pickup_point.c.shop_id == shop_id)
    query = select(pickup_point).where(*own, pickup_point.c.deleted_at.is_(None))
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise gone()
    return row


def address_of(connection: Connection, point: RowMapping | None, account_id: str) -> Address:
    """Return what stands on the label of a parcel that this account collects at a point."""
    if point is None:
        raise BadValueError("address, pickup_point_id: exactly one of them must be given")
    address: Address = from_json(Address, point["address"])
    nickname = connection.scalar(select(account.c.nickname).where(account.c.account_id == account_id)) or ""
    name = clean_text(nickname, "nickname") if nickname.strip() else address.name
    lines = (point["name_zh"] or point["name_en"], *address.lines)
    return Address(
        name=name, lines=lines[:4], postal_code=address.postal_code, city=address.city, country=address.country
    )


def choose(connection: Connection, order_id: str, point: RowMapping, random_bytes: Callable[[int], bytes]) -> None:
    """Note with a new order where it is collected, and make the code that the shopper shows there."""
    code = str(int.from_bytes(random_bytes(8), "big") % 10**CODE_DIGITS).zfill(CODE_DIGITS)
    copied = ("point_id", "shop_id", "name_en", "name_zh", "hours_en", "hours_zh", "address")
    row = {name: point[name] for name in copied}
    connection.execute(insert(pickup).values(**row, order_id=order_id, code=code))


_CODE = select(pickup.c.code).where(pickup.c.order_id == bindparam("key"))


def code_sha256(connection: Connection, order_id: str, parcel_id: str) -> str:
    """Return the hash by which the shop knows the code, "" for an order that is delivered.

    The same is made at the shop: SHA-256 of `<parcel_id>.<code>` (wire.plan.LabelContent).
    """
    code = connection.scalar(_CODE, {"key": order_id})
    return hashlib.sha256(f"{parcel_id}.{code}".encode()).hexdigest() if code else ""
