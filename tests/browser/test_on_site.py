"""Shopping on site: a promotion is published on the merchant's page; two phones in the shop find each other, live."""

import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE

SOON_MS = 10_000
"""What happens in one browser stands in the other within a second on a machine that is left alone; this one is not."""


def tag_of(shop, listing_id):
    body = {"shop_id": shop.shop_id, "kind": "shelf", "tags": [{"listing_id": listing_id}]}
    return shop.owner.call("POST", "/api/tags", body)["tag_ids"][0]


def publish(shop, guest, eyes):
    """By the form: spend ¥300 together, ¥50 less; and one planned that is changed."""
    owner = guest("owner")
    owner.go("/merchant/promotions?lang=en")
    desk = owner.page
    expect(desk.get_by_text("Nothing yet.")).to_be_visible()
    form = desk.locator("form[data-compose=promotion]")

    def until(days, name="until_at"):
        form.locator(f"[name={name}]").fill(
            time.strftime("%Y-%m-%dT12:00", time.localtime(time.time() + days * 86_400))
        )

    form.get_by_label("Together they spend at least").fill("300")
    form.get_by_label("and together they pay less by").fill("50")
    form.get_by_label("Title, English").fill("Family table")
    until(100)
    form.get_by_role("button", name="Publish").click()
    expect(form.locator("[data-errors]")).to_contain_text("92")
    until(3)
    form.get_by_role("button", name="Publish").click()
    running = desk.locator("li.case", has_text="Family table")
    expect(running).to_contain_text("Together ¥300.00: ¥50.00 less")
    form.get_by_label("Kind").select_option("group_price")
    form.get_by_label("Once so many people buy").fill("3")
    form.get_by_label("each piece costs").fill("150")
    form.get_by_label("Title, English").fill("Three friends")
    form.locator("summary:visible").click()
    form.get_by_role("checkbox", name="Linen shirt").check()
    until(1, "from_at")
    until(4)
    form.get_by_role("button", name="Publish").click()
    planned = desk.locator("li.case", has_text="Three friends")
    expect(planned).to_contain_text("3 people: ¥150.00 each")
    expect(planned).to_contain_text("Linen shirt")
    planned.locator("summary").click()
    planned.get_by_label("Once so many people buy").fill("4")
    planned.get_by_role("button", name="Change it").click()
    expect(planned).to_contain_text("4 people: ¥150.00 each")
    eyes.look(desk, "merchant-promotions")


def come_in(guest, shop, name, tag, language):
    """Scan the tag of a shirt with a phone, say that one takes it, and be seen."""
    person = guest(name, **PHONE)
    person.go(f"/t/{tag}?lang={language}")
    person.go(person.page.url.removeprefix(shop.url).replace("#buy", "") + f"&lang={language}")
    return person


@pytest.mark.timeout(300)
def test_two_phones_in_one_shop_reach_it_together(shop, guest, eyes):
    listing_id = shop.listing()
    tag = tag_of(shop, listing_id)
    publish(shop, guest, eyes)
    shop._program("ann"), shop._program("bob")
    ann, bob = come_in(guest, shop, "ann", tag, "en"), come_in(guest, shop, "bob", tag, "zh")
    expect(ann.page.get_by_text("Together ¥300.00: ¥50.00 less")).to_be_visible()
    eyes.look(ann.page, "listing-by-tag")
    ann.page.get_by_role("button", name="I take this").click()
    expect(ann.page).to_have_url(f"{shop.url}/here/{shop.shop_id}")
    expect(ann.page.get_by_text("¥101.00 to go")).to_be_visible()
    eyes.look(ann.page, "here-alone")
    ann.page.get_by_role("button", name="Yes, let others here see me").click()
    expect(ann.page.get_by_text("Others here may see you")).to_be_visible()
    bob.page.get_by_role("button", name="我拿了这件").click()
    expect(bob.page.get_by_text("还差 ¥101.00")).to_be_visible()
    expect(ann.page.get_by_text("One other person here")).to_have_count(0)
    bob.page.get_by_role("button", name="同意，让店里其他人看到我").click()
    expect(ann.page.get_by_text("One other person here is short of it too.")).to_be_visible(timeout=SOON_MS)
    expect(bob.page.get_by_text("店里还有 1 人同样差一点。")).to_be_visible()
    expect(ann.page.get_by_role("row", name="bob ¥174.00")).to_be_visible()
    eyes.look(ann.page, "here-proposal")
    # hidden and seen again: at once on the other phone
    bob.page.get_by_role("button", name="本次隐藏我").click()
    expect(ann.page.get_by_text("One other person here")).to_have_count(0, timeout=SOON_MS)
    bob.page.get_by_role("button", name="同意，让店里其他人看到我").click()
    expect(ann.page.get_by_role("button", name="Ask them")).to_be_visible(timeout=SOON_MS)
    ann.page.get_by_role("button", name="Ask them").click()
    expect(bob.page.get_by_text("你们一起买")).to_be_visible(timeout=SOON_MS)
    expect(ann.page.get_by_text("You buy this together")).to_be_visible()
    eyes.look(bob.page, "here-group")
    # one more in hand: the shares move on the other phone
    ann.page.get_by_role("button", name="One more: Linen shirt").click()
    expect(bob.page.get_by_role("row", name="ann ¥364.67")).to_be_visible(timeout=SOON_MS)
    bob.page.get_by_role("button", name="我走了").click()
    expect(bob.page).to_have_url(f"{shop.url}/s/{shop.shop_id}")
    expect(ann.page.get_by_text("1 of you not seen here")).to_be_visible(timeout=SOON_MS)
    bob.go(f"/here/{shop.shop_id}?lang=zh")
    expect(bob.page.get_by_text("您尚未到店")).to_be_visible()
    eyes.look(bob.page, "here-empty")
    ann.page.get_by_role("link", name="My code for the till").click()
    expect(ann.page.get_by_alt_text("My code for the till")).to_be_visible()
