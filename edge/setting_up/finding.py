"""What is plugged in, and what answers at an address that was typed. Nothing else on the network is touched."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from edge.setting_up.roles import Role

SERIAL_FOLDERS = ("/dev/vitrine", "/dev/serial/by-id", "/dev/serial/by-path")
PRINTER_FOLDERS = ("/dev/vitrine/by-id", "/dev/usb")
VIDEO_FOLDERS = ("/dev/v4l/by-id",)
"""Names that stay the same after re-plugging come first: udev's own, and those of config/udev/70-vitrine.rules."""

STREAM_PATHS = (
    "/stream",
    "/video",
    "/mjpg/video.mjpg",
    "/axis-cgi/mjpg/video.cgi",
    "/videostream.cgi",
    "/?action=stream",
)
"""Where MJPEG is found on a camera whose address was typed without a path: mjpg-streamer, Axis and their kin."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a device may be: an address for a driver, and words for the person."""

    address: str
    words: str


def plugged_in(role: Role, ports_file: Path | None = None) -> list[Place]:
    """Return where a device of this role may be plugged in, the likeliest first; simulators stand in `ports_file`."""
    found = [*_simulated(role, ports_file), *_on_this_machine(role)]
    unique = {place.address: place for place in found}
    return sorted(unique.values(), key=lambda place: -likeliness(role, place))


def likeliness(role: Role, place: Place) -> int:
    """Return how many of a role's usual words stand in a place's name; the role's own name counts most."""
    name = f"{place.words} {place.address}".lower()
    own = role.hints[0] if role.hints else role.key
    is_own = any(part == own for part in name.replace("/", " ").split())
    return 10 * is_own + sum(hint in name for hint in role.hints)


def _on_this_machine(role: Role) -> Iterable[Place]:
    folders = {"camera": VIDEO_FOLDERS, "label_printer": (*PRINTER_FOLDERS, *SERIAL_FOLDERS), "packer": ()}
    for folder in folders.get(role.kind, SERIAL_FOLDERS):
        path = Path(folder)
        for one in sorted(path.iterdir()) if path.is_dir() else []:
            if not one.is_dir():
                yield Place(str(one), one.name)


def _simulated(role: Role, ports_file: Path | None) -> Iterable[Place]:
    """Yield the ports that `drivers.simulators` wrote into ports.json: cameras for cameras, the rest for the rest."""
    if ports_file is None:
        return
    try:
        ports: dict[str, str] = json.loads(ports_file.read_text())["ports"]
    except (OSError, ValueError, KeyError):
        return
    for name, address in ports.items():
        if (role.kind == "camera") is address.startswith("http"):
            yield Place(address, f"simulator {name}")


def candidates(role: Role, address: str) -> list[tuple[str, dict[str, str]]]:
    """Return the drivers (model, options) to try at an address, in order."""
    if role.kind != "camera":
        return [(model, {"address": _spelled(role, address)}) for model in role.models]
    scheme = urlsplit(address).scheme
    if scheme in ("rtsp", "rtsps"):
        return [("opencv", {"source": address})]
    if address.startswith("/dev/") or address.isdigit():
        return [("opencv", {"source": address})]
    base = address if scheme else f"http://{address}"
    if urlsplit(base).path not in ("", "/"):
        return _with_stills(base)
    return [one for path in STREAM_PATHS for one in _with_stills(base.rstrip("/") + path)]


def _with_stills(url: str) -> list[tuple[str, dict[str, str]]]:
    """With a full-resolution still beside the stream if there is one, else without."""
    ends = (("/stream", "/still"), ("action=stream", "action=snapshot"))
    guesses = [url.removesuffix(end) + still for end, still in ends if url.endswith(end)]
    return [("mjpeg", {"url": url, "still_url": guess}) for guess in guesses] + [("mjpeg", {"url": url})]


def _spelled(role: Role, address: str) -> str:
    """Give an address without a scheme the usual port of its kind: 9100 for printers, 502 for Modbus."""
    if address.startswith("/") or "://" in address:
        return address
    port = {"label_printer": ":9100", "packer": ":502"}.get(role.kind, "")
    return f"tcp://{address}" + ("" if ":" in address else port)
