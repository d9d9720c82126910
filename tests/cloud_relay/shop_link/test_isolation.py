"""Three shops on a broker run from the configuration that ships: nobody reads, speaks or takes for another."""

import asyncio
import ssl
import threading
import time

import paho.mqtt.client as mqtt
import pytest

from cloud_relay.broker import mosquitto
from cloud_relay.outbox import send_command
from tests.cloud_relay.peer import Box
from tests.cloud_relay.running import house
from wire.commands import NoteForShop, TellClock


@pytest.fixture
async def mall(tmp_path, free_port, database_url):
    async with house(tmp_path / "relay", free_port, database_url) as found:
        yield found


async def shops(mall, tmp_path, *names):
    boxes = []
    for name in names:
        _, shop_id, headers = await mall.merchant(name, shop_id=name)
        box = Box(tmp_path / name)
        await box.enrol(await mall.claim(shop_id, headers))
        box.headers = headers
        boxes.append(box)
    return boxes


def heard_by(box, topics, *, then, protocol=mqtt.MQTTv5, client_id=""):
    """Connect as the box, subscribe to `topics`, run `then`, wait for the witness, return the topics heard."""
    heard, ready = [], threading.Event()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id or box.shop_id, protocol=protocol)
    client.tls_set(str(box.folder / "ca.pem"), str(box.folder / "shop.pem"), str(box.folder / "shop.key"))
    client.on_message = lambda _c, _u, message: heard.append(message.topic)
    client.on_connect = lambda *_: client.subscribe([(topic, 1) for topic in topics])
    client.on_subscribe = lambda *_: ready.set()
    client.connect(box.mqtt["host"], box.mqtt["port"])
    client.loop_start()
    assert ready.wait(5)
    then()
    client.disconnect()
    client.loop_stop()
    return heard


FOREIGN = (
    "#", "+/+/+", "v1/#", "v1/+/command", "v1/shop-b/#", "v1/shop-b/command", "v1/shop-b/presence", "$SYS/#",
    "$share/g/v1/#", "$share/g/v1/shop-b/command", "$CONTROL/#",
)  # fmt: skip


@pytest.mark.parametrize("protocol", [mqtt.MQTTv5, mqtt.MQTTv311])
async def test_nothing_of_another_shop_is_heard(mall, tmp_path, protocol):
    thief, victim = await shops(mall, tmp_path, "shop-a", "shop-b")
    victim.connect()
    victim.be_born()
    mall.loop = asyncio.get_running_loop()

    def then():
        victim.report("PlanApplied", {"version": 1})
        link, clock = mall.relay.link, mall.relay.clock
        jobs = [mall.db.run(send_command, "shop-b", NoteForShop(note="secret"), clock.now()) for _ in range(2)]
        jobs.append(link.send_transient("shop-a", TellClock(nonce="own", relay_at=clock.now())))
        for job in jobs:
            asyncio.run_coroutine_threadsafe(job, mall.loop).result(5)
        time.sleep(0.8)

    heard = await asyncio.to_thread(heard_by, thief, (*FOREIGN, "v1/shop-a/command"), then=then, protocol=protocol)
    assert set(heard) == {"v1/shop-a/command"}, "its own command is the control; nothing else may come"
    await victim.heard("NoteForShop", 2)
    victim.close()


async def test_what_a_shop_says_for_another_is_not_delivered(mall, tmp_path, eventually):
    thief, victim = await shops(mall, tmp_path, "shop-a", "shop-b")
    thief.connect()
    victim.connect()
    thief.be_born()
    victim.be_born()
    forged = victim.envelope("PlanApplied", {"version": 77}, 1)
    for topic in ("v1/shop-b/report", "v1/shop-b/presence", "v1/shop-b/ack", "v1/shop-b/state/front",
                  "v1/shop-b/command",
                  "v1/shop-a/command", "$CONTROL/dynamic-security/v1"):  # fmt: skip
        # this mosquitto answers a denied publish by closing the connection, so each try has its own
        thief.close()
        thief.connect()
        thief.client.publish(topic, forged, qos=1, retain=topic.endswith("presence"))
        thief.say("AskClock", {"nonce": topic})
        await asyncio.sleep(0.1)
    thief.close()
    thief.connect()
    thief.be_born()
    # on its own topic, but in the other's name
    thief.client.publish("v1/shop-a/report", forged, qos=1).wait_for_publish(5)
    await eventually(lambda: mall.relay.metrics.value("messages_refused") == 1)
    thief.report("PlanApplied", {"version": 1})
    await eventually(lambda: thief.confirmed == 1)
    assert victim.confirmed == 0
    assert {one["type"] for one in victim.commands} <= {"ReplacePlan", "ConfirmReports"}
    assert mall.relay.link.is_online("shop-b")
    assert (await mall.get("/api/shops/shop-b", victim.headers))["plan_applied"] == 0
    thief.close()
    victim.close()


async def takeover(mall, tmp_path):
    """Let shop-a's certificate claim shop-b's client id while shop-b is away; return what shop-b gets afterwards."""
    thief, victim = await shops(mall, tmp_path, "shop-a", "shop-b")
    victim.connect()
    victim.client.disconnect()
    victim.client.loop_stop()
    connection = mall.relay.link._connection
    connection.send("v1/shop-b/command", b'{"queued": 1}')
    await asyncio.sleep(0.2)
    stolen = await asyncio.to_thread(
        heard_by, thief, ("v1/shop-b/command",), then=lambda: time.sleep(0.3), client_id="shop-b"
    )
    assert stolen == []
    got = threading.Event()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "shop-b", protocol=mqtt.MQTTv5)
    client.tls_set(str(victim.folder / "ca.pem"), str(victim.folder / "shop.pem"), str(victim.folder / "shop.key"))
    client.on_message = lambda *_: got.set()
    client.connect(victim.mqtt["host"], victim.mqtt["port"], clean_start=False)
    client.loop_start()
    is_there = await asyncio.to_thread(got.wait, 2)
    client.disconnect()
    client.loop_stop()
    return is_there


async def test_a_client_id_cannot_be_taken_over(mall, tmp_path):
    assert await takeover(mall, tmp_path), "shop-b's queued message must survive shop-a's attempt"


async def test_the_take_over_test_can_fail(tmp_path, free_port, monkeypatch):
    """Without use_username_as_clientid the queued message is destroyed: the option is what protects."""
    weak = mosquitto.CONFIGURATION.replace("use_username_as_clientid true\n", "")
    assert weak != mosquitto.CONFIGURATION
    monkeypatch.setattr(mosquitto, "CONFIGURATION", weak)
    async with house(tmp_path / "relay", free_port) as mall:
        assert not await takeover(mall, tmp_path)


async def test_a_stranger_with_a_valid_certificate_has_no_right(mall, tmp_path):
    (box,) = await shops(mall, tmp_path, "shop-a")
    ghost = mall.relay.authority.issue_shop("ghost", box.csr(), mall.relay.clock.now())
    (box.folder / "shop.pem").write_text(ghost.pem)
    box.shop_id = "ghost"
    heard = await asyncio.to_thread(
        heard_by, box, ("v1/ghost/command", "#"), then=lambda: time.sleep(0.3), client_id="ghost"
    )
    assert heard == []


async def test_without_our_certificate_nobody_connects(mall, tmp_path):
    (box,) = await shops(mall, tmp_path, "shop-a")
    context = ssl.create_default_context(cafile=str(box.folder / "ca.pem"))
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "shop-a", protocol=mqtt.MQTTv5)
    client.tls_set_context(context)
    connected = []
    client.on_connect = lambda *arguments: connected.append(arguments[3])
    try:
        client.connect(box.mqtt["host"], box.mqtt["port"])
        client.loop_start()
        await asyncio.sleep(0.5)
    except (ssl.SSLError, ConnectionError):
        pass
    finally:
        client.loop_stop()
    assert connected == []


async def test_a_stolen_box_stays_out_when_its_shop_has_a_new_one(mall, tmp_path, eventually):
    (stolen,) = await shops(mall, tmp_path, "shop-a")
    stolen.connect()
    stolen.be_born()
    await eventually(lambda: mall.relay.link.is_online("shop-a"))
    await mall.post("/api/shops/shop-a/revoke", {}, stolen.headers)
    fresh = Box(tmp_path / "fresh")
    await fresh.enrol(await mall.claim("shop-a", stolen.headers))
    stolen.close()
    await asyncio.sleep(0.5)
    with pytest.raises((AssertionError, ssl.SSLError, ConnectionError)):
        await asyncio.to_thread(stolen.connect, wait_s=2)
    stolen.close()
    fresh.connect()
    fresh.be_born()
    await eventually(lambda: mall.relay.link.is_online("shop-a"))
    fresh.report("PlanApplied", {"version": 1})
    await eventually(lambda: fresh.confirmed == 1)
    fresh.close()


async def test_a_revoked_box_is_cut_and_stays_out(mall, tmp_path, eventually):
    thief, other = await shops(mall, tmp_path, "shop-a", "shop-b")
    thief.connect()
    thief.be_born()
    other.connect()
    other.be_born()
    await eventually(lambda: mall.relay.link.is_online("shop-a"))
    answer = await mall.post("/api/shops/shop-a/revoke", {}, thief.headers)
    assert answer == {"shop_id": "shop-a", "revoked": 1, "is_disconnected": True}
    await eventually(lambda: thief.disconnects)
    thief.client.loop_stop()
    with pytest.raises((AssertionError, ssl.SSLError, ConnectionError)):
        await asyncio.to_thread(thief.connect, wait_s=2)
    other.report("PlanApplied", {"version": 1})
    await eventually(lambda: other.confirmed == 1)
    assert not mall.relay.link.is_online("shop-a")
    thief.close()
    other.close()
