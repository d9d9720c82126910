"""A relay's backup on SQLite: one moment of the database with settings, keys and broker rights, in one file."""

import io
import os
import sqlite3
import tarfile
from contextlib import closing
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from cloud_relay.settings import Settings
from wire.values import format_time, parse_time

DATABASE, STAMP = "relay.sqlite3", "made_at"
FOLDERS = ("pki", "mosquitto")
LEFT_OUT = ("store", "mosquitto.pid", "mosquitto.conf")
"""The broker's store is no memory of ours; its configuration names this machine's paths and is written anew."""


class BackupError(Exception):
    """The backup could not be made or put back; the message says why and what to do."""


def make_backup(settings: Settings, to: Path, now: datetime) -> int:
    """Write the backup (mode 0600: it holds the CA's key) and return its size in bytes; the relay may run meanwhile."""
    source = settings.data_dir / DATABASE
    if not settings.database_url.startswith("sqlite") or not source.is_file():
        raise BackupError("the database is not relay.sqlite3 here: for PostgreSQL use pg_dump (docs/restore.md)")
    files = {STAMP: format_time(now).encode(), DATABASE: _copy(source)}
    files["relay.toml"] = (settings.data_dir / "relay.toml").read_bytes()
    for folder in FOLDERS:
        for path in sorted((settings.data_dir / folder).rglob("*")):
            parts = path.relative_to(settings.data_dir)
            if path.is_file() and not set(parts.parts) & set(LEFT_OUT):
                files[str(parts)] = path.read_bytes()
    with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw:
        with tarfile.open(fileobj=raw, mode="w:gz") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), 0o600
                archive.addfile(member, io.BytesIO(content))
        raw.flush()
        os.fsync(raw.fileno())
        return raw.tell()


def _copy(source: Path) -> bytes:
    """Copy by SQLite's online backup (sqlite.org/backup.html): what was committed at one moment, writers go on."""
    with TemporaryDirectory(dir=source.parent) as folder:
        copy = Path(folder) / DATABASE
        live = sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)
        with closing(live), closing(sqlite3.connect(copy)) as to:
            live.backup(to)
            to.execute("pragma journal_mode = delete").fetchall()
        return copy.read_bytes()


def put_files_back(file: Path, data_dir: Path) -> datetime:
    """Write a backup's files into a data folder without a database; return when the backup was made."""
    if (data_dir / DATABASE).exists():
        raise BackupError(f"{data_dir / DATABASE}: is there; move it away first (keep it: it may tell what was lost)")
    made_at: datetime | None = None
    try:
        with tarfile.open(file, mode="r:gz") as archive:
            for member in archive.getmembers():
                content = archive.extractfile(member)
                if content is None or ".." in Path(member.name).parts or member.name.startswith("/"):
                    raise BackupError(f"{file}: {member.name!r} does not belong into a relay's backup")
                if member.name == STAMP:
                    made_at = parse_time(content.read().decode())
                else:
                    _write(data_dir / member.name, content.read())
    except tarfile.TarError as error:
        raise BackupError(f"{file}: is no backup of a relay ({error})") from None
    if made_at is None:
        raise BackupError(f"{file}: is no backup of a relay")
    return made_at


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        os.fsync(file.fileno())
