"""What can be read on a piece's back: only at the right angle and zoom, by optics, also after a live codec."""

import random
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import zxingcpp

from drivers.simulators.axis import Axis
from drivers.simulators.engraving import matrix_modules, visible_share
from drivers.simulators.figure import Figures
from drivers.simulators.labels import LabelBook
from drivers.simulators.lens import ZOOM_POSITIONS, magnification
from drivers.simulators.plan import load_plan
from drivers.simulators.truth import TruthLog
from drivers.simulators.viewing_eye import ViewingEye
from drivers.simulators.world import World

ROOT = Path(__file__).parents[3]
ZOOMS = range(1, 19)


class Table:
    """A turntable and the camera over it, without ports."""

    def __init__(self, folder):
        plan = load_plan(ROOT / "config" / "simulators" / "teahouse.toml")
        truth = TruthLog(folder / "truth.jsonl", lambda: datetime.now(UTC))
        self.world = World(plan, truth, LabelBook(folder, truth), random.Random(1))
        self.eye = ViewingEye("table", self.world, Figures(self.world.pieces))
        self.truth = truth

    def look(self, angle_deg, zoom, pan_deg=0.0):
        position = float(np.interp(zoom, ZOOMS, ZOOM_POSITIONS))
        self.world.tables["turntable"] = Axis(position=angle_deg)
        self.world.heads["table_head"].zoom = Axis(position=position)
        self.world.heads["table_head"].pan = Axis(position=pan_deg)
        return cv2.imdecode(np.frombuffer(self.eye.frame(0.0), np.uint8), cv2.IMREAD_COLOR)

    def put(self, piece):
        standing = self.world.piece_at("turntable")
        if standing:
            self.world.carry(standing, "spot")
        self.world.carry(piece, "turntable")
        return self.world.pieces[piece].engraving


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    made = Table(tmp_path_factory.mktemp("table"))
    yield made
    made.truth.close()


def read(picture):
    return {hit.text for hit in zxingcpp.read_barcodes(picture)}


@pytest.mark.parametrize(
    "piece", ["teapot-purple", "teapot-blue", "bowl-tenmoku", "vase-celadon", "cup-plum", "caddy-red"]
)
def test_readable_in_the_window_and_nowhere_else(table, piece):
    text = table.put(piece)
    for angle, zoom in [(155, 4), (180, 4), (205, 4), (160, 5), (200, 5), (180, 8)]:
        assert text in read(table.look(angle, zoom)), f"should be read at {angle}° and {zoom}x"
    for angle, zoom in [
        (140, 3),
        (140, 6),
        (220, 6),
        (180, 3),
        (180, 1),
        (165, 2),
        (0, 6),
        (145, 8),
        (215, 8),
        (147, 8),
    ]:
        assert read(table.look(angle, zoom)) == set(), f"should not be read at {angle}° and {zoom}x"


def test_full_resolution_still_does_not_open_the_window(table):
    text = table.put("teapot-purple")
    table.look(180, 3)
    still = cv2.imdecode(np.frombuffer(table.eye.still(0.0), np.uint8), cv2.IMREAD_COLOR)
    assert still.shape == (1440, 2560, 3) and text not in read(still)
    table.look(180, 4)
    assert text in read(cv2.imdecode(np.frombuffer(table.eye.still(0.0), np.uint8), cv2.IMREAD_COLOR))


@pytest.mark.parametrize(
    ("angle", "zoom", "is_read"), [(180, 4, True), (160, 4, True), (200, 5, True), (140, 4, False), (180, 3, False)]
)
def test_survives_the_codec_of_live_viewing(table, angle, zoom, is_read):
    """H.264 at 2.5 Mbit/s, ultrafast, zero latency."""
    text = table.put("caddy-red")
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 1280, 720, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.bit_rate = Fraction(1, 25), Fraction(25), 2_500_000
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency"}
    decoder = av.CodecContext.create("h264", "r")
    decoded = []
    for number in range(12):
        frame = av.VideoFrame.from_ndarray(table.look(angle, zoom), format="bgr24")
        frame.pts = number
        for packet in encoder.encode(frame):
            decoded += [one.to_ndarray(format="bgr24") for one in decoder.decode(packet)]
    hits = [text in read(picture) for picture in decoded[4:]]
    assert all(hits) if is_read else not any(hits)


def test_turning_shows_other_sides_and_comes_back(table):
    table.put("teapot-purple")
    front, right, again = (table.look(angle, 2).astype(int) for angle in (0, 90, 360))
    assert (np.abs(front - right).mean(2) > 25).sum() > 4_000
    assert (np.abs(front - again).mean(2) > 25).sum() < 50


def test_anticlockwise_brings_the_left_side_to_the_front(table):
    """The cup's handle stands to the left at 0° and comes towards the camera at 90°; at 180° it is on the right."""
    table.put("cup-plum")
    shown = {angle: table.look(angle, 3).astype(int).mean(2) for angle in (0, 90, 180, 270)}
    bare = np.minimum(shown[90], shown[270])
    left, right = slice(380, 520), slice(760, 900)
    assert (np.abs(shown[0] - bare)[:, left] > 25).sum() > 3 * (np.abs(shown[0] - bare)[:, right] > 25).sum()
    assert (np.abs(shown[180] - bare)[:, right] > 25).sum() > 3 * (np.abs(shown[180] - bare)[:, left] > 25).sum()
    # in front of the body the handle hides the blossom, behind it doesn't
    assert (np.abs(shown[90] - shown[270])[:, 560:720] > 25).sum() > 2000


def test_a_groove_is_hidden_by_its_own_walls():
    shares = [visible_share(off) for off in (0, 10, 20, 30, 34, 40, 90, 180)]
    assert shares[0] == 1.0 and shares == sorted(shares, reverse=True) and shares[4:] == [0.0] * 4


def test_matrix_is_a_datamatrix_of_the_text():
    modules = np.pad(np.kron(matrix_modules("K7Q4").astype(np.uint8), np.ones((6, 6), np.uint8)), 20)
    assert read(255 - modules * 255) == {"K7Q4"}


def test_lens_table_is_the_manuals():
    assert magnification(0) == 1.0 and magnification(0x4000) == 18.0
    # technical manual p. 54: the D30's 12x tele end is 3B4Bh
    assert magnification(0x3B4B) == 12.0
