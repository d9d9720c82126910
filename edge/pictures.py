"""Pictures of order steps: kept by their SHA-256, signed, offered, uploaded, purged."""

from collections.abc import Callable
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.clock import Clock
from edge.journal import Journal
from wire.commands import UploadPicture
from wire.envelope import Envelope


class Pictures:
    """The shop's pictures in one folder."""

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
        raise NotImplementedError

    async def run(self) -> None:
        """Upload what the relay asked for (retrying), purge what is old; ends by cancellation."""

    async def handle(self, envelope: Envelope, command: UploadPicture) -> None:
        """Take an UploadPicture: the upload goes on in `run`, the command is answered when the picture arrived."""

    async def read(self, sha256: str) -> bytes | None:
        """Return the JPEG with this hash, for the attendant's page; None when it is not here."""
        raise NotImplementedError
