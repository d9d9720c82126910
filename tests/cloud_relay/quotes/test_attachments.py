"""Pictures of a request and clips of a quote: cleaned, sealed, for the two sides alone, gone with the end."""

import io
from datetime import timedelta

import av
import pytest
from sqlalchemy import select

from cloud_relay import tables
from cloud_relay.quotes import attachment_routes, clip_check, rules, store
from cloud_relay.refusals import RefusedError
from tests.cloud_relay.quotes.clips import clip, sound_alone
from tests.cloud_relay.site import jpeg
from wire.values import format_time

PLACE, PAGE = "+52.5200+013.4050/", b"<script>alert(1)</script>"


def attached(site):
    return site.db.read_now(
        lambda c: [dict(row) for row in c.execute(select(tables.quote_attachment)).mappings()]
    )  # fmt: skip


class Market:
    """Ann asks for a teapot, mo and ned have some, both quote; bob has nothing to do with it."""

    @classmethod
    async def open(cls, site):
        market = cls()
        market.site = site
        market.ann, market.bob = site.account("ann"), site.account("bob")
        market.mo_id, market.mo_shop, market.mo = await site.merchant("mo", currency="CNY")
        market.ned_id, ned_shop, market.ned = await site.merchant("ned", currency="CNY")
        goods = [(await site.listing(*one))[0] for one in ((market.mo_shop, market.mo), (ned_shop, market.ned))]
        market.until = format_time(site.clock.now() + timedelta(days=2))
        body = {
            "title": "紫砂茶壶",
            "budget_minor": 9000,
            "currency": "CNY",
            "country": "CN",
            "open_until": market.until,
        }
        market.asked = (await site.call("POST", "/api/quote-requests", body, market.ann, 201))["quote_request_id"]
        market.mo_quote = await market.quote(market.mo_id, market.mo, goods[0])
        market.ned_quote = await market.quote(market.ned_id, market.ned, goods[1])
        return market

    async def quote(self, merchant_id, who, listing_id):
        body = {"listing_id": listing_id, "price_minor": 8000, "quoted_until": self.until}
        path = f"/api/merchants/{merchant_id}/quote-requests/{self.asked}/quotes"
        return (await self.site.call("POST", path, body, who, 201))["quote_id"]

    async def send(self, path, name, content, who, status=201):
        return await self.site.call("POST", path, headers=who, files={name: ("x", content)}, status=status)

    async def picture(self, who=None, status=201, content=None):
        path = f"/api/quote-requests/{self.asked}/pictures"
        return await self.send(path, "picture", content or jpeg(40, 30), who or self.ann, status)

    async def clip(self, content=None, who=None, status=201, quote_id=""):
        path = f"/api/quotes/{quote_id or self.mo_quote}/clip"
        return await self.send(path, "clip", content or clip(), who or self.mo, status)

    async def get(self, attachment_id, who, status=200, **headers):
        path = f"/api/quote-attachments/{attachment_id}"
        return await self.site.call("GET", path, headers={**who, **headers}, status=status)


@pytest.fixture
async def market(site):
    return await Market.open(site)


async def test_pictures_are_sealed_and_seen_by_the_shopper_and_who_was_told(market):
    site = market.site
    secret = jpeg(40, 30, exif=b"Exif\0\0where I live")
    one = (await market.picture(content=secret))["attachment_id"]
    for who in (market.ann, market.mo, market.ned):
        answer = await market.get(one, who)
        assert answer.content.startswith(b"\xff\xd8\xff") and b"where I live" not in answer.content
        assert answer.headers["cache-control"] == "no-store, private"
    for who in (market.bob, site.account("olga", is_operator=True)):
        await market.get(one, who, 404)
    (row,) = attached(site)
    assert b"\xff\xd8\xff" not in row["content_sealed"]
    assert (await site.call("GET", f"/api/quote-requests/{market.asked}", headers=market.ann))["pictures"] == [one]
    page = await site.call("GET", f"/merchant/quotes/{market.asked}", headers=market.mo)
    assert f"/api/quote-attachments/{one}" in page.text
    for who in (market.mo, market.bob):
        await site.call("DELETE", f"/api/quote-attachments/{one}", headers=who, status=404)
    await site.call("DELETE", f"/api/quote-attachments/{one}", headers=market.ann)
    assert attached(site) == []


async def test_pictures_are_bounded_and_only_ones_own(market):
    for who in (market.bob, market.mo):
        await market.picture(who, 404)
    assert (await market.picture(status=422, content=b"GIF89a"))["type"].endswith("bad_picture")
    for _ in range(rules.PICTURES_MAX):
        await market.picture()
    assert (await market.picture(status=409))["type"].endswith("too_many_pictures")
    await market.site.call("POST", f"/api/quote-requests/{market.asked}/withdraw", {}, market.ann)
    assert (await market.picture(status=409))["type"].endswith("quote_request_withdrawn")
    assert attached(market.site) == [], "they are deleted with the end"


@pytest.mark.parametrize("kind", ["mp4", "webm"])
async def test_a_clip_is_written_anew_and_played_in_pieces_by_the_two_sides_alone(market, kind):
    content = clip(kind, comment=PLACE) + PAGE
    assert PLACE.encode() in content
    first = (await market.clip(content))["attachment_id"]
    second = (await market.clip(content))["attachment_id"]
    assert [one["attachment_id"] for one in attached(market.site)] == [second], "a new one takes the old one's place"
    await market.get(first, market.ann, 404)
    for who in (market.ned, market.bob):
        await market.get(second, who, 404)
    await market.get(second, market.mo)
    answer = await market.get(second, market.ann)
    assert PLACE.encode() not in answer.content and PAGE not in answer.content
    with av.open(io.BytesIO(answer.content)) as played:
        assert [one.type for one in played.streams] == ["video"] and len(list(played.decode(video=0))) == 5
    assert answer.headers["content-type"] == f"video/{kind}"
    assert answer.headers["content-disposition"] == f'attachment; filename="clip.{kind}"'
    assert (
        answer.headers["x-content-type-options"] == "nosniff" and "sandbox" in answer.headers["content-security-policy"]
    )
    part = await market.get(second, market.ann, 206, Range="bytes=4-7")
    assert part.content == answer.content[4:8]
    assert part.headers["content-range"] == f"bytes 4-7/{len(answer.content)}"
    await market.get(second, market.ann, 416, Range=f"bytes={len(answer.content)}-")
    page = await market.site.call("GET", f"/quotes/{market.asked}", headers=market.ann)
    assert f"/api/quote-attachments/{second}" in page.text
    await market.site.call("DELETE", f"/api/quote-attachments/{second}", headers=market.ann, status=404)
    await market.site.call("DELETE", f"/api/quote-attachments/{second}", headers=market.mo)
    assert attached(market.site) == []


REFUSED = {
    "picture": (jpeg(20, 20), "bad_clip"),
    "page": (b"<!doctype html><script>alert(1)</script>", "bad_clip"),
    "page in a box": (b"\0\0\0\x18ftypmp42<script>alert(1)</script>", "bad_clip"),
    "torn": (clip()[:400], "bad_clip"),
    "sound": (sound_alone(), "bad_clip"),
    "strange codec": (clip("mp4", "mpeg4"), "clip_codec"),
    "long": (clip(seconds=rules.CLIP_S_MAX + 2), "clip_too_long"),
}  # fmt: skip


async def test_what_is_no_short_clip_is_refused_with_a_sentence(market, monkeypatch):
    for name, (content, says) in REFUSED.items():
        answer = await market.clip(content, status=422)
        assert answer["type"].endswith(says), (name, answer)
        assert answer["title"]
    assert attached(market.site) == []
    path, offered = f"/merchant/quotes/{market.asked}?lang=en", "Show it in a short clip"
    assert offered in (await market.site.call("GET", path, headers=market.mo)).text
    with monkeypatch.context() as patch:
        patch.setattr(clip_check.importlib.util, "find_spec", lambda name: None)
        assert offered not in (await market.site.call("GET", path, headers=market.mo)).text
        assert (await market.clip(status=409))["type"].endswith("no_clips"), "no decoder is installed"
    await market.clip(clip(seconds=rules.CLIP_S_MAX))


@pytest.mark.parametrize(("size", "is_good"), [(rules.CLIP_BYTES_MAX, True), (rules.CLIP_BYTES_MAX + 1, False)])
def test_a_clip_has_so_many_bytes_at_most(size, is_good):
    content = b"\0\0\0\x18ftypmp42".ljust(size, b"\0")
    if is_good:
        assert clip_check.kind_of(content) == "mp4"
        return
    with pytest.raises(RefusedError, match="clip_too_large"):
        clip_check.kind_of(content)


async def test_a_merchant_keeps_so_many_clips_and_may_replace_or_delete_one(market, monkeypatch):
    monkeypatch.setattr(rules, "CLIPS_MAX", 1)
    site = market.site
    goods = (await site.listing(market.mo_shop, market.mo))[0]
    other = await market.quote(market.mo_id, market.mo, goods)
    await market.clip()
    refused = await market.clip(quote_id=other, status=409)
    assert refused["type"].endswith("too_many_clips") and "delete" in refused["title_en"]
    kept = (await market.clip())["attachment_id"]
    await market.clip(who=market.ned, quote_id=market.ned_quote)
    await site.call("DELETE", f"/api/quote-attachments/{kept}", headers=market.mo)
    await market.clip(quote_id=other)
    assert (await market.clip(status=409))["type"].endswith("too_many_clips")
    await site.call("POST", f"/api/quotes/{other}/withdraw", {}, market.mo)
    await market.clip()


async def test_a_clip_belongs_to_a_standing_quote_of_ones_own_and_ends_with_it(market):
    site = market.site
    for who in (market.ann, market.ned, market.bob):
        await market.clip(who=who, status=404)
    kept = (await market.clip())["attachment_id"]
    await market.clip(who=market.ned, quote_id=market.ned_quote)
    await site.call("POST", f"/api/quotes/{market.mo_quote}/withdraw", {}, market.mo)
    assert [one["quote_id"] for one in attached(site)] == [market.ned_quote]
    await market.get(kept, market.ann, 404)
    assert (await market.clip(status=409))["type"].endswith("quote_over")
    await market.picture()
    site.clock.forward(2 * 24 * 3600 - 1)
    assert not site.db.read_now(store.has_ended, site.clock.now())
    site.clock.forward(1)
    (clip_row,) = [one for one in attached(site) if one["kind"] == "clip"]
    await market.get(clip_row["attachment_id"], market.ann, 404)
    assert site.db.read_now(store.has_ended, site.clock.now())
    assert site.db.run_now(store.drop_ended, site.clock.now()) == 2
    assert attached(site) == []


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", (0, 0)), ("bytes=0-", (0, 9)), ("bytes=3-99", (3, 9)), ("bytes=-4", (6, 9)),
        ("bytes=-40", (0, 9)), ("bytes=2-3, 5-6", (2, 3)), ("bytes=9-", (9, 9)), ("bytes=10-", None),
        ("bytes=5-4", None), ("bytes=-", None), ("bytes=-0", None), ("bytes=a-b", None), ("bytes=٣-٤", None),
    ],
)  # fmt: skip
def test_pieces_of_ten_bytes(asked, part):
    assert attachment_routes.piece_of(asked, 10) == part
