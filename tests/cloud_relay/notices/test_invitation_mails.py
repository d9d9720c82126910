"""Invitations that go by mail to people without an account: once, in both languages, and never after they ended."""

import asyncio
import re

import pytest

from cloud_relay.notices.invitations import Invited, sentences
from cloud_relay.notices.rules import TRIES_MAX, Sent
from cloud_relay.settings import MailSettings
from cloud_relay.tables import account, invitation_delivery
from demo.mail_catcher import Catcher
from tests.cloud_relay.notices.test_worker import Post
from tests.cloud_relay.site import open_site
from tests.cloud_relay.trade_world import START

WHO = {"email": "new@example.org", "role": "packer"}
JOIN = {"email": "new@example.org", "password": "packs every day", "nickname": "Nia", "language": "zh"}


@pytest.fixture
async def mailed(database_url, tmp_path):
    """The relay's application with a mail server behind it that keeps every mail."""
    folder = tmp_path / "site"
    folder.mkdir()
    catcher = Catcher(tmp_path / "mails")
    async with await asyncio.start_server(catcher.smtp, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        mail = MailSettings(smtp_host="127.0.0.1", smtp_port=port, encryption="none", sender="shop@example.org")
        async with open_site(folder, database_url, mail=mail) as site:
            site.catcher = catcher
            yield site


async def invite(site, who=WHO, **more):
    merchant_id, _, owner = await site.merchant("mo")
    await site.relay.notices.round()  # of the verdict that made mo a merchant a mail tells too
    if hasattr(site, "catcher"):
        for told in site.catcher.files():
            told.unlink()
    made = await site.call("POST", f"/api/merchants/{merchant_id}/invitations", {**who, **more}, owner, 201)
    return merchant_id, owner, made


def rows(site, table):
    return site.db.read_now(lambda connection: [dict(row) for row in connection.execute(table.select()).mappings()])


async def test_a_stranger_gets_a_mail_opens_its_link_and_has_joined_in_one_go(mailed):
    site = mailed
    merchant_id, _, made = await invite(site)
    assert made["told_by"] == "mail"
    assert await site.relay.notices.round() == 1
    assert await site.relay.notices.round() == 0
    shown = site.catcher.shown()
    assert "To: new@example.org" in shown
    assert "mo invites you to work in their shop as packer" in shown and "邀请您加入店铺，角色：打包员" in shown
    path = re.search(r"http://127.0.0.1:8080(/invitation/\S+)", shown)[1]
    page = await site.call("GET", f"{path}?lang=en")
    assert 'value="new@example.org"' in page.text and "Make my account and join" in page.text
    api = f"/api/invitations/{path.rsplit('/', 1)[1]}/join"
    other = await site.call("POST", api, {**JOIN, "email": "thief@example.org"}, status=403)
    assert "new@example.org" in other["title_en"] and "new@example.org" in other["title_zh"]
    assert (await site.call("POST", api, {**JOIN, "password": "12345678"}, status=422))["title"]
    assert "new@example.org" not in {row["email"] for row in rows(site, account)}, "a refused try leaves no account"
    joined = await site.call("POST", api, JOIN, status=201)
    headers = {"Authorization": f"Bearer {joined['token']}"}
    mine = (await site.call("GET", "/api/merchants/mine", headers=headers))["merchants"]
    assert [(one["merchant_id"], one["role"]) for one in mine] == [(merchant_id, "packer")]
    again = await site.call("POST", api, {**JOIN, "email": "new@example.org"}, status=404)
    assert again["type"].endswith("invitation_over")
    site.http.cookies.clear()
    assert (await site.http.get(path)).status_code == 404
    (row,) = rows(site, invitation_delivery)
    assert (row["state"], row["link"]) == ("sent", ""), "a link is a key, and is kept no longer than it must be"


async def test_whoever_has_an_account_gets_a_notice_and_cannot_make_a_second_account(mailed):
    site = mailed
    site.account("new")
    _, _, made = await invite(site)
    assert made["told_by"] == "notice"
    token = made["url"].rsplit("/", 1)[1]
    assert "There is an account" in (await site.call("GET", f"/invitation/{token}?lang=en")).text
    refused = await site.call("POST", f"/api/invitations/{token}/join", JOIN, status=409)
    assert refused["type"].endswith("email_taken")
    headers = site.account("other")
    page = await site.call("GET", f"/invitation/{token}?lang=en", headers=headers)
    assert "you are signed in with other@example.org" in page.text


async def test_an_invitation_that_was_taken_back_is_not_mailed(mailed):
    site = mailed
    merchant_id, owner, made = await invite(site)
    await site.call("DELETE", f"/api/merchants/{merchant_id}/invitations/{made['invitation_id']}", headers=owner)
    await site.relay.notices.round()
    assert site.catcher.files() == []
    assert [(row["state"], row["link"]) for row in rows(site, invitation_delivery)] == [("gone", "")]


async def test_an_expired_link_makes_no_account(mailed):
    site = mailed
    _, _, made = await invite(site)
    site.clock.forward(7 * 86400)
    await site.call("POST", f"/api/invitations/{made['url'].rsplit('/', 1)[1]}/join", JOIN, status=404)
    assert "new@example.org" not in {row["email"] for row in rows(site, account)}


async def test_without_a_mail_server_the_owner_is_told_to_send_it(site):
    _, _, made = await invite(site)
    assert made["told_by"] == ""
    assert rows(site, invitation_delivery) == []


async def test_one_merchant_causes_only_so_many_mails_a_day(mailed, monkeypatch):
    monkeypatch.setattr("cloud_relay.accounts.members.MAILS_A_DAY_MAX", 2)
    site = mailed
    merchant_id, _, owner = await site.merchant("mo")
    told = []
    for number in (1, 1, 2, 3):
        body = {"email": f"n{number}@example.org", "role": "packer"}
        made = await site.call("POST", f"/api/merchants/{merchant_id}/invitations", body, owner, 201)
        told.append(made["told_by"])
    assert told == ["mail", "mail", "", ""], "taking one back and sending it again counts too"
    site.clock.forward(86401)
    body = {"email": "n4@example.org", "role": "packer"}
    assert (await site.call("POST", f"/api/merchants/{merchant_id}/invitations", body, owner, 201))["told_by"] == "mail"


async def test_a_mail_that_surely_did_not_arrive_is_tried_again_and_no_other(mailed):
    site, post = mailed, Post()
    await invite(site)
    worker = site.relay.notices
    worker._mailer = post
    post.answers = [Sent.LATER] * TRIES_MAX
    for _ in range(TRIES_MAX + 3):
        await worker.round()
        site.clock.forward(3600)
    assert len(post.mails) == TRIES_MAX
    assert [(row["state"], row["link"]) for row in rows(site, invitation_delivery)] == [("later", "")]


async def test_what_perhaps_arrived_is_not_sent_twice(mailed):
    site, post = mailed, Post()
    await invite(site)
    site.relay.notices._mailer = post
    post.answers = [Sent.UNKNOWN]
    for _ in range(3):
        await site.relay.notices.round()
        site.clock.forward(3600)
    assert len(post.mails) == 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_mail_says_who_what_until_when_and_what_to_do_if_it_is_nobody_you_know(language):
    one = Invited(
        name_en="Tea House",
        name_zh="茶馆",
        role="manager",
        link="https://v/invitation/x",
        until=START,
        language=language,
    )
    subject, text = sentences(one)
    assert subject == "Tea House invites you · 茶馆 邀请您加入"
    assert text.startswith("Tea House" if language == "en" else "茶馆")
    assert text.count("https://v/invitation/x") == 2
    for words in ("manager", "店长", "If you do not know", "如果您不认识", f"{START:%Y-%m-%d}"):
        assert words in text
