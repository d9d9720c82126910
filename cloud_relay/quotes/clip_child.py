"""Reads one foreign clip in a process of its own and writes its picture anew, without sound. Imports nothing of ours.

Usage: clip_child.py mp4|webm SECONDS_MAX PIXELS_MAX < clip > clip; exit 3 and "word: reason" on stderr when it is
refused. A frame is decoded; then the picture alone is copied into a fresh file, so that no sound, place, subtitle,
attachment or tail of the foreign file is kept.
"""

import io
import resource
import sys

import av

MEMORY_BYTES_MAX = 900 * 1024 * 1024
"""A frame of 25 million pixels is 38 MB; decoders keep up to 17 (ITU-T H.264 A.3.1, and one in work)."""
CPU_S_MAX = 10
CODECS = {"mp4": ("h264", "av1", "libdav1d", "vp9"), "webm": ("vp8", "vp9", "av1", "libdav1d", "libvpx", "libvpx-vp9")}
"""What every browser of today plays; HEVC, which phones may write, only some do."""
READ_AS = {"mp4": "mov", "webm": "matroska"}


class _Refused(Exception):  # noqa: N818  # never leaves this file
    pass


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))


def _check(content: bytes, kind: str, pixels_max: int) -> None:
    """Decode the first frame."""
    with av.open(io.BytesIO(content), mode="r", format=READ_AS[kind], metadata_errors="ignore") as source:
        if not source.streams.video:
            raise _Refused("empty: no moving picture in it")
        stream = source.streams.video[0]
        context = stream.codec_context
        if context.name not in CODECS[kind]:
            raise _Refused(f"codec: {context.name}")
        if context.width * context.height > pixels_max:
            raise _Refused(f"broken: {context.width} x {context.height} pixels, at most {pixels_max}")
        context.thread_count = 1
        frame = next(iter(source.decode(stream)), None)
        if frame is None or not 0 < frame.width * frame.height <= pixels_max:
            raise _Refused("empty: no frame can be decoded")


def _copy(content: bytes, kind: str, seconds_max: float) -> bytes:
    """Return the picture in a fresh file; its length is what its packets say, not what its header claims."""
    out = io.BytesIO()
    with (
        av.open(io.BytesIO(content), mode="r", format=READ_AS[kind], metadata_errors="ignore") as source,
        av.open(out, "w", format=kind) as target,
    ):
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        begin: float | None = None
        for packet in source.demux(stream):
            if packet.dts is None or packet.time_base is None:
                continue
            moment = float((packet.pts if packet.pts is not None else packet.dts) * packet.time_base)
            begin = moment if begin is None else min(begin, moment)
            if moment - begin > seconds_max:
                raise _Refused(f"long: more than {seconds_max:g} s")
            packet.stream = copy
            target.mux(packet)
    return out.getvalue()


def main() -> int:
    """Read, limit, check, copy, write."""
    kind, seconds_max, pixels_max = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    content = sys.stdin.buffer.read()
    _limit()
    av.logging.set_level(None)
    try:
        _check(content, kind, pixels_max)
        copied = _copy(content, kind, seconds_max)
    except _Refused as refused:
        sys.stderr.write(str(refused))
        return 3
    except (av.FFmpegError, ValueError, OSError, MemoryError, OverflowError) as error:
        sys.stderr.write(f"broken: {type(error).__name__}: {str(error)[:200]}")
        return 3
    sys.stdout.buffer.write(copied)
    return 0


if __name__ == "__main__":
    sys.exit(main())
