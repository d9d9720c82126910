"""The viewing room's face to the rest of the edge: commands in, reports and frames out."""

import asyncio
import importlib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from drivers.base import AttendantNeededError, DeviceError
from drivers.camera import Still
from edge.flows.camera_line import Asked, Looker
from edge.viewing.admission import Admission, NoncesInMemory
from edge.viewing.hours import is_open
from edge.viewing.looking import TEXTS, Refusal, find_spot, is_offered, must_be_brought
from edge.viewing.openings import Openings
from edge.viewing.place import ANSWERS, LivePlace
from edge.viewing.ports import (
    Attendant,
    Clock,
    Nonces,
    Outside,
    TurnNumbers,
    ViewingOptions,
    ViewingPlace,
    ViewingRefusedError,
)
from edge.viewing.privacy import mask_still
from edge.viewing.uplink import Uplink
from wire.commands import (
    AddCandidate,
    AskPosition,
    AskToLook,
    CloseStream,
    Command,
    CreditFrame,
    HandTurn,
    LeaveViewing,
    OpenStills,
    OpenStream,
    SteerCamera,
    TakeCamera,
    TakeLoupe,
)
from wire.plan import Position, ShopPlan, Spot
from wire.reports import (
    CameraState,
    LookAnswer,
    LookAnswered,
    LoupeTaken,
    PositionTold,
    Report,
    StillsAnswered,
)

TICK_S = 0.25
CLOSE_S = 1.0
"""How long the privacy switch and the end of the daemon wait for connections to say goodbye."""


class ViewingDesk:
    """Answers who may look, opens streams, moves cameras. `handle` waits for `run()` to run, and never for a device."""

    def __init__(
        self,
        *,
        places: Iterable[ViewingPlace],
        plan: Callable[[], ShopPlan | None],
        send_report: Callable[[Report], object],
        send_frame: Callable[[str, bytes], object],
        publish_camera_state: Callable[[str, CameraState], object],
        turn_numbers: TurnNumbers,
        relay_keys: Callable[[], Mapping[str, Ed25519PublicKey]],
        clock: Clock,
        attendant: Attendant,
        nonces: Nonces | None = None,
        withdraw_piece: Callable[[str, str], object] = lambda _piece_id, _session_id: None,
        is_piece_gone: Callable[[str], bool] = lambda _piece_id: False,
        options: ViewingOptions | None = None,
    ) -> None:
        self._outside = Outside(
            plan=plan,
            send_report=send_report,
            send_frame=send_frame,
            publish_camera_state=publish_camera_state,
            turn_numbers=turn_numbers,
            nonces=nonces or NoncesInMemory(),
            relay_keys=relay_keys,
            clock=clock,
            attendant=attendant,
            withdraw_piece=withdraw_piece,
            is_piece_gone=is_piece_gone,
        )
        self._options = options or ViewingOptions()
        self._admission = Admission(relay_keys, clock, self._outside.nonces)
        self._uplink = Uplink(self._options.uplink_mbit_s)
        self.places = {one.name: LivePlace(one, self._outside, self._uplink, self._spawn) for one in places}
        self._is_private = False
        self._bug: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_started = asyncio.Event()
        self._is_ready = asyncio.Event()
        self._is_closing = False
        self._openings = Openings(self._outside, self._admission, self._is_ready, self._spawn)

    async def run(self) -> None:
        """Keep the places alive and their deadlines falling due; ends by cancellation, `close` or a bug."""
        self._bug = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.TaskGroup() as group:
                running = [
                    group.create_task(place.run(), name=f"viewing {name}") for name, place in self.places.items()
                ]
                for place in self.places.values():
                    place.start()
                self._is_started.set()
                self._spawn(self._load(), "load WebRTC")
                while not self._is_closing:
                    self._tick()
                    await asyncio.wait([self._bug], timeout=TICK_S)
                    if self._bug.done():
                        self._bug.result()
                for task in running:
                    task.cancel()
        finally:
            self._is_closing = True
            await self._say_goodbye()

    async def close(self) -> None:
        """End every session and stop every motion; `run` returns soon after."""
        self._is_closing = True
        await self._say_goodbye()

    async def handle(self, command: Command) -> None:
        """Take a viewing command; what takes time is done beside. Any other command is a bug of the caller."""
        await self._is_started.wait()
        await self._HANDLERS[type(command)](self, command)

    def piece_brought(self, piece_id: str) -> None:
        """The piece was scanned at the turntable of its spot."""
        spot = self._spot(piece_id)
        if isinstance(spot, Spot) and spot.camera in self.places:
            self.places[spot.camera].brought(piece_id)

    def piece_left(self, piece_id: str) -> None:
        """The piece stands on no turntable any more: packed, or carried back."""
        for place in self.places.values():
            if place.line.on_table == piece_id:
                place.brought("")

    async def take_still(self, session_id: str | None, camera: str = "") -> Still:
        """Take the full-resolution still of what a session sees, or of a camera by name, masks applied.

        Raises DeviceError: AttendantNeededError `private` while the privacy switch is on.
        """
        place = self._place_of(session_id) if session_id else None
        place = place or self.places.get(camera)
        if place is None:
            raise AttendantNeededError(f"viewing: no camera {camera!r} and no session {session_id!r}", "no_camera")
        if self._is_private:
            raise AttendantNeededError(f"{place.name}: the privacy switch is on; no picture is taken", "private")
        async with place.place.camera.use() as driver:
            still: Still = await driver.still()
        return await asyncio.to_thread(mask_still, still, place.masks())

    def is_watched(self, camera: str = "") -> bool:
        """Whether a shopper looks, steers or waits at this camera, or at any."""
        return any(place.line.lookers for name, place in self.places.items() if camera in ("", name))

    async def set_privacy(self, is_private: bool) -> None:
        """Turn the privacy switch; returns when the cameras obey: not one packet of a picture leaves any more."""
        self._is_private = is_private
        for place in self.places.values():
            place.capture.bar(is_private)
        self._tick()
        if is_private:
            await self._wait_for_tasks()

    async def position(self, camera: str) -> Position:
        """Return where a viewing place's head and table stand, as a face is taught; raises DeviceError."""
        return await self.places[camera].where()

    async def ready(self) -> None:
        """Return when WebRTC is loaded and the first shopper will not wait for it."""
        await self._is_ready.wait()

    # commands

    async def _ask_to_look(self, command: AskToLook) -> None:
        spot = self._spot(command.piece_id)
        if isinstance(spot, Refusal):
            self._refuse(command.session_id, spot)
            return
        place = self.places[spot.camera]
        place.shut(self._reason_shut(place))
        is_known = place.line.looker(command.session_id) is not None
        if place.line.shut or (place.is_full(may_steer=command.may_steer) and not is_known):
            answer = ANSWERS[place.line.shut] if place.line.shut else LookAnswer.FULL
            self._refuse(command.session_id, Refusal(answer=answer), camera=place.name)
            return
        self._leave_other_places(command, place)
        looker = place.ask(
            Asked(
                session_id=command.session_id,
                account_id=command.account_id,
                piece_id=command.piece_id,
                may_steer=command.may_steer and bool(command.account_id),
                must_be_brought=must_be_brought(spot),
                is_booked=command.is_booked,
                waits=command.waits,
            )
        )
        assert looker is not None
        self._answer(place, looker, spot, has_still=command.still_width_px > 0)
        if command.still_width_px:
            place.stills.open(command.session_id, command.still_width_px, is_single=True)
        if not is_known:
            self._outside.attendant.somebody_looks(command.session_id)

    def _answer(self, place: LivePlace, looker: Looker, spot: Spot, *, has_still: bool) -> None:
        answer = place.answer_of(looker)
        is_steering = place.line.holder is not None and place.line.holder.session_id == looker.session_id
        self._outside.send_report(
            LookAnswered(
                session_id=looker.session_id,
                answer=answer,
                camera=place.name,
                place=place.line.place(looker.session_id),
                wait_s=place.wait_s(looker.session_id),
                turn_no=place.line.turn_no if is_steering and answer is LookAnswer.NOW else 0,
                text=TEXTS[answer],
                faces=spot.faces,
                can_turn=place.place.turntable is not None,
                can_pan=place.place.head is not None,
                can_zoom=place.place.head is not None,
                still_age_s=round(place.capture.age_s(), 2) if has_still else None,
            )
        )

    def _refuse(self, session_id: str, refusal: Refusal, camera: str = "") -> None:
        self._outside.send_report(
            LookAnswered(
                session_id=session_id,
                answer=refusal.answer,
                camera=camera,
                opens_at=refusal.opens_at,
                text=TEXTS[refusal.answer],
            )
        )

    def _leave_other_places(self, command: AskToLook, here: LivePlace) -> None:
        """One place per account in the whole shop."""
        for place in self.places.values():
            if place is here:
                continue
            place.leave(command.session_id, "moved", is_told=False)
            for looker in place.line.lookers:
                if looker.account_id == command.account_id != "" and looker.may_steer and command.may_steer:
                    place.leave(looker.session_id, "elsewhere")

    async def _leave(self, command: LeaveViewing) -> None:
        for place in self.places.values():
            place.leave(command.session_id, command.reason or "left")

    async def _open_stream(self, command: OpenStream) -> None:
        self._openings.open(self._place_of(command.session_id), command)

    async def _add_candidate(self, command: AddCandidate) -> None:
        self._openings.add_candidate(command)

    async def _close_stream(self, command: CloseStream) -> None:
        self._openings.close(command)

    async def _open_stills(self, command: OpenStills) -> None:
        place, plan = self._place_of(command.session_id), self._outside.plan()
        reason = ""
        try:
            if place is None or plan is None:
                raise ViewingRefusedError("no_session")
            await self._admission.admit(
                command.ticket, shop_id=plan.shop_id, camera=place.name, session_id=command.session_id
            )
            if place.line.shut:
                raise ViewingRefusedError(place.line.shut)
        except ViewingRefusedError as error:
            reason = error.reason
        age_s = round(place.capture.age_s(), 2) if place is not None and not reason else 0.0
        self._outside.send_report(StillsAnswered(session_id=command.session_id, reason=reason, age_s=age_s))
        if place is not None and not reason:
            place.beat(command.session_id)
            place.stills.open(command.session_id, command.width_px, is_single=command.is_single)

    async def _credit_frame(self, command: CreditFrame) -> None:
        place = self._place_of(command.session_id)
        if place is not None:
            place.beat(command.session_id)
            place.stills.credit(command.session_id)

    async def _steer(self, command: SteerCamera) -> None:
        place = self._place_of(command.session_id)
        if place is not None:
            place.steer(command.session_id, command.steering)

    async def _take_loupe(self, command: TakeLoupe) -> None:
        place = self._place_of(command.session_id)
        if place is None:
            report = LoupeTaken(session_id=command.session_id, loupe_id=command.loupe_id, reason="no_session")
            self._outside.send_report(report)
            return
        place.beat(command.session_id)
        self._spawn(self._send_loupe(place, command), f"loupe {command.loupe_id}")

    async def _send_loupe(self, place: LivePlace, command: TakeLoupe) -> None:
        told, jpeg = await place.loupe.answer(command, is_steering=place.is_steering(command.session_id))
        if jpeg:
            self._outside.send_frame(command.loupe_id, jpeg)
        self._outside.send_report(told)

    async def _take_camera(self, command: TakeCamera) -> None:
        place = self.places.get(command.camera)
        if place is not None:
            place.take(command.reason, command.session_id)

    async def _hand_turn(self, command: HandTurn) -> None:
        place = self._place_of(command.session_id)
        if place is not None:
            place.hand(command.session_id, command.to_session_id, command.turn_no)

    async def _ask_position(self, command: AskPosition) -> None:
        place = self._place_of(command.session_id)
        if place is None:
            self._outside.send_report(PositionTold(session_id=command.session_id, reason="no_session"))
            return
        self._spawn(self._tell_position(place, command.session_id), f"position {command.session_id}")

    async def _tell_position(self, place: LivePlace, session_id: str) -> None:
        try:
            told = PositionTold(session_id=session_id, position=await place.where())
        except DeviceError as error:
            told = PositionTold(session_id=session_id, reason=str(error))
        self._outside.send_report(told)

    _HANDLERS: ClassVar[dict[type[Command], Callable[["ViewingDesk", Any], Coroutine[Any, Any, None]]]] = {
        AskToLook: _ask_to_look,
        LeaveViewing: _leave,
        OpenStream: _open_stream,
        AddCandidate: _add_candidate,
        CloseStream: _close_stream,
        OpenStills: _open_stills,
        CreditFrame: _credit_frame,
        SteerCamera: _steer,
        TakeLoupe: _take_loupe,
        TakeCamera: _take_camera,
        HandTurn: _hand_turn,
        AskPosition: _ask_position,
    }
    HANDLES = tuple(_HANDLERS)
    """The commands that belong to `handle`."""

    # inside

    def _tick(self) -> None:
        for place in self.places.values():
            place.shut(self._reason_shut(place))
            place.tick()

    def _reason_shut(self, place: LivePlace) -> str:
        plan = self._outside.plan()
        if self._is_private:
            return "private"
        if self._is_closing or plan is None or not is_open(plan, self._outside.clock.wall()):
            return "closed"
        if not is_offered(plan, place.name):
            return "not_offered"
        return place.finding()

    def _spot(self, piece_id: str) -> Spot | Refusal:
        return find_spot(
            self._outside.plan(),
            piece_id,
            self.places,
            now=self._outside.clock.wall(),
            is_gone=self._outside.is_piece_gone(piece_id),
        )

    def _place_of(self, session_id: str) -> LivePlace | None:
        return next((one for one in self.places.values() if one.line.looker(session_id) is not None), None)

    async def _load(self) -> None:
        """Load WebRTC beside the daemon's start: it takes half a second that the first shopper should not wait for."""
        streams = await asyncio.to_thread(importlib.import_module, "edge.viewing.streams")
        models = await streams.prepare(self._options.addresses)
        for place in self.places.values():
            place.streams = streams.Streams(
                place.capture, place.masks, place, self._outside.clock.monotonic, self._spawn,
                self._options.viewers_max, self._uplink, models,
            )  # fmt: skip
        self._is_ready.set()

    async def _say_goodbye(self) -> None:
        for place in self.places.values():
            place.shut("closed")
        await self._wait_for_tasks()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run something beside; what it raises is a bug and ends `run`. Not in its group: goodbyes outlive that."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and self._bug is not None and not self._bug.done():
            self._bug.set_exception(error)

    async def _wait_for_tasks(self) -> None:
        """Wait until connections that are being closed are closed, CLOSE_S at most."""
        pending = {task for task in self._tasks if task is not asyncio.current_task()}
        if pending:
            await asyncio.wait(pending, timeout=CLOSE_S)
