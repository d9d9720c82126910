"""What is stored is proved at every opening: damage, loss and old copies stop the shop instead of misleading it."""

import asyncio
import shutil
import sqlite3
import sys
import textwrap

import pytest

from edge.journal import Journal, JournalDamagedError, JournalFailedError, JournalLockedError
from wire.plan import ShopPlan, Text
from wire.reports import PlanApplied


async def fill(journal: Journal, count: int = 20) -> None:
    for number in range(count):
        await journal.append_report(PlanApplied(version=number))


async def closed_copy(make_journal, count: int = 20) -> None:
    journal = make_journal()
    await journal.open()
    await fill(journal, count)
    await journal.next_turn_no("front")
    await journal.close()


async def refuses(make_journal, match: str = "journal") -> None:
    with pytest.raises(JournalDamagedError, match=match):
        await make_journal().open()


async def test_a_sound_journal_opens_again_where_it_ended(make_journal):
    journal = make_journal()
    await journal.open()
    await fill(journal)
    mark = journal.mark()
    await journal.close()
    again = make_journal()
    await again.open()
    assert again.mark() == mark
    assert await again.append_report(PlanApplied(version=99)) == 21
    await again.close()


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("update chain set entry = replace(entry, 'PlanApplied', 'PlanBpplied') where sequence = 5", "entry 5"),
        ("delete from chain where sequence = 7", "entry 7"),
        ("delete from chain where sequence > 15", "are lost"),
        ("update reports set payload = x'7b7d' where sequence = 3", "reports 3"),
        ("delete from reports where sequence = 3", "reports 3"),
        ("insert into reports values (900, 'x', x'00')", "reports 900"),
        ("update turns set turn_no = 0", "turns 'front'"),
    ],
)
async def test_a_changed_row_is_found(make_journal, path, sql, says):
    await closed_copy(make_journal)
    with sqlite3.connect(path) as connection:
        connection.execute(sql)
    connection.close()
    await refuses(make_journal, says)


async def test_a_changed_answer_is_found(make_journal, make_command, path):
    journal = make_journal()
    await journal.open()
    await journal.receive(*make_command(1), None)
    await journal.close()
    with sqlite3.connect(path) as connection:
        connection.execute("update acks set payload = x'7b7d'")
    connection.close()
    await refuses(make_journal, "cmd_1")


async def test_every_flipped_byte_is_found_or_harmless(make_journal, path):
    """No flip is ever believed: either the opening refuses, or what is read is exactly what was written."""
    await closed_copy(make_journal)
    sound = path.read_bytes()
    mark = path.with_suffix(".mark").read_bytes()
    refused = 0
    for place in range(0, len(sound), 997):
        damaged = bytearray(sound)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        path.with_suffix(".mark").write_bytes(mark)
        journal = make_journal()
        try:
            await journal.open()
        except (JournalDamagedError, JournalFailedError):
            refused += 1
            continue
        reports = await journal.unsent_reports(limit=100)
        assert [report.sequence for report in reports] == list(range(1, 21))
        await journal.close()
    assert refused > 5


async def test_a_truncated_file_is_refused(make_journal, path):
    await closed_copy(make_journal)
    sound = path.read_bytes()
    path.write_bytes(sound[: len(sound) // 2])
    await refuses(make_journal)


async def test_a_lost_write_ahead_log_is_noticed(make_journal, path, tmp_path):
    journal = make_journal()
    await journal.open()
    await fill(journal)
    # what a power cut on lying hardware, or a copy without its log, leaves behind
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    shutil.copy(path.with_suffix(".mark"), copy.with_suffix(".mark"))
    await journal.close()
    with pytest.raises(JournalDamagedError, match=r"were written|SQLite"):
        await Journal(copy, "teahouse", now=journal._writer._now).open()


async def test_a_restored_old_copy_is_noticed(make_journal, path, tmp_path):
    await closed_copy(make_journal)
    shutil.copy(path, tmp_path / "old.db")
    await closed_copy(make_journal)
    shutil.copy(tmp_path / "old.db", path)
    await refuses(make_journal, "an old copy")


async def test_a_journal_that_vanished_is_noticed(make_journal, path):
    await closed_copy(make_journal)
    path.unlink()
    await refuses(make_journal, "is gone")


async def test_something_else_than_a_journal_is_refused(make_journal, path):
    path.write_bytes(b"not a database at all, but quite long " * 200)
    await refuses(make_journal, "no sound SQLite file")


async def test_a_newer_schema_is_refused(make_journal, path):
    await closed_copy(make_journal)
    connection = sqlite3.connect(path)
    connection.execute("pragma user_version = 99")
    connection.close()
    await refuses(make_journal, "newer Vitrine")


async def test_two_daemons_cannot_share_a_journal(journal, make_journal):
    with pytest.raises(JournalLockedError, match="another process"):
        await make_journal().open()


async def test_an_error_of_the_work_undoes_only_that_work(journal):
    async def fails() -> None:
        def work(tx):
            tx.note("half")
            raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            await journal.write(work)

    await asyncio.gather(fill(journal, 5), fails(), fill(journal, 5))
    kinds = await journal.read(lambda tx: tx.run("select kind from chain"))
    assert ("half",) not in kinds
    assert len(await journal.unsent_reports()) == 10


async def test_an_error_of_the_disk_stops_everything(make_journal, path):
    """After SQLite says no, nobody may act on what memory believes: every later call fails too."""
    journal = make_journal()
    await journal.open()
    with pytest.raises(JournalFailedError, match="start again"):
        await journal.write(lambda tx: tx.run("insert into nowhere values (1)"))
    with pytest.raises(JournalFailedError):
        await journal.append_report(PlanApplied(version=1))
    await journal.close()
    again = make_journal()
    await again.open()
    await again.close()


PLAN = ShopPlan(version=3, shop_id="teahouse", shop_name=Text(en="T"), merchant_id="m", merchant_name=Text(en="M"))


async def test_a_plan_is_replaced_only_by_a_newer_one_and_reported(journal):
    assert await journal.plan() is None
    assert await journal.save_plan(PLAN)
    assert not await journal.save_plan(PLAN)
    assert (await journal.plan()) == PLAN
    assert [report.sequence for report in await journal.unsent_reports()] == [1]


async def test_turn_numbers_only_rise_and_nonces_serve_once(make_journal, hour_later):
    journal = make_journal()
    await journal.open()
    assert [await journal.next_turn_no("front") for _ in range(3)] == [1, 2, 3]
    assert await journal.use_nonce("n1", hour_later)
    assert not await journal.use_nonce("n1", hour_later)
    await journal.close()
    again = make_journal()
    await again.open()
    assert await again.next_turn_no("front") == 4
    assert await again.next_turn_no("table") == 1
    assert not await again.use_nonce("n1", hour_later)
    await again.close()


async def test_confirmed_reports_go_and_their_numbers_never_come_again(make_journal):
    journal = make_journal()
    await journal.open()
    await fill(journal, 5)
    await journal.confirm_reports(5)
    assert await journal.unsent_reports() == []
    await journal.close()
    again = make_journal()
    await again.open()
    assert await again.append_report(PlanApplied(version=1)) == 6
    assert [report.sequence for report in await again.unsent_reports(after=5)] == [6]
    await again.close()


KILLED = """
    import asyncio, os, signal, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from edge.journal import Journal
    from wire.reports import PlanApplied

    async def main():
        die_at = int(sys.argv[2])
        def on_commit(sequence):
            if sequence == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
        journal = Journal(Path(sys.argv[1]), "teahouse", now=lambda: datetime.now(UTC), on_commit=on_commit)
        await journal.open()
        for number in range(50):
            print(await journal.append_report(PlanApplied(version=number)), flush=True)

    asyncio.run(main())
"""


@pytest.mark.parametrize("die_at", [1, 7, 23])
async def test_killed_at_a_commit_nothing_acknowledged_is_lost(make_journal, path, die_at):
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(path), str(die_at)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode == -9
    told = [int(line) for line in said.split()]
    journal = make_journal()
    await journal.open()
    stored = [report.sequence for report in await journal.unsent_reports()]
    assert stored == [*told, die_at]
    await journal.close()


async def sealed_journal(make_journal, monkeypatch, kept: int) -> Journal:
    monkeypatch.setattr("edge.journal.sealing.SEAL_EVERY", 10)
    monkeypatch.setattr("edge.journal.sealing.KEPT_ENTRIES", kept)
    journal = make_journal()
    await journal.open()
    for _ in range(4):
        await fill(journal, 12)
        assert await journal.seal()
    await journal.confirm_reports(20)
    await journal.next_turn_no("front")
    assert not await journal.seal()
    return journal


async def test_a_sealed_journal_opens_from_its_seal_and_goes_on_counting(make_journal, monkeypatch):
    journal = await sealed_journal(make_journal, monkeypatch, kept=5)
    mark = journal.mark()
    first = (await journal.read(lambda tx: tx.run("select min(sequence) from chain")))[0][0]
    assert first > 20
    await journal.close()
    again = make_journal()
    await again.open()
    assert again.mark() == mark
    assert await again.append_report(PlanApplied(version=1)) == 49
    assert [report.sequence for report in await again.unsent_reports(after=47)] == [48, 49]
    await again.close()


@pytest.mark.parametrize(
    "sql",
    [
        "update reports set payload = x'7b7d' where sequence = 30",
        "delete from reports where sequence = 30",
        "insert into reports values (10, 'x', x'00')",
        "update sealed set digest = replace(digest, 'a', 'b')",
        "delete from sealed where rowid = (select min(rowid) from sealed)",
        "delete from chain where sequence = (select max(sequence) - 1 from chain)",
        "update chain set entry = replace(entry, 'last_report', 'lost_report') where kind = 'seal'",
    ],
)
async def test_damage_behind_and_before_the_seal_is_found(make_journal, monkeypatch, path, sql):
    journal = await sealed_journal(make_journal, monkeypatch, kept=10**6)
    await journal.close()
    with sqlite3.connect(path) as connection:
        connection.execute(sql)
    connection.close()
    await refuses(make_journal)
