"""Misbehaviour on demand: which device misbehaves how, from when on and how often."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

PORT_FAULTS = frozenset({"silent", "slow", "hang_up", "garbage", "unplugged"})
KIND_FAULTS: dict[str, frozenset[str]] = {
    "camera": PORT_FAULTS | {"black", "frozen"},
    "head": PORT_FAULTS,
    "turntable": PORT_FAULTS | {"alarm"},
    "printer": PORT_FAULTS | {"paper_out", "cover_open", "double_label"},
    "labeller": PORT_FAULTS | {"lose_label", "wrong_label", "two_labels", "alarm", "emergency_stop"},
    "packer": PORT_FAULTS | {"jam", "film_out", "door_open", "emergency_stop", "drop_reply"},
    "sorter": PORT_FAULTS | {"jam", "door_open", "emergency_stop", "drop_reply"},
    "scanner": PORT_FAULTS,
    "terminal": PORT_FAULTS | {"declined", "slip_paper_out", "hang_up_booked", "hang_up_unbooked", "told_twice"},
}
# these happen once and are over; everything else stays until it is taken away
ONCE = frozenset(
    {
        "hang_up", "lose_label", "wrong_label", "two_labels", "double_label", "drop_reply", "alarm", "jam", "declined",
        "hang_up_booked", "hang_up_unbooked", "told_twice",
    }
)  # fmt: skip


class UnknownFaultError(Exception):
    """Nobody here knows this device or this fault; the message lists what there is."""


@dataclass(slots=True)
class Fault:
    """A fault that is set: `after` counts down units (bytes, rows, occasions) before it strikes, `times` how often."""

    after: int
    times: int | None
    seconds: float


class FaultBoard:
    """All faults of one shop. Devices ask; the control address sets. Thread-safe."""

    def __init__(self, kinds: dict[str, str]) -> None:
        self._kinds = kinds
        self._faults: dict[tuple[str, str], Fault] = {}
        self._lock = threading.Lock()
        self._listeners: dict[str, list[Callable[[str, bool], None]]] = {}

    def listen(self, device: str, on_change: Callable[[str, bool], None]) -> None:
        """Call `on_change(fault, is_on)` whenever a fault of `device` is set or taken away."""
        self._listeners.setdefault(device, []).append(on_change)

    def set(self, device: str, fault: str, *, after: int = 0, times: int | None = None, seconds: float = 2.0) -> None:
        """Set a fault; raise UnknownFaultError when this device can't have it."""
        self._check(device, fault)
        if times is None and fault in ONCE:
            times = 1
        with self._lock:
            self._faults[device, fault] = Fault(after, times, seconds)
        self._tell(device, fault, is_on=True)

    def clear(self, device: str, fault: str) -> None:
        """Take a fault away; without effect when it isn't set."""
        self._check(device, fault)
        with self._lock:
            was_set = self._faults.pop((device, fault), None)
        if was_set:
            self._tell(device, fault, is_on=False)

    def only_talks(self, device: str) -> bool:
        """Whether this device sends and is never spoken to, so that its line can break only while it sends."""
        return self._kinds.get(device) == "scanner"

    def is_on(self, device: str, fault: str) -> bool:
        """Whether the fault is set and its `after` has run out."""
        with self._lock:
            found = self._faults.get((device, fault))
            return found is not None and found.after <= 0

    def seconds(self, device: str, fault: str) -> float:
        """How long the fault `slow` delays an answer; 0 when it isn't set."""
        with self._lock:
            found = self._faults.get((device, fault))
            return found.seconds if found and found.after <= 0 else 0.0

    def strikes(self, device: str, fault: str, units: int = 1) -> int | None:
        """Count `units` towards the fault; None when it doesn't strike now.

        Otherwise the number of units that still passed before it struck; one of its `times` is used up.
        """
        with self._lock:
            found = self._faults.get((device, fault))
            if found is None:
                return None
            if found.after >= units and found.after > 0:
                found.after -= units
                return None
            passed, found.after = found.after, 0
            if found.times is not None:
                found.times -= 1
                if found.times <= 0:
                    del self._faults[device, fault]
            return passed

    def standing(self) -> list[dict[str, object]]:
        """What is set now, for people."""
        with self._lock:
            return [
                {"device": device, "fault": fault, "after": found.after, "times": found.times}
                for (device, fault), found in sorted(self._faults.items())
            ]

    def _check(self, device: str, fault: str) -> None:
        if device not in self._kinds:
            raise UnknownFaultError(f"no device {device!r} in this shop; there are {', '.join(sorted(self._kinds))}")
        known = KIND_FAULTS[self._kinds[device]]
        if fault not in known:
            raise UnknownFaultError(f"{device} cannot {fault!r}; it knows {', '.join(sorted(known))}")

    def _tell(self, device: str, fault: str, *, is_on: bool) -> None:
        for on_change in self._listeners.get(device, []):
            on_change(fault, is_on)
