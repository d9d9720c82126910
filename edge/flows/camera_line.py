"""Who is at one camera and what can happen there: the line, its events and effects, and questions to it. Pure."""

from dataclasses import dataclass
from enum import StrEnum

SILENT_S = 6.0
"""A turn ends this long after the last sign of life; also how long a waiting looker counts as there."""

KEPT_S = 60.0
"""How long the place of a silent looker is kept, and how long a lost turn may be taken up again."""

TAKEN_S_MAX = 600.0
"""A merchant who took the camera over without a session and forgot it gives it back after this."""

BRING_S_MAX = 600.0
"""After this an unfetched piece is not coming: those behind in the line have waited long enough."""

ON_TABLE_S = 120.0
"""How long a brought piece that nobody looks at is believed to stand there still: nobody scans what they take away."""


class Standing(StrEnum):
    """Where a looker stands. Exactly one is STEERING or COMING, or nobody is."""

    WATCHING = "watching"
    WAITING = "waiting"
    COMING = "coming"
    STEERING = "steering"
    AWAY = "away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looker:
    """One viewing session at this camera. `left_s` is what is left of its turn (None: a whole one); `reason` says why
    it stands where it stands.
    """

    session_id: str
    account_id: str = ""
    piece_id: str = ""
    may_steer: bool = True
    must_be_brought: bool = False
    is_merchant: bool = False
    standing: Standing = Standing.WATCHING
    since_s: float = 0.0
    beat_s: float = 0.0
    left_s: float | None = None
    is_first: bool = False
    may_return: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Everybody at one camera in the order they came; `turn_no` is the last one granted, or the start from the journal.

    `shut` is why nobody can look now (private, camera_offline); `taken` the merchant's reason for having the camera;
    `on_table` the piece that was brought last, looked at until `table_s`.
    """

    lookers: tuple[Looker, ...] = ()
    turn_no: int = 0
    at_s: float = 0.0
    shut: str = ""
    taken: str = ""
    taken_by: str = ""
    taken_s: float = 0.0
    on_table: str = ""
    table_s: float = 0.0

    @property
    def holder(self) -> Looker | None:
        """Who has the camera: steering, or while their piece is being brought."""
        return next((one for one in self.lookers if one.standing in (Standing.STEERING, Standing.COMING)), None)

    @property
    def waiting(self) -> tuple[Looker, ...]:
        """Those who wait, first in line first."""
        waiting = (one for one in self.lookers if one.standing is Standing.WAITING)
        return tuple(sorted(waiting, key=lambda one: not one.is_first))

    def looker(self, session_id: str) -> Looker | None:
        """Return who has this session, or None."""
        return next((one for one in self.lookers if one.session_id == session_id), None)

    def place(self, session_id: str) -> int:
        """Return the place in line, 1 for the next; 0 for who does not wait."""
        order = [one.session_id for one in self.waiting]
        return order.index(session_id) + 1 if session_id in order else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A shopper asks to look at a piece; asking again is a sign of life, or a new place at the back."""

    session_id: str
    account_id: str = ""
    piece_id: str = ""
    may_steer: bool = True
    must_be_brought: bool = False
    is_booked: bool = False
    waits: bool = True


@dataclass(frozen=True, slots=True)
class Left:
    """The shopper left, or the relay ended the session."""

    session_id: str
    reason: str = "left"


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life of a session, by whatever way."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went on."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The merchant takes the camera: their session steers, or nobody does. An empty `reason` gives it back."""

    reason: str
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class Handed:
    """The one who steers gives the rest of this turn to somebody who watches or waits here and accepted."""

    session_id: str
    to_session_id: str
    turn_no: int


@dataclass(frozen=True, slots=True)
class Shut:
    """Nobody can look; `is_final` ends every session, otherwise the line is kept as long as its lookers show life."""

    reason: str
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """One can look again."""


@dataclass(frozen=True, slots=True)
class PieceBrought:
    """This piece stands on the turntable now; empty when it was taken off."""

    piece_id: str


Event = Asked | Left | Beat | Tick | TakenOver | Handed | Shut | Opened | PieceBrought


@dataclass(frozen=True, slots=True)
class StopMotion:
    """Whatever moves at this camera stops now."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """This turn is over; nothing that carries its number moves anything any more."""

    session_id: str
    turn_no: int
    reason: str


@dataclass(frozen=True, slots=True)
class Granted:
    """This session steers from now on."""

    session_id: str
    turn_no: int
    piece_id: str


@dataclass(frozen=True, slots=True)
class Bring:
    """The attendant brings this piece to the turntable."""

    session_id: str
    piece_id: str


@dataclass(frozen=True, slots=True)
class Told:
    """This looker's standing or place changed: tell them."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Ended:
    """This session is over."""

    session_id: str
    reason: str


Effect = StopMotion | TurnEnded | Granted | Bring | Told | Ended


def may_steer(line: Line, session_id: str, turn_no: int) -> bool:
    """True when this session has the turn of this number: the fence before every motion."""
    holder = line.holder
    return (
        holder is not None
        and holder.standing is Standing.STEERING
        and holder.session_id == session_id
        and turn_no == line.turn_no
    )


def turn_left_s(line: Line) -> float | None:
    """Seconds left of the running turn while somebody waits for it; None when no clock runs."""
    holder = line.holder
    if holder is None or holder.standing is not Standing.STEERING or not clock_runs(line):
        return None
    return holder.left_s


def wait_s(line: Line, session_id: str, turn_s: float, bring_s: float) -> float:
    """Seconds until this session steers, as well as the shop can tell; 0 for who neither waits nor comes."""
    holder, place = line.holder, line.place(session_id)
    if holder is not None and holder.session_id == session_id:
        return max(bring_s - (line.at_s - holder.since_s), 0.0) if holder.standing is Standing.COMING else 0.0
    if place == 0:
        return 0.0
    ahead = line.waiting[: place - 1]
    left_s = 0.0 if holder is None else (turn_s if holder.left_s is None else holder.left_s)
    return left_s + sum(turn_s if one.left_s is None else one.left_s for one in ahead)


def newcomer_wait_s(line: Line, turn_s: float) -> float:
    """Seconds that somebody who asked now would wait, as well as the shop can tell; 0 when the camera is free."""
    ahead = ([line.holder] if line.holder else []) + list(line.waiting)
    return sum(turn_s if one.left_s is None else one.left_s for one in ahead)


def is_live(looker: Looker, now_s: float) -> bool:
    """True while the last sign of life is fresh enough to count as being there."""
    return now_s - looker.beat_s < SILENT_S


def clock_runs(line: Line) -> bool:
    """True while somebody waits who is there: only then does a turn wear out."""
    return any(one.standing is Standing.WAITING and is_live(one, line.at_s) for one in line.lookers)
