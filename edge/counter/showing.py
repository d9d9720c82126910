"""What the till's page shows of goods and shares: usual price, saving, whose, what is missing to a promotion. Pure."""

from typing import Any

from edge.counter import pricing
from edge.counter.joint import Joint
from edge.counter.pricing import Priced
from edge.counter.sale import Sale
from edge.flows import joint_sale
from edge.flows.counter_sale import Stage
from wire.codec import to_json
from wire.counter import saving_of
from wire.text import Text

LACKING_SHOWN = 3
"""Promotions that are not reached, named on the page: more is a brochure."""


def goods_shown(sale: Sale, found: Priced | None) -> dict[str, Any]:
    """Return a sale's goods, sums and shoppers; `found` prices a basket that is still open."""
    lines, whose = (found.lines, found.whose) if found else (sale.lines, sale.owners)
    usual, owners, saved = pricing.rejoined(lines, whose)
    title = sale.promotion_title
    if found:
        title = found.promotion.title if found.promotion else Text()
    usual_minor = sum(line.price_minor * line.quantity for line in usual)
    return {
        "lines": [
            {**to_json(line), "whose": own, "saving_minor": saving}
            for line, own, saving in zip(usual, owners, saved, strict=True)
        ],
        "usual_minor": usual_minor,
        "saving_minor": sum(saved),
        "total_minor": usual_minor - sum(saved),
        "promotion": to_json(title),
        "is_best_of_several": bool(found and found.reached > 1),
        "lacking": _lacking(found) if found else [],
        "shoppers": _shoppers(sale, found) if found else [],
        "at_shopper": sale.at_shopper,
        "joint_id": sale.joint_id,
        "part_no": sale.part_no,
        "part_count": sale.part_count,
    }


def _lacking(found: Priced) -> list[dict[str, Any]]:
    near = sorted(found.lacking, key=lambda one: (one[1].people, one[1].pieces, one[1].minor))
    return [{"title": to_json(one.title), **to_json(short)} for one, short in near[:LACKING_SHOWN]]


def _shoppers(sale: Sale, found: Priced) -> list[dict[str, Any]]:
    """Return each shopper with their share; the page names them by their place, never by their code."""
    return [
        {
            "is_known": bool(code),
            "has_goods": place in found.whose,
            "share_minor": found.share_minor(place),
            "saving_minor": saving_of(line for line, own in zip(found.lines, found.whose, strict=True) if own == place),
        }
        for place, code in enumerate(sale.codes)
    ]


def joint_shown(joint: Joint, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a joint sale that is being paid or undone, with its shares as the page shows a sale."""
    is_paying = joint.stage is joint_sale.Stage.PAYING
    return {
        "joint_id": joint.joint_id,
        "stage": joint.stage.value,
        "promotion": to_json(joint.promotion.title if joint.promotion else Text()),
        "parts": parts,
        "total_minor": sum(part["total_minor"] for part in parts),
        "saving_minor": sum(part["saving_minor"] for part in parts),
        "is_untouched": is_paying and all(part["stage"] == Stage.OPEN.value for part in parts),
    }
