"""The root of all reports, beside the messages themselves, so that each field of work may have a file of its own."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The root of all reports."""

    DURABLE: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TransientReport(Report):
    """The root of what nobody stores."""

    DURABLE: ClassVar[bool] = False
