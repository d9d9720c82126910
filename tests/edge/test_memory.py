"""What becomes of large pictures that were freed, counted in page faults: each one is memory new to the process."""

import subprocess
import sys

import pytest

PICTURES = 50
FAULTS_EACH = 2_764_800 // 4096
COUNT = f"""
import resource, threading
import numpy as np
from edge.memory import give_pictures_back, keep_pictures

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range({PICTURES}):
        np.ones((720, 1280, 3), np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def in_thread():
    counts = []
    thread = threading.Thread(target=lambda: counts.append(faults()))
    thread.start()
    thread.join()
    return counts[0]

give_pictures_back()
print(faults(), in_thread())
with keep_pictures():
    with keep_pictures():
        faults()
    print(faults(), in_thread())
print(faults(), in_thread())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_pictures_stay_while_they_run_and_go_back_after():
    said = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True, timeout=60).stdout
    idle, running, after = ([int(one) for one in line.split()] for line in said.splitlines())
    assert all(count > PICTURES * FAULTS_EACH * 0.9 for count in idle + after), said
    assert all(count < 4 * FAULTS_EACH for count in running), said
