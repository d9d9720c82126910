"""Pages over ASGI: who gets which, in which language, with which headers; what is wrong is said on a page."""

import re

import httpx
import pytest

from cloud_relay.pages.desk import attention_of, desk_of
from cloud_relay.pages.local_path import local_path, sign_in_path
from cloud_relay.pages.merchant_money import postings_csv
from cloud_relay.pages.orders import told_once
from tests.cloud_relay.site import URL
from tests.cloud_relay.trade_world import START

HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.mark.parametrize(
    "wish",
    [
        "",
        "x",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/a\nb",
        "/a b",
        "/" + "x" * 1000,
    ],
)
def test_next_never_leads_away(wish):
    assert local_path(wish) == "/"


@pytest.mark.parametrize("wish", ["/", "/orders", "/look/pc_1?lang=zh", "/search?q=%E8%8C%B6", "/a//b"])
def test_next_leads_to_our_own_pages(wish):
    assert local_path(wish) == wish


def test_sign_in_comes_back():
    assert sign_in_path("/orders", "lang=zh") == "/sign-in?next=%2Forders%3Flang%3Dzh"
    assert sign_in_path("//evil") == "/sign-in"


async def test_everybody_sees_the_public_pages(site):
    _, shop_id, headers = await site.merchant("tea")
    listing_id, pieces = await site.listing(shop_id, headers)
    for path in (
        "/",
        "/search",
        "/search?q=茶壶",
        f"/l/{listing_id}",
        f"/s/{shop_id}",
        f"/look/{pieces[0]}",
        "/sign-in",
        "/sign-up",
    ):
        page = await site.call("GET", path, headers=HTML)
        assert page.headers["content-type"].startswith("text/html")
        assert "紫砂茶壶" in page.text or "Teapot" in page.text or "/sign-" in path
        assert "script-src" not in page.headers["content-security-policy"]
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|\son\w+=|style=", page.text), "something inline"


@pytest.mark.parametrize(
    "path",
    [
        "/orders",
        "/orders/ord_1",
        "/account",
        "/checkout/par_1",
        "/merchant",
        "/merchant/listings",
        "/merchant/money",
        "/merchant/money.csv",
        "/merchant/shops/x",
        "/operator",
    ],
)
async def test_private_pages_send_visitors_to_sign_in(site, path):
    page = await site.call("GET", path, headers=HTML, status=303)
    assert page.headers["location"] == sign_in_path(path)


@pytest.mark.parametrize("path", ["/l/none", "/s/none", "/look/none", "/nowhere", "/c/par_1.token", "/p/none"])
async def test_what_is_not_there_is_a_page_for_people_and_a_document_for_programs(site, path):
    page = await site.call("GET", path, headers={**HTML, "Accept-Language": "zh"}, status=404)
    assert "没有找到" in page.text
    assert "text/html" in page.headers["content-type"]
    document = await site.call("GET", path, headers={"Accept": "application/json"}, status=404)
    assert document["status"] == 404


async def test_api_errors_are_documents_even_for_a_browser(site):
    answer = await site.call("GET", "/api/orders", headers=HTML, status=401)
    assert answer["type"].endswith("sign_in_first")


async def test_the_language_is_the_wish_then_the_cookie_then_the_browsers(site):
    page = await site.call("GET", "/", headers={**HTML, "Accept-Language": "zh-CN,en;q=0.5"})
    assert '<html lang="zh-Hans">' in page.text
    page = await site.call("GET", "/?lang=en", headers={**HTML, "Accept-Language": "zh-CN"})
    assert '<html lang="en">' in page.text
    assert "vitrine_lang=en" in page.headers["set-cookie"]
    page = await site.call("GET", "/?lang=en", headers={**HTML, "Vitrine-Refresh": "yes"})
    assert '<html lang="en">' in page.text
    assert "set-cookie" not in page.headers, "a late refresh of a page that was left changes nobody's language"


async def test_a_merchants_pages_are_its_own(site):
    merchant_id, shop_id, headers = await site.merchant("tea")
    _, other_shop, other = await site.merchant("coffee")
    listing_id, _ = await site.listing(shop_id, headers)
    own, foreign = {**headers, **HTML}, {**other, **HTML}
    for path in ("/merchant", "/merchant/orders", "/merchant/money", "/merchant/listings/new", "/merchant/shops/new"):
        await site.call("GET", path, headers=own)
    for path in (f"/merchant/listings/{listing_id}", f"/merchant/shops/{shop_id}"):
        await site.call("GET", path, headers=own)
        await site.call("GET", path, headers=foreign, status=404)
    page = await site.call("GET", f"/merchant/money?merchant={merchant_id}", headers=foreign)
    assert "coffee" in page.text
    assert "tea" not in re.sub(r"teapot", "", page.text.lower().partition("<main")[2])
    assert other_shop != shop_id


async def test_somebody_without_a_merchant_is_led_to_applying(site):
    page = await site.call("GET", "/merchant", headers={**site.account("ann"), **HTML}, status=303)
    assert page.headers["location"] == "/account#sell"


async def test_only_the_operator_sees_the_operators_page(site):
    await site.merchant("tea")
    await site.call("GET", "/operator", headers={**site.account("ann"), **HTML}, status=404)
    page = await site.call("GET", "/operator", headers={**site.account("boss", is_operator=True), **HTML})
    assert "tea" in page.text


async def test_an_order_is_shown_to_its_parties_only(site):
    _, shop_id, seller = await site.merchant("tea")
    listing_id, _ = await site.listing(shop_id, seller, pieces=2)
    listing = await site.call("GET", f"/api/listings/{listing_id}")
    ann, bob = site.account("ann"), site.account("bob")
    body = {"piece_id": listing["pieces"][0]["piece_id"]}
    reserved = await site.call("POST", "/api/reservations", body, ann, 201)
    page = await site.call("GET", f"/checkout/{reserved['parcel_id']}", headers={**ann, **HTML})
    assert "data-until=" in page.text
    await site.call("GET", f"/checkout/{reserved['parcel_id']}", headers={**bob, **HTML}, status=404)
    await site.call("GET", f"/orders/{reserved['parcel_id']}", headers={**ann, **HTML}, status=404)


async def test_signed_in_people_are_not_asked_to_sign_in_again(site):
    page = await site.call("GET", "/sign-in?next=/orders", headers={**site.account("ann"), **HTML}, status=303)
    assert page.headers["location"] == "/orders"
    page = await site.call("GET", "/sign-up?next=//evil.example", headers={**site.account("bob"), **HTML}, status=303)
    assert page.headers["location"] == "/"


def merchant(merchant_id, state="verified"):
    return {"merchant_id": merchant_id, "name_en": merchant_id, "name_zh": "", "state": state, "reason": None}


def test_the_desk_is_the_wished_one_else_the_first_that_may_trade():
    mine = [merchant("one", "pending"), merchant("two"), merchant("three")]
    assert desk_of([], "") is None
    assert desk_of(mine, "").merchant_id == "two"
    assert desk_of(mine, "one").merchant_id == "one"
    assert desk_of(mine, "somebody_elses").merchant_id == "two"
    assert [name for name, _ in desk_of(mine, "").others] == ["one", "three"]
    assert not desk_of(mine, "one").is_verified


def test_orders_that_need_somebody_stand_in_one_pile_each_the_most_urgent_first():
    orders = [
        {"state": state, "held_reason": ""} for state in ("released", "paid", "disputed", "confirmed", "delivered")
    ]
    orders.append({"state": "paid", "held_reason": "label_in_doubt"})
    piles = attention_of(orders)
    assert [len(pile.orders) for pile in piles] == [1, 1, 1, 1]
    assert piles[0].orders[0]["held_reason"] == "label_in_doubt"
    assert attention_of([]) == []


def test_postings_as_a_table():
    row = {"created_at": START, "kind": "release", "order_id": "ord_1", "debit": "escrow:ord_1",
           "credit": "payable:mer_1",
           "amount_minor": 123310, "currency": "CNY", "reference": "release:ord_1"}  # fmt: skip
    yen = {**row, "currency": "JPY", "amount_minor": 500}
    head, first, second, rest = postings_csv([row, yen]).split("\r\n")
    assert head.startswith("\ufefftime,kind,order")
    assert first.endswith("escrow:ord_1,payable:mer_1,1233.10,CNY,release:ord_1")
    assert ",500,JPY," in second
    assert rest == ""


def test_a_story_tells_each_thing_once():
    timeline = [
        {"kind": "photographed", "picture_sha256": "a"}, {"kind": "photo_confirmed", "picture_sha256": "a"},
        {"kind": "delivered", "picture_sha256": ""}, {"kind": "tracking", "step": "delivered", "picture_sha256": ""},
    ]  # fmt: skip
    told = told_once(timeline)
    assert [one["kind"] for one in told] == ["photographed", "photo_confirmed", "tracking"]
    assert [one["picture_sha256"] for one in told] == ["a", "", ""]
    assert [one["kind"] for one in told_once(timeline[:3])] == ["photographed", "photo_confirmed", "delivered"]


async def test_a_bug_is_said_on_a_page_too(site, monkeypatch):
    def broken(*_):
        raise RuntimeError("the search has a bug")

    monkeypatch.setattr("cloud_relay.catalog.reading.search", broken)
    transport = httpx.ASGITransport(site.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=URL) as http:
        page = await http.get("/", headers={**HTML, "Accept-Language": "zh"})
        document = await http.get("/api/search", headers=HTML)
    assert page.status_code == document.status_code == 500
    assert "我们这边出了问题" in page.text
    assert document.json()["type"].endswith("bug")
