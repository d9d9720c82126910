"""Backups: one moment of a running journal, sealed; only a last one comes into force; a dead box's things lie aside."""

import asyncio
import secrets
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drivers.base import BadOptionsError
from edge.app import check_identity, only_daemon
from edge.care.backup import MOVED_AWAY, BackupError, make_backup, open_backup, put_back
from edge.care.replacing import DaemonRunsError, hold, put_aside
from edge.config import load_config
from edge.identity import Identity
from edge.journal import Journal

ROOT = Path(__file__).parents[3]
WORDS = "teapot lantern bridge rain"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def box(tmp_path, make_identity):
    """A box whose daemon has its journal open and in use."""
    config = tmp_path / "shop.toml"
    config.write_text((ROOT / "config/edge/studio.toml").read_text().replace("/var/lib/vitrine-edge", "box"))
    identity = make_identity(tmp_path / "box", "studio")
    (tmp_path / "box" / "attendant_secret").write_bytes(b"secret of the page")
    journal = Journal(tmp_path / "box" / "journal.db", "studio", now=now)
    await journal.open()
    for number in range(40):
        await journal.write(lambda tx, number=number: tx.note("before", number=number))
    yield config, identity, journal
    await journal.close()


async def backup(box, **more):
    config, identity, _ = box
    return await asyncio.to_thread(
        make_backup, identity.folder.parent, config, WORDS, now(), secrets.token_bytes, **more
    )


async def test_a_copy_is_of_one_moment_while_the_journal_is_written(box, tmp_path):
    _, identity, journal = box
    going = True

    async def write_on() -> None:
        while going:
            await journal.write(lambda tx: tx.note("meanwhile"))

    writing = asyncio.create_task(write_on())
    sealed, about = await backup(box)
    going = False
    await writing
    assert about.entries >= 40 and journal.mark().sequence >= about.entries
    files, again = open_backup(sealed, WORDS)
    assert again == about and files["identity/shop_key.pem"] == identity.key_path.read_bytes()
    folder = put_back(files, about, tmp_path / "elsewhere")
    assert folder.name.startswith("from-backup-") and not (tmp_path / "elsewhere" / "journal.db").exists()
    copy = Journal(folder / "journal.db", "studio", now=now)
    await copy.open()
    assert copy.mark().sequence == about.entries, "the copy does not prove its own chain"
    await copy.close()
    assert (folder / "journal.db").stat().st_mode & 0o077 == 0


async def test_it_opens_with_its_passphrase_only_and_not_when_touched(box):
    sealed, _ = await backup(box)
    key = box[1].key_path.read_text().splitlines()[1].encode()
    assert key not in sealed and b"studio" not in sealed
    with pytest.raises(BackupError, match="passphrase is wrong"):
        open_backup(sealed, WORDS + "!")
    for place in (20, 40, len(sealed) - 1):
        touched = bytearray(sealed)
        touched[place] ^= 1
        with pytest.raises(BackupError, match="damaged"):
            open_backup(bytes(touched), WORDS)
    with pytest.raises(BackupError, match="no Vitrine backup"):
        open_backup(b"something else", WORDS)
    with pytest.raises(BackupError, match="fewer than 12"):
        make_backup(box[1].folder.parent, box[0], "short", now(), secrets.token_bytes)


async def test_a_last_backup_comes_into_force_where_no_box_lives(box, tmp_path):
    config, identity, _ = box
    sealed, about = await backup(box, is_last=True)
    files, _ = open_backup(sealed, WORDS)
    with pytest.raises(BackupError, match="a box lives here"):
        put_back(files, about, identity.folder.parent)
    fresh = tmp_path / "fresh"
    assert put_back(files, about, fresh) == fresh
    assert Identity(fresh).facts() == identity.facts() and not (fresh / "edge.toml").exists()
    (identity.folder.parent / MOVED_AWAY).write_text("now\n")
    with pytest.raises(BadOptionsError, match="moved away"):
        check_identity(load_config(config), identity)


def test_a_dead_boxs_things_are_put_aside_and_not_while_the_daemon_runs(tmp_path, make_identity):
    identity = make_identity(tmp_path / "box")
    box = tmp_path / "box"
    with sqlite3.connect(box / "journal.db"):
        pass
    key = identity.key_path.read_bytes()
    with only_daemon(box), pytest.raises(DaemonRunsError), hold(box):
        pass
    aside = put_aside(box, now())
    assert aside is not None and (aside / "identity" / "shop_key.pem").read_bytes() == key
    assert not Identity(box).is_enrolled and not (box / "journal.db").exists()
    assert put_aside(box, now()) is None
