"""Tells glibc's allocator to give large pictures back to the system as soon as they are freed."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Parameters of mallopt(3), glibc's malloc.h."""

LARGE_BYTES = 256 * 1024
"""A frame is megabytes, everything else kilobytes. Left alone, glibc raises this to 32 MiB by itself after the first
frame, and each capture thread's arena then keeps the largest still it decoded: 55 MB with three cameras."""


def give_pictures_back() -> None:
    """Set the thresholds; does nothing where the C library is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in ((M_MMAP_THRESHOLD, LARGE_BYTES), (M_TRIM_THRESHOLD, LARGE_BYTES), (M_ARENA_MAX, 2)):
            mallopt(parameter, value)
