"""Pages of the books, the bank account, shipping and a return: what they say when something is missing, odd or over."""

import re
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import select, update

from cloud_relay.orders.rules import OrderEvent as E
from cloud_relay.settings import BankSettings, PaymentSettings
from cloud_relay.tables import order_return, shop
from tests.cloud_relay.site import open_site
from tests.cloud_relay.trade_world import World

HTML = {"Accept": "text/html"}
IBAN = "DE89370400440532013000"


async def page_of(site, path, who, status=200):
    return (await site.call("GET", path, headers={**who, **HTML}, status=status)).text


@asynccontextmanager
async def away_bank(folder, free_port, **parts):
    """A relay whose sandbox bank does not answer."""
    payment = PaymentSettings(url=f"http://127.0.0.1:{free_port()}", **parts.pop("payment", {}))
    async with open_site(folder, payment=payment, **parts) as site:
        yield site


async def test_a_bank_that_is_away_is_said_so_and_no_day_is_called_right(tmp_path, free_port):
    async with away_bank(tmp_path, free_port) as site:
        boss = site.account("boss", is_operator=True)
        for language, said in (("en", "could not be asked"), ("zh", "无法查询该支付渠道")):
            page = await page_of(site, f"/operator/books?lang={language}", boss)
            assert said in page and "Agrees" not in page and "相符" not in page
        await page_of(site, "/operator/books", site.account("ann"), 404)


DAYS = {"2029-12-31": "2029-12-31", "2999-01-01": "2030-01-01", "0001-01-01": "2000-01-01"}


async def test_any_day_can_be_asked_for(tmp_path, free_port):
    async with away_bank(tmp_path, free_port) as site:
        boss = site.account("boss", is_operator=True)
        for day, shown in DAYS.items():
            page = await page_of(site, f"/operator/books?day={day}", boss)
            assert f'<b class="number">{shown}</b>' in page
            assert "2030-01-02 →" not in page, "tomorrow has no books"


async def test_a_merchants_day_can_be_any_day(site):
    _, _, owner = await site.merchant("mo", time_zone="Asia/Shanghai")
    for day in ("0001-01-01", "1999-12-31", "2999-01-01", "9999-12-31"):
        for path in ("/merchant/money/day", "/merchant/money/day.csv"):
            answer = await site.call("GET", f"{path}?day={day}", headers={**owner, **HTML}, status=None)
            assert answer.status_code == 200, (path, day)


async def test_without_an_account_the_banks_page_says_what_to_set_up(tmp_path, free_port):
    bank = BankSettings(holder="Market GmbH", iban=IBAN)
    for number, is_set_up in enumerate((False, True)):
        parts = {"payment": {"also": ("bank_transfer",)}, "bank": bank} if is_set_up else {}
        folder = tmp_path / str(number)
        folder.mkdir()
        async with away_bank(folder, free_port, **parts) as site:
            page = await page_of(site, "/operator/bank?lang=en", site.account("boss", is_operator=True))
            assert ("not set up" in page) is not is_set_up
            assert ("Market GmbH" in page and "Everything that came was matched" in page) is is_set_up
            await page_of(site, "/operator/bank", site.account("ann"), 404)


@pytest.mark.parametrize("currency", ["CNY", "JPY"])
async def test_a_shops_price_list_is_shown_as_it_was_written(site, currency):
    _, shop_id, owner = await site.merchant("mo", currency=currency)
    path = f"/merchant/shops/{shop_id}/shipping"
    assert "No zone" in await page_of(site, f"{path}?lang=en", owner)
    zone = {
        "name_en": "<Near>", "name_zh": "附近", "places": ["CN-ZJ", "DE 10"], "free_from_minor": 50_005,
        "steps": [{"up_to_g": 500, "price_minor": 805}, {"up_to_g": None, "price_minor": 30_00}],
    }  # fmt: skip
    body = {
        "version": 0, "is_used": True, "zones": [zone], "is_tax_on_top": True,
        "rates": [
            {"place": "DE", "rate_ppm": 190_000, "category": ""}, {"place": "CN", "rate_ppm": 1, "category": "茶"},
        ],
    }  # fmt: skip
    await site.call("PUT", f"/api/shops/{shop_id}/shipping", body, owner)
    page = await page_of(site, path, owner)
    steps, free = ("500: 8.05\n*: 30.00", "500.05") if currency == "CNY" else ("500: 805\n*: 3000", "50005")
    assert steps in page and f'value="{free}"' in page
    assert "DE; 19\nCN; 0.0001; 茶" in page
    assert "&lt;Near&gt;" in page and "<Near>" not in page
    _, _, ned = await site.merchant("ned")
    await page_of(site, path, ned, 404)
    await page_of(site, "/merchant/shops/absent/shipping", owner, 404)


async def returned(site):
    """An order of Ann's that she wants to return: (order id, Ann, the merchant)."""
    _, shop_id, owner = await site.merchant("mo", sender_lines=["Lane <7>", "杭州"])
    listing_id, _ = await site.listing(shop_id, owner)
    ann = site.account("ann")
    ann_id = (await site.call("GET", "/api/me", headers=ann))["account_id"]
    world = World(site.db, now=site.clock.now())
    order_id = world.paid_order(ann_id, listing_id)
    world.walk(order_id, E.PHOTOGRAPHED, E.PHOTO_CONFIRMED, E.HANDED_OVER, E.DELIVERED)
    await site.call("POST", f"/api/orders/{order_id}/return", {"reason": "cracked"}, ann, 201)
    return order_id, ann, owner


async def test_a_return_label_is_there_once_it_is_accepted_and_for_the_shopper_alone(site):
    order_id, ann, owner = await returned(site)
    path = f"/orders/{order_id}/return-label"
    await page_of(site, path, ann, 404)
    await site.call("POST", f"/api/orders/{order_id}/return/answer", {"answer": "accept"}, owner)
    page = await page_of(site, f"{path}?lang=en", ann)
    return_id = site.db.read_now(lambda c: c.scalar(select(order_return.c.return_id)))
    assert "Lane &lt;7&gt;" in page and "杭州" in page and return_id in page
    assert re.search(r'<img src="data:image/[^"]+"', page), "the code that the shop scans"
    for who in (owner, site.account("bob"), site.account("boss", is_operator=True)):
        await page_of(site, path, who, 404)
    site.db.run_now(lambda c: c.execute(update(shop).values(sender_lines=[])))
    assert "店铺尚未填写地址" in await page_of(site, f"{path}?lang=zh", ann)
