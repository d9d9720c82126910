"""One way in: what is sent is tidied the same wherever it comes from, and the three faces answer alike."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_relay.intake import rules

FACES = {
    "television": "Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) AppleWebKit/537.36 Chrome/94.0 TV Safari/537.36",
    "pc": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36",
    "phone": "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36",
}
SAME = ("state", "price_minor", "shipping_minor", "total_minor", "currency", "payment_method", "address")
SENT = [
    "茶壶",
    " 茶壶　",
    "ｔｅａｐｏｔ",
    "tea\u200bpot",
    "TEAPOT\n",
    "teapots",
    "",
    "helicopter",
    "\u202eteapot",
    "茶 " * 300,
]


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("  茶壶　", "茶壶"),
        ("ｔｅａ　ｐｏｔ", "tea pot"),
        ("tea\u200bpot\u202e", "teapot"),
        ("tea\r\npot\t!", "tea pot !"),
        ("\ufeff", ""),
    ],
)
def test_what_was_meant_is_left(sent, meant):
    assert rules.tidy(sent) == meant


@given(st.text(max_size=400))
def test_tidying_is_done_once_and_shows_nothing_hidden(sent):
    once = rules.tidy(sent)
    assert rules.tidy(once) == once
    assert len(once) <= rules.QUERY_LENGTH_MAX
    assert not re.search("[\u0000-\u001f\u200b-\u200f\u202a-\u202e\ufeff]", once)


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ("https://vitrine.example/01/09521234543213/21/K7Q4", "/01/09521234543213/21/K7Q4"),
        ("HTTP://VITRINE.example/p/par_1?x=1", "/p/par_1"),
        ("/00/395212340000000013", "/00/395212340000000013"),
        ("https://vitrine.example/t/7k2qx9mhd4", "/t/7k2qx9mhd4"),
        ("https://evil.example/p/par_1", ""),
        ("javascript://vitrine.example/p/par_1", ""),
        ("/operator", ""),
        ("//evil.example/p/x", ""),
        ("p/par_1", ""),
        ("teapot", ""),
    ],
)
def test_a_code_of_ours_is_a_place_and_nothing_else_is(sent, path):
    assert rules.take_in(sent, our_host="vitrine.example").path == path


def test_without_a_host_of_ours_no_foreign_address_is_a_place():
    assert rules.take_in("https:///p/par_1").path == ""


def test_words_to_choose_are_what_the_things_are_called():
    titles = ["Purple clay teapot “Stone Ladle”", "Tenmoku tea bowl, hare’s fur", "Blue-and-white teapot", ""]
    assert rules.suggestions(titles, "en") == ["teapot", "bowl"]
    titles = ["紫砂茶壶 石瓢", "朱泥茶壶 西施", "建盏 兔毫", "紫釉马克杯", "8 x"]
    assert rules.suggestions(titles, "zh") == ["茶壶", "建盏", "紫釉马克杯"]


async def test_the_same_request_gives_the_same_bytes_on_every_face(site):
    """Search by television, PC and phone, by the page and by the API: the hits are byte for byte the same."""
    _, shop_id, headers = await site.merchant("tea")
    for title in ("Teapot", "Round teapot", "Bowl"):
        await site.listing(shop_id, headers, title_en=title)
    for sent in SENT:
        answers, pages = set(), set()
        for agent in FACES.values():
            head = {"User-Agent": agent}
            answers.add((await site.http.get("/api/search", params={"q": sent}, headers=head)).content)
            page = await site.http.get(
                "/search", params={"q": sent, "lang": "en"}, headers={**head, "Accept": "text/html"}
            )
            pages.add(re.search(r'<div data-live="hits">.*?</main>', page.text, re.DOTALL)[0])
        assert len(answers) == len(pages) == 1, sent
    plain = await site.call("GET", "/api/search", params={"q": "teapot"})
    messy = await site.call("GET", "/api/search", params={"q": " ｔｅａｐｏｔ\u200b"})
    assert plain == messy
    assert plain["total"] == 2


async def test_an_order_placed_from_each_face_is_the_same_order(site):
    """The order of a page, of a program and of a phone beside a television differ in their ids and nowhere else."""
    _, shop_id, owner = await site.merchant("tea")
    _, pieces = await site.listing(shop_id, owner, pieces=3)
    ann = site.account("ann")
    told = []
    for face, piece in zip(FACES, pieces, strict=True):
        reserved = (await site.call("POST", "/api/reservations", {"piece_id": piece}, ann, 201))["parcel_id"]
        body = {
            "parcel_id": reserved, "payment_method": "sandbox:ok", "agrees_photo_window": True,
            "address": {"name": "Ａnn", "lines": ["Lane 1"], "city": "X", "country": "CN"},
        }  # fmt: skip
        path, head = "/api/orders", ann
        if face == "television":
            made = await site.call("POST", "/api/handoffs", {"purpose": "order", "subject": reserved}, ann, 201)
            path, head = f"/api/handoffs/{made['link'].rpartition('/')[2]}/order", {"Cookie": "vitrine_phone=one"}
        placed = await site.call("POST", path, body, head, 201)
        order = await site.call("GET", f"/api/orders/{placed['order_id']}", headers=ann)
        names = (
            "state",
            "price_minor",
            "shipping_minor",
            "total_minor",
            "currency",
            "payment_method",
            "address",
            "lines",
        )
        told.append({**{name: order[name] for name in names}, "lines": [one["title"] for one in order["lines"]]})
    assert told[0] == told[1] == told[2]
