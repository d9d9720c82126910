"""Looking together: one steers, another watches, points, talks and takes the steering when it is offered."""

import re

from playwright.sync_api import expect

from tests.browser.test_looking import LOOK, SEES, piece, steers
from tests.browser.whole_mall import SHOPPER, STUDIO


def test_friends_point_and_talk_and_hand_the_steering_over(person, mall, eyes):
    ann, ben = person(SHOPPER), person(STUDIO)
    ann.go(f"/look/{piece(mall, '西施')}?lang=en")
    expect(ann.page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=60_000)
    ann.page.get_by_role("button", name="Look together with friends").click()
    link = ann.page.get_by_label("Link for your friends")
    expect(link).to_have_value(re.compile(r"/look/\w+\?with=tog_"))
    ben.go(link.input_value().removeprefix(mall.url) + "&lang=en")
    expect(ben.page.locator(LOOK)).to_have_attribute("data-state", "watching", timeout=20_000)
    expect(ben.page.locator("[data-part=companions] li")).to_have_count(2)
    assert ann.page.get_by_text("Others are waiting").count() == 0, "a friend who watches stands in no line"

    ben.page.locator("[data-part=stage]").focus()
    ben.page.keyboard.press("ArrowRight")
    pointer = ann.page.locator(".stage .pointer")
    expect(pointer).to_have_count(1)
    before = pointer.bounding_box()
    ben.page.keyboard.press("ArrowUp")
    higher = "y => document.querySelector('.stage .pointer').getBoundingClientRect().y < y - 3"
    ann.page.wait_for_function(higher, arg=before["y"])
    assert ben.page.locator(LOOK).get_attribute("data-state") == "watching"

    ben.page.get_by_label("Say something to the others").fill("<b>看壶嘴</b>")
    ben.page.keyboard.press("Enter")
    expect(ann.page.locator("[data-part=said] li")).to_contain_text("<b>看壶嘴</b>")

    ben.page.get_by_label("Say something to the others").fill("加我 138 0013 8000")
    ben.page.keyboard.press("Enter")
    expect(ben.page.locator("#toast")).to_contain_text("looks like a phone number")
    report = ann.page.get_by_role("button", name=re.compile("Report to the operator"))
    expect(report).to_have_count(1)  # what was refused came to nobody
    report.click()
    expect(report).to_be_disabled()
    assert mall.rows("SELECT text FROM viewing_complaint")[-1]["text"] == "<b>看壶嘴</b>"

    ann.page.get_by_role("button", name="Hand over the steering").click()
    expect(ben.page.get_by_role("button", name="Take the steering")).to_be_focused()
    eyes.look(ben.page, "look-together")
    ben.page.keyboard.press("Enter")
    expect(ben.page.locator(LOOK)).to_have_attribute("data-state", "steering", timeout=20_000)
    expect(ann.page.locator(LOOK)).to_have_attribute("data-state", "watching", timeout=20_000)
    ben.page.get_by_role("button", name="Pictures").click()
    expect(ben.page.locator(LOOK)).to_have_attribute("data-way", "stills", timeout=20_000)
    ben.page.wait_for_function(SEES, timeout=20_000)
    steers(ben.page)
    expect(ben.page.get_by_role("button", name="Hand over the steering")).to_be_visible()

    ben.page.get_by_role("link", name="Leave").click()
    expect(ann.page.locator("[data-part=companions] li")).to_have_count(1, timeout=20_000)
    ann.page.get_by_role("button", name="Look on alone").click()
    expect(ann.page.locator("[data-part=circle]")).to_be_hidden()
