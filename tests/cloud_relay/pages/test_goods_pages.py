"""The merchant's pages of locations and of tags: in both languages, empty and not, for their own people alone."""

import pytest

from cloud_relay.locations import service as locations
from cloud_relay.pages import merchant_locations, merchant_tags
from wire.locations import LocationChanged

HTML = {"Accept": "text/html"}
POINT = {
    "name_en": "Counter", "name_zh": "门店柜台",
    "address": {"lines": ["Lane 7"], "city": "Hangzhou", "postal_code": "310000", "country": "CN"},
}  # fmt: skip


def addresses(router) -> set[str]:
    return {route.path for route in router.routes}


@pytest.mark.parametrize(
    ("language", "nothing", "there"),
    [("en", "The shop has not said yet where things lie", "1 there, 1 at the bench"),
     ("zh", "店铺尚未上报货位", "1 件, 1 件在工作台")],
)  # fmt: skip
async def test_the_page_of_locations_says_what_the_box_said(site, language, nothing, there):
    assert addresses(merchant_locations.router) == {"/merchant/shops/{shop_id}/locations"}
    _, shop_id, owner = await site.merchant("mo")
    path = f"/merchant/shops/{shop_id}/locations?lang={language}"
    empty = (await site.call("GET", path, headers={**owner, **HTML})).text
    assert nothing in empty
    listing_id, pieces = await site.listing(shop_id, owner, pieces=2)
    told = LocationChanged(
        location="A-3-12", version=4, pieces=(pieces[0],), away=(pieces[1],), at=site.clock.now(), reason="counted <b>"
    )
    site.db.run_now(locations.take_change, shop_id, told, site.clock.now())
    await site.call("POST", f"/api/shops/{shop_id}/pickup-points", POINT, owner, 201)
    page = (await site.call("GET", path, headers={**owner, **HTML})).text
    assert "A-3-12" in page and there in page
    assert f"{listing_id[-6:]}-0" in page and 'value="4"' in page
    assert "counted &lt;b&gt;" in page and "<b>counted" not in page
    assert ("Counter" if language == "en" else "门店柜台") in page


@pytest.mark.parametrize("who", ["stranger", "nobody"])
async def test_nobody_else_sees_where_things_lie(site, who):
    _, shop_id, _ = await site.merchant("mo")
    _, _, stranger = await site.merchant("lu")
    headers = {**HTML, **(stranger if who == "stranger" else {})}
    answer = await site.call("GET", f"/merchant/shops/{shop_id}/locations", headers=headers, status=None)
    assert answer.status_code == (404 if who == "stranger" else 303)
    lost = await site.call("GET", "/merchant/shops/nowhere/locations", headers={**HTML, **stranger}, status=None)
    assert lost.status_code == 404


@pytest.mark.parametrize(("language", "first", "void"), [("en", "Make a listing first", "void"),
                                                         ("zh", "请先上架货品", "已作废")])  # fmt: skip
async def test_the_page_of_tags_leads_from_goods_to_sheets_and_shows_what_is_void(site, language, first, void):
    assert addresses(merchant_tags.router) == {"/merchant/tags"}
    _, shop_id, owner = await site.merchant("mo")
    path, headers = f"/merchant/tags?lang={language}", {**owner, **HTML}
    assert first in (await site.call("GET", path, headers=headers)).text
    listing_id, _ = await site.listing(shop_id, owner)
    chosen = (await site.call("GET", f"{path}&listing={listing_id}", headers=headers)).text
    assert f'data-listing="{listing_id}"' in chosen and 'value="1"' in chosen
    body = {"shop_id": shop_id, "kind": "shelf", "tags": [{"listing_id": listing_id}]}
    made = await site.call("POST", "/api/tags", body, owner, 201)
    page = (await site.call("GET", f"{path}&sheet={made['sheet_id']}", headers=headers)).text
    assert f"/api/tag-sheets/{made['sheet_id']}?size=" in page
    await site.call("POST", "/api/tags/void", {"tag_ids": made["tag_ids"]}, owner)
    page = (await site.call("GET", path, headers=headers)).text
    assert f'<span class="pill bad">{void}</span>' in page
    assert f"/api/tag-sheets/{made['sheet_id']}?size=" not in page


async def test_who_is_no_merchant_is_led_to_the_application(site):
    answer = await site.call("GET", "/merchant/tags", headers={**site.account("ann"), **HTML}, status=None)
    assert (answer.status_code, answer.headers["location"]) == (303, merchant_tags.to_application().headers["location"])
