"""Commands to a shop and reports from it, over a real mosquitto with TLS from the configuration that ships."""

import asyncio
import json

import pytest
from sqlalchemy import select

from cloud_relay.db import DatabaseBusyError
from cloud_relay.outbox import send_command
from cloud_relay.tables import device_state, shop, shop_command, shop_link, shop_report
from tests.cloud_relay.peer import Box, stamp
from tests.cloud_relay.running import house, serving
from wire.commands import NoteForShop
from wire.reports import AskClock


@pytest.fixture
async def mall(tmp_path, free_port, database_url):
    async with house(tmp_path / "relay", free_port, database_url) as found:
        yield found


async def enrolled(mall, tmp_path, name="teahouse"):
    _, shop_id, headers = await mall.merchant(name, shop_id=name)
    box = Box(tmp_path / name)
    await box.enrol(await mall.claim(shop_id, headers))
    box.connect()
    return box, headers


def rows(mall, table, *where):
    return mall.db.read_now(lambda c: [dict(row) for row in c.execute(select(table).where(*where)).mappings()])


async def note(mall, shop_id, text="hello"):
    return await mall.db.run(send_command, shop_id, NoteForShop(note=text), mall.relay.clock.now())


async def test_a_command_arrives_signed_in_order_and_is_acknowledged(mall, tmp_path, eventually):
    box, _ = await enrolled(mall, tmp_path)
    box.be_born()
    (plan,) = await box.heard("ReplacePlan")
    assert plan["data"]["plan"]["shop_id"] == "teahouse"
    ids = [await note(mall, "teahouse", str(number)) for number in range(20)]
    heard = await box.heard("NoteForShop", 20)
    assert [one["id"] for one in heard] == ids
    assert [one["sequence"] for one in heard] == list(range(2, 22))
    await eventually(lambda: not rows(mall, shop_command, shop_command.c.ack_state != "done"))
    box.close()


async def test_an_absent_shop_gets_its_commands_when_it_comes(mall, tmp_path, eventually):
    box, _ = await enrolled(mall, tmp_path)
    command_id = await note(mall, "teahouse")
    await asyncio.sleep(0.3)
    assert box.commands == []
    assert rows(mall, shop_command, shop_command.c.command_id == command_id)[0]["sequence"] is None
    box.be_born()
    await box.heard("NoteForShop")
    box.close()


@pytest.mark.both_stores
async def test_reports_are_taken_once_in_order_and_confirmed(mall, tmp_path, eventually):
    box, _ = await enrolled(mall, tmp_path)
    box.be_born()
    await box.heard("ReplacePlan")
    box.report("PlanApplied", {"version": 1})
    await eventually(lambda: box.confirmed == 1)
    assert rows(mall, shop)[0]["plan_applied"] == 1
    box.report("PlanApplied", {"version": 3}, sequence=3)
    box.report("PlanApplied", {"version": 9}, sequence=1)
    await eventually(lambda: mall.relay.metrics.value("reports", state="after_gap") == 1)
    await eventually(lambda: mall.relay.metrics.value("reports", state="repeated") == 1)
    assert rows(mall, shop)[0]["plan_applied"] == 1
    box.report("PlanApplied", {"version": 2}, sequence=2)
    box.report("PlanApplied", {"version": 3}, sequence=3)
    await eventually(lambda: box.confirmed == 3)
    assert rows(mall, shop)[0]["plan_applied"] == 3
    assert [row["sequence"] for row in rows(mall, shop_report)] == [1, 2, 3]
    box.close()


async def test_a_report_of_nonsense_is_kept_and_stops_nobody(mall, tmp_path, eventually):
    box, _ = await enrolled(mall, tmp_path)
    box.be_born()
    box.report("PlanApplied", {"version": "two"})
    box.report("NeverHeardOf", {"x": 1})
    box.report("FacesTaught", {"piece_id": "somebody_elses", "camera": "front", "faces": []})
    box.report("PlanApplied", {"version": 1})
    await eventually(lambda: box.confirmed == 4)
    assert rows(mall, shop)[0]["plan_applied"] == 1
    box.close()


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("report", b"\xff\xfe"),
        ("report", b"[" * 5000),
        ("report", b'{"id": 1}'),
        ("ack", b'{"command_id": null}'),
        ("ack", b"{}"),
        ("presence", b"null"),
        ("state/front", b'{"device": "back"}'),
        ("frame/s1", b"not a picture"),
    ],
)
async def test_malformed_messages_are_counted_and_dropped(mall, tmp_path, eventually, kind, payload):
    box, _ = await enrolled(mall, tmp_path)
    box.be_born()
    before = mall.relay.metrics.value("messages_refused")
    box.client.publish(f"v1/teahouse/{kind}", payload, qos=1)
    await eventually(lambda: mall.relay.metrics.value("messages_refused") == before + 1)
    box.say("AskClock", {"nonce": "n1"})
    (told,) = await box.heard("TellClock")
    assert told["data"]["nonce"] == "n1"
    box.close()


async def test_a_busy_database_does_not_end_the_link(mall, tmp_path, eventually, busy_once):
    box, _ = await enrolled(mall, tmp_path)
    box.be_born()
    heard = []

    async def write(_shop_id, report):
        heard.append(report.nonce)
        raise DatabaseBusyError("others write")

    mall.relay.link.on_transient(AskClock, write)
    met = busy_once(mall.db)
    for nonce in ("n1", "n2"):
        box.say("AskClock", {"nonce": nonce, "offset_s": 7.5})
    await eventually(lambda: heard == ["n1", "n2"])
    await eventually(lambda: rows(mall, shop_link)[0]["clock_offset_s"] == 7.5)
    assert "take_offset" in met
    box.close()


async def test_presence_follows_birth_and_will(mall, tmp_path, eventually):
    box, _ = await enrolled(mall, tmp_path)
    box.be_born()
    await eventually(lambda: mall.relay.link.is_online("teahouse"))
    assert (await mall.get("/api/shops/teahouse"))["is_online"]
    box.client.publish(
        "v1/teahouse/presence", box._presence(is_online=False).replace(box.session.encode(), b"older"), qos=1
    )
    box.report("PlanApplied", {"version": 1})
    await eventually(lambda: box.confirmed == 1)
    assert mall.relay.link.is_online("teahouse"), "the will of an older session hides no newer birth"
    box.client.publish("v1/teahouse/presence", box._presence(is_online=False), qos=1, retain=True)
    await eventually(lambda: not mall.relay.link.is_online("teahouse"))
    assert not (await mall.get("/api/shops/teahouse"))["is_online"]
    box.close()


async def test_device_states_are_kept(mall, tmp_path, eventually):
    box, headers = await enrolled(mall, tmp_path)
    box.be_born()
    state = {"device": "front", "kind": "camera", "model": "mjpeg", "health": "online", "at": stamp(),
             "camera": {"can_view": True}}  # fmt: skip
    box.client.publish("v1/teahouse/state/front", json.dumps(state), qos=1, retain=True)
    await eventually(lambda: rows(mall, device_state))
    shown = await mall.get("/api/shops/teahouse", headers)
    assert shown["devices"][0]["camera"]["can_view"]
    box.close()


async def test_the_broker_dies_with_its_store_and_nothing_is_lost(mall, tmp_path, eventually):
    box, _ = await enrolled(mall, tmp_path)
    box.be_born()
    await box.heard("ReplacePlan")
    box.answers = False
    ids = [await note(mall, "teahouse", str(number)) for number in range(10)]
    await box.heard("NoteForShop", 10)
    mall.broker.kill(with_store=True)
    box.close()
    ids += [await note(mall, "teahouse", str(number)) for number in range(10, 15)]
    mall.broker.start()
    await eventually(lambda: mall.relay.link.is_connected, 20)
    box.answers = True
    box.commands.clear()
    box.connect()
    box.be_born()
    await eventually(lambda: {one["id"] for one in box.commands} >= set(ids), 20)
    await eventually(lambda: not rows(mall, shop_command, shop_command.c.ack_state != "done"))
    box.close()


async def test_an_unanswered_command_is_sent_again_byte_for_byte(mall, tmp_path, eventually):
    box, _ = await enrolled(mall, tmp_path)
    box.be_born()
    await box.heard("ReplacePlan")
    box.answers = False
    await note(mall, "teahouse")
    first, second = (await box.heard("NoteForShop", 2, 20))[:2]
    assert first["raw"] == second["raw"]
    box.ack(first["id"], "refused", reason="no")
    await eventually(lambda: rows(mall, shop_command, shop_command.c.ack_state == "refused"))
    box.ack(first["id"])
    box.acks.clear()
    box.ack(first["id"], "done")
    await eventually(lambda: mall.relay.metrics.value("acks", state="repeated") >= 2)
    assert rows(mall, shop_command, shop_command.c.type == "NoteForShop")[0]["ack_state"] == "refused"
    box.close()


async def test_what_was_committed_before_a_crash_is_sent_after_it(tmp_path, free_port, database_url, eventually):
    async with house(tmp_path / "relay", free_port, database_url) as mall:
        box, _ = await enrolled(mall, tmp_path)
        box.be_born()
        await box.heard("ReplacePlan")
        box.answers = False
        sent = await note(mall, "teahouse", "sent, not acknowledged")
        await box.heard("NoteForShop")
        settings = mall.settings
        mall.relay.link._wake.set = lambda: None  # as if killed between commit and publish
        mall.relay.link._send = lambda _outgoing: None
        unsent = await note(mall, "teahouse", "committed, not sent")
        broker = mall.broker
        broker_stop, broker.stop = broker.stop, lambda: None
    box.answers = True
    try:
        async with serving(settings):
            heard = await box.heard("NoteForShop", 3, 20)
            assert {one["id"] for one in heard} == {sent, unsent}
            assert heard[0]["raw"] == next(one["raw"] for one in heard[1:] if one["id"] == sent)
    finally:
        box.close()
        broker_stop()


async def test_a_journal_that_went_back_is_quarantined(mall, tmp_path, eventually):
    box, headers = await enrolled(mall, tmp_path)
    box.be_born()
    await box.heard("ReplacePlan")
    await note(mall, "teahouse")
    await eventually(lambda: rows(mall, shop_link)[0]["journal_sequence"] == 2)
    box.be_born(journal_sequence=1, journal_hash="h1")
    await eventually(lambda: rows(mall, shop_link)[0]["quarantine_reason"])
    command_id = await note(mall, "teahouse", "work")
    await asyncio.sleep(0.3)
    assert command_id not in {one["id"] for one in box.commands}
    box.report("PlanApplied", {"version": 1})
    await asyncio.sleep(0.2)
    assert box.confirmed == 0
    assert "went back" in (await mall.get("/api/shops/teahouse", headers))["quarantine_reason"]
    box.close()
