"""One step of a parcel inside one journal transaction: stage, intents, questions, reports and labels together."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edge.bench import parcel as rows
from edge.bench.parcel import Intent, LabelRow, LabelState, Parcel
from edge.bench.questions import COLLECTING, Fetching, fetch_text, fill, question
from edge.bench.tasks import Task, TaskKind, close_task, open_tasks, save_task
from edge.bench.telling import NO_FACTS, Facts, Telling
from edge.flows.fulfilment import (
    ACTS,
    CLEARING,
    HELD,
    WAITS_IN_LINE,
    Effect,
    Event,
    Stage,
    step,
)
from edge.journal.transaction import Transaction
from edge.locations import carries, shelves
from edge.pictures import Pictures
from wire.codec import to_base64url
from wire.plan import PackWhen, PiecePlan, ShopPlan, Text

X, E, S = Effect, Event, Stage

SERIAL_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U, so that a serial can be read aloud and typed."""

LASTING = (TaskKind.SHOW_COURIER_LINK, TaskKind.NOTE)
"""Tasks that stay when the parcel goes on."""


@dataclass(slots=True)
class Did:
    """What a transaction did beyond the journal: intents to start, intents that were taken back."""

    started: list[Intent] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)


class Steps:
    """The bench's rules for one transaction. `hands` are the acts (PACK, APPLY) that a person does in this shop."""

    def __init__(
        self,
        tx: Transaction,
        *,
        plan: ShopPlan | None,
        pictures: Pictures,
        hands: frozenset[Effect],
        ids: Callable[[str], str],
        random_bytes: Callable[[int], bytes],
        has_sorter: bool = False,
    ) -> None:
        self.did = Did()
        self._telling = Telling(tx, pictures).effects
        self._tx, self._plan, self._hands, self._ids, self._random = tx, plan, hands, ids, random_bytes
        self._has_sorter = has_sorter

    def feed(self, parcel: Parcel, event: Event, facts: Facts = NO_FACTS) -> None:
        """Take one event and those that follow from it at once; raises IllegalStepError before anything is written."""
        waiting = [(event, facts)]
        while waiting:
            event, facts = waiting.pop(0)
            stage, effects = step(parcel.stage, event)
            if stage is not parcel.stage:
                self._leave(parcel)
                parcel.stage, parcel.since = stage, self._tx.at
                parcel.reason = facts.reason if stage in HELD else ""
                parcel.is_offline = facts.is_offline
            parcel.was_retried = event is E.RETRY
            parcel.stays = parcel.stays or event is E.STILL_HERE
            for effect in effects:
                waiting += self._carry_out(parcel, effect, facts)
            rows.save(self._tx, parcel, "stage", event=event.value)

    def advance_line(self) -> None:
        """Give a free bench to the next parcel; ask for room when a paid one waits behind an unpaid one."""
        parcels = rows.open_parcels(self._tx)
        waiting = [part for part in parcels if part.stage in WAITS_IN_LINE]
        ready = [part for part in waiting if self._may_come(part)]
        first = min(ready, key=lambda part: (part.stage is not S.REWORK, not part.is_paid, part.line_no), default=None)
        holders = [part for part in parcels if part.is_on_bench or part.stage in CLEARING]
        if first is None:
            return
        if not holders:
            self.feed(first, E.BENCH_FREE)
        elif first.is_paid and len(holders) == 1 and holders[0].stage is S.WAITING_FOR_LABEL and not holders[0].stays:
            self.feed(holders[0], E.MAKE_ROOM)

    def _may_come(self, parcel: Parcel) -> bool:
        """Whether this parcel could use a free bench: nobody else takes something from where its piece lies."""
        if parcel.stage is S.ASIDE:
            return parcel.is_paid
        is_kept = shelves.is_kept_for_other(self._tx, parcel.piece_id, parcel.parcel_id)
        return parcel.stage is not S.IN_LINE or not is_kept

    def piece(self, piece_id: str) -> PiecePlan | None:
        """Return the piece as the shop plan names it."""
        pieces = self._plan.pieces if self._plan else ()
        return next((piece for piece in pieces if piece.piece_id == piece_id), None)

    def _leave(self, parcel: Parcel) -> None:
        """Take back what the last stage asked and began: its questions, and acts that no device has started."""
        if parcel.stage is S.PICKING:
            carries.end(self._tx, parcel.parcel_id)
            shelves.let_go(self._tx, parcel.parcel_id)
        for task in open_tasks(self._tx, parcel.parcel_id):
            if task.kind not in LASTING:
                close_task(self._tx, task, "withdrawn")
        for intent in rows.open_intents(self._tx, parcel.parcel_id):
            rows.settle_intent(self._tx, intent.intent_id, "withdrawn")
            self.did.withdrawn.append(intent.intent_id)
        self.did.started = [intent for intent in self.did.started if intent.parcel_id != parcel.parcel_id]

    def _carry_out(self, parcel: Parcel, effect: Effect, facts: Facts) -> list[tuple[Event, Facts]]:
        if effect is X.CHECK_PACKING:
            when = self._plan.pack_when if self._plan else PackWhen.CONFIRMED
            return [(E.PACK_NOW, NO_FACTS)] if when is PackWhen.CONFIRMED or parcel.is_paid else []
        if effect is X.LOOK_FOR_LABEL:
            return self._look_for_label(parcel)
        if effect is X.TAKE_STILL_AT_BENCH and parcel.still_sha256:
            return [(E.STILL_TAKEN, NO_FACTS)]
        if effect in ACTS and effect not in self._hands:
            self._begin(parcel, effect)
        elif effect is X.SHOW_COURIER_LINK:
            self._show_courier_link(parcel)
        elif effect in self._telling:
            self._telling[effect](parcel, facts)
        else:
            self._ask(parcel, effect, facts)
        return []

    def _look_for_label(self, parcel: Parcel) -> list[tuple[Event, Facts]]:
        """A label is due when one was ordered that is newer than the one on the parcel and not retired."""
        live = rows.load_label(self._tx, parcel.serial) if parcel.serial else None
        floor = max(parcel.retired_no, live.label_no if live else 0)
        return [(E.LABEL_ORDERED, NO_FACTS)] if parcel.label_no > floor else []

    # acts and questions

    def _begin(self, parcel: Parcel, effect: Effect) -> None:
        detail: dict[str, Any] = {}
        if effect is X.PRINT:
            detail = {"serial": self._label_to_print(parcel).serial}
        elif effect is X.PACK:
            detail = {"job_no": parcel.job_no}
        elif effect is X.APPLY:
            detail = {"serial": parcel.serial}
        intent_id = self._ids("in")
        intent = Intent(intent_id=intent_id, parcel_id=parcel.parcel_id, act=effect, detail=detail)
        rows.save_intent(self._tx, intent)
        self.did.started.append(intent)

    def _label_to_print(self, parcel: Parcel) -> LabelRow:
        """Return the label to be made: a new serial, or the one that was blocked before its first byte."""
        content = parcel.content()
        live = rows.load_label(self._tx, parcel.serial) if parcel.serial else None
        if live is not None:
            if live.state is not LabelState.INTENDED:
                raise AssertionError(f"parcel {parcel.parcel_id}: label {live.serial} is {live.state}, not void")
            return live
        serial = self._new_serial()
        mark = "&" if "?" in content.resolver_url else "?"
        label = LabelRow(
            serial=serial,
            parcel_id=parcel.parcel_id,
            state=LabelState.INTENDED,
            label_no=content.label_no,
            url=f"{content.resolver_url}{mark}s={serial}",
            sscc=content.sscc,
            goods_code=content.goods_code,
            merchant_code=content.merchant_code,
        )
        rows.save_label(self._tx, label, "label")
        parcel.serial = serial
        return label

    def _new_serial(self) -> str:
        while True:
            number = int.from_bytes(self._random(5), "big")
            serial = "".join(SERIAL_ALPHABET[number >> shift & 31] for shift in range(35, -5, -5))
            if self._tx.get("labels", serial) is None:
                return serial

    def _ask(self, parcel: Parcel, effect: Effect, facts: Facts, link: str = "") -> None:
        is_collected = effect is X.ASK_HAND_OVER and parcel.is_pickup
        asked = COLLECTING if is_collected else question(effect, parcel.stage, facts.reason)
        piece = self.piece(parcel.piece_id)
        place = shelves.location_of(self._tx, parcel.piece_id)
        text = fill(
            asked.text, piece, serial=parcel.serial, reason=facts.reason, objection=parcel.objection, place=place
        )
        if effect is X.ASK_FETCH:
            text = self._fetch(parcel, piece, place)
        task = Task(
            task_id=self._ids("t"),
            kind=asked.kind,
            text=text,
            answers=asked.answers(),
            asked_at=self._tx.now,
            parcel_id=parcel.parcel_id,
            piece_id=parcel.piece_id,
            needs_scan=asked.needs_scan,
            link=link,
            reason=facts.reason,
            picture_sha256=parcel.photo_sha256 if effect is X.ASK_HAND_OVER else "",
        )
        save_task(self._tx, task)

    def _fetch(self, parcel: Parcel, piece: PiecePlan | None, place: str) -> Text:
        """Keep the location for this parcel and have the sorter bring the piece where it can; say who brings it."""
        shelves.keep(self._tx, parcel.piece_id, parcel.parcel_id)
        is_carried = self._has_sorter and carries.want(self._tx, parcel.parcel_id, parcel.piece_id, self._random)
        return fetch_text(Fetching.BY_SORTER if is_carried else Fetching.BY_HAND, piece, place)

    def _show_courier_link(self, parcel: Parcel) -> None:
        """Make the courier's token: it stands in the open task only, its hash is all that stays.

        What the shopper collects no courier gets.
        """
        if parcel.is_pickup:
            return
        token = to_base64url(self._random(16))
        parcel.courier_sha256 = hashlib.sha256(token.encode()).hexdigest()
        root = self._plan.resolver_url if self._plan else ""
        self._ask(parcel, X.SHOW_COURIER_LINK, NO_FACTS, f"{root.rstrip('/')}/c/{parcel.parcel_id}.{token}")
