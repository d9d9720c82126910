"""Record what the independent VISCA encoder visca-over-ip writes: see tests/captures.

Run by hand in an environment with visca-over-ip 0.5.2 (public domain); the tests read the recording.
"""

import json
import socket
from contextlib import suppress

from visca_over_ip import Camera
from visca_over_ip.exceptions import NoQueryResponse

CALLS = [
    *(("pantilt", (pan, tilt)) for pan in (-24, -1, 0, 1, 24) for tilt in (-23, -1, 0, 1, 23)),
    *(("zoom", (speed,)) for speed in (-7, -1, 0, 1, 7)),
    *(("zoom_to", (share,)) for share in (0.0, 0.25, 0.5, 1.0)),
    *(("pantilt", (24, 23, pan, tilt)) for pan in (-2267, -1, 0, 1200, 2267) for tilt in (-400, 0, 1200)),
    ("get_pantilt_position", ()),
    ("get_zoom_position", ()),
]


def main() -> None:
    """Play the camera on a UDP port and note each frame without the eight bytes that only VISCA over IP has."""
    head = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    head.bind(("127.0.0.1", 0))
    head.settimeout(0.2)
    camera = Camera("127.0.0.1", head.getsockname()[1] + 1)
    camera._location = head.getsockname()
    recorded = []
    for name, arguments in CALLS:
        drain(head)
        with suppress(NoQueryResponse):  # the camera never answers; only what was sent matters
            getattr(camera, name)(*arguments)
        recorded.append({"call": name, "arguments": arguments, "frame": head.recv(64)[8:].hex(" ")})
    print("[\n" + ",\n".join(json.dumps(entry) for entry in recorded) + "\n]")


def drain(head: socket.socket) -> None:
    """Forget earlier frames and their repetitions."""
    head.setblocking(False)
    try:
        while True:
            head.recv(64)
    except BlockingIOError:
        head.settimeout(0.2)


if __name__ == "__main__":
    main()
