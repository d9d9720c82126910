"""What a shop prints for its shelves when the merchant asks, and how far it is; both sets only grow. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wire.plan import Text
from wire.report_root import Report

NO_TEXT = Text()


@dataclass(frozen=True, slots=True, kw_only=True)
class TagFace:
    """What stands on one tag: the address in its code, the code as people type it, words in two languages, a price."""

    address: str
    printed: str
    heading: str = ""
    titles: tuple[str, ...] = ()
    price: str = ""
    foot: str = ""


class TagsState(StrEnum):
    """Where a printing of tags is at the shop.

    WAITING for the bench, an order going first; HELD by the printer; IN_DOUBT: a person says whether the last one came
    out; STOPPED by somebody, or because its time was over.
    """

    WAITING = "waiting"
    PRINTING = "printing"
    HELD = "held"
    IN_DOUBT = "in_doubt"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class TagsPrinted(Report):
    """How far a printing of tags is: `printed` of `total` came out. `text` says why it is held or was stopped."""

    job_id: str
    state: TagsState
    printed: int
    total: int
    at: datetime
    reason: str = ""
    text: Text = NO_TEXT
