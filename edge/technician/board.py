"""The board of all devices: what each is for, where it is plugged, how it is, when it last answered."""

import asyncio
import re
from typing import Any

from edge.config import EdgeConfig
from edge.device_host import DeviceHandle
from edge.technician.ports import Around
from wire.codec import to_json

PLACES = ("address", "url", "source")
"""The option that says where a device is, whatever its driver calls it."""


def board(around: Around) -> list[dict[str, Any]]:
    """Return one row for each device, in the order of the configuration."""
    return [_row(around, handle) for handle in around.devices.handles.values()]


def _row(around: Around, handle: DeviceHandle) -> dict[str, Any]:
    state, options = around.devices.state(handle.name), around.config.devices[handle.name].options
    since = handle.answered_s
    return {
        "device": handle.name,
        "roles": roles(around.config, handle.name),
        "driver": f"{handle.kind}.{handle.model}",
        "scale": around.config.devices[handle.name].driver.scale,
        "address": address(options),
        "health": state.health.value,
        "reason": state.reason,
        "text": to_json(state.text),
        "words": handle.finding.words,
        "is_by_hand": handle.by_hand,
        "is_in_use": handle.is_held,
        "answered_ago_s": None if since is None else round(asyncio.get_running_loop().time() - since, 1),
    }


def roles(config: EdgeConfig, name: str) -> list[str]:
    """Return what a device is for: `bench.printer`, `viewing.front.head` … ; empty for one that nothing uses."""
    bench = [f"bench.{role}" for role in ("camera", "printer", "labeller", "packer", "sorter", "scanner")]
    found = [role for role in bench if getattr(config.bench, role.partition(".")[2]) == name]
    for place, viewing in config.viewing.items():
        found += [
            f"viewing.{place}.{part}" for part in ("camera", "head", "turntable") if getattr(viewing, part) == name
        ]
    return found


def address(options: Any) -> str:
    """Return where a device is; name and password in an address stay in the box."""
    place = next((str(getattr(options, name)) for name in PLACES if hasattr(options, name)), "")
    return re.sub(r"//[^/@]*@", "//", place)
