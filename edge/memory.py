"""Tells glibc's allocator what to do with large pictures that were freed: give them back, or keep them for the next."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Parameters of mallopt(3), glibc's malloc.h."""

LARGE_BYTES = 256 * 1024
"""A frame is megabytes, everything else kilobytes. Left alone, glibc raises this to 32 MiB by itself after the first
frame, and each capture thread's arena then keeps the largest still it decoded: 55 MB with three cameras."""

FRAME_BYTES_MAX = 8 * 1024 * 1024
"""While pictures run, blocks up to this stay: a 1080p frame in BGR has 6.2 MB, a still of 12 megapixels 36."""

KEPT_BYTES_MAX = 32 * 1024 * 1024
"""So much may lie free at an arena's end while pictures run: the few frames that are under way at once."""

_lock = threading.Lock()
_running = 0


def give_pictures_back() -> None:
    """Return what is freed to the system at once; does nothing where the C library is not glibc."""
    _set(LARGE_BYTES, LARGE_BYTES)


@contextmanager
def keep_pictures() -> Iterator[None]:
    """Keep what is freed for as long as anybody is in here; all of it goes back when the last one leaves.

    Thirty pictures a second, each in memory that is new to the process, are 40,000 page faults: half of what a picture
    costs the processor, and 2 to 4 ms of each one's way.
    """
    global _running  # noqa: PLW0603  # the allocator is one for the process
    with _lock:
        _running += 1
        if _running == 1:
            _set(FRAME_BYTES_MAX, KEPT_BYTES_MAX)
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if not _running:
                give_pictures_back()
                _call("malloc_trim", 0)


def _set(mmap_bytes: int, trim_bytes: int) -> None:
    for parameter, value in ((M_MMAP_THRESHOLD, mmap_bytes), (M_TRIM_THRESHOLD, trim_bytes), (M_ARENA_MAX, 2)):
        _call("mallopt", parameter, value)


def _call(name: str, *values: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function(*values)
