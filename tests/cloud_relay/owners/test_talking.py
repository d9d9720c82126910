"""A talk: answered or not, a no that nobody sees, ended by whichever side without a word on whom, and forgotten."""

from datetime import timedelta

import pytest

from cloud_relay import muting, tables
from cloud_relay.owners import leaving, reading, rules, talking
from cloud_relay.records import consent
from cloud_relay.refusals import RefusedError
from tests.cloud_relay.owners.owner_world import MOMENT, QUESTION, Owners
from wire.values import BadValueError


@pytest.fixture
def owners(world):
    owners = Owners(world)
    owners.crowd(4)
    return owners


def refused(owners, use, *args, match):
    with pytest.raises(RefusedError, match=match):
        owners.run(use, *args)


@pytest.mark.both_stores
def test_a_question_and_its_answer(owners):
    talk_id, asked = owners.asked()
    assert owners.told(asked, "owner_asked") == 1
    seen = owners.read(talk_id, asked)
    assert [one["text"] for one in seen["messages"]] == [QUESTION]
    assert (seen["state"], seen["can_write"], seen["can_decline"], seen["is_asker"]) == ("waiting", True, True, False)
    refused(owners, talking.write, talk_id, "ann", "Hello?", owners.world.now, match="wait_for_answer")
    owners.world.later(60)
    owners.write(talk_id, asked, "Yes.\n好用")
    assert owners.told("ann", "owner_answered") == 1
    owners.write(talk_id, "ann", "Thank you")
    mine, theirs = owners.read(talk_id), owners.read(talk_id, asked)
    assert mine["state"] == theirs["state"] == "open"
    assert [(one["text"], one["is_mine"]) for one in mine["messages"]] == [
        (QUESTION, True), ("Yes.\n好用", False), ("Thank you", True)
    ]  # fmt: skip
    assert mine["nickname"] == theirs["my_nickname"] != mine["my_nickname"] == theirs["nickname"]
    assert owners.run(reading.talks_of, asked, owners.world.now)[0]["talk_id"] == talk_id


@pytest.mark.parametrize(("more", "is_open"), [(-MOMENT, True), (0 * MOMENT, False), (MOMENT, False)])
def test_an_answer_within_three_days(owners, more, is_open):
    talk_id, asked = owners.asked()
    owners.world.now += timedelta(seconds=rules.ANSWER_S) + more
    if is_open:
        owners.write(talk_id, asked, "Late, but yes")
        assert owners.read(talk_id)["state"] == "open"
    else:
        refused(owners, talking.write, talk_id, asked, "Too late", owners.world.now, match="talk_over")
        assert owners.read(talk_id)["state"] == "no_answer"


@pytest.mark.both_stores
def test_a_no_looks_like_silence(owners):
    talk_id, asked = owners.asked()
    before = (owners.read(talk_id), owners.events("ann"), owners.told("ann"))
    owners.run(talking.decline, talk_id, asked, owners.world.now)
    assert (owners.read(talk_id), owners.events("ann"), owners.told("ann")) == before
    assert owners.read(talk_id, asked)["state"] == "declined"
    refused(owners, talking.write, talk_id, asked, "After all", owners.world.now, match="talk_over")
    refused(owners, talking.decline, talk_id, "ann", owners.world.now, match="not_found")
    owners.world.later(rules.ANSWER_S)
    assert owners.read(talk_id)["state"] == "no_answer"


def test_strangers_see_no_talk(owners):
    talk_id, _ = owners.open()
    message_id = owners.read(talk_id)["messages"][0]["message_id"]
    for use, args in (
        (reading.read_talk, ()), (talking.end, ()), (talking.decline, ()), (talking.mute, ()),
    ):  # fmt: skip
        refused(owners, use, talk_id, "bob", *args, owners.world.now, match="not_found")
    refused(owners, talking.write, talk_id, "bob", "Hi", owners.world.now, match="not_found")
    refused(owners, talking.report, message_id, "bob", "rude", owners.world.now, match="not_found")
    assert owners.run(reading.talks_of, "bob", owners.world.now) == []


@pytest.mark.parametrize("way", ["end_asker", "end_asked", "mute_asker", "mute_asked", "withdrawn", "erased"])
def test_however_it_ends_it_reads_the_same(owners, way):
    talk_id, asked = owners.open()
    now = owners.world.now
    {
        "end_asker": lambda: owners.run(talking.end, talk_id, "ann", now),
        "end_asked": lambda: owners.run(talking.end, talk_id, asked, now),
        "mute_asker": lambda: owners.run(talking.mute, talk_id, "ann", now),
        "mute_asked": lambda: owners.run(talking.mute, talk_id, asked, now),
        "withdrawn": lambda: owners.run(consent.withdraw, asked, consent.Use.ASK_OWNERS, now),
        "erased": lambda: owners.run(leaving.erase, asked, now),
    }[way]()
    for who in ("ann", asked):
        shown = owners.read(talk_id, who)
        assert (shown["state"], shown["can_write"], shown["can_end"], shown["can_decline"]) == ("ended", *[False] * 3)
        refused(owners, talking.write, talk_id, who, "Still there?", now, match="talk_over")
    assert owners.told("ann") == 1, "only the answer was told"
    assert owners.events("ann") == 3, "asked, answered, over: alike by whom"
    assert owners.run(muting.is_between, "ann", asked) is way.startswith("mute")
    nicknames = owners.read(talk_id)["nickname"].values()
    for one in owners.run(muting.list_of, "ann"):
        assert set(one["nickname"].split(" · ")) == set(nicknames)


@pytest.mark.parametrize("way", ["decline", "end", "mute", "withdrawn", "erased", "silent"])
def test_before_the_answer_every_leaving_looks_like_silence(owners, way):
    talk_id, asked = owners.asked()
    now = owners.world.now
    {
        "decline": lambda: owners.run(talking.decline, talk_id, asked, now),
        "end": lambda: owners.run(talking.end, talk_id, asked, now),
        "mute": lambda: owners.run(talking.mute, talk_id, asked, now),
        "withdrawn": lambda: owners.run(consent.withdraw, asked, consent.Use.ASK_OWNERS, now),
        "erased": lambda: owners.run(leaving.erase, asked, now),
        "silent": lambda: None,
    }[way]()
    for state in ("waiting", "no_answer"):
        shown = owners.read(talk_id)
        assert (shown["state"], owners.events("ann"), owners.told("ann")) == (state, 1, 0)
        refused(owners, talking.write, talk_id, "ann", "?", now, match="wait_for_answer|talk_over")
        owners.world.later(rules.ANSWER_S)


def test_a_question_is_taken_back(owners):
    talk_id, asked = owners.asked()
    owners.run(talking.end, talk_id, "ann", owners.world.now)
    assert owners.read(talk_id, asked)["state"] == owners.read(talk_id)["state"] == "ended"
    refused(owners, talking.write, talk_id, asked, "Yes", owners.world.now, match="talk_over")
    owners.run(talking.end, talk_id, "ann", owners.world.now)
    refused(owners, talking.decline, talk_id, asked, owners.world.now, match="not_now")


@pytest.mark.both_stores
def test_consent_taken_back_ends_what_one_was_asked_not_what_one_asks(owners):
    owners.run(consent.give, "ann", consent.Use.ASK_OWNERS, owners.world.now)
    talk_id, asked = owners.open()
    owners.run(consent.withdraw, "ann", consent.Use.ASK_OWNERS, owners.world.now)
    assert owners.read(talk_id)["state"] == "open"
    assert owners.world.rows(tables.listed_owner, tables.listed_owner.c.account_id == asked)
    owners.run(consent.withdraw, asked, consent.Use.ASK_OWNERS, owners.world.now)
    assert owners.read(talk_id)["state"] == "ended"
    assert not owners.world.rows(tables.listed_owner, tables.listed_owner.c.account_id == asked)


@pytest.mark.both_stores
@pytest.mark.parametrize("side", ["asker", "asked"])
def test_erasing_leaves_no_word_and_no_list(owners, side):
    talk_id, asked = owners.open()
    who = "ann" if side == "asker" else asked
    other = asked if side == "asker" else "ann"
    owners.run(leaving.erase, who, owners.world.now)
    owners.run(leaving.erase, who, owners.world.now)
    assert not owners.world.rows(tables.listed_owner, tables.listed_owner.c.account_id == who)
    assert not owners.world.rows(tables.owner_list, tables.owner_list.c.account_id == who)
    shown = owners.read(talk_id, other)
    assert shown["state"] == "ended"
    assert [bool(one["text"]) for one in shown["messages"]] == [one["is_mine"] for one in shown["messages"]]


@pytest.mark.parametrize(("more", "count"), [(-MOMENT, 0), (0 * MOMENT, 1), (MOMENT, 1)])
def test_one_notice_per_quiet_time(owners, more, count):
    talk_id, asked = owners.open()
    owners.world.now += timedelta(minutes=15) + more
    owners.write(talk_id, "ann", "One")
    owners.write(talk_id, "ann", "Two")
    assert owners.told(asked, "owner_wrote") == count


@pytest.mark.both_stores
def test_a_report_reaches_the_operators_once_and_not_its_writer(owners):
    talk_id, asked = owners.open()
    theirs = owners.read(talk_id)["messages"][1]["message_id"]
    mine = owners.read(talk_id)["messages"][0]["message_id"]
    refused(owners, talking.report, mine, "ann", "rude", owners.world.now, match="own_message")
    before = (owners.events(asked), owners.told(asked))
    for _ in range(2):
        owners.run(talking.report, theirs, "ann", "rude", owners.world.now)
    assert (owners.events(asked), owners.told(asked)) == before
    assert [one["is_reported"] for one in owners.read(talk_id)["messages"]] == [False, True]
    assert [one["is_reported"] for one in owners.read(talk_id, asked)["messages"]] == [False, False]
    assert owners.told("olga", "talk_reported") == 1
    (found,) = owners.run(reading.reported)
    assert (found["message_id"], found["account_id"], found["reason"]) == (theirs, asked, "rude")
    owners.run(talking.close_report, theirs, owners.world.now)
    assert owners.run(reading.reported) == []
    for message_id in (theirs, mine, "msg_none"):
        refused(owners, talking.close_report, message_id, owners.world.now, match="not_found")


@pytest.mark.parametrize(
    ("text", "error"),
    [("call 13812345678", RefusedError), (" ", BadValueError), ("x" * (rules.TEXT_LENGTH_MAX + 1), BadValueError),
     ("\n".join("x" * (rules.TEXT_LINES_MAX + 1)), BadValueError), ("a\u202eb", BadValueError)],
)  # fmt: skip
def test_what_may_not_be_written(owners, text, error):
    talk_id, asked = owners.open()
    for who in ("ann", asked):
        with pytest.raises(error):
            owners.write(talk_id, who, text)
    owners.write(talk_id, "ann", "x" * rules.TEXT_LENGTH_MAX)


@pytest.mark.parametrize(("room", "fits"), [(1, True), (0, False)])
def test_a_talk_is_full_at_its_limit(owners, monkeypatch, room, fits):
    talk_id, asked = owners.open()
    monkeypatch.setattr(rules, "MESSAGES_MAX", 2 + room)
    if fits:
        owners.write(talk_id, asked, "One more")
    else:
        refused(owners, talking.write, talk_id, asked, "One more", owners.world.now, match="talk_full")
