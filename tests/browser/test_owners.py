"""Asking who bought it as people meet it: the list, a question answered live, a no unseen, a mute and its end."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import insert, select

from cloud_relay.records import consent
from cloud_relay.tables import account, owner_talk, purchase
from tests.browser.conftest import PHONE

OWNERS = ("bea", "cid", "dan")


@pytest.fixture(scope="module")
def goods(shop):
    """A listing that three shoppers bought, who say yes to being asked."""
    listing_id = shop.listing(title_en="Celadon jar", title_zh="青瓷罐")
    for name in OWNERS:
        shop._program(name)
    shop._program("asker")

    def buy(connection):
        for name in OWNERS:
            account_id = connection.scalar(select(account.c.account_id).where(account.c.nickname == name))
            row = {
                "purchase_id": name, "account_id": account_id, "listing_id": listing_id, "shop_id": shop.shop_id,
                "merchant_id": "x", "price_minor": 1, "currency": "CNY", "how": "online", "bought_at": now,
            }  # fmt: skip
            connection.execute(insert(purchase).values(row))
            consent.give(connection, account_id, consent.Use.ASK_OWNERS, now)

    now = shop.relay.clock.now()
    shop.db.run_now(buy)
    return listing_id


def asked_name(shop, talk_id):
    """Return who stands behind a talk, as only the database knows."""
    query = select(account.c.nickname).join(owner_talk, owner_talk.c.asked_id == account.c.account_id)
    return shop.db.read_now(lambda c: c.scalar(query.where(owner_talk.c.talk_id == talk_id)))


def ask(page, number, words):
    """Ask the owner of this number of the list; return the talk's id."""
    page.locator("#owners li").nth(number).locator("summary").click()
    form = page.locator("#owners li").nth(number).locator("form")
    form.get_by_label("Your question").fill(words)
    form.get_by_role("button").click()
    page.wait_for_url("**/account/talks/*")
    return page.url.rsplit("/", 1)[-1]


@pytest.mark.timeout(300)
def test_a_question_its_answer_a_no_and_a_mute(shop, guest, goods, eyes):
    visitor = guest()
    visitor.go(f"/l/{goods}?lang=en")
    expect(visitor.page.locator("#owners").get_by_role("link", name="Sign in to ask")).to_be_visible()
    asker = guest("asker")
    page = asker.page
    asker.go("/account/talks?lang=en")
    eyes.look(page, "talks-empty")
    asker.go(f"/l/{goods}")
    page.get_by_role("button", name="Who may be asked?").click()
    expect(page.locator("#owners li")).to_have_count(3)
    eyes.look(page, "owners-list")
    talk_id = ask(page, 0, "Does the lid sit tight?")
    expect(page.locator("[data-live=talk]")).to_contain_text("Waits for an answer")
    eyes.look(page, "talk-waiting")

    name = asked_name(shop, talk_id)
    phone = guest(name, **PHONE)
    phone.go("/account/talks?lang=zh")
    expect(phone.page.locator("[data-live=talks]")).to_contain_text("等您答复")
    eyes.look(phone.page, "talks-asked-zh")
    phone.page.get_by_role("link", name="查看").click()
    eyes.look(phone.page, "talk-asked-zh")
    form = phone.page.locator("form", has=phone.page.get_by_label("您的答复"))
    form.get_by_label("您的答复").fill("加微信 teaman_88 细聊")
    form.get_by_role("button", name="回答").click()
    expect(form.locator("[data-errors]")).to_contain_text("消息未发送")
    form.get_by_label("您的答复").fill("It does, after a week of use.")
    form.get_by_role("button", name="回答").click()
    expect(page.locator("[data-live=talk]")).to_contain_text("after a week of use")
    page.get_by_label("Your message").fill("<b>Thank you</b>")
    page.get_by_role("button", name="Send").click()
    expect(phone.page.locator("[data-live=talk]")).to_contain_text("<b>Thank you</b>")
    eyes.look(page, "talk-open")
    eyes.look(phone.page, "talk-open-zh")
    page.get_by_text("Report this message").click()
    page.get_by_label("What is wrong with it?").fill("rude")
    page.get_by_role("button", name="Report").click()
    expect(page.locator("[data-live=talk]")).to_contain_text("reported")
    expect(phone.page.locator("[data-live=talk]")).not_to_contain_text("已举报")
    shown = page.content() + phone.page.content()
    assert f"{name}@" not in shown
    assert f">{name}<" not in page.content()

    phone.page.get_by_role("button", name="屏蔽此人").click()
    expect(page.locator("[data-live=talk]")).to_contain_text("This talk is over.")
    eyes.look(page, "talk-over")
    phone.go("/account?lang=zh")
    muted = phone.page.locator("[data-live=muted]")
    muted.scroll_into_view_if_needed()
    phone.page.screenshot(path=eyes.folder / "muted-zh.png")
    muted.get_by_role("button").click()
    expect(muted).to_contain_text("没有")

    no_and_yes_taken_back(shop, guest, goods, eyes, asker)
    operator = guest("operator")
    operator.go("/operator?lang=en#talks")
    expect(operator.page.locator("#talks")).to_contain_text("rude")
    eyes.look(operator.page, "operator-talks")


def no_and_yes_taken_back(shop, guest, goods, eyes, asker):
    """The second one declines, which the asker does not see; the third takes the consent back, and nobody is left."""
    page = asker.page
    asker.go(f"/l/{goods}?lang=en")
    expect(page.locator("#owners li").nth(0).get_by_role("link")).to_be_visible()
    second = ask(page, 1, "Is the glaze even?")
    other = guest(asked_name(shop, second), **PHONE)
    other.go(f"/account/talks/{second}?lang=en")
    other.page.get_by_role("button", name="Decline").click()
    expect(other.page.locator("[data-live=talk]")).to_contain_text("You declined")
    eyes.look(other.page, "talk-declined")
    asker.go(f"/account/talks/{second}")
    expect(page.locator("[data-live=talk]")).to_contain_text("Waits for an answer")
    asker.go(f"/l/{goods}")
    third = ask(page, 2, "How heavy is it?")
    shop.db.run_now(withdraw, asked_name(shop, third), shop.relay.clock.now())
    asker.go(f"/l/{goods}")
    expect(page.locator("#owners")).to_contain_text("Nobody can be asked about this yet")
    eyes.look(page, "owners-nobody")


def withdraw(connection, nickname, now):
    """Take somebody's consent back, as the page of their consents does."""
    account_id = connection.scalar(select(account.c.account_id).where(account.c.nickname == nickname))
    consent.withdraw(connection, account_id, consent.Use.ASK_OWNERS, now)
