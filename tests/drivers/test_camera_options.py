"""Options of the camera drivers: what is refused, and at which pace a file plays."""

import pytest

from drivers.camera.mjpeg import MjpegOptions
from drivers.camera.opencv import OpencvOptions, file_pace_s


@pytest.mark.parametrize(
    ("options", "said", "pace"),
    [
        ({"source": "0"}, 30.0, 0.0),
        ({"source": "rtsp://x/y"}, 30.0, 0.0),
        ({"source": "film.avi"}, 50.0, 0.02),
        ({"source": "film.avi", "fps": 10.0}, 50.0, 0.1),
        ({"source": "film.avi"}, 0.0, 0.04),
    ],
)
def test_only_files_are_paced(options, said, pace):
    assert file_pace_s(OpencvOptions(**options), said) == pytest.approx(pace)


@pytest.mark.parametrize(
    ("model", "wrong"),
    [
        (MjpegOptions, {"url": "rtsp://x/y"}),
        (MjpegOptions, {"url": "http://x/y", "still_url": "still.jpg"}),
        (OpencvOptions, {"source": ""}),
        (OpencvOptions, {"source": "0", "pixel_format": "MJPEG"}),
        (OpencvOptions, {"source": "0", "jpeg_quality": 0}),
    ],
)
def test_wrong_options(model, wrong):
    with pytest.raises(ValueError, match=list(wrong)[-1]):
        model(**wrong)
