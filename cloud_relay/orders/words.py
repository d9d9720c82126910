"""The sentences of an order's page: states, timeline, money, in English and Chinese. Pure."""

from cloud_relay.orders.rules import MONEY_HELD, OrderState

S = OrderState


def both(en: str, zh: str) -> dict[str, str]:
    """Return a text in both languages as pages and programs get it."""
    return {"en": en, "zh": zh}


STATE_TEXTS: dict[OrderState, dict[str, str]] = {
    S.UNPAID: both("Waiting for payment", "待付款"),
    S.PLEDGED: both("Paid and held; waits for the group", "已付款并代管，等待成团"),
    S.PAID: both("Paid; at the bench", "已付款，正在打包"),
    S.PHOTO_OFFERED: both("Please check the photo", "请确认照片"),
    S.CONFIRMED: both("Ready to be handed over", "待交寄"),
    S.HANDED_OVER: both("On its way", "运输中"),
    S.DELIVERED: both("Delivered", "已送达"),
    S.DISPUTED: both("In dispute", "争议中"),
    S.CANCELLING: both("Being cancelled", "取消中"),
    S.RELEASED: both("Completed", "已完成"),
    S.CANCELLED: both("Cancelled", "已取消"),
    S.EXPIRED: both("Not paid in time", "超时未付款"),
    S.REFUNDED: both("Refunded", "已退款"),
    S.CHARGED_BACK: both("Taken back by the bank", "已被银行追回"),
}
READY_TO_COLLECT = both("Ready to collect", "待自取")
"""What `confirmed` is called while a parcel waits at its pick-up point."""

STATE_CLASSES: dict[OrderState, str] = {
    S.UNPAID: "queued", S.PLEDGED: "queued", S.PAID: "queued", S.PHOTO_OFFERED: "queued", S.CONFIRMED: "queued",
    S.HANDED_OVER: "queued", S.DELIVERED: "now", S.RELEASED: "now", S.DISPUTED: "closed", S.CANCELLING: "queued",
}  # fmt: skip
"""Style of the state's pill; every other state is `offline`."""

EVENT_TEXTS: dict[str, dict[str, str]] = {
    "placed": both("Ordered", "已下单"),
    "payment_succeeded": both("Paid; the money is held", "已付款，货款由平台代管"),
    "payment_retaken": both("Paid late; the piece was still free", "付款较晚，商品仍可保留"),
    "payment_pledged": both(
        "Paid and held until the group is complete or its time is over", "已付款，货款代管至成团或到期"
    ),
    "payment_too_late": both(
        "The payment came when the group was closed; it goes back", "付款到账时拼单已结束，款项退回"
    ),
    "group_succeeded": both("The group is closed: it was complete", "拼单结束：已成团"),
    "group_failed": both("The group was not complete in time", "拼单到期未成团"),
    "pledge_left": both("Left the group; what was paid goes back", "已退出拼单，已付款项退回"),
    "payment_failed": both("The payment was declined", "付款被拒绝"),
    "pay_due": both("Not paid in time", "超时未付款"),
    "cancel_asked": both("Cancel asked for", "已申请取消"),
    "cancel_done": both("The shop stopped; cancelled", "店铺已停止处理，订单取消"),
    "cancel_refused": both("Too late to cancel: with the post already", "无法取消：已交寄"),
    "cancel_failed": both("The shop could not say whether it stopped", "店铺未能确认是否停止"),
    "cancel_due": both("The shop did not answer the cancel", "店铺未答复取消申请"),
    "photographed": both("Photo of the labelled parcel: please check it", "贴好标签的包裹照片：请确认"),
    "photo_confirmed": both("The photo was confirmed", "照片已确认"),
    "photo_objected": both("Objection to the photo: back to the bench", "照片有异议：退回工作台"),
    "photo_due": both("No answer in the agreed time: counts as confirmed", "约定时间内未答复，视为确认"),
    "piece_gone": both("The piece is not there any more", "商品已不在店内"),
    "ship_due": both("Not handed over in time", "超时未交寄"),
    "handed_over": both("Handed over to the post", "已交寄"),
    "delivered": both("Delivered", "已送达"),
    "collected": both("Collected: the code was right, signed for", "已自取：取货码正确，已签收"),
    "collect_due": both("Not collected in time: it goes back", "逾期未取：退回店铺"),
    "ready_for_pickup": both("Waits at the pick-up point", "已到自提点，等待取货"),
    "piece_carried": both("The sorter brought the piece to the bench", "分拣机已把货品送到工作台"),
    "arrive_due": both("Not delivered in time", "超时未送达"),
    "receipt": both("Receipt confirmed; the money went to the shop", "已确认收货，货款已付给商家"),
    "signed": both("The shopper signed for it", "买家已签收"),
    "release_due": both("The agreed time passed; the money went to the shop", "约定时间已过，货款已付给商家"),
    "dispute_opened": both("A dispute was opened; every clock stands still", "已发起争议，所有计时暂停"),
    "dispute_withdrawn": both("The dispute was withdrawn", "争议已撤回"),
    "ruled_refund": both("Ruled: the money goes back", "裁定：退款"),
    "ruled_release": both("Ruled: the money goes to the shop", "裁定：放款给商家"),
    "ruled_split": both("Ruled: the money is shared", "裁定：按比例分配"),
    "rule_due": both("Nobody ruled in time; the stated rule applied", "超时未裁定，按约定规则处理"),
    "operator_called": both(
        "The return has not come back in time: an operator decides", "退货逾期未到，由运营人员裁定"
    ),
    "charged_back": both("The bank took the money back", "银行追回了货款"),
    "refunded": both("The money is back with the shopper", "款项已退回"),
    "still_taken": both("The piece as it was confirmed", "确认时的商品"),
    "piece_picked": both("Picked", "已拣货"),
    "piece_packed": both("Packed", "已打包"),
    "packed_picture": both("The packed piece", "打包后的商品"),
    "piece_returned": both("Back at its place", "已放回原处"),
    "label_printed": both("Label printed", "标签已打印"),
    "label_applied": both("Label applied", "标签已贴上"),
    "label_read": both("Label read back off the parcel", "已从包裹上读回标签"),
    "label_voided": both("Label void", "标签作废"),
    "parcel_held": both("Waits for a decision at the bench", "在工作台等待处理"),
    "parcel_resumed": both("The work goes on", "继续处理"),
    "parcel_cancelled": both("Stopped at the bench", "工作台已停止"),
}
HIDDEN_EVENTS = frozenset({"parcel_photographed"})
"""Lines that say what another line of the same moment says already."""

REASON_TEXTS: dict[str, dict[str, str]] = {
    "return_arrived": both("the return arrived at the shop", "店铺已收到退货"),
    "label_none": both("no label could be read", "读不到标签"),
    "label_wrong": both("another parcel's label was on it", "贴的是别的包裹的标签"),
    "label_two": both("two labels were on it", "贴了两张标签"),
    "superseded": both("a new one follows", "将换新标签"),
    "not_found": both("it could not be found", "没有找到"),
}
"""What a shop's or the clock's code of a reason means to who reads the story; for events see above."""

PAYMENT_TEXTS: dict[str, dict[str, str]] = {
    "started": both(
        "We are asking the bank. Please wait; you will not pay twice.", "正在向银行确认，请稍候，不会重复扣款。"
    ),
    "failed": both("The payment was declined. Please choose another way.", "付款被拒绝，请选择其他方式。"),
    "succeeded": both("Paid", "已付款"),
}


def reason_text(actor: str, reason: str, told: dict[str, str] | None = None) -> dict[str, str]:
    """Return why a line of the story happened: the bench's own sentence, a code's words, or what a person wrote.

    A program's code that has no words is left out: it would tell a reader nothing.
    """
    if told and any(told.values()):
        return told
    if known := REASON_TEXTS.get(reason) or EVENT_TEXTS.get(reason):
        return known
    return both("", "") if actor in ("shop", "clock") else both(reason, reason)


def money_text(state: OrderState, *, is_paid: bool) -> dict[str, str]:
    """Return what the total is called now."""
    if state in MONEY_HELD:
        return both("Held payment", "平台代管")
    if state is S.RELEASED:
        return both("Paid to the shop", "已付给商家")
    if is_paid and state in (S.REFUNDED, S.CANCELLED):
        return both("Goes back to you", "退还给您")
    return both("Total", "合计")
