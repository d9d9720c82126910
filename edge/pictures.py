"""Pictures of order steps: kept by their SHA-256, signed with the shop's key, offered, uploaded, purged."""

import asyncio
import hashlib
import json
import logging
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.clock import Clock
from edge.journal import Journal
from edge.journal.outbox import append_report
from edge.journal.transaction import Transaction
from wire.codec import to_base64url
from wire.commands import UploadPicture
from wire.envelope import Envelope
from wire.reports import AckState, PictureKind, PictureOffered, signed_picture
from wire.values import format_time

logger = logging.getLogger(__name__)

KEPT_DAYS = 7
"""Pictures are purged this long after their parcel's end: long enough for a question, short enough for privacy."""

RETRY_S_FIRST = 0.5
RETRY_S_MAX = 30.0
"""The uplink of a shop comes back within minutes; the command's own deadline ends the trying."""

PURGE_EVERY_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A picture on disk. `clock` tells whether `taken_at` is relay time (`synced`) or the box's own (`local`)."""

    sha256: str
    size_bytes: int
    taken_at: datetime
    clock: str


@dataclass(slots=True)
class _Upload:
    envelope: Envelope
    command: UploadPicture


class Pictures:
    """The shop's pictures in one folder, named by their hash, so that writing one twice is writing it once."""

    def __init__(
        self,
        folder: Path,
        shop_id: str,
        *,
        journal: Journal,
        private_key: EllipticCurvePrivateKey | Ed25519PrivateKey,
        http: Callable[[], httpx.AsyncClient],
        clock: Clock,
    ) -> None:
        self._folder, self._shop_id, self._journal, self._key = folder, shop_id, journal, private_key
        self._http, self._clock = http, clock
        self._wanted: asyncio.Queue[_Upload] = asyncio.Queue()

    async def keep(self, jpeg: bytes) -> Kept:
        """Write a picture down, synced to disk before it is spoken of anywhere."""
        sha256 = hashlib.sha256(jpeg).hexdigest()
        await asyncio.to_thread(self._write, self._path(sha256), jpeg)
        clock = "synced" if self._clock.is_synced else "local"
        return Kept(sha256=sha256, size_bytes=len(jpeg), taken_at=self._clock.now(), clock=clock)

    def offer(self, tx: Transaction, parcel_id: str, kept: Kept, kind: PictureKind, *, previous: str) -> None:
        """Tell the relay of a picture, in the transaction of the step it shows; `previous` is the parcel's last one."""
        taken_at = format_time(kept.taken_at)
        signed = signed_picture(self._shop_id, parcel_id, kind, kept.sha256, taken_at, previous)
        offered = PictureOffered(
            parcel_id=parcel_id,
            kind=kind,
            picture_sha256=kept.sha256,
            size_bytes=kept.size_bytes,
            taken_at=kept.taken_at,
            signature=to_base64url(self._sign(signed)),
            previous_sha256=previous,
            clock=kept.clock,
        )
        row = {
            "sha256": kept.sha256,
            "parcel_id": parcel_id,
            "kind": kind.value,
            "state": "kept",
            "body": json.dumps({"previous": previous}),
            "taken_at": taken_at,
        }
        tx.put("pictures", row, "picture", parcel_id=parcel_id)
        append_report(tx, offered)

    async def handle(self, envelope: Envelope, command: UploadPicture) -> None:
        """Take an UploadPicture: `run` uploads, and the command is answered when the picture arrived or time is up."""
        self._wanted.put_nowait(_Upload(envelope, command))

    async def run(self) -> None:
        """Upload what the relay asked for, purge what is old; ends by cancellation."""
        async with asyncio.TaskGroup() as group, self._http() as http:
            group.create_task(self._purge_for_ever())
            while True:
                upload = await self._wanted.get()
                group.create_task(self._upload(http, upload))

    async def read(self, sha256: str) -> bytes | None:
        """Return the JPEG with this hash, for the attendant's page; None when it is not here."""
        if len(sha256) != 64 or not all(digit in "0123456789abcdef" for digit in sha256):
            return None
        return await asyncio.to_thread(_read, self._path(sha256))

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / f"{sha256}.jpg"

    def _write(self, path: Path, jpeg: bytes) -> None:
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        with partial.open("wb") as file:
            file.write(jpeg)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _sign(self, data: bytes) -> bytes:
        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(data)
        return self._key.sign(data, ECDSA(hashes.SHA256()))

    async def _upload(self, http: httpx.AsyncClient, upload: _Upload) -> None:
        """Put one picture, trying again until it is taken, refused for good, or the command's deadline has passed."""
        envelope, command = upload.envelope, upload.command
        jpeg = await self.read(command.picture_sha256)
        if jpeg is None:
            await self._journal.answer(envelope.id, AckState.FAILED, "picture_not_here")
            return
        life_s = envelope.deadline_s or UploadPicture.DEADLINE_S
        until_at = envelope.time + timedelta(seconds=life_s)
        retry_s = RETRY_S_FIRST
        while True:
            refused = await self._put(http, command.url, jpeg)
            if refused is not None:
                state = AckState.FAILED if refused else AckState.DONE
                await self._journal.answer(envelope.id, state, refused)
                return
            if self._clock.now() >= until_at:
                await self._journal.answer(envelope.id, AckState.STALE, "upload_deadline_passed")
                return
            await asyncio.sleep(retry_s * (0.5 + random.random() / 2))  # noqa: S311 spreads shops, guards nothing
            retry_s = min(retry_s * 2, RETRY_S_MAX)

    async def _put(self, http: httpx.AsyncClient, url: str, jpeg: bytes) -> str | None:
        """Return "" when the relay has it, a reason when it never will, None to try again."""
        try:
            response = await http.put(url, content=jpeg, headers={"Content-Type": "image/jpeg"})
        except httpx.InvalidURL:
            return "bad_address"
        except httpx.HTTPError as error:
            logger.info("picture not uploaded yet", extra={"words": type(error).__name__})
            return None
        if response.is_success or response.status_code == httpx.codes.CONFLICT:
            return ""
        return None if response.is_server_error or response.status_code == 429 else f"http_{response.status_code}"

    async def _purge_for_ever(self) -> None:
        while True:
            await self.purge()
            await asyncio.sleep(PURGE_EVERY_S)

    async def purge(self) -> int:
        """Forget pictures of parcels that ended, and of bench checks, more than KEPT_DAYS ago; returns how many."""
        before = format_time(self._clock.now() - timedelta(days=KEPT_DAYS))

        def forget(tx: Transaction) -> list[str]:
            of_old_parcel = "parcel_id in (select parcel_id from parcels where is_open = 0 and changed_at < ?)"
            of_old_check = f"kind in ('{PictureKind.BENCH_CHECK.value}', '{PictureKind.SPIN.value}') and taken_at < ?"
            where = f"state = 'kept' and ({of_old_parcel} or {of_old_check})"
            old = tx.select("pictures", where, (before, before))
            for row in old:
                tx.put("pictures", {**row, "state": "purged"}, "picture_purged", parcel_id=row["parcel_id"])
            return [row["sha256"] for row in old]

        old = await self._journal.write(forget)
        for sha256 in old:
            await asyncio.to_thread(self._path(sha256).unlink, missing_ok=True)
        return len(old)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
