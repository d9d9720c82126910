"""What the shell offers for names: read from the configuration file alone, so that Tab never waits for a device."""

import os
import tomllib
from pathlib import Path
from typing import Any


def _devices() -> dict[str, Any]:
    """Return the devices of the default configuration, none if it can't be read: a Tab must never print an error."""
    try:
        path = Path(os.environ.get("VITRINE_CONFIG") or "/etc/vitrine/edge.toml")
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}
    devices = tables.get("device")
    return devices if isinstance(devices, dict) else {}


def _of_kind(kind: str, incomplete: str) -> list[str]:
    return [
        name
        for name, table in _devices().items()
        if isinstance(table, dict) and table.get("kind") == kind and name.startswith(incomplete)
    ]


def cameras(incomplete: str) -> list[str]:
    """Return the cameras whose names begin so."""
    return _of_kind("camera", incomplete)


def heads(incomplete: str) -> list[str]:
    """Return the heads whose names begin so."""
    return _of_kind("pan_tilt", incomplete)
