"""A long and lossy line in a network namespace: every UDP packet goes out to a TUN device and comes back later, or not.

Run as root in a namespace of its own as `python -m bench.slow_line LOSS DELAY_MS`; says "ready" and works until it is
ended. For machines whose kernel has no netem: packets that a program here sends to another one here are led to the
device by a rule, read, kept, and written back, which the kernel takes for packets that came from outside.
"""

import contextlib
import fcntl
import os
import random
import selectors
import struct
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

DEVICE = "slow0"
PACKET_BYTES_MAX = 2048
WAITING_MAX = 20_000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
"""linux/if_tun.h."""

COMMANDS = (
    f"ip address add 10.78.0.1/32 dev {DEVICE}",
    f"ip link set {DEVICE} up mtu 1500",
    f"ip route add default dev {DEVICE} table 100",
    "ip rule add pref 10 lookup local",
    "ip rule del pref 0",
    "ip rule add pref 5 iif lo ipproto udp lookup 100",
)
"""Rule 5 comes before the table of this machine's own addresses, but only for what is sent here (iif lo)."""

SYSCTLS = {
    f"net/ipv4/conf/{DEVICE}/accept_local": "1",
    f"net/ipv4/conf/{DEVICE}/route_localnet": "1",
    f"net/ipv4/conf/{DEVICE}/rp_filter": "0",
    "net/ipv4/conf/all/rp_filter": "0",
}


def open_device() -> int:
    """Make the device and lead all UDP of this namespace through it; return its file."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    for name, value in SYSCTLS.items():
        Path("/proc/sys", name).write_text(value, encoding="ascii")
    for command in COMMANDS:
        subprocess.run(command.split(), check=True, timeout=30)
    return tun


def carry(tun: int, loss: float, delay_s: float, chance: random.Random) -> None:
    """Give back each packet after its delay, but for the lost ones; for ever."""
    waiting: deque[tuple[float, bytes]] = deque()
    selector = selectors.DefaultSelector()
    selector.register(tun, selectors.EVENT_READ)
    while True:
        due_s = waiting[0][0] - time.monotonic() if waiting else None
        selector.select(None if due_s is None else max(due_s, 0))
        with contextlib.suppress(BlockingIOError):
            while len(waiting) < WAITING_MAX:
                packet = os.read(tun, PACKET_BYTES_MAX)
                if chance.random() >= loss:
                    waiting.append((time.monotonic() + delay_s, packet))
        while waiting and waiting[0][0] <= time.monotonic():
            os.write(tun, waiting.popleft()[1])


if __name__ == "__main__":
    device = open_device()
    print("ready", flush=True)
    carry(device, float(sys.argv[1]), float(sys.argv[2]) / 1000, random.Random())
