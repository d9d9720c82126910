"""The sentence for the person at the till, in both languages, for everything that the till refuses or notes."""

from wire.plan import Text

REFUSALS: dict[str, Text] = {
    "": Text(),
    "no_plan": Text(
        en="This box knows no goods yet: connect it to the relay once", zh="主机还没有货品数据：请先联网一次"
    ),
    "strange": Text(en="This code is not one of this shop's goods", zh="这个码不是本店的货品"),
    "not_for_sale": Text(en="This piece belongs to no listing that is for sale", zh="这件没有对应的在售货品"),
    "sold_already": Text(en="This piece was sold already", zh="这件已经售出"),
    "promised": Text(
        en="This piece is promised to a shopper online: do not sell it here", zh="这件已被线上买家预订，请勿在店内出售"
    ),
    "in_this_sale": Text(en="This piece is in the sale already", zh="这件已在本单中"),
    "other_currency": Text(en="This has a price in another currency: sell it by itself", zh="币种不同，请单独结账"),
    "being_paid": Text(en="This sale is being paid: wait for its end", zh="正在收款，请等待结束"),
    "bad_quantity": Text(en="A quantity from 0 to 999", zh="数量应为 0 到 999"),
    "one_piece": Text(en="A very piece is sold once: scan the next one", zh="单件只能售一件，请扫下一件"),
    "too_much": Text(en="Too much for one sale: make two", zh="本单过大，请分成两单"),
    "empty": Text(en="Scan something first", zh="请先扫码"),
    "no_such_way": Text(en="There is no such way to pay here", zh="没有这种付款方式"),
    "no_such_sale": Text(en="There is no such sale", zh="没有这一单"),
    "bad_answer": Text(en="This is no answer", zh="无效的回答"),
    "not_now": Text(en="Not possible now", zh="现在不能这样做"),
    "too_little": Text(en="That is less than the total", zh="实收金额不足"),
    "terminal_in_doubt": Text(
        en="First settle the payment in doubt: until then this terminal takes no other",
        zh="请先处理结果不明的付款，此前该终端不再收款",
    ),
    "price_changed": Text(
        en="The price has changed meanwhile: look at the total, then again", zh="价格已变动：请核对合计后再试"
    ),
    "pay_each_first": Text(
        en="Several shoppers are at this sale: press “Pay each”", zh="本单有多位顾客：请按“各付各的”"
    ),
    "one_at_a_time": Text(en="Another share is being paid: wait for its end", zh="另一份正在收款，请等待结束"),
    "shopper_without_goods": Text(
        en="One of the shoppers has no goods: scan theirs, or take that shopper out",
        zh="有一位顾客没有货品：请扫其货品，或移出该顾客",
    ),
    "too_many_shoppers": Text(en="Twelve shoppers at most: make two sales", zh="最多十二位顾客，请分成两单"),
    "no_such_shopper": Text(en="There is no such shopper at this sale", zh="本单没有这位顾客"),
    "last_shopper": Text(en="This is the only shopper: give the sale up instead", zh="只有这一位顾客：请放弃本单"),
    "share_paid": Text(
        en="A share is paid or being paid: finish it, or undo all of it",
        zh="已有一份付款或正在付款：请付完，或全部撤销",
    ),
    "undo_instead": Text(
        en="This is one share of a joint sale: undo all of it instead", zh="这是拼单中的一份：请改为全部撤销"
    ),
    "not_paid": Text(en="Only what was sold can be given back", zh="只有已售出的才能退款"),
    "refund_runs": Text(en="This sale is being given back already", zh="这一单正在退款"),
    "refunded_already": Text(en="This sale was given back already", zh="这一单已经退款"),
    "no_number": Text(
        en="The terminal's number of this payment is not known: give it back by hand",
        zh="没有这笔付款的终端编号：请人工退款",
    ),
    "number_again": Text(
        en="The terminal has used this payment's number again: give it back by hand",
        zh="终端已重复使用这笔付款的编号：请人工退款",
    ),
    "other_terminal": Text(
        en="This payment was made on another terminal: give it back by hand", zh="这笔付款来自另一台终端：请人工退款"
    ),
    "may_not_refund": Text(en="An owner or manager gives money back", zh="退款须由店主或经理操作"),
    "restarted": Text(
        en="The box restarted during this payment: the terminal is being asked", zh="收款时主机重启，正在向终端查询"
    ),
    "other_amount": Text(en="The terminal booked another amount: look at its slip", zh="终端入账金额不同：请查看小票"),
    "not_taken": Text(en="The terminal took nothing", zh="终端没有收款"),
    "no_printer": Text(en="No receipt printer is set up", zh="没有设置小票打印机"),
    "too_long": Text(en="Too long for this paper: show it on the screen", zh="超出纸张长度：请在屏幕上出示"),
    "no_title": Text(en="A title in English or Chinese is needed", zh="请填写中文或英文名称"),
    "bad_number": Text(en="Price and stock must be above 0", zh="价格和数量必须大于 0"),
    "printing": Text(en="Printing …", zh="正在打印…"),
    "printed": Text(en="Printed", zh="已打印"),
}
