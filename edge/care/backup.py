"""Backups of journal and identity: one moment of them while the daemon runs, sealed with a passphrase, and back."""

import io
import json
import os
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from edge.identity import Identity
from wire.values import format_time

MAGIC = b"VITRINE BACKUP 1\n"
SALT_BYTES, NONCE_BYTES = 16, 12
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**16, 8, 1
"""64 MiB and some tenths of a second for each guess at the passphrase (RFC 7914; OWASP's least is N = 2^17 with p = 1
for sign-ins, which answer at once; a shop box may have 512 MB in all)."""

PASSPHRASE_LENGTH_MIN = 12
BYTES_MAX = 1_000_000_000
MOVED_AWAY = "moved_away"
"""A file in the data directory: the last backup was made, another box goes on, and this one must not."""

KEPT = ("attendant_secret", "privacy_is_on")


class BackupError(Exception):
    """The backup could not be made or put back; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a backup says of itself. `is_last`: the box stopped for good, so its journal is the shop's newest."""

    shop_id: str
    made_at: str
    entries: int
    is_last: bool


def make_backup(
    data_dir: Path, config_path: Path, passphrase: str, now: datetime, random_bytes: Callable[[int], bytes],
    *, is_last: bool = False,
) -> tuple[bytes, About]:  # fmt: skip
    """Return the sealed backup; raises BackupError. The daemon may run, unless this is its last one."""
    if len(passphrase) < PASSPHRASE_LENGTH_MIN:
        raise BackupError(f"the passphrase has fewer than {PASSPHRASE_LENGTH_MIN} characters; take four or five words")
    identity = Identity(data_dir)
    if not identity.is_enrolled:
        raise BackupError(f"{data_dir}: this box is not enrolled, so there is nothing worth a backup yet")
    journal, entries, mark = _copy_journal(data_dir / "journal.db")
    about = About(
        shop_id=str(identity.facts()["shop_id"]), made_at=format_time(now), entries=entries, is_last=is_last
    )  # fmt: skip
    files = {"about.json": json.dumps(vars_of(about)).encode(), "journal.db": journal, "journal.mark": mark}
    files |= {f"identity/{path.name}": path.read_bytes() for path in sorted(identity.folder.iterdir())}
    files |= {name: (data_dir / name).read_bytes() for name in KEPT if (data_dir / name).is_file()}
    files["edge.toml"] = config_path.read_bytes()
    return _seal(_pack(files), passphrase, random_bytes), about


def vars_of(about: About) -> dict[str, Any]:
    """Return the fields of an About as plain values."""
    return {name: getattr(about, name) for name in About.__dataclass_fields__}


def _copy_journal(path: Path) -> tuple[bytes, int, bytes]:
    """Copy by SQLite's online backup (sqlite.org/backup.html): one moment of the journal, whoever writes meanwhile."""
    if not path.is_file():
        raise BackupError(f"{path}: there is no journal yet; the daemon makes it when it first runs")
    try:
        with TemporaryDirectory(dir=path.parent) as folder:
            copy = Path(folder) / "journal.db"
            with (
                closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as live,
                closing(sqlite3.connect(copy)) as to,
            ):
                live.backup(to)
                head = to.execute("select sequence, hash from chain order by sequence desc limit 1").fetchone()
                to.execute("pragma journal_mode = delete").fetchall()
            sequence, digest = head or (0, "0" * 64)
            return copy.read_bytes(), sequence, f"{sequence:020d} {digest}\n".encode()
    except sqlite3.Error as error:
        raise BackupError(f"{path}: cannot be copied: {error}") from None


def _pack(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o600
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(passphrase.encode())


def _seal(plain: bytes, passphrase: str, random_bytes: Callable[[int], bytes]) -> bytes:
    """Return magic, salt, nonce and ChaCha20-Poly1305 (RFC 8439) of the content; the head is authenticated too."""
    salt, nonce = random_bytes(SALT_BYTES), random_bytes(NONCE_BYTES)
    head = MAGIC + salt + nonce
    return head + ChaCha20Poly1305(_key(passphrase, salt)).encrypt(nonce, plain, head)


def open_backup(sealed: bytes, passphrase: str) -> tuple[dict[str, bytes], About]:
    """Return the files of a backup by name, and what it says of itself; raises BackupError."""
    start = len(MAGIC) + SALT_BYTES
    if not sealed.startswith(MAGIC) or len(sealed) < start + NONCE_BYTES:
        raise BackupError("this file is no Vitrine backup, or of a newer version")
    head, body = sealed[: start + NONCE_BYTES], sealed[start + NONCE_BYTES :]
    try:
        plain = ChaCha20Poly1305(_key(passphrase, sealed[len(MAGIC) : start])).decrypt(head[start:], body, head)
    except InvalidTag:
        raise BackupError("the passphrase is wrong, or the file is damaged") from None
    files = _unpack(plain)
    return files, About(**json.loads(files.pop("about.json")))


def _unpack(plain: bytes) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(plain), mode="r:gz") as archive:
        for member in archive.getmembers():
            content = archive.extractfile(member)
            if content is None or member.size > BYTES_MAX:
                raise BackupError(f"{member.name}: is no plain file; the backup was not made by this program")
            files[member.name] = content.read()
    return files


def put_back(files: dict[str, bytes], about: About, data_dir: Path) -> Path:
    """Write a backup's files and return where. Only a last backup comes into force: an older one may miss labels that
    were printed after it, so it is laid beside for reading. Raises BackupError where a box lives already.
    """
    if about.is_last and any((data_dir / name).exists() for name in ("journal.db", "journal.mark", "identity")):
        raise BackupError(f"{data_dir}: a box lives here already; give an empty data_dir, or move that one away")
    folder = data_dir if about.is_last else data_dir / f"from-backup-{about.made_at[:10]}"
    for name, content in files.items():
        if name == "edge.toml" and about.is_last:
            continue  # the technician's file stands where --config says
        path = folder / Path(name).name if "/" not in name else folder / "identity" / Path(name).name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            os.fsync(file.fileno())
    return folder
