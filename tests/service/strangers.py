"""Who gets through the shipped firewall and who does not, asked with plain sockets; prints one JSON object.

Run as `unshare --net python -m tests.service.strangers FOLDER`. Everything is asked twice: before the firewall is
loaded, when all must get through (or the question would prove nothing), and behind it.
"""

import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.service.networks import PRINTER, RADIO, RELAY, STRANGER, TILL, WIRE, Networks

LISTEN = """
import socket, sys
kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sock.bind((host, port))
if kind == "tcp":
    sock.listen()
print("listens", flush=True)
while True:
    if kind == "tcp":
        other, _ = sock.accept()
        other.sendall(b"here")
        other.close()
    else:
        _, other = sock.recvfrom(100)
        sock.sendto(b"here", other)
"""
ASK = """
import os, socket, sys
kind, host, port, own_port, uid = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
if uid:
    os.setresuid(uid, uid, uid)
sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
sock.settimeout(1.5)
try:
    sock.bind(("", own_port))
    sock.connect((host, port))
    if kind == "udp":
        sock.send(b"hello")
    print("answered" if sock.recv(4) == b"here" else "silent")
except OSError:
    print("nothing")
"""
NOBODY = 65534
HIGH, MEDIA, HEARD = 52000, 41000, 41005
"""A browser's port, one of the kernel's own range that the box sends from, one that it listens on."""
PYTHON = [shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable, "-I", "-S"]
"""The system's own: another user may run it too, and bare it starts at once."""

SHOP, OUTSIDE = "shop", "outside"
QUESTIONS = {
    # name: (asked from, kind, host, port, own port, user, whether the firewall lets it through)
    "the broker": (SHOP, "tcp", RELAY, 8883, 0, 0, True),
    "the shop door": (SHOP, "tcp", RELAY, 8443, 0, 0, True),
    "another port of the relay": (SHOP, "tcp", RELAY, 9999, 0, 0, False),
    "a stranger's web server": (SHOP, "tcp", STRANGER, 443, 0, 0, False),
    "the name server": (SHOP, "udp", "10.77.1.1", 53, 0, 0, True),
    "a stranger's name server": (SHOP, "udp", STRANGER, 53, 0, 0, False),
    "a browser, by the box": (SHOP, "udp", STRANGER, HIGH, MEDIA, 0, True),
    "a browser's address, by another program": (SHOP, "udp", STRANGER, HIGH, MEDIA + 1, NOBODY, False),
    "a system port by UDP": (SHOP, "udp", STRANGER, 500, MEDIA + 2, 0, False),
    "the printer": (SHOP, "tcp", PRINTER, 9100, 0, 0, True),
    "the till": (SHOP, "tcp", TILL, 9100, 0, 0, False),
    "the shop from outside": (OUTSIDE, "tcp", WIRE, 8321, 0, 0, False),
    "the shop from outside by radio": (OUTSIDE, "tcp", RADIO, 8321, 0, 0, False),
    "the shop from outside by UDP": (OUTSIDE, "udp", WIRE, HEARD, 0, 0, False),
}


def listen(networks: Networks, stack: ExitStack) -> None:
    """Open every socket that is asked for, each where it belongs."""
    wanted = {(kind, host, port) for _, kind, host, port, *_ in QUESTIONS.values()}
    listeners = []
    for kind, host, port in sorted(wanted):
        arguments = [*PYTHON, "-c", LISTEN, kind, host, str(port)]
        if host in (PRINTER, TILL):
            arguments = networks.inside(networks.devices, arguments)
        elif host in (WIRE, RADIO):
            arguments = networks.inside(networks.shop, arguments)
        process = stack.enter_context(subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True))
        stack.callback(process.kill)
        listeners.append(process)
    for process in listeners:
        assert process.stdout.readline() == "listens\n"


def ask(networks: Networks) -> dict[str, bool]:
    """Ask everything at once; return who got an answer."""
    running = {}
    for name, (place, kind, host, port, own_port, uid, _) in QUESTIONS.items():
        arguments = [*PYTHON, "-c", ASK, kind, host, str(port), str(own_port), str(uid)]
        if place == SHOP:
            arguments = networks.inside(networks.shop, arguments)
        running[name] = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    return {name: process.communicate(timeout=60)[0] == "answered\n" for name, process in running.items()}


def main() -> None:
    folder = Path(sys.argv[1])
    networks = Networks(f"{os.getpid()}")
    try:
        networks.make()
        networks.plug("radio")
        with ExitStack() as stack:
            listen(networks, stack)
            before = ask(networks)
            networks.load_firewall(folder, [8883, 8443], os.geteuid())
            behind = ask(networks)
            dropped = {"in": networks.dropped("input"), "out": networks.dropped("output")}
        print(json.dumps({"before": before, "behind": behind, **dropped}))
    finally:
        networks.remove()


if __name__ == "__main__":
    main()
