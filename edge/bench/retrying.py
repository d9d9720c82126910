"""Which held parcels go on by themselves when their device is well again, and how long each look waits."""

from collections import defaultdict
from contextlib import suppress
from typing import Any

from drivers.base import Condition, DeviceError
from edge.bench.parcel import Parcel
from edge.bench.ports import Devices
from edge.flows.fulfilment import Stage

FIRST_S, MAX_S = 1.0, 60.0
"""What is well again is tried by itself, ever more rarely. The robot always waits for a person."""

BY_ITSELF = {
    Stage.STILL_BLOCKED: "camera",
    Stage.PRINTING_BLOCKED: "printer",
    Stage.READING_BLOCKED: "camera",
    Stage.PHOTO_BLOCKED: "camera",
    Stage.PACKING_BLOCKED: "packer",
}
"""Which device to watch. The packer counts only while it could not be reached: a jam is a person's to clear."""

NOT_THE_DEVICE = frozenset({"bad_label", "deadline_passed", "label_none", "label_wrong", "label_two"})
"""Reasons that a working device does not mend."""


class Retries:
    """How often each parcel was tried again since it was last well."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._times: defaultdict[str, int] = defaultdict(int)

    def is_due(self, parcel: Parcel) -> bool:
        """Whether this parcel is held by a device that may get well without a person."""
        if parcel.stage is Stage.PACKING_BLOCKED and not parcel.is_offline:
            return False
        return parcel.stage in BY_ITSELF and parcel.reason not in NOT_THE_DEVICE

    def device(self, parcel: Parcel) -> Any:
        """Return the handle of the device that holds it."""
        return getattr(self._devices, BY_ITSELF[parcel.stage])

    def next_wait_s(self, parcel: Parcel) -> float:
        """Return how long to wait between looks this time, and count it."""
        wait_s: float = min(FIRST_S * 2 ** self._times[parcel.parcel_id], MAX_S)
        self._times[parcel.parcel_id] += 1
        return wait_s

    def forget(self, parcel: Parcel) -> None:
        """It is well."""
        self._times.pop(parcel.parcel_id, None)


async def is_well(handle: Any) -> bool:
    """Ask a device how it is."""
    with suppress(DeviceError):
        async with handle.use() as driver:
            return (await driver.status()).condition is Condition.ONLINE
    return False
