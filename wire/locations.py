"""What a shop tells of its locations, and what it is asked about them; both sets only grow. Pure.

Which pieces lie in which location is the shop's own fact; the relay's view is what the newest report said.
"""

from dataclasses import dataclass
from datetime import datetime

from wire.report_root import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationChanged(Report):
    """These pieces lie in this location since `at`; `version` counts its changes and only rises.

    `away` are pieces that belong there and are at the bench. `reason` is what a person said of a correction.
    """

    location: str
    version: int
    pieces: tuple[str, ...]
    at: datetime
    away: tuple[str, ...] = ()
    reason: str = ""
