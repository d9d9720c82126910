"""The link on a real broker with TLS: commands once, reports until confirmed, presence, and life without it."""

import asyncio
import contextlib
import json
import os
import socket
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wire.commands import LeaveViewing, NoteForShop, PreparePiece, TakeCamera
from wire.plan import Text
from wire.reports import AckState, DeviceState, Health, LookAnswer, LookAnswered, PieceGone

SHOP = "teahouse"


async def test_a_durable_command_is_stored_acknowledged_and_handed_out_once(start_shop, relay, eventually):
    shop = await start_shop()
    await eventually(lambda: shop.clock.is_synced, what="relay time")
    payload = relay.seal(NoteForShop(note="the courier comes at four"))
    command_id = relay.id_of(payload)
    relay.publish(payload)
    await eventually(lambda: relay.acks_of(command_id) == [AckState.ACCEPTED] and shop.taken)
    relay.publish(payload)
    await eventually(lambda: len(relay.acks_of(command_id)) == 2, what="the repeat's acknowledgement")
    first, second = (raw for raw in relay.raw_acks if json.loads(raw)["command_id"] == command_id)
    assert first == second
    assert shop.taken == [NoteForShop(note="the courier comes at four")]
    await shop.journal.answer(command_id, AckState.DONE)
    await eventually(lambda: relay.acks_of(command_id)[-1] == AckState.DONE)


async def test_a_command_is_still_there_after_the_shop_died_before_it_was_carried_out(start_shop, relay, eventually):
    shop = await start_shop()
    command_id = relay.send(NoteForShop(note="one"))
    await eventually(lambda: relay.acks_of(command_id))
    await shop.stop()
    await shop.journal.close()
    again = await start_shop()
    await again.link.door.replay()
    assert again.taken == [NoteForShop(note="one")]


async def test_commands_sent_while_the_shop_was_away_come_in_order(start_shop, relay, eventually):
    shop = await start_shop()
    relay.send(NoteForShop(note="first"))
    await eventually(lambda: shop.taken)
    await shop.stop()
    await shop.journal.close()
    for number in range(20):
        relay.send(NoteForShop(note=f"note {number}"))
    again = await start_shop()
    await eventually(lambda: len(again.taken) == 20)
    assert [command.note for command in again.taken] == [f"note {number}" for number in range(20)]


@pytest.mark.parametrize("protocol", [5, 4])
async def test_a_new_box_takes_nothing_that_waited_for_the_one_it_replaces(
    start_shop, relay, eventually, tmp_path, protocol
):
    old = await start_shop(protocol)
    relay.send(NoteForShop(note="first"))
    await eventually(lambda: old.taken)
    await old.stop()
    await old.journal.close()
    waiting = relay.send(NoteForShop(note="for the old box, number two"))
    (tmp_path / "shop" / "journal.db").unlink()
    (tmp_path / "shop" / "journal.mark").unlink()
    new = await start_shop(protocol)
    relay.sequence = 0  # as enrolment does: a new journal begins at one
    first, second = relay.send(NoteForShop(note="one")), relay.send(NoteForShop(note="two"))
    await eventually(lambda: len(new.taken) == 2)
    assert new.taken == [NoteForShop(note="one"), NoteForShop(note="two")]
    assert relay.acks_of(first) == relay.acks_of(second) == [AckState.ACCEPTED]
    assert relay.acks_of(waiting) == []


async def test_forged_foreign_and_malformed_commands_leave_no_trace(start_shop, relay, eventually):
    shop = await start_shop()
    await eventually(lambda: shop.clock.is_synced)
    note = NoteForShop(note="forged")
    relay.publish(relay.seal(note, private_key=Ed25519PrivateKey.generate(), sequence=1))
    relay.publish(relay.seal(note, key_id="relay-key-9", sequence=1))
    relay.publish(relay.seal(note, shop="studio", sequence=1))
    relay.publish(b"{}")
    relay.publish(b"\xff" * 5000)
    relay.publish(relay.seal(note, sequence=None))
    good = relay.send(NoteForShop(note="good"))
    await eventually(lambda: shop.taken == [NoteForShop(note="good")], what="the good one, after all the bad")
    assert shop.link.door.dropped == {"not_ours": 5, "no_sequence": 1}
    await eventually(lambda: [ack.command_id for ack in relay.acks] == [good])


async def test_an_unknown_command_is_answered_unsupported_and_a_bad_body_refused(start_shop, relay, eventually):
    await start_shop()
    unknown = relay.send(NoteForShop(note="x"), type="FlyToTheMoon")
    broken = relay.send(NoteForShop(note="x"), data={"note": 7})
    await eventually(lambda: relay.acks_of(unknown)[-1:] == [AckState.UNSUPPORTED])
    await eventually(lambda: relay.acks_of(broken)[-1:] == [AckState.REFUSED])


async def test_a_transient_command_counts_only_in_time_and_only_when_time_is_known(start_shop, relay, eventually):
    relay.is_telling_time = False
    shop = await start_shop()
    await eventually(lambda: shop.link.is_connected)
    relay.send(LeaveViewing(session_id="s1"))
    await eventually(lambda: shop.link.door.dropped["clock_unknown"] == 1)
    relay.is_telling_time = True
    await eventually(lambda: shop.clock.is_synced, what="the clock asked again")
    relay.send(LeaveViewing(session_id="s2"), time=datetime(2020, 1, 1, tzinfo=UTC), deadline_s=1e9)
    await eventually(lambda: shop.link.door.dropped["too_late"] == 1)
    relay.send(TakeCamera(camera="front", reason="merchant"))
    await eventually(lambda: shop.taken == [TakeCamera(camera="front", reason="merchant")])


async def test_relay_time_is_learned_from_the_round_trip(start_shop, relay, eventually):
    relay.clock_ahead_s = 7200.0
    shop = await start_shop()
    await eventually(lambda: shop.clock.is_synced)
    ahead_s = (shop.clock.relay_now() - datetime.now(UTC)).total_seconds()
    assert abs(ahead_s - 7200.0) < 0.5


async def test_reports_leave_in_order_and_are_forgotten_when_confirmed(start_shop, relay, eventually):
    shop = await start_shop()
    for number in range(30):
        await shop.journal.append_report(
            PieceGone(parcel_id=f"par_{number}", at=datetime.now(UTC), reason="sold at the counter")
        )
    await eventually(lambda: relay.types().count("PieceGone") == 30)
    sequences = [report.sequence for report in relay.reports if report.type == "PieceGone"]
    assert sequences == list(range(1, 31))

    async def is_empty() -> bool:
        return not await shop.journal.unsent_reports()

    await eventually(is_empty, what="the confirmed reports to be forgotten")


async def test_an_unconfirmed_report_is_sent_again_though_the_broker_acknowledged_it(
    start_shop, relay, eventually, monkeypatch
):
    monkeypatch.setattr("edge.relay_link.RESEND_S", 0.3)
    relay.is_confirming = False
    shop = await start_shop()
    await shop.journal.append_report(PieceGone(parcel_id="par_1", at=datetime.now(UTC)))
    await eventually(lambda: relay.types().count("PieceGone") >= 3)
    relay.is_confirming = True

    async def is_empty() -> bool:
        return not await shop.journal.unsent_reports()

    await eventually(is_empty)


async def test_the_broker_killed_and_its_store_lost_is_a_non_event(start_shop, relay, eventually):
    shop = await start_shop()
    await eventually(lambda: shop.link.is_connected)
    relay.broker.kill(forget=True)
    await eventually(lambda: not shop.link.is_connected)
    await shop.journal.append_report(PieceGone(parcel_id="par_away", at=datetime.now(UTC)))
    assert not shop.link.send(LookAnswered(session_id="s1", answer=LookAnswer.NOW)), "transient ones are dropped"
    relay.broker.start()
    await eventually(lambda: "PieceGone" in relay.types(), timeout_s=15)
    command_id = relay.send(NoteForShop(note="after"))
    await eventually(lambda: relay.acks_of(command_id))


async def test_presence_and_states_are_told_anew_on_each_connection(start_shop, relay, eventually):
    shop = await start_shop()
    shop.link.set_state(_state(Health.OFFLINE))
    await eventually(lambda: any(part.is_online for part in relay.presences))
    await eventually(lambda: relay.states.get("printer"))
    shop.link.set_state(_state(Health.ONLINE))
    await eventually(lambda: relay.states["printer"][-1]["health"] == "online")
    relay.broker.kill(forget=True)
    relay.presences.clear()
    relay.states.clear()
    relay.broker.start()
    await eventually(lambda: relay.presences and relay.presences[-1].is_online, timeout_s=15)
    await eventually(lambda: relay.states.get("printer", [{}])[-1].get("health") == "online")
    birth = relay.presences[-1]
    assert "LabelParcel" in birth.commands and birth.wire_version == 1


async def test_the_last_will_carries_the_session_of_its_birth(start_shop, relay, eventually):
    await start_shop()
    await eventually(lambda: relay.presences)
    birth = relay.presences[-1]
    with _socket(relay.broker.port) as sock:
        sock.shutdown(socket.SHUT_RDWR)
    await eventually(lambda: any(not part.is_online for part in relay.presences), timeout_s=20)
    will = next(part for part in relay.presences if not part.is_online)
    assert will.session == birth.session


async def test_a_shop_that_leaves_on_purpose_says_so(start_shop, relay, eventually):
    shop = await start_shop()
    await eventually(lambda: relay.presences)
    await shop.journal.append_report(PieceGone(parcel_id="par_last", at=datetime.now(UTC)))
    assert await shop.link.flush(3)
    await shop.link.leave(3)
    await eventually(lambda: not relay.presences[-1].is_online)
    assert "PieceGone" in relay.types()


async def test_frames_and_transient_reports_cross_at_once(start_shop, relay, eventually):
    shop = await start_shop()
    await eventually(lambda: shop.link.is_connected)
    assert shop.link.send_frame("ses_1", b"\xff\xd8 picture")
    assert not shop.link.send_frame("ses_1", b"x" * 70_000), "too large for the fallback rung"
    assert shop.link.send(LookAnswered(session_id="ses_1", answer=LookAnswer.NOW))
    await eventually(lambda: relay.frames == [b"\xff\xd8 picture"])
    await eventually(lambda: "LookAnswered" in relay.types())
    with pytest.raises(TypeError):
        shop.link.send(PieceGone(parcel_id="p", at=datetime.now(UTC)))


async def test_mqtt_3_1_1_does_the_same(start_shop, relay, eventually):
    shop = await start_shop(protocol=4)
    await shop.journal.append_report(PieceGone(parcel_id="par_1", at=datetime.now(UTC)))
    command_id = relay.send(PreparePiece(parcel_id="par_2", piece_id="pie_1"))
    await eventually(lambda: relay.acks_of(command_id) == [AckState.ACCEPTED])
    await eventually(lambda: "PieceGone" in relay.types())


async def test_no_descriptor_is_left_by_connections_that_fail(start_shop, relay, eventually, free_port):
    shop = await start_shop(port=free_port(), is_awaited=False)
    await asyncio.sleep(0.3)
    before = len(asyncio.get_running_loop()._selector.get_map())
    await asyncio.sleep(2.0)
    assert len(asyncio.get_running_loop()._selector.get_map()) <= before
    assert not shop.link.is_connected


async def test_the_socket_gives_up_on_a_dead_uplink_soon_and_never_waits_to_send(start_shop, relay, eventually):
    shop = await start_shop()
    await eventually(lambda: shop.link.is_connected)
    with _socket(relay.broker.port) as sock:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 4000


def _state(health: Health) -> DeviceState:
    return DeviceState(
        device="printer", kind="label_printer", model="escpos", health=health, at=datetime.now(UTC), text=Text()
    )


def _socket(port: int) -> socket.socket:
    """Return a second handle of the link's connection to the broker."""
    for key in asyncio.get_running_loop()._selector.get_map().values():
        sock = socket.socket(fileno=os.dup(key.fd))
        with contextlib.suppress(OSError):
            if sock.family == socket.AF_INET and sock.getpeername()[1] == port:
                return sock
        sock.close()
    raise AssertionError("the link has no connection")
