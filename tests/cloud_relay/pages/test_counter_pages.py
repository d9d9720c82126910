"""Pages of counter sales: usual price, saving and "bought together" for merchant, shopper and who holds a receipt."""

from datetime import timedelta

import pytest

from cloud_relay.counter import service
from cloud_relay.counter.routes import code_keys
from wire.counter import CounterLine, CounterSold, PaidBy
from wire.plan import Text
from wire.values import format_time

HTML = {"Accept": "text/html"}


def take(site, shop_id, no, line, **values):
    facts = {
        "sale_id": f"sale_{no}", "at": site.clock.now(), "receipt_no": no, "lines": (line,), "total_minor": 9_650,
        "currency": "CNY", "paid_by": PaidBy.CARD, "joint_id": "joint_1", "joint_count": 2,
    }  # fmt: skip
    sale = CounterSold(**{**facts, **values})
    trade, keys = site.relay.trading.trade, code_keys(site.relay)
    site.db.run_now(service.take_sale, shop_id, sale, site.clock.now(), trade, keys)


@pytest.mark.parametrize(
    ("language", "together", "saved"), [("en", "bought together by 2", "saved"), ("zh", "2 人一起购买", "已优惠")]
)
async def test_a_share_is_shown_with_what_it_saved(site, language, together, saved):
    _merchant_id, shop_id, owner = await site.merchant("wang")
    listing_id, pieces = await site.listing(shop_id, owner, pieces=2)
    body = {
        "shop_id": shop_id, "kind": "spend_over", "title_en": "Together", "title_zh": "一起买",
        "threshold_minor": 15_000, "saving_minor": 500,
        "until_at": format_time(site.clock.now() + timedelta(days=1)),
    }  # fmt: skip
    made = await site.call("POST", "/api/promotions", body, owner, 201)
    ann = site.account("ann")
    code = (await site.call("GET", "/api/me/counter-code", headers=ann))["code"]
    line = CounterLine(
        listing_id=listing_id, title=Text(en="Teapot", zh="紫砂茶壶"), price_minor=9_650, usual_minor=9_900,
        piece_id=pieces[0],
    )  # fmt: skip
    take(site, shop_id, 1, line, shopper_code=code, promotion_id=made["promotion_id"])
    take(site, shop_id, 2, line, promotion_id="pro_nobody")
    for path, who in (("/account/counter", ann), ("/merchant/counter", owner), ("/r/sale_2", ann)):
        page = (await site.call("GET", f"{path}?lang={language}", headers={**who, **HTML})).text
        assert together in page and saved in page and "99.00" in page and "2.50" in page, path
    page = (await site.call("GET", "/merchant/counter?lang=en", headers={**owner, **HTML})).text
    assert page.count("a promotion that is not this shop&#39;s") == 1
