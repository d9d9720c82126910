"""Contact data in what people say to each other: found however it is written, and nothing else is taken for it."""

import pytest

from cloud_relay.contact_words import ContactKind, find_contact, refuse_contact
from cloud_relay.refusals import RefusedError

FOUND = [
    ("13800138000", ContactKind.PHONE),
    ("打我电话 138-0013-8000 谢谢", ContactKind.PHONE),
    ("１３８００１３８０００", ContactKind.PHONE),
    ("1 3 8 0 0 1 3 8 0 0 0", ContactKind.PHONE),
    ("1.3.8.0.0.1.3.8.0.0.0", ContactKind.PHONE),
    ("一三八零零一三八零零零", ContactKind.PHONE),
    ("幺三八 〇〇幺三 八〇〇〇", ContactKind.PHONE),
    ("①③⑧⓪⓪①③⑧⓪⓪⓪", ContactKind.PHONE),
    ("1\u200b3\u200b8\u200b0\u200b0\u200b1\u200b3\u200b8\u200b0\u200b0\u200b0", ContactKind.PHONE),
    ("+86 138 0013 8000", ContactKind.PHONE),
    ("0086-138-0013-8000", ContactKind.PHONE),
    ("call +49 30 901820", ContactKind.PHONE),
    ("call me at 0171 2345678", ContactKind.PHONE),
    ("010-62345678", ContactKind.PHONE),
    ("030 9018 2020", ContactKind.PHONE),
    ("ring 415555267 now", ContactKind.PHONE),
    ("ann@example.org", ContactKind.MAIL),
    ("ann ＠ example．com", ContactKind.MAIL),
    ("ann (at) example (dot) com", ContactKind.MAIL),
    ("ann at example dot com", ContactKind.MAIL),
    ("12345678@qq.com", ContactKind.MAIL),
    ("微信：teapotlady", ContactKind.MESSENGER),
    ("加我微信 tea_pot88", ContactKind.MESSENGER),
    ("加V：lao_wang", ContactKind.MESSENGER),
    ("vx:laowang", ContactKind.MESSENGER),
    ("我的威信号 laowang99", ContactKind.MESSENGER),
    ("WeChat ID: teapot", ContactKind.MESSENGER),
    ("my wechat is tea2000", ContactKind.MESSENGER),
    ("QQ 1234567", ContactKind.MESSENGER),
    ("扣扣 一二三四五六七", ContactKind.MESSENGER),
    ("ｑｑ：7 6 5 4 3 2 1", ContactKind.MESSENGER),
    ("telegram @teapot_lady", ContactKind.MESSENGER),
    ("https://t.example/x", ContactKind.LINK),
    ("see www.example.net/tea", ContactKind.LINK),
    ("buy at teapots.shop!", ContactKind.LINK),
    ("weidian.com/?userid=1", ContactKind.LINK),
    ("t.me/teapot", ContactKind.LINK),
]
FINE = [
    "看壶嘴，有一个小裂纹",
    "It holds 250 ml and costs 1,280.00",
    "它 12 cm 高，口径 7.5 cm",
    "made in 1998 or 2003-04-05?",
    "2026-11-22 10:30",
    "1200 1300 1500 1700",
    "a dozen: 3 4 5 6",
    "GTIN 9521234543213",
    "SSCC 395212340000000013",
    "可以用微信支付吗？",
    "Can I pay with WeChat please",
    "微信支付宝都可以",
    "ten out of 10. Great.",
    "e.g. the left one",
    "it is at the shop dot",
    "看一二三四",
    "要一二三四五个？",
    "order ord_3f8k2m",
    "piece YX21, 960 x 540",
    "那条线 line 很直",
    "look at it. online it seemed bigger",
    "The glaze is so-so.Really",
    "hello",
    "@Ben look at the spout",
    "100/120/150/180 ml",
    "第一，二楼；第三，四楼",
]


@pytest.mark.parametrize(("text", "kind"), FOUND)
def test_contact_data_is_found_however_it_is_written(text, kind):
    assert find_contact(text) is kind
    assert find_contact(f"看这里 {text} 好吗") is kind


@pytest.mark.parametrize("text", FINE)
def test_what_people_say_of_goods_passes(text):
    assert find_contact(text) is None
    assert refuse_contact(text) == text


def test_our_own_links_may_be_passed_on():
    link = "https://mall.example:8443/look/pc_1?with=tog_2"
    assert find_contact(f"see {link}") is ContactKind.LINK
    assert find_contact(f"see {link}", "mall.example:8443") is None
    assert find_contact(f"see {link} or https://else.example/", "mall.example:8443") is ContactKind.LINK
    assert find_contact("https://mall.example.evil.com/look", "mall.example") is ContactKind.LINK


def test_the_refusal_says_what_was_found_and_why_in_both_languages():
    with pytest.raises(RefusedError) as refused:
        refuse_contact("13800138000")
    error = refused.value
    assert (error.status, error.extra) == (422, {"kind": "phone"})
    assert "phone number" in error.text_en and "money is held" in error.text_en
    assert "电话号码" in error.text_zh and "代管" in error.text_zh


@pytest.mark.parametrize("text", ["1" * 300, "1 " * 150, "a." * 150, "a@" * 150, "微信" * 100, "(at)" * 75, "0-" * 150])
def test_hostile_text_is_read_to_its_end(text):
    find_contact(text)  # a pattern that backtracks for ever would keep the test from ending
