"""The address of a receipt: for the order's shopper, its merchant's people who see money, and operators."""

import asyncio
from typing import Annotated, Literal

from fastapi import Query, Response

from cloud_relay.accounts.roles import Deed, check_reach
from cloud_relay.orders import reading as orders
from cloud_relay.receipts.reading import read_receipt
from cloud_relay.receipts.sheet import draw_receipt
from cloud_relay.refusals import RefusedError
from cloud_relay.relay import Relay, RelayDep
from cloud_relay.showroom.typeface import FontMissingError, find_typeface
from cloud_relay.web.principal import SignedIn
from cloud_relay.web.problems import not_found
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import text_in

router = Router(include_in_schema=False)


def _method_text(relay: Relay, method: str, language: str) -> str:
    found = next((one.title for one in relay.trading.methods if one.method == method), None)
    return method.partition(":")[0] if found is None else text_in(language)({"en": found.en, "zh": found.zh})


@router.get("/orders/{order_id}/receipt.pdf")
async def receipt(
    order_id: str, relay: RelayDep, principal: SignedIn, lang: Annotated[Literal["en", "zh"] | None, Query()] = None
) -> Response:
    """The receipt of a paid order as PDF, in the reader's language or the wished one."""
    found = await relay.db.read(orders.parties, order_id)
    is_shopper = found is not None and found[0] == principal.account_id
    if found is None or not (
        is_shopper or principal.is_operator or check_reach(principal.reach(Deed.SEE_MONEY), found[1])
    ):
        raise not_found()
    language = lang or principal.language
    shown = await relay.db.read(read_receipt, order_id)
    try:
        typeface = find_typeface()
    except FontMissingError as error:
        raise RefusedError(
            "no_font", f"The receipt cannot be drawn: {error}", "服务器缺少中文字体，无法生成收据", 503
        ) from None
    market, method = "Vitrine 橱窗", _method_text(relay, shown.method, language)
    drawn = await asyncio.to_thread(draw_receipt, shown, market, method, language, typeface)
    name = f"vitrine-{order_id[-6:]}-{language}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(drawn, media_type="application/pdf", headers=headers)
