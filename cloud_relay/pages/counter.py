"""What was sold over counters: the merchant's list, and the shopper's own code with what they bought there."""

from fastapi import Request
from fastapi.responses import Response

from cloud_relay.accounts.roles import Deed
from cloud_relay.counter import claims, codes, service
from cloud_relay.counter.routes import code_keys
from cloud_relay.pages.merchant import Wish, open_desk, to_application
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import Anyone, SignedIn, account_id_of
from cloud_relay.web.qr import picture_of
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(include_in_schema=False)

WAYS = {"cash": ("Cash", "现金"), "card": ("Card", "刷卡"), "qr": ("QR code", "扫码")}
OUTCOMES = {
    "promised": ("an online order ended for it", "线上订单已因此退款"),
    "short": ("the books had fewer", "账面数量不足"),
    "unknown": ("not on the books", "账上没有"),
    "promotion_unknown": ("a promotion that is not this shop's", "优惠不属于本店"),
    "gone_before": ("had left the books before", "此前已出账"),
}
HOW_KNOWN = {"asked_again": ("asked of the terminal", "向终端查询所得"), "person": ("said by a person", "人工确认")}


@router.get("/merchant/counter")
async def merchant_counter(request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "") -> Response:
    """Counter sales of a merchant, newest first, and what is owed for them."""
    desk = await open_desk(relay, principal, wish, Deed.SEE_MONEY)
    if desk is None:
        return to_application()
    found = await relay.db.read(service.sales_of, desk.merchant_id)
    return render(
        request, principal, "merchant_counter.html", desk=desk, ways=WAYS, outcomes=OUTCOMES, how_known=HOW_KNOWN,
        **found,
    )  # fmt: skip


@router.get("/account/counter")
async def my_counter(request: Request, relay: RelayDep, principal: SignedIn) -> Response:
    """The code to show at a till, and what was bought with it."""
    account_id = account_id_of(principal)
    sales = await relay.db.read(service.sales_to, account_id)
    picture = picture_of(codes.code_of(account_id, code_keys(relay)[-1]))
    return render(request, principal, "counter_code.html", picture=picture, sales=sales, ways=WAYS)


@router.get("/r/{sale_id}")
async def receipt(sale_id: str, request: Request, relay: RelayDep, principal: Anyone) -> Response:
    """What the code on a counter receipt opens: the purchase, and keeping it with one's account."""
    found = await relay.db.read(claims.receipt_of, sale_id, principal.account_id, relay.clock.now())
    return render(request, principal, "counter_receipt.html", sale_id=sale_id, ways=WAYS, **found)
