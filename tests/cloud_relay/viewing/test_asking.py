"""Asking to look: the shop's word and its answer to the offer that came along, from that shop and from no other."""

import asyncio
import base64

import pytest
from sqlalchemy import insert, select

from cloud_relay import db
from cloud_relay.db import DatabaseBusyError
from cloud_relay.tables import shop_link, viewing_pass, viewing_session
from cloud_relay.viewing import room as rooms
from cloud_relay.viewing import service
from tests.cloud_relay.viewing.test_viewing_rules import FINGERPRINT, OFFER
from wire.commands import AskToLook, OpenStream
from wire.reports import LookAnswer, LookAnswered, StreamAnswered, ViewingChanged
from wire.tickets import verify_ticket

SDP = "v=0\r\na=setup:active\r\n"


class Shop:
    """A shop that answers as it is told to; `said_by` is the shop from which its words come."""

    def __init__(self, site, shop_id, piece_id, stranger_id):
        self.site, self.room, self.sent = site, site.relay.viewing, []
        self.shop_id, self.piece_id, self.stranger_id = shop_id, piece_id, stranger_id
        self.said_by, self.answer, self.stream, self.still_age_s = shop_id, LookAnswer.NOW, {"answer_sdp": SDP}, 0.5
        site.db.run_now(lambda c: c.execute(insert(shop_link).values(shop_id=shop_id, session="one", is_online=True)))

    async def send(self, _shop_id, command):
        self.sent.append(command)
        if isinstance(command, AskToLook):
            word = LookAnswered(
                session_id=command.session_id, answer=self.answer, camera="front", still_age_s=self.still_age_s
            )
            await self.room._look_answered(self.said_by, word)
        if isinstance(command, OpenStream):
            told = StreamAnswered(stream_id=command.stream_id, session_id=command.session_id, **self.stream)
            await self.room._stream_answered(self.said_by, told)

    async def ask(self, offer="", **more):
        body = {"piece_id": self.piece_id, "offer_sdp": offer, **more}
        return await self.site.call("POST", "/api/viewing", body, {}, 201)

    async def take(self, grant):
        return await self.site.http.get(grant["stream_url"], headers={"Authorization": f"Bearer {grant['pass']}"})


@pytest.fixture
async def shop(site, monkeypatch):
    _, shop_id, headers = await site.merchant("mo", cameras=[{"camera": "front"}])
    _, stranger_id, _ = await site.merchant("other")
    _, (piece_id, *_) = await site.listing(shop_id, headers)
    shop = Shop(site, shop_id, piece_id, stranger_id)
    monkeypatch.setattr(site.relay.link, "send_transient", shop.send)
    monkeypatch.setattr(rooms, "ANSWER_WAIT_S", 0.2)
    return shop


async def test_an_offer_goes_with_the_ask_and_its_answer_is_taken_once(shop):
    asked = await shop.ask(OFFER)
    look, stream = shop.sent
    assert look.session_id == stream.session_id == asked["session_id"]
    key_id, key = shop.site.relay.authority.signer()
    ticket = verify_ticket(stream.ticket, {key_id: key.public_key()}, shop.site.clock.now())
    assert (ticket.fingerprint, ticket.camera, ticket.may_steer) == (f"sha-256 {FINGERPRINT}", "front", False)
    first = await shop.take(asked["grant"])
    assert (first.status_code, first.text) == (200, SDP)
    assert first.headers["content-type"].startswith("application/sdp")
    assert (await shop.take(asked["grant"])).status_code == 404


async def test_the_pass_of_an_ask_with_an_offer_opens_no_second_stream(shop):
    grant = (await shop.ask(OFFER))["grant"]
    headers = {"Authorization": f"Bearer {grant['pass']}", "Content-Type": "application/sdp"}
    answer = await shop.site.http.post(grant["whep_url"], content=OFFER, headers=headers)
    assert answer.status_code == 401


async def test_without_an_offer_the_pass_waits_for_one(shop):
    grant = (await shop.ask())["grant"]
    assert "stream_url" not in grant
    headers = {"Authorization": f"Bearer {grant['pass']}", "Content-Type": "application/sdp"}
    answer = await shop.site.http.post(grant["whep_url"], content=OFFER, headers=headers)
    assert (answer.status_code, answer.text) == (201, SDP)


async def test_another_pass_reads_no_answer(shop):
    grant, other = (await shop.ask(OFFER))["grant"], (await shop.ask(OFFER))["grant"]
    assert (await shop.take({**grant, "pass": other["pass"]})).status_code == 404
    assert (await shop.take({**grant, "pass": "made-up"})).status_code == 404
    assert (await shop.take(grant)).status_code == 200


async def test_a_refused_stream_says_why(shop):
    shop.stream = {"reason": "full"}
    answer = await shop.take((await shop.ask(OFFER))["grant"])
    assert answer.status_code == 409
    assert "full" in answer.json()["title"]


async def test_an_ask_that_the_shop_refuses_gives_no_pass(shop):
    shop.answer = LookAnswer.PRIVATE
    asked = await shop.ask(OFFER)
    assert (asked["state"], asked["grant"]) == ("refused", None)
    assert shop.site.db.read_now(lambda c: c.execute(select(viewing_pass)).all()) == []


@pytest.mark.parametrize("offer", ["v=0", OFFER + OFFER.replace("00:01", "AA:01"), "x" * 32_001])
async def test_what_is_no_offer_is_refused_before_anything_is_asked(shop, offer):
    answer = await shop.site.http.post("/api/viewing", json={"piece_id": shop.piece_id, "offer_sdp": offer})
    assert answer.status_code == 422
    assert shop.sent == []
    assert shop.site.db.read_now(lambda c: c.execute(select(viewing_session)).all()) == []


async def test_a_stranger_answers_for_nobody(shop):
    """Neither an ask nor an offer: what another shop says under our session's name is as if it were never said."""
    shop.said_by = shop.stranger_id
    asked = await shop.ask(OFFER)
    assert (asked["state"], asked["answer"], asked["grant"]) == ("refused", "camera_offline", None)
    assert shop.room.frames._newest[shop.shop_id, asked["session_id"]].promised is None


async def test_a_word_that_comes_too_late_is_kept_all_the_same(shop, monkeypatch):
    late = []

    async def send(_shop_id, command):
        late.append(command)

    monkeypatch.setattr(shop.site.relay.link, "send_transient", send)
    asked = await shop.ask()
    assert asked["answer"] == "camera_offline"
    word = LookAnswered(session_id=asked["session_id"], answer=LookAnswer.QUEUED, camera="front", place=2)
    await shop.room._look_answered(shop.shop_id, word)
    now = await shop.site.call("GET", f"/api/viewing/{asked['session_id']}", None, {}, 200)
    assert (now["state"], now["place"]) == ("waiting", 2)


async def test_frames_of_sessions_that_nobody_asked_for_take_no_room(shop):
    await shop.room._frame(shop.shop_id, "ses_made_up", b"picture")
    assert shop.room.frames.newest((shop.shop_id, "ses_made_up")) is None
    session_id = (await shop.ask())["session_id"]
    await shop.room._frame(shop.shop_id, session_id, b"picture")
    assert shop.room.frames.newest((shop.shop_id, session_id)).jpeg == b"picture"


async def test_the_frame_of_another_shop_is_nobodys(shop):
    session_id = (await shop.ask())["session_id"]
    await shop.room._frame(shop.stranger_id, session_id, b"a stranger's")
    assert shop.room.frames.newest((shop.shop_id, session_id)) is None


async def test_a_change_right_behind_the_word_is_not_undone_by_it(shop, monkeypatch):
    """The link hands each report to a task of its own: the change may be written before the word is."""
    tasks = []

    async def send(_shop_id, command):
        word = LookAnswered(session_id=command.session_id, answer=LookAnswer.QUEUED, camera="front", place=1)
        change = ViewingChanged(session_id=command.session_id, state="steering", turn_no=7)

        def come():
            tasks.append(asyncio.create_task(shop.room._look_answered(shop.shop_id, word)))
            tasks.append(asyncio.create_task(shop.room._viewing_changed(shop.shop_id, change)))

        asyncio.get_running_loop().call_soon(come)

    monkeypatch.setattr(shop.site.relay.link, "send_transient", send)
    monkeypatch.setattr(rooms, "ANSWER_WAIT_S", 5)
    asked = await shop.ask()
    await asyncio.gather(*tasks)
    now = await shop.site.call("GET", f"/api/viewing/{asked['session_id']}", None, {}, 200)
    assert (now["state"], now["turn_no"], now["camera"]) == ("steering", 7, "front")


async def test_the_first_still_and_the_stream_come_with_the_shops_word(shop, monkeypatch):
    soon = []

    async def send(shop_id, command):
        await Shop.send(shop, shop_id, command)
        if isinstance(command, AskToLook):
            soon.append(asyncio.create_task(shop.room._frame(shop.shop_id, command.session_id, b"picture")))

    monkeypatch.setattr(shop.site.relay.link, "send_transient", send)
    asked = await shop.ask(OFFER, first_picture=True)
    assert base64.b64decode(asked["still"]["jpeg"]) == b"picture"
    assert asked["still"]["age_s"] >= 0.5
    assert asked["grant"]["answer_sdp"] == SDP
    assert (await shop.take(asked["grant"])).status_code == 404, "it was given out"


async def test_what_does_not_follow_closely_is_left_to_the_page(shop):
    """The picture was promised and is late, the stream refused: the word of the shop is held back for neither."""
    shop.stream = {"reason": "full"}
    asked = await shop.ask(OFFER, first_picture=True)
    assert "still" not in asked
    assert "answer_sdp" not in asked["grant"]
    assert (await shop.take(asked["grant"])).status_code == 409
    assert shop.room.frames.is_promised((shop.shop_id, asked["session_id"])), "still.jpg waits for it"


async def test_where_no_still_was_promised_none_is_waited_for(shop, monkeypatch):
    monkeypatch.setattr(rooms, "ALONG_S", 30.0)
    shop.still_age_s = None
    asked = await shop.ask(OFFER, first_picture=True)
    assert asked["grant"]["answer_sdp"] == SDP
    assert "still" not in asked


async def test_answers_that_nobody_takes_are_forgotten(shop, monkeypatch):
    monkeypatch.setattr(rooms, "EARLY_MAX", 2)
    grants = [(await shop.ask(OFFER))["grant"] for _ in range(3)]
    await asyncio.sleep(0)
    assert [(await shop.take(grant)).status_code for grant in grants] == [404, 200, 200]


async def test_a_shops_word_outlasts_a_busy_database_and_overtakes_no_newer_one(shop, monkeypatch):
    asked = await shop.ask()
    room, write, tried = shop.room, shop.site.relay.db.run, []

    async def run(fn, *args):
        if fn is service.take_viewing_change:
            tried.append(args[1].state)
            if len(tried) == 1:
                raise DatabaseBusyError("others write")
        return await write(fn, *args)

    monkeypatch.setattr(db, "BUSY_S", 0.05)
    monkeypatch.setattr(shop.site.relay.db, "run", run)
    session_id = asked["session_id"]
    told = [ViewingChanged(session_id=session_id, state=state, turn_no=1) for state in ("steering", "watching")]
    await asyncio.gather(*(room._viewing_changed(shop.shop_id, word) for word in told))
    assert tried == ["steering", "watching"], "the older word was given up"
    tried.clear()
    await room._viewing_changed(shop.shop_id, told[0])
    assert tried == ["steering", "steering"]
    assert (await shop.site.http.get(f"/api/viewing/{session_id}")).json()["state"] == "steering"
    assert room._newest == {}
