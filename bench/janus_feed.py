"""Feeds Janus: the camera's pictures, encoded once with our shop's settings, as RTP to its streaming plugin.

Run as `python -m bench.janus_feed CAMERA_URL RTP_PORT`. Only the key frames differ, one a second: Janus asks for none.
"""

import asyncio
import contextlib
import queue
import sys
from fractions import Fraction

import av

from bench.viewing_port import camera_at
from drivers.camera import Frame
from edge.viewing.encoder import picture_of

CLOCK_HZ, RATE_HZ = 90_000, 30  # of the camera, rounded up
RATE_BPS = 2_500_000
PACKET_BYTES = 1200


class Feed:
    """Encodes and sends in a thread of its own: newest picture only."""

    def __init__(self, port: int) -> None:
        self._frames: queue.Queue[Frame] = queue.Queue(1)
        self._out = av.open(f"rtp://127.0.0.1:{port}?pkt_size={PACKET_BYTES}", "w", format="rtp")
        stream = self._stream = self._out.add_stream("libx264", rate=RATE_HZ)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        stream.bit_rate, stream.codec_context.time_base = RATE_BPS, Fraction(1, CLOCK_HZ)
        stream.codec_context.thread_count = 1
        stream.options = {
            "preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "level": "31",
            "maxrate": str(RATE_BPS), "bufsize": str(RATE_BPS // 4), "g": str(RATE_HZ),
            "x264-params": f"scenecut=0:rc-lookahead=0:threads=1:keyint={RATE_HZ}:repeat-headers=1",
        }  # fmt: skip

    def take(self, frame: Frame) -> None:
        """Replace the picture that waits; called in the capture thread."""
        if self._frames.full():
            with contextlib.suppress(queue.Empty):  # taken between the two lines: all the better
                self._frames.get_nowait()
        self._frames.put(frame)

    def run(self) -> None:
        """Send for ever."""
        begun_s = None
        while True:
            frame = self._frames.get()
            begun_s = begun_s or frame.captured_s
            picture = picture_of(frame.planes, "yuv420p")
            picture.pts, picture.time_base = int((frame.captured_s - begun_s) * CLOCK_HZ), Fraction(1, CLOCK_HZ)
            self._out.mux(self._stream.encode(picture))


async def main(url: str, port: int) -> None:
    """Watch and feed until told to end."""
    feed = Feed(port)
    camera = camera_at(url)
    await camera.watch(feed.take)
    await asyncio.to_thread(feed.run)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
