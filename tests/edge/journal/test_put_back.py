"""A relay that was put back from a backup: what it forgot is told again, and no number is a trap for what follows."""

from datetime import UTC, datetime

from edge.journal import Receipt
from wire.envelope import decode_envelope
from wire.reports import PieceGone


async def report(journal, *names):
    for name in names:
        await journal.append_report(PieceGone(parcel_id=name, at=datetime.now(UTC)))


async def waiting(journal):
    return [decode_envelope(one.payload).data["parcel_id"] for one in await journal.unsent_reports()]


async def take(journal, envelope, signed):
    return await journal.receive(envelope, signed, datetime.now(UTC))


async def test_reports_above_a_mark_that_fell_are_sent_again_as_they_were(journal, make_journal):
    await report(journal, "a", "b", "c")
    first = [one.payload for one in await journal.unsent_reports()]
    await journal.confirm_reports(3)
    assert await waiting(journal) == []
    await report(journal, "d")
    await journal.confirm_reports(1)
    again = await journal.unsent_reports()
    assert [one.sequence for one in again] == [2, 3, 4] and [one.payload for one in again[:2]] == first[1:]
    await journal.close()
    second = make_journal()
    await second.open()
    assert await waiting(second) == ["b", "c", "d"], "the chain does not bear what was taken up again"
    await second.confirm_reports(4)
    await report(second, "e")
    assert [one.sequence for one in await second.unsent_reports()] == [5], "a number was given twice"
    await second.close()
    await journal.open()


async def test_a_mark_that_was_known_changes_nothing(journal):
    await report(journal, "a", "b")
    await journal.confirm_reports(2)
    before = journal.mark()
    await journal.confirm_reports(2)
    assert await waiting(journal) == [] and journal.mark() == before


async def test_the_same_command_under_a_new_number_is_answered_as_before_and_leaves_no_gap(journal, make_command):
    for number in (1, 2):
        await take(journal, *make_command(number))
    first = await take(journal, *make_command(2))
    assert await journal.command_sequence() == 2
    early = await take(journal, *make_command(4))
    renumbered = await take(journal, *make_command(3, "p2", id="cmd_2"))
    assert (renumbered.receipt, renumbered.ack) == (Receipt.REPEAT, first.ack)
    assert early.receipt is Receipt.HELD and [one.id for one in renumbered.ready] == ["cmd_4"]
    assert (await take(journal, *make_command(5))).receipt is Receipt.NEW
    assert [one.id for one in await journal.open_commands()] == ["cmd_1", "cmd_2", "cmd_4", "cmd_5"]


async def test_another_command_under_a_known_id_stays_refused(journal, make_command):
    await take(journal, *make_command(1))
    refused = await take(journal, *make_command(2, "somebody else", id="cmd_1"))
    assert refused.receipt is Receipt.REFUSED
    assert (await take(journal, *make_command(2))).receipt is Receipt.NEW
