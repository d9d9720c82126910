"""What the attendant does by hand while nothing is asked of the machines: send them home, give a camera back."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from drivers.base import DeviceError
from edge.device_host import DeviceHandle
from edge.reasons import sentence_for
from wire.codec import to_json
from wire.plan import Text

HOME_DEG = 0.0
"""Where a turntable shows the front of what stands on it: faces are taught from there."""

WORDS = {
    "busy": Text(en="Not now: a parcel is on the bench or a check runs", zh="现在不行：工作台上有包裹或正在自检"),
    "watched": Text(en="Not now: a shopper is looking", zh="现在不行：有顾客正在看"),
    "unknown": Text(en="There is no such machine here", zh="这里没有这台机器"),
    "not_taken": Text(en="This camera is with the shoppers already", zh="这个摄像头已经在给顾客使用"),
}


class MachineRefusedError(Exception):
    """Not now; `text` says why, in both languages."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class BenchKept(Protocol):
    """The part of the bench that keeps parcels away for a moment."""

    def keep_clear(self) -> AbstractAsyncContextManager[bool]: ...


class TakenCamera(Protocol):
    """Who has a camera: `taken` is the merchant's reason, empty while it is with the shoppers."""

    @property
    def taken(self) -> str: ...


class CameraPlace(Protocol):
    """A camera where shoppers look."""

    @property
    def line(self) -> TakenCamera: ...
    def take(self, reason: str, session_id: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """The machines that a person may move from the page; `tables` are turntables by the camera that looks at them."""

    bench: BenchKept
    labeller: DeviceHandle | None
    tables: Mapping[str, DeviceHandle]
    places: Callable[[], Mapping[str, CameraPlace]]
    is_watched: Callable[[str], bool]
    is_checking: Callable[[], bool]

    def state(self) -> dict[str, Any]:
        """Return what can be sent home, and which cameras the merchant has."""
        robots = [self.labeller.name] if self.labeller is not None and not self.labeller.by_hand else []
        tables = [handle.name for handle in self._tables()]
        taken = {name: place.line.taken for name, place in self.places().items() if place.line.taken}
        return {"homes": [*robots, *tables], "taken": taken}

    def _tables(self) -> Iterable[DeviceHandle]:
        return {handle.name: handle for handle in self.tables.values() if not handle.by_hand}.values()

    async def home(self, name: str) -> None:
        """Send a machine home; returns when it is there (a table: when it turns). Raises MachineRefusedError."""
        if name not in self.state()["homes"]:
            raise MachineRefusedError(WORDS["unknown"])
        try:
            if self.labeller is not None and name == self.labeller.name:
                await self._home_labeller(self.labeller)
            else:
                await self._home_table(name)
        except DeviceError as error:
            raise MachineRefusedError(_sentence(error)) from None

    async def _home_labeller(self, labeller: DeviceHandle) -> None:
        if self.is_checking():
            raise MachineRefusedError(WORDS["busy"])
        async with self.bench.keep_clear() as is_clear:
            if not is_clear:
                raise MachineRefusedError(WORDS["busy"])
            async with labeller.use() as driver:
                await driver.home()

    async def _home_table(self, name: str) -> None:
        cameras = [camera for camera, handle in self.tables.items() if handle.name == name]
        if self.is_checking() or any(self.is_watched(camera) for camera in cameras):
            raise MachineRefusedError(WORDS["busy" if self.is_checking() else "watched"])
        async with self.tables[cameras[0]].use() as driver:
            await driver.turn_to(HOME_DEG)

    def give_back(self, camera: str) -> None:
        """Give a camera that the merchant took back to the shoppers. Raises MachineRefusedError."""
        place = self.places().get(camera)
        if place is None or not place.line.taken:
            raise MachineRefusedError(WORDS["unknown" if place is None else "not_taken"])
        place.take("", "")


def _sentence(error: DeviceError) -> Text:
    told = sentence_for(error.reason)
    return told if told.en else Text(en=f"It did not go home: {error}", zh=f"没有回零：{error}")


def refusal_json(error: MachineRefusedError) -> dict[str, Any]:
    """Return what the page shows of a refusal."""
    return {"accepted": False, "text": to_json(error.text)}
