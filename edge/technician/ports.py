"""What the technician's verbs are given by the rest of the box."""

from collections.abc import Callable
from dataclasses import dataclass

from drivers.pan_tilt import HeadLimits, PanTilt
from edge.bench import Bench
from edge.config import EdgeConfig
from edge.device_host import DeviceHandle, DeviceHost
from edge.journal import Journal
from edge.labels import Typeface
from edge.viewing.desk import ViewingDesk
from edge.viewing.place import LivePlace
from wire.plan import ShopPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """The running shop. `take_plan` puts a changed plan in force, `is_checking` says whether a bench check runs."""

    config: EdgeConfig
    devices: DeviceHost
    bench: Bench
    desk: ViewingDesk
    journal: Journal
    face: Typeface
    plan: Callable[[], ShopPlan | None]
    take_plan: Callable[[ShopPlan], None]
    is_private: Callable[[], bool]
    is_checking: Callable[[], bool]
    random_bytes: Callable[[int], bytes]

    def handle(self, name: str, kind: str) -> DeviceHandle:
        """Return the device of this name and kind; LookupError names those that there are."""
        handle = self.devices.handles.get(name)
        if handle is None or handle.kind != kind:
            known = [one.name for one in self.devices.handles.values() if one.kind == kind]
            raise LookupError(f"there is no {kind} {name!r} here; there are: {', '.join(known) or 'none'}")
        return handle

    def limits(self, head: str) -> HeadLimits:
        """Return the safe limits of a head, from its options: without asking the device, which may be away."""
        device = self.config.devices[head]
        driver = device.driver(device.options)  # type: ignore[call-arg]  # each driver takes its own Options
        assert isinstance(driver, PanTilt), "edge.config looked that a viewing place's head is one"
        return driver.limits

    def place(self, name: str) -> LivePlace:
        """Return the viewing place of this name; LookupError names those that there are."""
        place = self.desk.places.get(name)
        if place is None:
            raise LookupError(f"there is no viewing place {name!r} here; there are: {', '.join(self.desk.places)}")
        return place
