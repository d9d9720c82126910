"""A merchant's members: roles, invitations, and the page behind an invitation's link."""

from typing import Annotated

from fastapi import Path, Request
from fastapi.responses import Response

from cloud_relay.accounts import members
from cloud_relay.accounts import store as accounts
from cloud_relay.accounts.roles import MAY, Deed, Role
from cloud_relay.counter import pins
from cloud_relay.pages.merchant import Wish, open_desk, to_application
from cloud_relay.relay import RelayDep
from cloud_relay.web.principal import Anyone, SignedIn
from cloud_relay.web.routing import Router
from cloud_relay.web.templating import render

router = Router(include_in_schema=False)

ROLE_WORDS: dict[str, tuple[str, str]] = {
    Role.OWNER: ("Owner", "店主"), Role.MANAGER: ("Manager", "店长"), Role.PACKER: ("Packer", "打包员"),
}  # fmt: skip
DEED_WORDS: dict[str, tuple[str, str]] = {
    Deed.SEE: ("see today's work, goods and orders", "查看今日工作、货品和订单"),
    Deed.TAKE_IN: ("take goods in", "入库"),
    Deed.COUNT: ("count stock", "盘点"),
    Deed.TEACH: ("steer cameras, teach spots and faces", "操控镜头、示教位置和各面"),
    Deed.CHECK_BENCH: ("have the bench checked", "发起工作台自检"),
    Deed.LIST: ("change listings, prices and pictures", "修改货品、价格和图片"),
    Deed.KEEP_SHOP: ("change the shop, its hours and holidays", "修改店铺、营业时间和假期"),
    Deed.LET_BOX_IN: ("connect the shop's box", "接入店铺主机"),
    Deed.CANCEL_ORDER: ("cancel an order", "取消订单"),
    Deed.ANNOUNCE: ("announce, and change prices for a time", "发布公告和限时价"),
    Deed.SEE_MONEY: ("see balances and day closes", "查看余额和日结"),
    Deed.PAY_OUT: ("pay money out", "提现"),
    Deed.APPROVE_PAYOUT: ("approve a large payout that somebody else asked for", "批准他人发起的大额提现"),
    Deed.APPLY: ("apply under one's real name", "提交实名认证"),
    Deed.CHOOSE_MEMBERS: ("invite and remove members", "邀请和移除成员"),
}


@router.get("/merchant/members")
async def members_page(request: Request, relay: RelayDep, principal: SignedIn, wish: Wish = "") -> Response:
    """Who belongs to the merchant and may do what."""
    desk = await open_desk(relay, principal, wish, Deed.CHOOSE_MEMBERS)
    if desk is None:
        return to_application()
    found = await relay.db.read(members.list_members, desk.merchant_id, relay.clock.now())
    with_pin = await relay.db.read(pins.with_pin, desk.merchant_id)
    return render(
        request, principal, "merchant_members.html", desk=desk, role_words=ROLE_WORDS, deed_words=DEED_WORDS,
        may={role.value: [deed.value for deed in deeds] for role, deeds in MAY.items()}, with_pin=with_pin, **found,
    )  # fmt: skip


@router.get("/invitation/{token}")
async def invitation(
    token: Annotated[str, Path(max_length=80)], request: Request, relay: RelayDep, principal: Anyone
) -> Response:
    """What somebody is invited to: a stranger makes an account here and joins; others sign in and accept."""
    found = await relay.db.read(members.read_invitation, token, relay.clock.now())
    own = await relay.db.read(accounts.find_account, principal.account_id) if principal.account_id else None
    known = await relay.db.read(accounts.find_by_email, found["email"])
    page = render(
        request, principal, "merchant_invitation.html", invitation=found, token=token, role_words=ROLE_WORDS,
        own_email=own.email if own is not None else "", is_known=known is not None,
    )  # fmt: skip
    page.headers["Referrer-Policy"] = "no-referrer"  # the link is a key
    return page
