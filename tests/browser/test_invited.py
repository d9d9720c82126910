"""A stranger is invited by mail: opens its link, makes an account and belongs to the shop, in one go."""

import re
import time
from email import message_from_bytes, policy

from playwright.sync_api import expect

from tests.browser.whole_mall import STUDIO

PHONE = (390, 844)
MAIL_S = 60.0
EMAIL = "nia@vitrine.example"


def mail_to(mall, address):
    """Return the text of the newest mail to this address, as soon as the demonstration's mail server has it."""
    until = time.monotonic() + MAIL_S
    while True:
        for file in sorted((mall.folder / "mails").glob("*.eml"), reverse=True):
            mail = message_from_bytes(file.read_bytes(), policy=policy.default)
            if mail["To"] == address:
                return mail.get_content()
        assert time.monotonic() < until, f"no mail to {address}"
        time.sleep(0.1)


def test_a_stranger_joins_by_the_mail(person, mall, eyes):
    owner, stranger, other = person(STUDIO), person(size=PHONE), person(size=PHONE)
    owner.go("/merchant/members?lang=en")
    owner.page.get_by_label("E-mail").fill(EMAIL)
    owner.page.get_by_role("button", name="Invite", exact=True).click()
    expect(owner.page.get_by_text("A mail with the link is on its way to them.")).to_be_visible()
    text = mail_to(mall, EMAIL)
    assert "invites you to work" in text and "邀请您加入" in text
    path = re.search(rf"{re.escape(mall.url)}(/invitation/\S+)", text)[1]
    page = stranger.page
    stranger.go(f"{path}?lang=zh")
    expect(page.get_by_label("邮箱（受邀邮箱）")).to_have_value(EMAIL)
    stranger.go(f"{path}?lang=en")
    eyes.look(page, "invited")
    page.get_by_label("What others call you").fill("Nia")
    page.get_by_label("Password").fill("packs every day")
    page.get_by_role("button", name="Make my account and join").click()
    expect(page).to_have_url(re.compile("/merchant"))
    expect(page.locator(".tabs a")).to_have_text(["Today", "Orders", "Goods", "Stock"])
    expect(owner.page.locator("[data-live=members]")).to_contain_text(EMAIL)
    answer = other.page.goto(mall.url + path)
    assert answer is not None and answer.status == 404, "a used link opened again"
    owner.page.get_by_role("button", name="Remove Nia").click()
    expect(owner.page.locator("[data-live=members]")).not_to_contain_text(EMAIL)
