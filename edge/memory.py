"""Tells glibc's allocator to give large blocks that were freed back to the system."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Parameters of mallopt(3), glibc's malloc.h."""

LARGE_BYTES = 256 * 1024
"""A still is megabytes, everything else kilobytes. Left alone, glibc raises this to 32 MiB by itself after the first
one, and each thread's arena then keeps the largest that it decoded: 55 MB with three cameras. The pictures of a stream
have memory of their own (`drivers.planes.Blocks`): they are not freed thirty times a second.
"""


def give_pictures_back() -> None:
    """From now on return to the system what is freed, at once; does nothing where the C library is not glibc."""
    for parameter, value in ((M_MMAP_THRESHOLD, LARGE_BYTES), (M_TRIM_THRESHOLD, LARGE_BYTES), (M_ARENA_MAX, 2)):
        _call("mallopt", parameter, value)


def give_small_blocks_back() -> None:
    """Return what lies free among small blocks too: 5 to 8 MB after a stream has ended. Takes some milliseconds."""
    _call("malloc_trim", 0)


def _call(name: str, *values: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function(*values)
