"""The sentences of all notices, in English and Chinese; `{…}` are filled with names that people gave. Pure."""

TEXTS: dict[str, tuple[str, str]] = {
    "order_paid": (
        "Paid: {title}. The shop packs it now; your money is held.",
        "已付款：{title}。店铺正在打包，货款由平台代管。",
    ),
    "order_received": ("New order: {title}", "新订单：{title}"),
    "payment_failed": ("The payment for {title} was declined.", "{title} 的付款被拒绝。"),
    "order_expired": ("Not paid in time: {title} is free again.", "未及时付款：{title} 已重新上架。"),
    "photo_ready": ("Please look at the photo of your parcel: {title}", "请查看包裹照片：{title}"),
    "photo_confirmed": ("The photo was confirmed: {title} may be handed over.", "照片已确认：{title} 可以交寄。"),
    "photo_silent": (
        "No answer to the photo in the agreed time; it counts as confirmed: {title}",
        "约定时间内未答复照片，视为确认：{title}",
    ),
    "photo_objected": (
        "The shopper objects to the photo of {title}: {reason}",
        "买家对 {title} 的照片有异议：{reason}",
    ),
    "handed_over": ("Handed over to the post: {title}", "已交寄：{title}"),
    "tracking": ("{title}: {step} at {place}", "{title}：{step_zh}，{place}"),
    "courier_calls": (
        "The courier reports: {step}, {place}: {title} {reason}",
        "快递员报告：{step_zh}，{place}：{title} {reason}",
    ),
    "delivered": ("Delivered: {title}. Please confirm that you have it.", "已送达：{title}。请确认收货。"),
    "ready_to_collect": (
        "Ready to collect: {title}, at {place}. Your code is on the order's page.",
        "可以取货了：{title}，{place_zh}。取货码见订单页面。",
    ),
    "collect_reminder": (
        "Still waits for you: {title}, at {place}. Your code is on the order's page.",
        "还在等您：{title}，{place_zh}。取货码见订单页面。",
    ),
    "collected": (
        "Collected: {title}. Please confirm that all is well.",
        "已自取：{title}。请确认收货。",
    ),
    "parcel_collected": ("Collected with the right code: {title}", "买家已凭码取货：{title}"),
    "not_collected": (
        "Not collected in time: {title} goes back to the shop, then your money comes back.",
        "逾期未取：{title} 退回店铺，之后款项退还给您。",
    ),
    "nobody_collected": (
        "Nobody collected {title}: please unpack it and put it back.",
        "{title} 逾期无人取货：请拆包放回。",
    ),
    "location_conflict": (
        "A correction did not count, the location changed meanwhile: {title}",
        "更正未生效，期间货位有变动：{title}",
    ),
    "counter_promised": (
        "{title} was sold at the counter while an online order waited for it: that order is refunded.",
        "{title} 已在店内售出，等待它的线上订单已退款。",
    ),
    "counter_short": (
        "More of {title} was sold at the counter than the books had: please count.",
        "店内售出的 {title} 超过账面数量，请盘点。",
    ),
    "counter_unknown": (
        "Sold at the counter, but no longer on the books: {title}",
        "店内售出但账上已没有：{title}",
    ),
    "counter_gone_before": (
        "{title} was sold at the counter, but had left the books before: please count.",
        "{title} 在店内售出，但此前已出账，请盘点。",
    ),
    "counter_other_currency": (
        "Receipt {receipt_no} was sold in {currency}, not your shop's currency: no rebate counts. Check the till.",
        "小票 {receipt_no} 以 {currency} 结算，与店铺币种不符：已入账，但不计返利。请检查收银台设置。",
    ),
    "counter_promotion_unknown": (
        "Receipt {receipt_no} of the counter took off a promotion that is not this shop's: please look at that till.",
        "柜台小票 {receipt_no} 使用了不属于本店的优惠，请检查收银台。",
    ),
    "money_released": ("The held money for {title} was released to the merchant.", "{title} 的代管货款已转给商家。"),
    "money_received": ("Money released to you: {title}", "货款已入账：{title}"),
    "cancelling": ("Cancelled by request; the shop must answer: {title}", "已申请取消，等待店铺答复：{title}"),
    "order_cancelled": ("Cancelled: {title}. What you paid goes back to you.", "已取消：{title}。已付款项将退回。"),
    "order_called_off": ("Cancelled: {title}", "订单已取消：{title}"),
    "cancel_refused": ("Too late to cancel: {title} is with the post already.", "无法取消：{title} 已交寄。"),
    "order_refunded": ("Your money for {title} goes back to you.", "{title} 的款项将退还给您。"),
    "refund_done": ("Refunded: {amount} for {title}", "已退款：{title}，{amount}"),
    "refund_stuck": (
        "A refund does not go through: order {order_id}, {reason}",
        "退款未成功：订单 {order_id}，{reason}",
    ),
    "piece_gone": (
        "{title} is not there any more; your money goes back to you.",
        "{title} 已不在店内，款项将退还给您。",
    ),
    "dispute_opened": ("A dispute was opened about {title}: {reason}", "{title} 发生争议：{reason}"),
    "dispute_withdrawn": ("The dispute about {title} was withdrawn.", "{title} 的争议已撤回。"),
    "dispute_ruled": ("The dispute about {title} was decided.", "{title} 的争议已裁定。"),
    "charged_back": ("The shopper's bank took the money for {title} back.", "{title} 的货款被买家银行追回。"),
    "reservation_expired": (
        "The time to pay for {title} is over; it is free again.",
        "{title} 的付款时间已过，已重新上架。",
    ),
    "parcel_held": ("{title} waits for a decision at the bench: {reason}", "{title} 在工作台等待处理：{reason}"),
    "payout_done": ("Paid out: {amount}", "已提现：{amount}"),
    "payout_failed": (
        "A payout of {amount} failed: {reason}. The money is back in your account.",
        "提现 {amount} 失败：{reason}。款项已退回账户。",
    ),
    "rebate_paid": ("Rebates came to your rebate account.", "有返利记入您的返利账户。"),
    "withdrawal_done": ("Your rebates are paid: {amount}", "返利已到账：{amount}"),
    "withdrawal_failed": (
        "A withdrawal of {amount} failed: {reason}. The money is back in your rebate account.",
        "提取 {amount} 失败：{reason}。款项已退回返利账户。",
    ),
    "payout_asked": (
        "A payout of {amount} for {title} waits for a second person.",
        "{title} 的 {amount} 提现等待第二人批准。",
    ),
    "payout_refused": ("The payout of {amount} was refused: {reason}", "{amount} 的提现未获批准：{reason}"),
    "merchant_applied": ("{title} applies to be verified.", "{title} 提交了实名认证申请。"),
    "merchant_verified": ("{title} is verified.", "{title} 已通过实名认证。"),
    "merchant_refused": ("{title} was not verified: {reason}", "{title} 未通过实名认证：{reason}"),
    "merchant_suspended": ("{title} is suspended: {reason}", "{title} 已被暂停：{reason}"),
    "verdict_ends": (
        "The check of {title} ends on {when}. Please send your documents again before that.",
        "{title} 的实名认证将于 {when} 到期，请在此之前重新提交材料。",
    ),
    "schedule_stuck": ("{title} did not go on show as planned: {reason}", "{title} 未能按计划上架：{reason_zh}"),
    "invited": ("You are invited to work for {title}", "{title} 邀请您加入"),
    "shop_live": (
        "{title} is live: its bench passed the bench check. Shoppers can look and order.",
        "{title} 已开通：工作台自检通过，买家可以看货和下单。",
    ),
    "shop_not_live": (
        "{title} is not live: its bench check failed. {reason}",
        "{title} 已暂停：工作台自检未通过。{reason_zh}",
    ),
    "payment_odd": (
        "The provider's answer does not fit: payment {payment_id}, {reason}",
        "支付方答复不符：付款 {payment_id}，{reason}",
    ),
    "bank_waits": (
        "{count} entries of a bank statement fit nothing by themselves.",
        "对账单中有 {count} 笔款项需要人工处理。",
    ),
    "payout_account_changed": (
        "The account for payouts was changed; it now ends in {end}. If that was not you, tell the operator at once.",
        "提现账户已修改，新账户尾号 {end}。如非本人操作，请立即联系平台。",
    ),
    "quote_asked": ("Somebody looks for: {title}. You can quote a price.", "有买家求购：{title}，您可以报价。"),
    "quote_received": ("A shop quoted a price for: {title}", "收到新报价：{title}"),
    "quote_accepted": ("Your quote was accepted: {title}", "买家已接受您的报价：{title}"),
    "quote_lost": ("Another quote was chosen for: {title}", "买家选择了其他报价：{title}"),
    "quote_request_ended": ("The shopper withdrew the request: {title}", "买家已撤回求购：{title}"),
    "quote_request_expired": ("The time of your request is over: {title}", "您的求购已到期：{title}"),
    "return_asked": ("The shopper wants to send {title} back: {reason}", "买家申请退货 {title}：{reason}"),
    "return_accepted": (
        "You may send {title} back: the label is on the order's page.",
        "退货已同意：{title}，退货标签见订单页面。",
    ),
    "return_overdue": (
        "The accepted return of {title} has not come back in time: an operator decides.",
        "已同意的退货逾期未到：{title}，由运营人员裁定。",
    ),
    "return_declined": ("The shop declined the return of {title}: {reason}", "店铺拒绝退货 {title}：{reason}"),
    "carrier_booked_late": (
        "{carrier} booked a parcel after you had given that booking up: cancel {number} there.",
        "{carrier} 在您放弃寄件单后仍已受理，请联系其取消单号 {number}。",
    ),
    "order_message": ("A message about your order: {title}", "订单有新消息：{title}"),
    "owner_asked": (
        "Somebody asks you about {title}, because you bought it. Answer or decline: they do not learn who you are.",
        "有人想问问您买过的 {title}。可回答或拒绝，对方不会知道您是谁。",
    ),
    "owner_answered": ("Your question about {title} has an answer.", "您关于 {title} 的提问有了回复。"),
    "owner_wrote": ("New in your talk about {title}", "关于 {title} 的对话有新消息"),
    "talk_reported": ("A message between shoppers was reported: {reason}", "有买家之间的消息被举报：{reason}"),
    "message_reported": ("A message in an order was reported: {reason}", "有订单消息被举报：{reason}"),
    "suggestion": (
        "{count} people who look for the same could order together: {title}. See what you would pay.",
        "有 {count} 人想买同样的东西，可以一起下单：{title}。看看您能省多少。",
    ),
    "asked_on_site": (
        "{nickname} is in the same shop and would pay with you: {title}. Meet at the till, or leave the group.",
        "{nickname} 与您在同一家店，想一起结账：{title}。请到收银台会合，或退出拼单。",
    ),
    "group_joined": ("{nickname} came into your group order: {title}", "{nickname} 加入了您的拼单：{title}"),
    "group_complete": (
        "Your group order is complete: {title}. Look what each of you saves.",
        "拼单成功：{title}。请查看各自节省的金额。",
    ),
    "group_failed": (
        "Your group order did not become complete in time: {title}. Whoever paid gets all of it back by itself.",
        "拼单未能按时成团：{title}。已付款项将自动全额退回。",
    ),
    "group_nearly_over": (
        "Your group order ends in {minutes} minutes and is not complete yet: {title}",
        "拼单还有 {minutes} 分钟截止，尚未成团：{title}",
    ),
    "pledge_held": (
        "Paid and held: {title}. The shop begins once your group is complete; if it is not, all of it comes back.",
        "已付款并由平台代管：{title}。成团后店铺开始打包；未成团则全额退回。",
    ),
    "pledge_over": (
        "Your group order closed before you had paid for {title}: nothing is owed, and what you paid comes back.",
        "拼单在您付款前已结束：{title}。无需付款，已付款项将退回。",
    ),
    "pledge_too_late": (
        "Your payment for {title} came when your group order was closed already: all of it comes back by itself.",
        "{title} 的付款到账时拼单已结束：款项将自动全额退回。",
    ),
    "your_turn": ("It is your turn at the camera: {title}", "轮到您操控镜头了：{title}"),
    "booking_made": ("Viewing time booked: {title}, {when}", "已预约看货：{title}，{when}"),
    "booking_soon": ("Your viewing time begins soon: {title}, {when}", "您预约的看货即将开始：{title}，{when}"),
    "booking_cancelled": ("Viewing time cancelled: {title}, {when}", "看货预约已取消：{title}，{when}"),
}  # fmt: skip


class _Blank(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return ""


def sentences(kind: str, values: dict[str, str]) -> tuple[str, str]:
    """Return (English, Chinese); `title` may be given as `title_en` and `title_zh`."""
    english, chinese = TEXTS[kind]
    title_en = values.get("title_en") or values.get("title_zh", "")
    title_zh = values.get("title_zh") or values.get("title_en", "")
    in_english = english.format_map(_Blank({**values, "title": title_en}))
    in_chinese = chinese.format_map(_Blank({**values, "title": title_zh}))
    return in_english, in_chinese
