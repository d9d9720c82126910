"""Making a shop known to the broker, one file per make of broker; messages are portable, provisioning is not."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

Publish = Callable[[str, bytes], Awaitable[None]]


class AdmissionError(RuntimeError):
    """The broker did not do what it was asked about a shop; the message says what it answered."""


class Admission(Protocol):
    """Lets shops in and out. Every call may be repeated; none disturbs a shop that is rightly connected."""

    @property
    def answer_topic(self) -> str:
        """Where the broker answers; the link subscribes to it and hands the payloads to `on_answer`."""
        ...

    def on_answer(self, payload: bytes) -> None:
        """Take one answer of the broker."""
        ...

    async def admit(self, publish: Publish, shop_id: str) -> None:
        """Let the shop connect and use its own topics, and nothing else."""
        ...

    async def expel(self, publish: Publish, shop_id: str) -> None:
        """Disconnect the shop now and take every right from it."""
        ...

    def reload(self) -> None:
        """Have the broker read the list of revoked certificates again; what cannot be done is said in the log."""
        ...

    async def reconcile(self, publish: Publish, shop_ids: Iterable[str]) -> None:
        """Let exactly these shops in: the broker may have lost or kept what it should not have."""
        ...
