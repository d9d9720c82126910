"""What becomes of large blocks that were freed, counted in page faults: each one is memory new to the process."""

import subprocess
import sys

import pytest

PICTURES = 50
PAGE_BYTES = 4096
COUNT = f"""
import resource, threading
import numpy as np
from edge.memory import give_pictures_back

give_pictures_back()

def faults(work):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for number in range({PICTURES}):
        work(number)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def in_thread(work):
    counts = []
    thread = threading.Thread(target=lambda: counts.append(faults(work)))
    thread.start()
    thread.join()
    return counts[0]
"""
STILLS = """
def take(number):
    np.ones((720, 1280, 3), np.uint8)

print(faults(take), in_thread(take))
"""
STREAM = """
import cv2
from drivers.camera import Frame
from drivers.camera._jpeg import JpegDecoder
from edge.viewing.encoder import PictureEncoder
from edge.viewing.encoder_models import Codec
from edge.viewing.rungs import Rung
from wire.plan import Mask

chance = np.random.default_rng(1)
scene = cv2.GaussianBlur(chance.integers(0, 255, (720, 1280, 3), dtype=np.uint8), (0, 0), 4)
jpegs = [cv2.imencode(".jpg", np.roll(scene, 8 * step, axis=1))[1].tobytes() for step in range(5)]
masks = (Mask(left=0.1, top=0.1, width=0.2, height=0.2),)
decoder, rungs = JpegDecoder(), [PictureEncoder(Codec.H264, rung) for rung in Rung]

def look(number):
    frame = Frame(planes=decoder.planes(jpegs[number % 5]), captured_s=number / 30, number=number)
    for encoder in rungs:
        encoder.encode(frame, masks, number / 30, must_stand_alone=False)

in_thread(look)
print(in_thread(look))
"""


def counted(work: str) -> list[float]:
    """Run it in a process of its own; return the faults of each picture."""
    run = subprocess.run([sys.executable, "-c", COUNT + work], capture_output=True, text=True, check=True, timeout=120)
    return [int(one) / PICTURES for one in run.stdout.split()]


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_stills_go_back_at_once():
    assert all(each > 0.9 * 1280 * 720 * 3 / PAGE_BYTES for each in counted(STILLS))


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_a_stream_in_both_rungs_takes_no_new_memory():
    """Its small picture, new each time, would be 84 pages."""
    (each,) = counted(STREAM)
    assert each < 40
