"""Where pictures lie: files named by their SHA-256 under the data folder; rights and rows are the rooms' affair."""

import asyncio
import hashlib
import os
from pathlib import Path

from wire.values import BadValueError


class PictureStore:
    """Files under `folder`: `ab/abcd….jpg`. A name is always made by us from a hash, never taken from outside."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Return where the picture with this hash lies or would lie; raise BadValueError for anything but a hash."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise BadValueError(f"picture: {sha256[:80]!r} is not a SHA-256 in lower-case hex")
        return self._folder / sha256[:2] / f"{sha256}.jpg"

    def put(self, content: bytes) -> str:
        """Keep a picture durably and return its SHA-256; the same picture twice is one file."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self.path(sha256)
        if path.exists() and path.stat().st_size == len(content):
            return sha256
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{sha256}.{os.getpid()}.new")
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        return sha256

    async def keep(self, content: bytes) -> str:
        """As `put`, in a worker thread."""
        return await asyncio.to_thread(self.put, content)

    def read(self, sha256: str) -> bytes | None:
        """Return the picture with this hash, or None."""
        try:
            return self.path(sha256).read_bytes()
        except FileNotFoundError:
            return None

    async def load(self, sha256: str) -> bytes | None:
        """As `read`, in a worker thread."""
        return await asyncio.to_thread(self.read, sha256)
