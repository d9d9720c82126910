"""The camera driver on OpenCV: files, streams, and sources that are not there."""

import av
import numpy as np
import pytest

from drivers.base import BadOptionsError, Condition, DeviceOfflineError
from drivers.camera._picture import parse_jpeg_size
from drivers.camera.opencv import DRIVER as OPENCV
from drivers.camera.opencv import OpencvOptions
from tests.drivers.network_camera import STREAM, endless, frames_of, jpeg, network, part

__all__ = ["network"]


@pytest.fixture
def film(tmp_path):
    """A film of ten grey levels, written by FFmpeg through PyAV."""
    path = tmp_path / "film.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=50)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuvj420p"
        for level in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((120, 160, 3), 20 * level + 20, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


async def test_opencv_plays_a_file_again_and_again(film):
    driver = OPENCV(OpencvOptions(source=str(film)))
    await driver.open()
    frames = await frames_of(driver, 15)
    levels = [round(float(frame.pixels.mean()) / 20) - 1 for frame in frames[:15]]
    assert levels == [*range(10), *range(5)]
    still = await driver.still()
    assert (still.width_px, still.height_px) == (160, 120)
    assert parse_jpeg_size(still.jpeg) == (160, 120)
    assert (await driver.status()).condition == Condition.ONLINE
    await driver.close()


async def test_opencv_reads_mjpeg_over_http(network):
    network.script = lambda path: endless(*[jpeg(level, (320, 240)) for level in (40, 80, 120, 160)])
    network.pause_s = 0.01
    driver = OPENCV(OpencvOptions(source=f"{network.base}/stream"))
    frames = await frames_of(driver, 4)
    assert frames[0].pixels.shape == (240, 320, 3)
    await driver.close()


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("/dev/video99", DeviceOfflineError),
        ("99", DeviceOfflineError),
        ("no-such-file.avi", BadOptionsError),
        ("http://127.0.0.1:9/stream", DeviceOfflineError),
        ("rtsp://127.0.0.1:9/stream", DeviceOfflineError),
    ],
)
async def test_opencv_sources_that_are_not_there(source, error, capfd):
    driver = OPENCV(OpencvOptions(source=source, timeout_s=1.0))
    with pytest.raises(error):
        await driver.open()
    await driver.close()


async def test_opencv_a_stream_that_ends_shows(network, eventually):
    network.script = lambda path: [STREAM, *[part(jpeg(seed=seed)) for seed in range(20)]]
    driver = OPENCV(OpencvOptions(source=f"{network.base}/stream", timeout_s=1.0))

    async def is_lost() -> bool:
        try:
            if driver._capture is None:
                await driver.watch(lambda frame: None)  # says so itself when the end came that soon
            await driver.status()
        except DeviceOfflineError:
            return True
        return False

    await eventually(is_lost)
    await driver.close()
