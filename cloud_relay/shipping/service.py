"""What a parcel costs beside its goods, and a merchant changing that: each one transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from cloud_relay.accounts.roles import check_reach
from cloud_relay.refusals import RefusedError
from cloud_relay.shipping import rules, store
from cloud_relay.shipping.rules import Cost, Goods
from cloud_relay.tables import shop
from wire.codec import to_json
from wire.plan import Address


def goods_of(sale: Any, together_minor: int = 0) -> Goods:
    """Return what the rules must know of a sale (a row with price_minor, weight_g, attributes)."""
    return Goods(
        price_minor=sale.price_minor, weight_g=sale.weight_g, together_minor=max(together_minor, sale.price_minor),
        attributes=tuple(str(one) for one in (sale.attributes or {}).values()),
    )  # fmt: skip


def cost_of(
    connection: Connection, sale: Any, address: Address, *, together_minor: int = 0, is_collected: bool = False
) -> Cost:
    """Return shipping and tax of one parcel to this address; RefusedError when the shop does not send it there.

    `sale` is a row with shop_id, shipping_minor, price_minor, weight_g, attributes and titles.
    """
    terms, goods = store.terms_of(connection, sale.shop_id), goods_of(sale, together_minor)
    found = rules.cost(
        terms, sale.shipping_minor, goods, address.country, address.postal_code, is_collected=is_collected
    )
    if found is None:
        raise rules.not_sent_there(sale.title_en or sale.title_zh, sale.title_zh or sale.title_en)
    return found


def _require_shop(connection: Connection, merchant_ids: frozenset[str], shop_id: str) -> Any:
    query = select(shop.c.merchant_id, shop.c.currency, shop.c.shipping_minor).where(shop.c.shop_id == shop_id)
    row = connection.execute(query).one_or_none()
    if row is None or not check_reach(merchant_ids, row.merchant_id):
        raise RefusedError("not_found", "Not found", "没有找到", 404)
    return row


def read_shipping(connection: Connection, merchant_ids: frozenset[str], shop_id: str) -> dict[str, Any]:
    """Return a shop's terms for its merchant, with the version to send back."""
    own, row = _require_shop(connection, merchant_ids, shop_id), store.find(connection, shop_id)
    terms = rules.read_terms(row["terms"]) if row is not None else rules.Terms()
    return {
        "shop_id": shop_id, "currency": own.currency, "usual_minor": own.shipping_minor, **to_json(terms),
        "is_used": row["is_used"] if row is not None else False, "version": row["version"] if row is not None else 0,
    }  # fmt: skip


def change_shipping(
    connection: Connection, merchant_ids: frozenset[str], shop_id: str, given: Mapping[str, object], version: int,
    now: datetime, *, is_used: bool,
) -> dict[str, Any]:  # fmt: skip
    """Replace a shop's terms; RefusedError when somebody else changed them since `version` was read."""
    _require_shop(connection, merchant_ids, shop_id)
    terms = rules.read_terms(given)
    if not store.save(connection, shop_id, to_json(terms), version, now, is_used=is_used):
        raise RefusedError(
            "stale_version", "Somebody changed this meanwhile; please look again", "内容已被他人修改，请重新查看"
        )
    return read_shipping(connection, merchant_ids, shop_id)
