"""One viewing place alive: its line, camera, streams, stills and motion, held together by the turn's table."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any, ClassVar

from edge.device_host import Finding
from edge.flows.camera_line import (
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
    may_steer,
    newcomer_wait_s,
    turn_left_s,
    wait_s,
)
from edge.flows.camera_turn import step
from edge.viewing.capture import Capture
from edge.viewing.liveness import Liveness
from edge.viewing.looking import face_position, piece_of
from edge.viewing.loupe import CHANNEL, Loupe
from edge.viewing.ports import LiveStreams, Outside, Spawn, ViewingPlace
from edge.viewing.privacy import masks_for
from edge.viewing.steering import Rate, Steerer, check_steering, parse_steering, wish_of
from edge.viewing.stills import Stills
from edge.viewing.uplink import Rank, Uplink
from edge.viewing.whereabouts import Whereabouts
from wire.codec import dump_bytes
from wire.commands import Steering, SteerKind
from wire.plan import Mask, Position
from wire.reports import CameraState, Health, LookAnswer, ViewingChanged
from wire.values import BadValueError

logger = logging.getLogger(__name__)

BRING_S = 180.0
"""How long bringing a piece takes while the shop has no history of its own."""

HEARD_S = 0.1
"""Signs of life closer together than this are one to the table."""

LINE_MAX, WATCHERS_MAX = 60, 50
"""Sessions at one camera; the next one reads that it is full. Visitors, of whom anybody can make fifty, never take the
places of those who may steer.
"""

ANSWERS = {
    "private": LookAnswer.PRIVATE,
    "closed": LookAnswer.CLOSED,
    "not_offered": LookAnswer.NOT_OFFERED,
    "camera_offline": LookAnswer.CAMERA_OFFLINE,
}
RANKS = {
    Standing.STEERING: Rank.STEERS,
    Standing.COMING: Rank.WAITS,
    Standing.WAITING: Rank.WAITS,
    Standing.AWAY: Rank.WAITS,
}
STATES = {
    Standing.WATCHING: "watching",
    Standing.AWAY: "watching",
    Standing.WAITING: "waiting",
    Standing.COMING: "being_brought",
    Standing.STEERING: "steering",
}


class LivePlace:
    """Feeds the turn's table and carries out its effects. All methods are called in the event loop."""

    def __init__(self, place: ViewingPlace, outside: Outside, uplink: Uplink, spawn: Spawn) -> None:
        self.name = place.name
        self.place = place
        self.line = Line()
        self.dropped: Counter[str] = Counter()
        self.streams: LiveStreams | None = None
        monotonic = outside.clock.monotonic
        self.capture = Capture(place.camera, monotonic)
        self.steerer = Steerer(place.head, place.turntable, monotonic)
        self.stills = Stills(self.capture, self.masks, outside.send_frame, monotonic, self._must_stand_back)
        self.loupe = Loupe(
            place.camera, self.masks, self.capture.frame_px, self._why_not, outside.clock.wall, monotonic
        )
        self._outside = outside
        self._uplink = uplink
        self._spawn = spawn
        self._monotonic = monotonic
        self._next_turn_no: int | None = None
        self._sequence = -1
        self._rates: dict[str, Rate] = {}
        self._heard: dict[str, float] = {}
        self._silenced: set[str] = set()
        self._watch_only: set[str] = set()
        self._bring_history: deque[float] = deque(maxlen=20)
        self._published: CameraState | None = None
        self._liveness = Liveness()
        self._whereabouts = Whereabouts(place.head, place.turntable, monotonic)

    # what the desk asks

    def start(self) -> None:
        """Fetch the first turn number and tell the relay how the camera is."""
        self._spawn(self._reserve_turn(), f"reserve a turn of {self.name}")
        self.publish()

    @property
    def bring_s(self) -> float:
        """How long bringing a piece takes here: the middle of what it took before."""
        return median(self._bring_history) if self._bring_history else BRING_S

    def is_full(self, *, may_steer: bool) -> bool:
        """True when nobody more of this kind can be taken in."""
        lookers = self.line.lookers
        watchers = sum(not looker.may_steer for looker in lookers)
        return len(lookers) >= LINE_MAX or (not may_steer and watchers >= WATCHERS_MAX)

    def masks(self) -> tuple[Mask, ...]:
        """The masks of this camera in the plan now; also asked from the encoder's thread."""
        plan = self._outside.plan()
        return masks_for(plan, self.name) if plan else ()

    def ask(self, event: Asked) -> Looker | None:
        """Take a session in; returns how it stands, without telling it by report."""
        self._silenced.add(event.session_id)
        try:
            self.feed(event)
        finally:
            self._silenced.discard(event.session_id)
        if self.line.looker(event.session_id) is not None:
            self.capture.need_for_a_while()
        return self.line.looker(event.session_id)

    def leave(self, session_id: str, reason: str, *, is_told: bool = True) -> None:
        """Take a session out."""
        if self.line.looker(session_id) is None:
            return
        if not is_told:
            self._silenced.add(session_id)
        try:
            self.feed(Left(session_id, reason))
        finally:
            self._silenced.discard(session_id)

    def shut(self, reason: str) -> None:
        """Set why nobody can look, empty for open. Hours and the plan end every session; the rest keeps the line."""
        if reason == self.line.shut:
            return
        if not reason:
            self.feed(Opened())
            return
        if reason != "camera_offline":
            self._end_pictures()
        self.feed(Shut(reason, is_final=reason in ("closed", "not_offered")))

    def finding(self) -> str:
        """Return `camera_offline` when the camera gives no picture, else empty."""
        found: Finding = self.place.camera.finding
        is_lost = found.health is Health.OFFLINE or self.capture.fault
        return "camera_offline" if is_lost else ""

    def tick(self) -> None:
        """Let deadlines fall due; called a few times a second."""
        self.feed(Tick())
        if self.streams is not None:
            self.streams.tick()
        self._judge_picture()

    def _judge_picture(self) -> None:
        """Tell whoever looks that the picture stands still or is black, and that it is well again."""
        before, (version, frame) = self._liveness.fault, self.capture.newest.read()
        if frame is None or not self.line.lookers:
            self._liveness.rest()
        elif self._liveness.look(version, frame, self._monotonic()) != before:
            logger.info("picture", extra={"camera": self.name, "fault": self._liveness.fault or "none"})
            for looker in self.line.lookers:
                self._told(Told(looker.session_id))

    def brought(self, piece_id: str) -> None:
        """The piece was scanned at the turntable."""
        holder = self.line.holder
        if holder is not None and holder.standing is Standing.COMING and holder.piece_id == piece_id:
            self._bring_history.append(self._monotonic() - holder.since_s)
        self.feed(PieceBrought(piece_id))

    def take(self, reason: str, session_id: str) -> None:
        """The merchant takes the camera over, or gives it back."""
        self.feed(TakenOver(reason, session_id))

    def hand(self, session_id: str, to_session_id: str, turn_no: int) -> None:
        """The one who steers hands the rest of this turn over to a spectator who accepted."""
        self.feed(Handed(session_id, to_session_id, turn_no))

    # signs of life and steering

    def beat(self, session_id: str) -> None:
        """The page of this session lives."""
        now_s = self._monotonic()
        if now_s - self._heard.get(session_id, float("-inf")) >= HEARD_S:
            self._heard[session_id] = now_s
            self.feed(Beat(session_id))

    def heard(self, session_id: str) -> None:
        """The browser of this session lives: that keeps a place in line, but a turn wants the page itself."""
        looker = self.line.looker(session_id)
        if looker is not None and looker.standing not in (Standing.STEERING, Standing.AWAY):
            self.beat(session_id)

    def message(self, stream_id: str, session_id: str, raw: bytes) -> None:
        """A message on a data channel of this session's stream."""
        if not self._allows(session_id):
            return
        try:
            steering = parse_steering(raw)
            if session_id in self._watch_only:
                steering = replace(steering, kind=SteerKind.BEAT, turn_no=0)
        except BadValueError as error:
            self._drop("bad_message", str(error))
            return
        self._obey(session_id, steering)

    def wish(self, stream_id: str, session_id: str, raw: bytes) -> None:
        """A message on the loupe's channel of this session's stream: apart from steering, so that it cannot slow it."""
        wish, streams = self.loupe.hear(session_id, raw), self.streams
        if wish is None or streams is None:
            return

        async def send(part: bytes | str) -> bool:
            return await streams.push(stream_id, CHANNEL, part)

        is_steering, is_small = self.is_steering(session_id), streams.is_small(stream_id)
        self._spawn(
            self.loupe.deliver(session_id, wish, send, is_steering=is_steering, is_small=is_small),
            f"loupe of {session_id}",
        )

    def is_steering(self, session_id: str) -> bool:
        """True when this session steers now."""
        looker = self.line.looker(session_id)
        return looker is not None and looker.standing is Standing.STEERING

    def rank(self, session_id: str) -> Rank:
        """Why this session looks: to steer, in line for it, or to watch."""
        looker = self.line.looker(session_id)
        return RANKS.get(looker.standing, Rank.WATCHES) if looker is not None else Rank.WATCHES

    def _must_stand_back(self, session_id: str) -> bool:
        """Whether this session's JPEGs would take the uplink from those who have it."""
        return self._uplink.is_full and self.rank(session_id) is Rank.WATCHES

    def _why_not(self, session_id: str) -> str:
        """Why this session gets no picture, else empty."""
        return self.line.shut or ("" if self.line.looker(session_id) else "no_session")

    def admit(self, session_id: str, *, may_steer: bool) -> None:
        """Note what a stream's ticket allows: with a ticket to watch, its messages are signs of life and no more."""
        if may_steer:
            self._watch_only.discard(session_id)
        else:
            self._watch_only.add(session_id)

    def steer(self, session_id: str, steering: Steering) -> None:
        """Steering that came over the relay."""
        if not self._allows(session_id):
            return
        try:
            self._obey(session_id, check_steering(steering))
        except BadValueError as error:
            self._drop("bad_message", str(error))

    def channel(self, stream_id: str, session_id: str) -> None:
        """A page opened its data channel: it is told how it stands."""
        self.beat(session_id)
        looker = self.line.looker(session_id)
        if looker is not None and self.streams is not None:
            self.streams.say(session_id, _spoken(self._change(looker)))

    def closed(self, stream_id: str, session_id: str) -> None:
        """A stream is over; the session and its turn live on for a while."""
        self._rates.pop(session_id, None)
        self.publish()

    def _allows(self, session_id: str) -> bool:
        rate = self._rates.setdefault(session_id, Rate(self._monotonic))
        if rate.allows():
            return True
        self._drop("too_fast", "more messages than a page may send")
        return False

    def _obey(self, session_id: str, steering: Steering) -> None:
        self.beat(session_id)
        is_allowed = may_steer(self.line, session_id, steering.turn_no)
        if steering.kind is SteerKind.BEAT:
            if is_allowed:
                self.steerer.beat()
        elif not is_allowed:
            self._drop("not_your_turn", f"{steering.kind} for turn {steering.turn_no}, now {self.line.turn_no}")
        elif steering.kind is SteerKind.STOP:
            # whatever its sequence number: a stop that came late is better than one that was dropped
            self._sequence = max(self._sequence, steering.sequence)
            self.steerer.stop()
        elif steering.sequence <= self._sequence:
            self._drop("old", f"sequence {steering.sequence} after {self._sequence}")
        else:
            self._move(session_id, steering)

    def _move(self, session_id: str, steering: Steering) -> None:
        self._sequence = steering.sequence
        looker = self.line.looker(session_id)
        piece = piece_of(self._outside.plan(), looker.piece_id if looker else "")
        wish = wish_of(steering, lambda name: face_position(piece, name))
        if wish is None:
            self._drop("no_such_place", f"{steering.kind} {steering.face[:40]!r}")
        else:
            self.steerer.steer(wish)

    def _drop(self, code: str, words: str) -> None:
        """Count what is dropped; log its 1st, 2nd, 4th, 8th … time."""
        self.dropped[code] += 1
        count = self.dropped[code]
        if count & (count - 1) == 0:
            logger.info("steering dropped", extra={"camera": self.name, "reason": code, "words": words, "count": count})

    # the table and its effects

    def feed(self, event: Event) -> None:
        """Run one event through the table and do what it says."""
        plan = self._outside.plan()
        turn_s = plan.turn_s if plan else 0.0
        now_s, coming = self._monotonic(), self._coming()
        self.line, effects = step(self.line, event, now_s, turn_s=turn_s, next_turn_no=self._next_turn_no)
        for effect in effects:
            self._EFFECTS.get(type(effect), LivePlace._nothing)(self, effect)
        if coming is not None and self._coming() != coming and coming[1] != self.line.on_table:
            self._outside.withdraw_piece(coming[1], coming[0])
        if effects:
            self.publish()

    def _coming(self) -> tuple[str, str] | None:
        """Session and piece that the attendant is bringing now."""
        holder = self.line.holder
        is_coming = holder is not None and holder.standing is Standing.COMING
        return (holder.session_id, holder.piece_id) if holder is not None and is_coming else None

    def _nothing(self, effect: Effect) -> None:
        """TurnEnded needs no act: the fence reads the line itself."""

    def _stop_motion(self, _effect: StopMotion) -> None:
        self.steerer.stop()

    def _granted(self, effect: Granted) -> None:
        if effect.turn_no == self._next_turn_no:
            self._next_turn_no = None
            self._sequence = -1
            self._spawn(self._reserve_turn(), f"reserve a turn of {self.name}")
        self.capture.need_for_a_while()
        piece = piece_of(self._outside.plan(), effect.piece_id)
        home = face_position(piece, "home")
        if home is not None:
            self.steerer.aim(home)

    def _bring(self, effect: Bring) -> None:
        self._outside.attendant.bring_piece(effect.piece_id, effect.session_id)

    def _told(self, effect: Told) -> None:
        looker = self.line.looker(effect.session_id)
        if looker is None or effect.session_id in self._silenced:
            return
        change = self._change(looker)
        self._outside.send_report(change)
        if self.streams is not None:
            self.streams.say(effect.session_id, _spoken(change))

    def _ended(self, effect: Ended) -> None:
        change = ViewingChanged(session_id=effect.session_id, state="ended", reason=effect.reason)
        if self.streams is not None:
            self.streams.say(effect.session_id, _spoken(change))
            self.streams.close_session(effect.session_id)
        self.stills.close(effect.session_id)
        self._rates.pop(effect.session_id, None)
        self._heard.pop(effect.session_id, None)
        self._watch_only.discard(effect.session_id)
        self.loupe.forget(effect.session_id)
        if effect.session_id not in self._silenced:
            self._outside.send_report(change)

    _EFFECTS: ClassVar[dict[type, Callable[["LivePlace", Any], None]]] = {
        StopMotion: _stop_motion,
        Granted: _granted,
        Bring: _bring,
        Told: _told,
        Ended: _ended,
    }

    async def _reserve_turn(self) -> None:
        """Fetch the number of the next turn before it is needed, so that a grant never waits for the disk."""
        self._next_turn_no = await self._outside.turn_numbers.next_turn_no(self.name)
        self.feed(Tick())

    def _change(self, looker: Looker) -> ViewingChanged:
        is_steering = looker.standing is Standing.STEERING
        return ViewingChanged(
            session_id=looker.session_id,
            state=STATES[looker.standing],
            answer=self.answer_of(looker),
            place=self.line.place(looker.session_id),
            wait_s=self.wait_s(looker.session_id),
            turn_no=self.line.turn_no if is_steering else 0,
            turn_s=turn_left_s(self.line) if is_steering else None,
            reason=looker.reason or self._liveness.fault,
        )

    def answer_of(self, looker: Looker) -> LookAnswer:
        """Return how a looker stands, as the wire says it."""
        if self.line.shut:
            return ANSWERS[self.line.shut]
        if looker.standing is Standing.COMING:
            return LookAnswer.BEING_BROUGHT
        return LookAnswer.QUEUED if looker.standing is Standing.WAITING else LookAnswer.NOW

    def wait_s(self, session_id: str) -> float:
        """Return how long a session waits, as well as the shop can tell."""
        plan = self._outside.plan()
        return round(wait_s(self.line, session_id, plan.turn_s if plan else 0.0, self.bring_s), 1)

    def publish(self) -> None:
        """Tell the relay how the camera is, if that changed."""
        line, holder = self.line, self.line.holder
        is_steered = holder is not None and holder.standing is Standing.STEERING
        plan = self._outside.plan()
        state = CameraState(
            can_view=not line.shut,
            reason=line.shut or line.taken,
            turn_no=line.turn_no if is_steered else 0,
            session_id=holder.session_id if holder else "",
            waiting=len(line.waiting),
            spectators=sum(one.standing is Standing.WATCHING for one in line.lookers),
            wait_s=round(newcomer_wait_s(line, plan.turn_s if plan else 0.0), 1),
            piece_id=holder.piece_id if holder else line.on_table,
            can_steer=self.place.head is not None or self.place.turntable is not None,
        )
        before = self._published
        if before is None or _without_wait(before) != _without_wait(state):
            self._published = state
            self._outside.publish_camera_state(self.name, state)

    def _end_pictures(self) -> None:
        """Not one picture more leaves, to nobody."""
        if self.streams is not None:
            self.streams.close_all()
        self.stills.close_all()

    async def where(self) -> Position:
        """Return where head and table stand, as a face is taught; raises DeviceError."""
        return await self._whereabouts.read()

    async def run(self) -> None:
        """Capture, move and send until cancelled; motion is stopped first and last."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.steerer.run())
            group.create_task(self.capture.run())
            group.create_task(self.stills.run())


def _without_wait(state: CameraState) -> tuple[object, ...]:
    return (
        state.can_view, state.reason, state.turn_no, state.session_id, state.waiting, state.spectators, state.piece_id,
        state.can_steer,
    )  # fmt: skip


def _spoken(change: ViewingChanged) -> str:
    """What is said on the data channel: the report's name and body, as in an envelope."""
    return f'{{"type":"ViewingChanged","data":{dump_bytes(change).decode()}}}'
