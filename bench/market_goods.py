"""A market of any size, the same each time: shops, and listings in Chinese and English with pieces and pictures."""

import functools
import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from cloud_relay import tables
from cloud_relay.catalog.service import search_words
from cloud_relay.db import Database

BEGUN_AT = datetime(2026, 1, 1, tzinfo=UTC)
LISTINGS_PER_SHOP = 400
BATCH = 2000

Word = tuple[str, str]
GOODS: tuple[Word, ...] = (
    ("teapot", "茶壶"), ("bowl", "碗"), ("cup", "杯子"), ("vase", "花瓶"), ("scarf", "围巾"), ("dress", "连衣裙"),
    ("lamp", "台灯"), ("chair", "椅子"), ("knife", "厨刀"), ("basket", "竹篮"), ("fan", "折扇"), ("brush", "毛笔"),
    ("inkstone", "砚台"), ("notebook", "笔记本"), ("bracelet", "手镯"), ("ring", "戒指"), ("shoes", "布鞋"),
    ("jacket", "夹克"), ("blanket", "毛毯"), ("umbrella", "油纸伞"), ("clock", "座钟"), ("guitar", "吉他"),
    ("violin", "小提琴"), ("kettle", "水壶"), ("tray", "茶盘"), ("box", "首饰盒"), ("mirror", "镜子"), ("comb", "木梳"),
    ("candle", "蜡烛"), ("puppet", "木偶"), ("kite", "风筝"), ("seal", "印章"), ("censer", "香炉"), ("plate", "盘子"),
    ("stool", "凳子"), ("quilt", "被子"), ("tie", "领带"), ("hat", "帽子"), ("bag", "手提包"), ("belt", "皮带"),
)  # fmt: skip
MATERIALS: tuple[Word, ...] = (
    ("porcelain", "白瓷"), ("zisha", "紫砂"), ("celadon", "青瓷"), ("silk", "真丝"), ("bamboo", "竹编"),
    ("walnut", "胡桃木"), ("brass", "黄铜"), ("linen", "亚麻"), ("leather", "牛皮"), ("jade", "玉石"),
    ("lacquer", "漆器"), ("glass", "玻璃"), ("wool", "羊毛"), ("silver", "银"), ("stoneware", "粗陶"),
    ("rosewood", "红木"), ("cotton", "棉布"), ("iron", "铸铁"),
)  # fmt: skip
LOOKS: tuple[Word, ...] = (
    ("red", "红色"), ("blue", "蓝色"), ("green", "绿色"), ("white", "白色"), ("black", "黑色"), ("golden", "金色"),
    ("small", "小号"), ("large", "大号"), ("old", "老"), ("hand-made", "手工"), ("plain", "素面"), ("painted", "彩绘"),
)  # fmt: skip
PLACES: tuple[Word, ...] = (
    ("Yixing", "宜兴"), ("Jingdezhen", "景德镇"), ("Longquan", "龙泉"), ("Hangzhou", "杭州"), ("Suzhou", "苏州"),
    ("Berlin", "柏林"), ("Lyon", "里昂"), ("Kyoto", "京都"), ("Quanzhou", "泉州"), ("Foshan", "佛山"),
)  # fmt: skip
SENTENCES: tuple[Word, ...] = (
    ("Made by one pair of hands, from clay to kiln.", "一人一手，从泥料到窑火。"),
    ("Fits a cupboard, a shelf or a desk of any house.", "适合家中橱柜、书架与案头。"),
    ("Please look at the base: the maker's mark is there.", "请看底部，有作者落款。"),
    ("A present for somebody who drinks tea every day.", "送给每天喝茶的人。"),
    ("Wash it with warm water and dry it with a cloth.", "用温水清洗，软布擦干。"),
    ("There are few of them and no two are the same.", "数量不多，件件不同。"),
    ("Old stock of a workshop that closed long ago.", "老作坊的旧存货。"),
    ("The colour is a little warmer than the picture.", "颜色比照片略暖。"),
)


def _chosen(chance: random.Random, words: tuple[Word, ...]) -> Word:
    """Return one word, the first ones far more often than the last: so are goods and queries (Zipf's law)."""
    return chance.choices(words, [1 / place for place in range(1, len(words) + 1)])[0]


def listing(number: int) -> dict[str, Any]:
    """Return what the merchant of this listing writes."""
    chance = random.Random(number)
    goods, material, look = _chosen(chance, GOODS), _chosen(chance, MATERIALS), _chosen(chance, LOOKS)
    place, told = _chosen(chance, PLACES), chance.sample(SENTENCES, 3)
    return {
        "title_en": f"{look[0]} {material[0]} {goods[0]}".capitalize(),
        "title_zh": f"{look[1]}{material[1]}{goods[1]}",
        "description_en": f"From {place[0]}. " + " ".join(one[0] for one in told),
        "description_zh": f"{place[1]}出品。" + "".join(one[1] for one in told),
        "sku": f"SKU{number:07}",
        "attributes": {"origin": place[0], "产地": place[1], "weight": f"{chance.randrange(20, 4000)} g"},
        "price_minor": chance.randrange(500, 900_000),
    }


@functools.cache
def _words(number: int) -> dict[str, str]:
    """Return a listing's words, made once for all stores."""
    return search_words(listing(number))


def _rows(first: int, last: int) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Yield listing, piece and picture of each number."""
    for number in range(first, last):
        own, at = listing(number), BEGUN_AT + timedelta(minutes=number)
        listing_id, shop_id = f"lst_{number:07}", f"shop-{number // LISTINGS_PER_SHOP}"
        yield (
            {**own, **_words(number), "listing_id": listing_id, "shop_id": shop_id, "currency": "CNY",
             "state": "published", "on_hand": 1, "created_at": at, "published_at": at},
            {"piece_id": f"pc_{number:07}", "listing_id": listing_id, "shop_id": shop_id, "code": f"{number:07}",
             "spot": {"camera": "front"}},
            {"listing_id": listing_id, "place": 0, "picture_sha256": hashlib.sha256(listing_id.encode()).hexdigest()},
        )  # fmt: skip


def fill(database: Database, count: int) -> None:
    """Put `count` published listings into an empty, migrated database."""
    shops = range(-(-count // LISTINGS_PER_SHOP))

    def add_shops(connection: Any) -> None:
        add = connection.execute
        add(insert(tables.merchant), [
            {"merchant_id": f"mer_{no}", "state": "verified", "applied_at": BEGUN_AT} for no in shops
        ])  # fmt: skip
        add(insert(tables.shop), [
            {"shop_id": f"shop-{no}", "merchant_id": f"mer_{no}", "name_en": f"Shop {no}", "name_zh": f"店铺{no}",
             "hours": [], "cameras": [{"camera": "front", "title": {"en": "Front", "zh": "前台"}, "is_offered": True}],
             "sender_lines": [f"Shop {no}"], "currency": "CNY", "shipping_minor": 1200, "market": "cn",
             "is_live": True, "live_reason": ""} for no in shops
        ])  # fmt: skip
        add(insert(tables.shop_link), [{"shop_id": f"shop-{no}", "is_online": no % 3 > 0} for no in shops])
        add(insert(tables.device_state), [
            {"shop_id": f"shop-{no}", "device": "front", "changed_at": BEGUN_AT,
             "state": {"device": "front", "camera": {"can_view": True, "waiting": 0, "session_id": ""}}} for no in shops
        ])  # fmt: skip

    def add_goods(connection: Any, first: int) -> None:
        listings, pieces, pictures = zip(*_rows(first, min(first + BATCH, count)), strict=True)
        connection.execute(insert(tables.listing), list(listings))
        connection.execute(insert(tables.piece), list(pieces))
        connection.execute(insert(tables.listing_picture), list(pictures))

    database.run_now(add_shops)
    for first in range(0, count, BATCH):
        database.run_now(add_goods, first)
