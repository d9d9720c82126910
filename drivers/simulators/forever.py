"""Tasks that must not end: when one dies of a bug, the process says so and ends; no machine just goes deaf."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any


def forever(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run `work` as a task; any exception in it ends this process (SIGTERM, so that ports are closed)."""
    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(_look)
    return task


def _look(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception():
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a machine's task died", "exception": task.exception(), "task": task}
        )
        os.kill(os.getpid(), signal.SIGTERM)
