"""Whether the box has room to write down what it does; asked before anything is begun."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

logger = logging.getLogger(__name__)

ROOM_BYTES_MIN = 64 * 1024 * 1024
"""Below this nothing new is begun. The rest is for the journal and the pictures of parcels in work."""

LOOK_S = 1.0
"""An answer is kept this long: it is asked with every act and every look at the page."""


class RoomLeft:
    """Room in the data directory's file system. A full disk then stops orders in time, and the page can say so."""

    def __init__(self, data_dir: Path, monotonic: Callable[[], float]) -> None:
        self._data_dir, self._monotonic = data_dir, monotonic
        self._asked_s = float("-inf")
        self._has_room = True

    def __call__(self) -> bool:
        """Return whether there is room; a disk that cannot be asked has none."""
        now_s = self._monotonic()
        if now_s - self._asked_s >= LOOK_S:
            self._asked_s = now_s
            had_room, self._has_room = self._has_room, self._look()
            if had_room and not self._has_room:
                logger.error("the disk is full, nothing new is begun", extra={"path": str(self._data_dir)})
        return self._has_room

    def _look(self) -> bool:
        try:
            return shutil.disk_usage(self._data_dir).free >= ROOM_BYTES_MIN
        except OSError:
            return False
