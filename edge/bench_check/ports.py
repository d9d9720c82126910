"""What the bench check is given by the rest of the box."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from drivers.camera import Still
from edge.bench import Answer, ScanResult, TaskKind
from edge.bench.ports import Devices, Handle
from edge.clock import Clock
from edge.journal import Journal
from edge.labels import Typeface
from edge.pictures import Pictures
from wire.bench_card import AskEcho
from wire.plan import ShopPlan, Text


class BenchFace(Protocol):
    """The part of the bench that a check needs."""

    take_check_code: Callable[[str], ScanResult | None]

    @property
    def kept_for(self) -> str: ...

    def keep_from_start(self, for_what: str) -> None:
        """Let no parcel come to the bench from the first moment on, until it was kept once for this."""

    def keep_clear(self) -> AbstractAsyncContextManager[bool]:
        """Keep parcels off the bench while the body runs; yields False when one is there already."""

    async def is_clear(self) -> bool: ...
    async def ask(self, kind: TaskKind, text: Text, answers: tuple[Answer, ...]) -> str: ...
    async def wait_answer(self, task_id: str) -> str: ...
    async def withdraw(self, task_id: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A turntable and the viewing camera above it."""

    camera: str
    handle: Handle


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Everything a check touches. `is_watched` says whether a shopper looks through that camera ("" for any)."""

    bench: BenchFace
    devices: Devices
    tables: tuple[Table, ...]
    take_still: Callable[[str | None, str], Awaitable[Still]]
    is_watched: Callable[[str], bool]
    is_private: Callable[[], bool]
    plan: Callable[[], ShopPlan | None]
    send_echo: Callable[[AskEcho], bool]
    pictures: Pictures
    journal: Journal
    clock: Clock
    face: Typeface
    ids: Callable[[str], str]
    random_bytes: Callable[[int], bytes]
    software: str = ""
