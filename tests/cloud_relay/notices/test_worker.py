"""Notices that leave the house: each at most once, tried again only when it surely did not arrive, switchable."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cloud_relay.notices import rules, service, store, texts
from cloud_relay.notices.rules import Sent
from cloud_relay.notices.worker import NoticeWorker
from cloud_relay.tables import notice, notice_delivery, push_place

PLACE = ("https://push.example/1", "key", "auth", "zh")


class Post:
    """Push services and mail server of these tests: answers as told, remembers what it got."""

    public_key = "BKey"

    def __init__(self) -> None:
        self.pushed: list[tuple[str, dict[str, str]]] = []
        self.mails: list = []
        self.answers: list[Sent] = []

    def _answer(self) -> tuple[Sent, str]:
        return (self.answers.pop(0) if self.answers else Sent.SENT), "told to"

    async def send(self, *what):
        if len(what) == 1:
            self.mails.append(what[0])
        else:
            self.pushed.append((what[0]["endpoint"], what[1]))
        return self._answer()


class Clock:
    def __init__(self, world) -> None:
        self.world = world

    def now(self):
        return self.world.now

    def monotonic(self):
        return 0.0


@pytest.fixture
def post():
    return Post()


@pytest.fixture
def worker(world, post):
    world.database.run_now(store.keep_place, "ann", *PLACE, world.now)
    return NoticeWorker(
        world.database, Clock(world), push=post, mailer=post, sender="shop@example.org", public_url="https://v.example"
    )


def tell(world, kind="photo_ready", to=("ann",)):
    world.database.run_now(service.notify, to, kind, "/orders/o1", world.now, title_en="Teapot", title_zh="茶壶")


async def test_a_backlog_is_planned_in_one_round(world, worker):
    for _ in range(2 * store.BATCH + 1):
        tell(world)
    await worker.round()
    waiting = select(func.count()).select_from(notice).where(notice.c.planned_at.is_(None))
    assert world.database.read_now(lambda connection: connection.scalar(waiting)) == 0


async def test_a_notice_goes_to_every_place_once(world, worker, post):
    tell(world)
    assert await worker.round() == 2
    assert post.pushed[0][0] == "https://push.example/1"
    assert post.pushed[0][1]["text"] == "请查看包裹照片：茶壶"
    (mail,) = post.mails
    assert mail["To"] == "ann@example.org"
    assert mail["Subject"] == "Please look at the photo of your parcel: Teapot"
    assert "https://v.example/orders/o1" in mail.get_content()
    for _ in range(3):
        world.later(3600)
        assert await worker.round() == 0
    assert len(post.pushed) == len(post.mails) == 1


async def test_two_relays_tell_once(world, worker, post):
    other = NoticeWorker(
        world.database, Clock(world), push=post, mailer=post, sender="shop@example.org", public_url="https://v.example"
    )
    tell(world)
    await worker.round()
    await other.round()
    assert (len(post.pushed), len(post.mails)) == (1, 1)


@pytest.mark.parametrize("outcome", [Sent.UNKNOWN, Sent.SENT, Sent.GONE])
async def test_what_perhaps_arrived_is_not_sent_again(world, worker, post, outcome):
    post.answers = [outcome, outcome]
    tell(world)
    await worker.round()
    world.later(86400)
    assert await worker.round() == 0
    assert {row["state"] for row in world.rows(notice_delivery)} == {outcome.value}
    assert len(world.rows(push_place)) == (0 if outcome is Sent.GONE else 1)


async def test_what_surely_did_not_arrive_is_tried_again_and_given_up_at_last(world, worker, post):
    post.answers = [Sent.LATER] * 100
    tell(world)
    tried = 0
    for _ in range(20):
        tried += await worker.round()
        world.later(3600)
    assert tried == 2 * rules.TRIES_MAX
    assert {row["state"] for row in world.rows(notice_delivery)} == {"later"}


async def test_a_crash_between_sending_and_noting_sends_nothing_twice(world, worker, post):
    """The intent is written first: a process that died in between leaves a delivery that nobody takes again."""
    tell(world)
    world.database.run_now(store.plan, world.now, with_mail=True)
    assert len(world.database.run_now(store.take_due, world.now)) == 2
    world.later(86400)
    assert await worker.round() == 0
    assert post.pushed == post.mails == []


async def test_a_busy_database_loses_no_notice_and_sends_none_twice(world, worker, post, busy_once):
    """Between taking and sending a mail's key is written, after sending what became of it: each meets it once."""
    tell(world)
    met = busy_once(world.database)
    assert await worker.round() == 2
    assert met == {"plan", "take_due", "mail_key_of", "_settle"}
    assert (len(post.pushed), len(post.mails)) == (1, 1)
    assert {row["state"] for row in world.rows(notice_delivery)} == {"sent"}


async def test_switches_are_kept_for_each_kind(world, worker, post):
    run = world.database.run_now
    run(store.choose, "ann", "photo", {"by_mail": False})
    run(store.choose, "ann", "photo", {"by_push": False})
    tell(world)
    tell(world, "handed_over")
    await worker.round()
    assert [message["topic"] for _, message in post.pushed] == ["parcel"]
    assert len(post.mails) == 1


async def test_the_link_in_the_mail_ends_these_mails_and_no_others(site):
    headers = site.account("ann")
    account_id = (await site.call("GET", "/api/me", headers=headers))["account_id"]
    key = site.db.run_now(store.mail_key_of, account_id)
    page = await site.call("GET", f"/unsubscribe/{key}/photo", headers={"Accept": "text/html"})
    assert "No more of these mails" in page.text
    assert site.db.read_now(store.choices_of, account_id)["photo"].by_mail, "looking at the page switched it off"
    await site.call("POST", f"/unsubscribe/{key}/photo", headers={"Origin": "https://mail.example"})
    chosen = site.db.read_now(store.choices_of, account_id)
    assert not chosen["photo"].by_mail
    assert chosen["parcel"].by_mail and chosen["photo"].by_push
    await site.call("POST", f"/unsubscribe/{key}/nonsense", status=404)


async def test_a_browser_belongs_to_who_signed_in_there_last(site):
    ann, bob = site.account("ann"), site.account("bob")
    place = {"endpoint": "https://push.example/1", "keys": {"p256dh": "B" + "A" * 86, "auth": "A" * 22}}
    await site.call("POST", "/api/notices/push", place, ann, 422)
    place["keys"]["p256dh"] = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    await site.call("POST", "/api/notices/push", place, ann, 201)
    await site.call("POST", "/api/notices/push", place, bob, 201)
    await site.call("POST", "/api/notices/push/forget", {"endpoint": place["endpoint"]}, ann, 204)
    kept = site.db.read_now(lambda connection: connection.execute(push_place.select()).mappings().all())
    assert len(kept) == 1
    await site.call("POST", "/api/notices/push", {**place, "endpoint": "http://10.0.0.1/"}, bob, 422)


def test_every_kind_has_a_topic_and_every_topic_a_switch():
    assert set(rules.TOPIC_OF_KIND) <= set(texts.TEXTS)
    assert {rules.topic_of(kind) for kind in texts.TEXTS} == set(rules.TOPICS)
    assert rules.wait_after(1) == timedelta(seconds=30)
    assert rules.wait_after(3) == timedelta(seconds=120)


async def test_nothing_is_mailed_without_a_mail_server(world, post):
    worker = NoticeWorker(
        world.database, Clock(world), push=post, mailer=None, sender="", public_url="https://v.example"
    )
    tell(world)
    assert await worker.round() == 0
    assert all(row["planned_at"] for row in world.rows(notice))
