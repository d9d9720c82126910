"""A cancellation that a library lost is raised again."""

import asyncio


def heed_cancellation() -> None:
    """Raise CancelledError if the current task was asked to end and is still running.

    `asyncio.wait_for` before Python 3.12 returns its result when that arrives together with a cancellation, which is
    then lost (python/cpython issue 86296); a loop around a library that uses it would never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
