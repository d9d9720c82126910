"""Commands at the door: once, in order, answered once, and the answer repeated byte for byte."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.journal import Journal, Receipt
from wire.reports import AckState
from wire.values import BadValueError


async def test_a_new_command_is_stored_before_it_is_acknowledged(journal, make_command):
    envelope, signed = make_command(1)
    decision = await journal.receive(envelope, signed, None)
    assert decision.receipt is Receipt.NEW
    assert decision.ready == (envelope,)
    ack = json.loads(decision.ack)
    assert (ack["command_id"], ack["state"]) == ("cmd_1", "accepted")
    # the mark inside the acknowledgement covers the receipt itself
    kinds = await journal.read(
        lambda tx: tx.run("select kind from chain where sequence = ?", (ack["journal_sequence"],))
    )
    assert kinds == [("received",)]


async def test_a_repeat_gets_the_recorded_answer_byte_for_byte(journal, make_command):
    envelope, signed = make_command(1)
    first = await journal.receive(envelope, signed, None)
    again = await journal.receive(envelope, signed, None)
    assert (again.receipt, again.ack, again.ready) == (Receipt.REPEAT, first.ack, ())
    final = await journal.answer("cmd_1", AckState.DONE, result={"n": 1})
    assert (await journal.receive(envelope, signed, None)).ack == final


async def test_the_first_final_answer_stands(journal, make_command):
    await journal.receive(*make_command(1), None)
    done = await journal.answer("cmd_1", AckState.DONE)
    assert await journal.answer("cmd_1", AckState.FAILED, "later thought") == done


async def test_the_same_id_with_another_body_is_refused_and_remembered(journal, make_command):
    first = await journal.receive(*make_command(1), None)
    other = await journal.receive(*make_command(1, parcel_id="another"), None)
    assert other.receipt is Receipt.REFUSED
    assert json.loads(other.ack)["reason"] == "other_body"
    security = await journal.read(lambda tx: tx.run("select entry from chain where kind = 'security'"))
    assert "other_body" in security[0][0]
    assert (
        await journal.receive(*make_command(1, time=(await journal.open_commands())[0].time), None)
    ).ack == first.ack


async def test_an_old_sequence_under_a_new_id_is_refused(journal, make_command):
    for number in (1, 2):
        await journal.receive(*make_command(number), None)
    decision = await journal.receive(*make_command(1, id="cmd_new"), None)
    assert (decision.receipt, decision.ready) == (Receipt.REFUSED, ())
    assert len(await journal.open_commands()) == 2


async def test_what_comes_too_early_is_kept_until_the_gap_is_filled(journal, make_command):
    await journal.receive(*make_command(1), None)
    third = await journal.receive(*make_command(3), None)
    assert (third.receipt, third.ready) == (Receipt.HELD, ())
    fourth = await journal.receive(*make_command(4), None)
    assert fourth.receipt is Receipt.HELD
    assert [envelope.sequence for envelope in await journal.open_commands()] == [1]
    second = await journal.receive(*make_command(2), None)
    assert [envelope.sequence for envelope in second.ready] == [2, 3, 4]


async def test_a_sequence_far_ahead_is_not_stored(journal, make_command):
    decision = await journal.receive(*make_command(5000), None)
    assert decision.receipt is Receipt.REFUSED


async def test_past_its_deadline_a_command_is_stale_and_the_boundary_counts(journal, make_command):
    issued = datetime(2026, 1, 1, tzinfo=UTC)
    last_moment = issued + timedelta(seconds=3600)
    in_time = await journal.receive(*make_command(1, time=issued), last_moment - timedelta(milliseconds=1))
    late = await journal.receive(*make_command(2, time=issued), last_moment)
    assert (in_time.receipt, late.receipt) == (Receipt.NEW, Receipt.STALE)
    assert late.ready == ()
    assert json.loads(late.ack)["state"] == "stale"
    assert [envelope.id for envelope in await journal.open_commands()] == ["cmd_1"]


async def test_a_stale_command_fills_its_gap_too(journal, make_command):
    issued = datetime(2026, 1, 1, tzinfo=UTC)
    await journal.receive(*make_command(2), None)
    decision = await journal.receive(*make_command(1, time=issued), datetime.now(UTC))
    assert decision.receipt is Receipt.STALE
    assert [envelope.sequence for envelope in decision.ready] == [2]


async def test_a_command_without_a_number_is_no_durable_one(journal, make_command):
    envelope, signed = make_command(1)
    with pytest.raises(BadValueError, match="needs a sequence number"):
        await journal.receive(replace(envelope, sequence=None), signed, None)


async def test_only_published_bytes_count_as_published(journal, make_command):
    await journal.receive(*make_command(1), None)
    (accepted,) = await journal.pending_acks()
    await journal.answer("cmd_1", AckState.DONE)
    await journal.ack_sent(accepted)
    (done,) = await journal.pending_acks()
    assert json.loads(done.payload)["state"] == "done"
    await journal.ack_sent(done)
    assert await journal.pending_acks() == []


async def test_open_commands_survive_a_restart(make_journal, make_command):
    journal = make_journal()
    await journal.open()
    for number in (1, 2, 4):
        await journal.receive(*make_command(number), None)
    await journal.answer("cmd_1", AckState.DONE)
    await journal.close()
    again = make_journal()
    await again.open()
    assert [envelope.sequence for envelope in await again.open_commands()] == [2]
    await again.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(1, 12))
async def test_whatever_the_broker_does_each_command_comes_out_once_and_in_order(
    tmp_path_factory, make_command, seed, n
):
    """Duplicates, any order, repeats of yesterday: the same commands come out, once, in order."""
    chance = random.Random(seed)
    sent = [make_command(number) for number in range(1, n + 1)]
    stream = sent + [chance.choice(sent) for _ in range(n)]
    chance.shuffle(stream)
    journal = Journal(tmp_path_factory.mktemp("j") / "journal.db", "teahouse", now=lambda: datetime.now(UTC))
    await journal.open()
    handed, answers = [], {}
    for envelope, signed in stream:
        decision = await journal.receive(envelope, signed, None)
        handed += [part.sequence for part in decision.ready]
        if decision.receipt is Receipt.REPEAT:
            assert decision.ack == answers[envelope.id]
        answers[envelope.id] = decision.ack
    assert handed == list(range(1, n + 1))
    await journal.close()
