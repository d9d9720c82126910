"""Clips as phones and browsers make them, and what is none, drawn for the tests that send them."""

import io

import av


def clip(
    kind: str = "mp4", codec: str = "", seconds: float = 1.0, size: tuple[int, int] = (64, 48), **said: str
) -> bytes:
    """Return a grey clip of so many seconds; `said` is metadata of the whole file."""
    out = io.BytesIO()
    with av.open(out, "w", format=kind) as target:
        stream = target.add_stream(codec or {"mp4": "libx264", "webm": "libvpx"}[kind], rate=5)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        target.metadata.update(said)
        frame = av.VideoFrame(*size, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([128]) * plane.buffer_size)
        for number in range(int(seconds * 5)):
            frame.pts = number
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return out.getvalue()


def sound_alone() -> bytes:
    """Return an MP4 with sound and no picture."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as target:
        stream = target.add_stream("aac", rate=48_000)
        frame = av.AudioFrame("fltp", "mono", 1024)
        frame.sample_rate = 48_000
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        for number in range(8):
            frame.pts = number * 1024
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return out.getvalue()
