"""A network that cannot carry the large picture gets the small one, not a black one; and the large one in time."""

import asyncio
import time
from itertools import pairwise

import aiortc.rtp

from edge.viewing import rungs
from edge.viewing.rungs import AGAIN_S, DOWN_DELAY_S, DOWN_S, LOSS_SHARE_MIN, UP_S, Rung, RungChooser
from tests.edge.viewing.test_streams import encoder_threads, watching


class Network:
    def __init__(self):
        self.chooser, self.now_s = RungChooser(), 0.0

    def passes(self, seconds, remb_bps, sent_bps, lost_share=0.0):
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.now_s += 0.25
            self.chooser.remb_bps, self.chooser.lost_share = remb_bps, lost_share
            self.chooser.choose(self.now_s, sent_bps)
        return self.chooser.rung


def test_an_estimate_below_what_is_sent_and_losses_mean_small():
    network = Network()
    assert network.passes(DOWN_S, 1_250_000, 2_500_000, lost_share=0.05) is Rung.FULL
    assert network.passes(0.5, 1_250_000, 2_500_000, lost_share=0.05) is Rung.SMALL


def test_an_estimate_that_stays_low_without_losses_is_a_long_queue():
    network = Network()
    assert network.passes(DOWN_DELAY_S, 1_250_000, 2_500_000) is Rung.FULL
    assert network.passes(0.5, 1_250_000, 2_500_000) is Rung.SMALL


def test_a_still_scene_is_no_bad_network():
    assert Network().passes(60, 450_000, 300_000) is Rung.FULL


def test_what_is_hardly_more_than_the_small_picture_is_not_made_smaller():
    assert Network().passes(60, 490_000, 650_000) is Rung.FULL
    assert Network().passes(60, 490_000, 900_000) is Rung.SMALL


def test_a_moment_is_not_enough_and_nothing_known_is_nothing_done():
    network = Network()
    for _ in range(20):
        assert network.passes(DOWN_DELAY_S - 1, 1_000_000, 2_500_000) is Rung.FULL
        assert network.passes(DOWN_S / 2, 1_000_000, 2_500_000, lost_share=0.1) is Rung.FULL
        assert network.passes(0.5, 3_000_000, 2_500_000) is Rung.FULL
    assert RungChooser().choose(5.0, 2_500_000) is Rung.FULL


def test_heavy_loss_means_small_whatever_the_estimate():
    assert Network().passes(2, 9_000_000, 2_500_000, lost_share=0.2) is Rung.SMALL


def test_what_is_asked_for_again_tells_of_losses_before_a_report_does():
    network = Network()
    network.chooser.asked_again_share = 0.05
    assert network.passes(DOWN_S, 1_250_000, 2_500_000) is Rung.FULL
    assert network.passes(0.5, 1_250_000, 2_500_000) is Rung.SMALL
    calm = Network()
    calm.chooser.asked_again_share = LOSS_SHARE_MIN
    assert calm.passes(DOWN_S + 1, 1_250_000, 2_500_000) is Rung.FULL


def test_pictures_are_held_back_a_little_while_packets_are_lost():
    network = Network()
    for lost_share, is_smooth in ((0.03, False), (0.05, True), (0.02, True), (0.0, False), (0.03, False)):
        network.passes(0.5, 9_000_000, 1_000_000, lost_share=lost_share)
        assert network.chooser.is_smooth is is_smooth


def test_up_again_after_ten_good_seconds_but_never_twice_a_minute():
    network = Network()
    network.passes(2, 1_000_000, 2_500_000, lost_share=0.1)
    down_s = network.now_s
    assert network.passes(UP_S + 1, 900_000, 600_000) is Rung.SMALL
    assert network.passes(AGAIN_S - UP_S, 900_000, 600_000) is Rung.FULL
    assert network.now_s - down_s >= AGAIN_S - 1


def test_each_failed_step_up_doubles_the_wait():
    network, waits = Network(), []
    network.passes(2, 1_000_000, 2_500_000, lost_share=0.1)
    for _ in range(6):
        begun_s = network.now_s
        while network.chooser.rung is Rung.SMALL:
            network.passes(1, 900_000, 600_000)
        waits.append(network.now_s - begun_s)
        network.passes(2, 1_000_000, 2_500_000, lost_share=0.1)
        assert network.chooser.rung is Rung.SMALL
    assert all(later >= earlier for earlier, later in pairwise(waits))
    assert waits[0] < 65
    assert 900 < waits[-1] < 1000


async def test_a_viewer_is_moved_at_a_key_frame_and_the_other_one_is_not(shop, eventually, monkeypatch):
    monkeypatch.setattr(rungs, "DOWN_DELAY_S", 0.2)
    shop.cameras["front"].scene = shop.cameras["front"].scene.repeat(3, axis=0).repeat(3, axis=1)  # 960 × 720
    one, two = await watching(shop, "s1"), await watching(shop, "s2")
    front = shop.desk.places["front"].streams
    (sender,) = next(iter(front._streams.values())).peer._connection.getSenders()

    monkeypatch.setattr(rungs, "SMALL_BPS", 0)

    async def estimate(rate_bps):
        fci = aiortc.rtp.pack_remb_fci(rate_bps, [sender._ssrc])
        remb = aiortc.rtp.RtcpPsfbPacket(fmt=aiortc.rtp.RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=fci)
        await sender._handle_rtcp_packet(remb)

    until_s = time.monotonic() + 30
    while one.newest.shape[0] == 720:
        assert time.monotonic() < until_s
        await estimate(1000)
        await asyncio.sleep(0.05)
    assert one.newest.shape[:2] == (360, 480)
    assert two.newest.shape[:2] == (720, 960)
    assert len(encoder_threads()) == 2
    frames = one.frames, two.frames
    await eventually(lambda: one.frames > frames[0] + 10 and two.frames > frames[1] + 10)
    await two.close()
    await eventually(lambda: len(encoder_threads()) == 1)
    assert [encoder.rung for encoder in front.encoders] == [Rung.SMALL]
