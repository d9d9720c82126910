"""Whose turn it is at one camera: the line, the turn and its clock. Pure: time and turn numbers are arguments.

    asked ──► WAITING ──first in line──► STEERING ──6 s without a beat──► AWAY ──back within 60 s──► WAITING, first
                 │                          ▲                                        (once)
                 └─piece must be brought─► COMING, until the piece stands there

WATCHING is everybody else: spectators, and those whose turn ran out until they ask again.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from edge.flows.camera_line import (
    BRING_S_MAX,
    KEPT_S,
    ON_TABLE_S,
    SILENT_S,
    TAKEN_S_MAX,
    Asked,
    Beat,
    Bring,
    Effect,
    Ended,
    Event,
    Granted,
    Handed,
    Left,
    Line,
    Looker,
    Opened,
    PieceBrought,
    Shut,
    Standing,
    StopMotion,
    TakenOver,
    Tick,
    Told,
    TurnEnded,
    clock_runs,
    is_live,
    may_steer,
)

Outcome = tuple[Line, tuple[Effect, ...]]


def step(line: Line, event: Event, now_s: float, *, turn_s: float, next_turn_no: int | None) -> Outcome:
    """Return the line after `event` at monotonic `now_s` and what to do, in this order.

    `turn_s` is the plan's length of a turn. `next_turn_no` is the number that the journal reserved for the next turn;
    None puts a grant off until there is one. Raises ValueError when it does not rise.
    """
    before = line
    line, due = _due(_run_clock(line, now_s), now_s)
    line, asked = _HANDLERS[type(event)](line, event, now_s)
    line, late = _due(line, now_s)
    line, granted = _promote(line, now_s, turn_s, next_turn_no)
    return line, (*due, *asked, *late, *granted, *_told(before, line))


def _put(line: Line, looker: Looker) -> Line:
    others = tuple(looker if one.session_id == looker.session_id else one for one in line.lookers)
    return replace(line, lookers=others if looker in others else (*others, looker))


def _drop(line: Line, session_id: str) -> Line:
    line = replace(line, lookers=tuple(one for one in line.lookers if one.session_id != session_id))
    return replace(line, taken="", taken_by="") if line.taken_by == session_id != "" else line


def _run_clock(line: Line, now_s: float) -> Line:
    """The turn clock runs only while somebody waits who is there, and never for the merchant."""
    holder, passed_s = line.holder, max(now_s - line.at_s, 0.0)
    is_running = holder is not None and holder.standing is Standing.STEERING and not holder.is_merchant
    if is_running and holder is not None and holder.left_s is not None and clock_runs(line):
        line = _put(line, replace(holder, left_s=holder.left_s - passed_s))
    is_looked_at = holder is not None and holder.piece_id == line.on_table
    return replace(line, at_s=max(now_s, line.at_s), table_s=now_s if is_looked_at else line.table_s)


def _due(line: Line, now_s: float) -> Outcome:
    """Whatever a deadline brought about by now."""
    effects: tuple[Effect, ...] = ()
    for looker in line.lookers:
        line, more = _due_for(line, looker, now_s)
        effects += more
    if line.taken and not line.taken_by and now_s - line.taken_s >= TAKEN_S_MAX:
        line = replace(line, taken="")
    if line.on_table and now_s - line.table_s >= ON_TABLE_S:
        line = replace(line, on_table="")
    return line, effects


def _due_for(line: Line, looker: Looker, now_s: float) -> Outcome:
    silent_s = now_s - looker.beat_s
    if looker.standing is Standing.STEERING:
        if silent_s >= SILENT_S:
            return _lose_turn(line, looker, now_s)
        if looker.left_s is not None and looker.left_s <= 0 and clock_runs(line):
            return _end_turn(line, looker, now_s, Standing.WATCHING, "time")
    elif looker.standing is Standing.AWAY:
        if now_s - looker.since_s >= KEPT_S:
            return _drop(line, looker.session_id), (Ended(looker.session_id, "silent"),)
    elif silent_s >= KEPT_S:
        return _drop(line, looker.session_id), (Ended(looker.session_id, "silent"),)
    elif looker.standing is Standing.COMING and now_s - looker.since_s >= BRING_S_MAX:
        return _drop(line, looker.session_id), (Ended(looker.session_id, "not_brought"),)
    return line, ()


def _lose_turn(line: Line, looker: Looker, now_s: float) -> Outcome:
    """The holder fell silent: once they may come back first in line; a merchant gives the camera back."""
    if looker.is_merchant:
        line, effects = _end_turn(line, looker, now_s, Standing.AWAY, "silent")
        return _drop(line, looker.session_id), (*effects, Ended(looker.session_id, "silent"))
    if looker.may_return:
        return _end_turn(line, looker, now_s, Standing.AWAY, "silent")
    return _end_turn(line, looker, now_s, Standing.WATCHING, "silent")


def _end_turn(line: Line, looker: Looker, now_s: float, into: Standing, reason: str) -> Outcome:
    """Take the camera from its holder; who stays in line is first in it with the time left."""
    is_kept = into in (Standing.AWAY, Standing.WAITING)
    after = replace(
        looker,
        standing=into,
        since_s=now_s,
        left_s=looker.left_s if is_kept else None,
        is_first=is_kept,
        may_return=looker.may_return and into is not Standing.AWAY,
        reason=reason,
    )
    line = _put(line, after)
    if looker.standing is not Standing.STEERING:
        return line, ()
    return line, (StopMotion(), TurnEnded(looker.session_id, line.turn_no, reason))


def _on_asked(line: Line, event: Asked, now_s: float) -> Outcome:
    line, effects = _leave_elsewhere(line, event, now_s)
    known = line.looker(event.session_id)
    looker = known or Looker(session_id=event.session_id, account_id=event.account_id, since_s=now_s)
    piece_changed = looker.piece_id != event.piece_id
    may_steer = event.may_steer or looker.is_merchant
    looker = replace(
        looker, piece_id=event.piece_id, must_be_brought=event.must_be_brought, may_steer=may_steer, beat_s=now_s
    )
    line = _put(line, looker)
    if not may_steer:
        line, more = _only_watch(line, looker, now_s)
    elif looker.standing is Standing.AWAY:
        line, more = _put(line, _back_in_line(looker, now_s)), ()
    elif looker.standing is Standing.WATCHING and event.waits:
        line, more = _to_the_back(line, looker, now_s, is_first=event.is_booked), ()
    elif piece_changed and line.holder == looker:
        line, more = _change_piece(line, looker, now_s)
    else:
        more = ()
    return line, (*effects, *more)


def _only_watch(line: Line, looker: Looker, now_s: float) -> Outcome:
    if looker.standing is Standing.WATCHING:
        return line, ()
    return _end_turn(line, looker, now_s, Standing.WATCHING, "watch_only")


def _to_the_back(line: Line, looker: Looker, now_s: float, *, is_first: bool = False) -> Line:
    """Put a looker behind those of the same right; `is_first`: who booked this time waits before those who did not."""
    line = replace(line, lookers=tuple(one for one in line.lookers if one.session_id != looker.session_id))
    waiting = replace(looker, standing=Standing.WAITING, since_s=now_s, is_first=is_first, left_s=None, reason="")
    return _put(line, waiting)


def _leave_elsewhere(line: Line, event: Asked, now_s: float) -> Outcome:
    """One place per account: a newer session ends the older one's, and does not inherit it."""
    effects: tuple[Effect, ...] = ()
    for other in line.lookers:
        is_same = other.account_id == event.account_id != "" and other.session_id != event.session_id
        if is_same and other.may_steer and event.may_steer and not other.is_merchant:
            line, more = _on_left(line, Left(other.session_id, "elsewhere"), now_s)
            effects += more
    return line, effects


def _change_piece(line: Line, looker: Looker, now_s: float) -> Outcome:
    """The holder asks for another piece here: one that stays is a turn of the head; one to be brought is a new wait."""
    if not looker.must_be_brought or looker.piece_id == line.on_table:
        if looker.standing is Standing.COMING:
            return line, ()
        return line, (StopMotion(), Granted(looker.session_id, line.turn_no, looker.piece_id))
    line, effects = _end_turn(line, looker, now_s, Standing.WAITING, "another_piece")
    after = line.looker(looker.session_id)
    if after is not None and len(line.waiting) > 1:
        line = _to_the_back(line, after, now_s)
    return line, effects


def _on_left(line: Line, event: Left, now_s: float) -> Outcome:
    looker = line.looker(event.session_id)
    if looker is None:
        return line, ()
    effects: tuple[Effect, ...] = ()
    if looker.standing is Standing.STEERING:
        line, effects = _end_turn(line, looker, now_s, Standing.WATCHING, event.reason)
    return _drop(line, event.session_id), (*effects, Ended(event.session_id, event.reason))


def _on_beat(line: Line, event: Beat, now_s: float) -> Outcome:
    looker = line.looker(event.session_id)
    if looker is None:
        return line, ()
    looker = replace(looker, beat_s=now_s)
    return _put(line, _back_in_line(looker, now_s) if looker.standing is Standing.AWAY else looker), ()


def _back_in_line(looker: Looker, now_s: float) -> Looker:
    return replace(looker, standing=Standing.WAITING, since_s=now_s, is_first=True, beat_s=now_s, reason="")


def _on_tick(line: Line, _event: Tick, _now_s: float) -> Outcome:
    return line, ()


def _on_taken_over(line: Line, event: TakenOver, now_s: float) -> Outcome:
    effects: tuple[Effect, ...] = ()
    if line.taken_by and line.taken_by != event.session_id:
        line, effects = _on_left(line, Left(line.taken_by, "given_back"), now_s)
    if not event.reason:
        return replace(line, taken="", taken_by=""), effects
    holder = line.holder
    if holder is not None and holder.session_id != event.session_id:
        line, more = _end_turn(line, holder, now_s, Standing.WAITING, event.reason)
        effects += more
    line = replace(line, taken=event.reason, taken_by=event.session_id, taken_s=now_s)
    if event.session_id:
        looker = line.looker(event.session_id) or Looker(session_id=event.session_id, since_s=now_s)
        if looker.standing is not Standing.STEERING:
            looker = replace(looker, standing=Standing.WAITING, since_s=now_s, must_be_brought=False)
        line = _put(line, replace(looker, is_merchant=True, may_steer=True, beat_s=now_s, left_s=None))
    return line, effects


def _on_handed(line: Line, event: Handed, now_s: float) -> Outcome:
    """The rest of the turn changes hands under a new number; whoever waits neither gains nor loses a second by it."""
    giver, taker = line.looker(event.session_id), line.looker(event.to_session_id)
    is_fit = taker is not None and taker.may_steer and is_live(taker, now_s) and taker is not giver
    if giver is None or taker is None or not is_fit or not may_steer(line, event.session_id, event.turn_no):
        return line, ()
    if giver.is_merchant or line.taken or taker.standing not in (Standing.WATCHING, Standing.WAITING):
        return line, ()
    line, effects = _end_turn(line, giver, now_s, Standing.WATCHING, "handed_over")
    taker = replace(
        taker,
        standing=Standing.WAITING,
        since_s=now_s,
        is_first=True,
        left_s=giver.left_s,
        piece_id=giver.piece_id,
        must_be_brought=giver.must_be_brought,
        reason="",
    )
    others = tuple(one for one in line.lookers if one.session_id != taker.session_id)
    return replace(line, lookers=(taker, *others)), effects


def _on_shut(line: Line, event: Shut, now_s: float) -> Outcome:
    holder = line.holder
    effects: tuple[Effect, ...] = ()
    if holder is not None:
        line, effects = _end_turn(line, holder, now_s, Standing.WAITING, event.reason)
    if event.is_final:
        effects += tuple(Ended(one.session_id, event.reason) for one in line.lookers)
        return replace(line, lookers=(), shut=event.reason, taken="", taken_by=""), effects
    lookers = tuple(replace(one, reason=event.reason) for one in line.lookers)
    return replace(line, lookers=lookers, shut=event.reason), effects


def _on_opened(line: Line, _event: Opened, _now_s: float) -> Outcome:
    if not line.shut:
        return line, ()
    lookers = tuple(replace(one, reason="") if one.reason == line.shut else one for one in line.lookers)
    return replace(line, lookers=lookers, shut=""), ()


def _on_brought(line: Line, event: PieceBrought, now_s: float) -> Outcome:
    return replace(line, on_table=event.piece_id, table_s=now_s), ()


_HANDLERS: dict[type, Callable[[Line, Any, float], Outcome]] = {
    Asked: _on_asked,
    Left: _on_left,
    Beat: _on_beat,
    Tick: _on_tick,
    TakenOver: _on_taken_over,
    Handed: _on_handed,
    Shut: _on_shut,
    Opened: _on_opened,
    PieceBrought: _on_brought,
}


def _promote(line: Line, now_s: float, turn_s: float, next_turn_no: int | None) -> Outcome:
    """Give the free camera to the next in line, or have their piece brought first."""
    if line.shut:
        return line, ()
    looker = line.holder
    if looker is None:
        looker = _next_in_line(line, now_s)
        if looker is None:
            return line, ()
        if looker.must_be_brought and looker.piece_id != line.on_table:
            coming = replace(looker, standing=Standing.COMING, since_s=now_s, is_first=False, reason="")
            return _put(line, coming), (Bring(looker.session_id, looker.piece_id),)
    elif looker.standing is Standing.STEERING or (looker.must_be_brought and looker.piece_id != line.on_table):
        return line, ()
    if next_turn_no is None:
        return line, ()
    return _grant(line, looker, now_s, turn_s, next_turn_no)


def _next_in_line(line: Line, now_s: float) -> Looker | None:
    """First who is there; when nobody shows life, the first whose place is kept gets the chance to."""
    if line.taken:
        return line.looker(line.taken_by) if line.taken_by else None
    waiting = line.waiting
    return next((one for one in waiting if is_live(one, now_s)), waiting[0] if waiting else None)


def _grant(line: Line, looker: Looker, now_s: float, turn_s: float, turn_no: int) -> Outcome:
    if turn_no <= line.turn_no:
        raise ValueError(f"turn {turn_no} does not follow turn {line.turn_no}: the journal went back")
    steering = replace(
        looker,
        standing=Standing.STEERING,
        since_s=now_s,
        beat_s=now_s,
        left_s=turn_s if looker.left_s is None else looker.left_s,
        is_first=False,
        reason=line.taken if looker.is_merchant else "",
    )
    return _put(replace(line, turn_no=turn_no), steering), (Granted(looker.session_id, turn_no, looker.piece_id),)


def _told(before: Line, after: Line) -> tuple[Effect, ...]:
    """Everybody whose standing, place, reason or turn is another than it was."""
    old = _seen(before)
    return tuple(Told(session_id) for session_id, now in _seen(after).items() if now != old.get(session_id))


def _seen(line: Line) -> dict[str, tuple[object, ...]]:
    """What each at this camera knows of its own standing."""
    places = {one.session_id: number for number, one in enumerate(line.waiting, 1)}
    return {
        one.session_id: (
            one.standing, places.get(one.session_id, 0), one.reason,
            line.turn_no if one.standing is Standing.STEERING else 0, one.piece_id,
        )
        for one in line.lookers
    }  # fmt: skip
