"""Journals on disk, commands as the relay would number them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.journal import Journal
from wire.commands import CancelParcel, encode_command
from wire.envelope import Envelope, encode_envelope

SHOP = "teahouse"


def command(sequence: int, parcel_id: str = "", **changes: Any) -> tuple[Envelope, bytes]:
    """Return an envelope and the bytes that were signed."""
    made = CancelParcel(parcel_id=parcel_id or f"p{sequence}")
    facts: dict[str, Any] = {
        "id": f"cmd_{sequence}",
        "source": "relay",
        "type": "CancelParcel",
        "time": datetime.now(UTC),
        "shop_id": SHOP,
        "data": encode_command(made),
        "sequence": sequence,
        "deadline_s": 3600.0,
    }
    envelope = Envelope(**facts | changes)
    return envelope, encode_envelope(envelope)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def make_journal(path: Path) -> Callable[..., Journal]:
    return lambda **more: Journal(path, SHOP, now=lambda: datetime.now(UTC), **more)


@pytest.fixture
async def journal(make_journal: Callable[..., Journal]):
    made = make_journal()
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def make_command() -> Callable[..., tuple[Envelope, bytes]]:
    return command


@pytest.fixture
def hour_later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1, seconds=1)
