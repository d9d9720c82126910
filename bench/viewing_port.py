"""The camera port that every system reads: MJPEG over HTTP, or uncompressed pictures over TCP; with our own drivers."""

from drivers.camera import Camera
from drivers.camera.mjpeg import MjpegCamera, MjpegOptions
from drivers.camera.y4m import Y4mCamera, Y4mOptions


def camera_at(address: str) -> Camera:
    """Return the driver for a camera port, by the address's scheme."""
    if address.startswith("tcp://"):
        return Y4mCamera(Y4mOptions(address=address))
    return MjpegCamera(MjpegOptions(url=address))
