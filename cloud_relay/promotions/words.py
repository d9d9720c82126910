"""A promotion in one line, in both languages. Pure."""

from cloud_relay.web.amounts import money
from wire.promotions import Promotion
from wire.promotions import PromotionKind as Kind


def line(promotion: Promotion) -> dict[str, str]:
    """Return what must come together and what it brings; where and until when stands beside it."""
    currency, count = promotion.currency, promotion.count
    price = money(promotion.price_minor, currency)
    if promotion.kind is Kind.SPEND_OVER:
        spent, less = money(promotion.threshold_minor, currency), money(promotion.saving_minor, currency)
        return {"en": f"Together {spent}: {less} less", "zh": f"一起满 {spent} 减 {less}"}
    if promotion.kind is Kind.N_FOR:
        return {"en": f"{count} pieces together: {price}", "zh": f"任选 {count} 件共 {price}"}
    return {"en": f"{count} people: {price} each", "zh": f"{count} 人成团：每件 {price}"}
