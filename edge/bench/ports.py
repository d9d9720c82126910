"""What the bench is given: devices by their role, and a way to take the still that a viewing session sees."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from drivers.camera import Still

TakeStill = Callable[[str, str], Awaitable[Still]]
"""`take_still(session_id, camera)`: the full-resolution still of what this session sees now; raises DeviceError."""


class Handle(Protocol):
    """The part of `edge.device_host.DeviceHandle` that the bench needs."""

    name: str
    by_hand: bool

    def use(self) -> AbstractAsyncContextManager[Any]:
        """Hold the device alone; raises DeviceOfflineError when it can't be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """The bench's devices by role; `by_hand` (or None): there is no device, a person is asked."""

    camera: Handle
    printer: Handle
    labeller: Handle | None = None
    packer: Handle | None = None
    scanner: Handle | None = None
    sorter: Handle | None = None
