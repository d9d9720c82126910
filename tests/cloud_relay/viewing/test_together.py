"""Looking together at the relay: who comes in, what is said, and a hand-over that works once and for its turn alone."""

import pytest
from sqlalchemy import select, update

from cloud_relay.tables import page_event, viewing_session
from cloud_relay.viewing.together_routes import read_point
from wire.commands import HandTurn


class Circle:
    """Three people at one camera: ann steers turn 7, bob watches signed in, a visitor watches."""

    def __init__(self, site):
        self.site, self.sent = site, []

    async def open(self, monkeypatch):
        site = self.site
        _, self.shop_id, headers = await site.merchant("mo", cameras=[{"camera": "front"}])
        _, (self.piece_id,) = await site.listing(self.shop_id, headers)
        self.people = {"ann": site.account("ann"), "bob": site.account("bob"), "visitor": {}}
        self.sessions = {}
        for name, state, turn_no in (("ann", "steering", 7), ("bob", "watching", 0), ("visitor", "watching", 0)):
            asked = await self.site.call("POST", "/api/viewing", {"piece_id": self.piece_id}, self.people[name], 201)
            assert asked["grant"] is None, "no pass where there is nothing to see: the shop is away"
            self.sessions[name] = asked["session_id"]
            self.now_is(name, state, turn_no)

        async def send(shop_id, command):
            self.sent.append((shop_id, command))

        monkeypatch.setattr(site.relay.link, "send_transient", send)
        return self

    def now_is(self, name, state, turn_no):
        row = viewing_session.c.session_id == self.sessions[name]
        values = {"state": state, "answer": {"turn_no": turn_no}, "ended_at": None}
        self.site.db.run_now(lambda c: c.execute(update(viewing_session).where(row).values(values)))

    async def call(self, name, method="POST", path="", body=None, status=201):
        address = f"/api/viewing/{self.sessions[name]}/together{path}"
        return await self.site.call(method, address, body, self.people[name], status)

    async def gather(self):
        began = await self.call("ann", body={})
        self.together_id = began["together_id"]
        for name in ("bob", "visitor"):
            self.site.clock.forward(1)
            joined = await self.call(name, body={"together_id": self.together_id})
        self.ids = dict(zip(self.people, [one["companion_id"] for one in joined["companions"]], strict=True))
        return joined

    def events(self, kind):
        query = select(page_event.c.data).where(page_event.c.channel == f"together:{self.together_id}")
        return self.site.db.read_now(lambda c: list(c.scalars(query.where(page_event.c.kind == kind))))


@pytest.fixture
async def circle(site, monkeypatch):
    return await Circle(site).open(monkeypatch)


async def test_companions_know_names_and_who_steers_and_no_session(circle):
    joined = await circle.gather()
    assert [one["is_steering"] for one in joined["companions"]] == [True, False, False]
    assert [one["can_take"] for one in joined["companions"]] == [False, True, False]
    assert not any(session in str(joined) for session in circle.sessions.values())
    again = await circle.call("bob", body={"together_id": circle.together_id})
    assert len(again["companions"]) == 3


async def test_what_is_said_comes_to_all_and_hidden_characters_do_not(circle):
    await circle.gather()
    await circle.call("visitor", path="/say", body={"text": "看那里"}, status=202)
    assert [one["text"] for one in circle.events("said")] == ["看那里"]
    await circle.call("bob", path="/say", body={"text": "a\u202eb"}, status=422)


@pytest.mark.parametrize(("text", "kind"), [("加我 138 0013 8000", "phone"), ("wechat: teapotlady", "messenger")])
async def test_contact_data_is_not_passed_on_and_the_sender_reads_why(circle, text, kind):
    await circle.gather()
    refused = await circle.call("bob", path="/say", body={"text": text}, status=422)
    assert (refused["kind"], circle.events("said")) == (kind, [])
    assert "money is held only for what is bought here" in refused["title"]
    link = f"{circle.site.relay.settings.relay.public_url}/look/{circle.piece_id}"
    await circle.call("bob", path="/say", body={"text": f"and this one: {link}"}, status=202)
    assert len(circle.events("said")) == 1


async def test_what_was_said_is_reported_with_its_own_words_and_closed_by_the_operator(circle):
    await circle.gather()
    await circle.call("bob", path="/say", body={"text": "buy it from me instead"}, status=202)
    (said,) = circle.events("said")
    path, body = "/complaints", {"said_id": said["said_id"]}
    await circle.call("bob", path=path, body=body, status=404)  # one's own
    await circle.call("ann", path=path, body={"said_id": "said_invented"}, status=404)
    for name in ("ann", "ann", "visitor"):
        await circle.call(name, path=path, body=body, status=202)
    operator = circle.site.account("olga", is_operator=True)
    found = (await circle.site.call("GET", "/api/operator/complaints", headers=operator))["complaints"]
    told = sorted((one["by_nickname"], one["nickname"], one["text"]) for one in found)
    assert told == [("", "bob", "buy it from me instead"), ("ann", "bob", "buy it from me instead")]
    bob = (await circle.site.call("GET", "/api/me", headers=circle.people["bob"]))["account_id"]
    assert {one["account_id"] for one in found} == {bob}
    page = (await circle.site.call("GET", "/operator", headers=operator, status=None)).text
    assert "buy it from me instead" in page
    for one in found:
        await circle.site.call("POST", f"/api/operator/complaints/{one['complaint_id']}/close", headers=operator)
    assert (await circle.site.call("GET", "/api/operator/complaints", headers=operator))["complaints"] == []
    address = f"/api/operator/complaints/{found[0]['complaint_id']}/close"
    await circle.site.call("POST", address, headers=operator, status=404)


async def test_what_was_said_elsewhere_or_long_ago_is_not_reported(circle):
    await circle.gather()
    await circle.call("bob", path="/say", body={"text": "look"}, status=202)
    (said,) = circle.events("said")
    circle.site.clock.forward(7 * 3600)
    await circle.call("ann", path="/complaints", body={"said_id": said["said_id"]}, status=404)


async def test_steering_is_handed_over_once_and_only_in_its_turn(circle):
    await circle.gather()
    offer = {"companion_id": circle.ids["bob"]}
    await circle.call("bob", path="/answer", body={"accepts": True}, status=409)
    await circle.call("ann", path="/offer", body=offer, status=202)
    await circle.call("bob", path="/answer", body={"accepts": True}, status=202)
    handed = HandTurn(session_id=circle.sessions["ann"], to_session_id=circle.sessions["bob"], turn_no=7)
    assert circle.sent == [(circle.shop_id, handed)]
    await circle.call("bob", path="/answer", body={"accepts": True}, status=409)
    await circle.call("ann", path="/offer", body=offer, status=202)
    circle.now_is("ann", "steering", 9)
    await circle.call("bob", path="/answer", body={"accepts": True}, status=409)
    await circle.call("ann", path="/offer", body=offer, status=202)
    await circle.call("bob", path="/answer", body={"accepts": False}, status=202)
    assert len(circle.sent) == 1


async def test_nobody_offers_what_is_not_theirs_or_to_who_cannot_take_it(circle):
    await circle.gather()
    await circle.call("bob", path="/offer", body={"companion_id": circle.ids["ann"]}, status=409)
    await circle.call("ann", path="/offer", body={"companion_id": circle.ids["visitor"]}, status=409)
    await circle.call("ann", path="/offer", body={"companion_id": "cmp_nobody"}, status=409)
    await circle.call("visitor", path="/offer", body={"companion_id": circle.ids["bob"]}, status=401)


async def test_an_invitation_to_nowhere_or_after_all_left_is_refused(circle):
    await circle.call("bob", body={"together_id": "tog_nowhere"}, status=404)
    await circle.gather()
    for name in circle.people:
        await circle.call(name, "DELETE", status=204)
    assert circle.events("companions")[-1] == {"companions": []}
    await circle.call("bob", body={"together_id": circle.together_id}, status=404)
    await circle.call("bob", path="/say", body={"text": "anybody?"}, status=404)


async def test_who_leaves_the_viewing_leaves_the_others(circle):
    await circle.gather()
    await circle.site.call("DELETE", f"/api/viewing/{circle.sessions['bob']}", headers=circle.people["bob"], status=204)
    assert [one["companion_id"] for one in circle.events("companions")[-1]["companions"]] == [
        circle.ids["ann"],
        circle.ids["visitor"],
    ]


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ('{"x": 0.25, "y": 1}', {"x": 0.25, "y": 1.0}), ("{}", None), ("[]", None), ('{"x": 2, "y": 0}', None),
        ('{"x": "0.1", "y": 0}', None), ('{"x": 1e999, "y": 0}', None), ('{"x": NaN, "y": 0}', None),
        (" " * 200, None), ("{", None),
    ],
)  # fmt: skip
def test_a_pointer_is_a_place_in_the_picture_or_nothing(text, point):
    assert read_point(text) == point
