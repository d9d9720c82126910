"""The lossy line of the benchmark: packets come back later, some do not, and only UDP goes over it."""

import subprocess
import sys

import pytest

from bench.viewing_loss import why_not
from demo.mall import ROOT

ASK = """
import socket, subprocess, sys, time
subprocess.run("ip link set lo up".split(), check=True)
line = subprocess.Popen([sys.executable, "-m", "bench.slow_line", "0.25", "40"], stdout=subprocess.PIPE)
assert line.stdout.readline() == b"ready\\n"
listens = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listens.bind(("127.0.0.1", 0))
listens.settimeout(1.0)
sends, took_ms = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), []
for number in range(400):
    sends.sendto(repr(time.monotonic()).encode(), listens.getsockname())
    time.sleep(0.002)
try:
    while True:
        sent_s = float(listens.recv(100))
        took_ms.append((time.monotonic() - sent_s) * 1000)
except TimeoutError:
    pass
server = socket.create_server(("127.0.0.1", 0))
begun_s = time.monotonic()
with socket.create_connection(server.getsockname(), 5):
    tcp_ms = (time.monotonic() - begun_s) * 1000
line.kill()
print(len(took_ms), min(took_ms), tcp_ms)
"""


def test_udp_is_late_and_lossy_and_tcp_is_not():
    missing = why_not()
    if missing:
        pytest.skip(missing)
    command = ["unshare", "--net", sys.executable, "-c", ASK]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT)
    came, least_ms, tcp_ms = (float(word) for word in done.stdout.split())
    assert 220 < came < 370  # 300 of 400 come; five standard deviations are 44
    assert least_ms >= 39
    assert tcp_ms < 1000
