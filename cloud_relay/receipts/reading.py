"""What stands on a receipt: who sold what to whom, what it cost, which tax is in it, how it was paid and given back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from cloud_relay.escrow import payments
from cloud_relay.refusals import RefusedError
from cloud_relay.tables import merchant, order_line, orders, payment, pledge, shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """Money that went back, and when the provider confirmed it (None: it is on its way)."""

    amount_minor: int
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One paid order. Texts are {en, zh}; amounts are minor units of `currency`."""

    order_id: str
    placed_at: datetime
    paid_at: datetime
    shop: dict[str, str]
    merchant: dict[str, str]
    sender_lines: tuple[str, ...]
    bought_by: tuple[str, ...]
    lines: tuple[tuple[dict[str, str], int, int], ...]
    """(title, number, price) of each line."""
    shipping_minor: int
    tax_minor: int
    tax_ppm: int
    is_tax_on_top: bool
    total_minor: int
    currency: str
    method: str
    payment_id: str
    paid_together_minor: int
    """What the provider took at once for this and other orders; 0 when it was paid by itself."""
    refunds: tuple[Refunded, ...]
    saving_minor: int = 0
    """What the goods cost less because they were bought in a group order; the lines say what they came to."""
    back_minor: int = 0
    """What came back of the first payment when the group was complete: the saving and its tax on top."""


def not_paid() -> RefusedError:
    """Return the refusal for an order of which no money was ever taken."""
    return RefusedError("not_paid", "There is a receipt as soon as the order is paid", "付款后即可下载收据")


_COLUMNS = (
    orders, shop.c.name_en, shop.c.name_zh, shop.c.sender_lines, merchant.c.name_en.label("merchant_en"),
    merchant.c.name_zh.label("merchant_zh"),
)  # fmt: skip


def read_receipt(connection: Connection, order_id: str) -> Receipt:
    """Return an order's receipt; RefusedError before it is paid, LookupError without such an order."""
    query = (
        select(*_COLUMNS)
        .join(shop, shop.c.shop_id == orders.c.shop_id)
        .join(merchant, merchant.c.merchant_id == orders.c.merchant_id)
        .where(orders.c.order_id == order_id)
    )
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise LookupError(f"order {order_id}: is not there")
    moved = payments.of_order(connection, order_id)
    charge = next((one for one in moved if one.kind == payments.CHARGE and one.state == payments.SUCCEEDED), None)
    if row["paid_at"] is None or charge is None:
        raise not_paid()
    in_group = connection.execute(select(pledge).where(pledge.c.order_id == order_id)).mappings().one_or_none()
    parts = payments.parts_of(connection, charge.joint_id) if charge.joint_id else []
    return Receipt(
        order_id=order_id, placed_at=row["placed_at"], paid_at=row["paid_at"],
        shop={"en": row["name_en"], "zh": row["name_zh"]},
        merchant={"en": row["merchant_en"], "zh": row["merchant_zh"]},
        sender_lines=tuple(row["sender_lines"] or ()), bought_by=_address(row["address"]),
        lines=_lines(connection, order_id), shipping_minor=row["shipping_minor"], tax_minor=row["goods_tax_minor"],
        tax_ppm=row["goods_tax_ppm"], is_tax_on_top=row["is_tax_on_top"], total_minor=row["total_minor"],
        currency=row["currency"], method=charge.method, payment_id=charge.provider_id,
        paid_together_minor=sum(one.amount_minor for one in parts) if len(parts) > 1 else 0,
        refunds=_refunds(connection, order_id, (in_group["refund_id"] or "") if in_group else ""),
        saving_minor=in_group["saving_minor"] if in_group else 0,
        back_minor=in_group["back_minor"] if in_group else 0,
    )  # fmt: skip


def _address(address: dict[str, Any]) -> tuple[str, ...]:
    city = f"{address['postal_code']} {address['city']}".strip()
    return (address["name"], *address["lines"], f"{city}, {address['country']}")


def _lines(connection: Connection, order_id: str) -> tuple[tuple[dict[str, str], int, int], ...]:
    query = select(order_line).where(order_line.c.order_id == order_id).order_by(order_line.c.line)
    return tuple(
        ({"en": row["title_en"], "zh": row["title_zh"]}, row["quantity"], row["price_minor"])
        for row in connection.execute(query).mappings()
    )


def _refunds(connection: Connection, order_id: str, saving_id: str) -> tuple[Refunded, ...]:
    """Return what went back, without a group's saving: that has a line of its own."""
    own = (payment.c.order_id == order_id, payment.c.kind == payments.REFUND, payment.c.state != payments.FAILED,
           payment.c.payment_id != saving_id)  # fmt: skip
    query = select(payment).where(*own).order_by(payment.c.started_at, payment.c.payment_id)
    return tuple(
        Refunded(amount_minor=row["amount_minor"], at=row["changed_at"] if row["state"] == payments.SUCCEEDED else None)
        for row in connection.execute(query).mappings()
    )
