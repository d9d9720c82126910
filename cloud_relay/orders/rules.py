"""The order's state table: which event moves which state, with which effects and timers. Pure.

Everything that decides about an order's state lives in this file. The caller carries effects out in the same
transaction; time is an argument. Each (state, event) pair is a move, ignored (a repeat, harmless) or refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class OrderState(StrEnum):
    """Where an order is; on pages each has one sentence."""

    UNPAID = "unpaid"
    PLEDGED = "pledged"
    PAID = "paid"
    PHOTO_OFFERED = "photo_offered"
    CONFIRMED = "confirmed"
    HANDED_OVER = "handed_over"
    DELIVERED = "delivered"
    DISPUTED = "disputed"
    CANCELLING = "cancelling"
    RELEASED = "released"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    CHARGED_BACK = "charged_back"


class OrderEvent(StrEnum):
    """What happened. The `_due` ones are timers; `retaken` is a late payment for a piece that was free again.

    An order that is a pledge in a group order is paid by `pledged`, or `too_late` once the group is closed to it; its
    group's end and its shopper's leaving are the three after that.
    """

    PAYMENT_SUCCEEDED = "payment_succeeded"
    PAYMENT_RETAKEN = "payment_retaken"
    PAYMENT_PLEDGED = "payment_pledged"
    PAYMENT_TOO_LATE = "payment_too_late"
    GROUP_SUCCEEDED = "group_succeeded"
    GROUP_FAILED = "group_failed"
    PLEDGE_LEFT = "pledge_left"
    PAYMENT_FAILED = "payment_failed"
    PAY_DUE = "pay_due"
    CANCEL_ASKED = "cancel_asked"
    CANCEL_DONE = "cancel_done"
    CANCEL_REFUSED = "cancel_refused"
    CANCEL_FAILED = "cancel_failed"
    CANCEL_DUE = "cancel_due"
    PHOTOGRAPHED = "photographed"
    PHOTO_CONFIRMED = "photo_confirmed"
    PHOTO_OBJECTED = "photo_objected"
    PHOTO_DUE = "photo_due"
    PIECE_GONE = "piece_gone"
    SHIP_DUE = "ship_due"
    HANDED_OVER = "handed_over"
    COLLECTED = "collected"
    COLLECT_DUE = "collect_due"
    DELIVERED = "delivered"
    ARRIVE_DUE = "arrive_due"
    RECEIPT = "receipt"
    RELEASE_DUE = "release_due"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_WITHDRAWN = "dispute_withdrawn"
    RULED_REFUND = "ruled_refund"
    RULED_RELEASE = "ruled_release"
    RULED_SPLIT = "ruled_split"
    RULE_DUE = "rule_due"
    OPERATOR_CALLED = "operator_called"
    CHARGED_BACK = "charged_back"


class Effect(StrEnum):
    """What the caller does in the same transaction as the new state."""

    TAKE_STOCK = "take_stock"
    RETAKE_STOCK = "retake_stock"
    GIVE_BACK_STOCK = "give_back_stock"
    RETURN_STOCK = "return_stock"
    DROP_PARCEL = "drop_parcel"
    ORDER_LABEL = "order_label"
    ORDER_NEXT_LABEL = "order_next_label"
    ANSWER_CONFIRMED = "answer_confirmed"
    ANSWER_SILENT = "answer_silent"
    ANSWER_OBJECTED = "answer_objected"
    CANCEL_PARCEL = "cancel_parcel"
    REFUND = "refund"
    REFUND_PAYMENT = "refund_payment"
    RELEASE_MONEY = "release_money"
    SPLIT_MONEY = "split_money"
    OPEN_DISPUTE = "open_dispute"
    CLOSE_DISPUTE = "close_dispute"
    CALL_OPERATOR = "call_operator"
    CHARGE_BACK = "charge_back"


class Timer(StrEnum):
    """A deadline of an order; when it is reached, the event of TIMER_EVENTS happens by itself."""

    PAY = "pay"
    SHIP = "ship"
    PHOTO = "photo"
    CANCEL = "cancel"
    ARRIVE = "arrive"
    RELEASE = "release"
    RULE = "rule"


TIMER_EVENTS: dict[Timer, OrderEvent] = {
    Timer.PAY: OrderEvent.PAY_DUE,
    Timer.SHIP: OrderEvent.SHIP_DUE,
    Timer.PHOTO: OrderEvent.PHOTO_DUE,
    Timer.CANCEL: OrderEvent.CANCEL_DUE,
    Timer.ARRIVE: OrderEvent.ARRIVE_DUE,
    Timer.RELEASE: OrderEvent.RELEASE_DUE,
    Timer.RULE: OrderEvent.RULE_DUE,
}

S, E, F, T = OrderState, OrderEvent, Effect, Timer

AT_SHOP = frozenset({S.PAID, S.PHOTO_OFFERED, S.CONFIRMED})
ON_ITS_WAY = frozenset({S.HANDED_OVER, S.DELIVERED})
MONEY_HELD = AT_SHOP | ON_ITS_WAY | {S.PLEDGED, S.DISPUTED, S.CANCELLING}
"""States in which the order's escrow holds the whole total."""
UNDONE = frozenset({S.CANCELLED, S.EXPIRED, S.REFUNDED, S.CHARGED_BACK})
FINAL = UNDONE | {S.RELEASED}
ALL = frozenset(S)

STATE_TIMERS: dict[OrderState, Timer] = {
    S.UNPAID: T.PAY,
    S.PAID: T.SHIP,
    S.PHOTO_OFFERED: T.PHOTO,
    S.CONFIRMED: T.SHIP,
    S.CANCELLING: T.CANCEL,
    S.HANDED_OVER: T.ARRIVE,
    S.DELIVERED: T.RELEASE,
    S.DISPUTED: T.RULE,
}
"""The one deadline that each waiting state has, so that no order waits for ever; final states have none.

A pledged one waits for its group, whose deadline ends all of it at once; the view `violations` (P2) proves that none is
left behind.
"""
GROUP_TIMED = frozenset({S.PLEDGED})
"""States that end with a group order and have no timer of their own."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How long each timer of an order runs, in seconds; what the shopper agreed to before paying stands in the order.

    `objections_max` objections send the parcel back to the bench; the next one ends the order and is refunded.
    """

    pay_s: float = 900.0
    ship_s: float = 14 * 86400.0
    photo_s: float = 86400.0
    cancel_s: float = 14 * 86400.0
    arrive_s: float = 60 * 86400.0
    release_s: float = 7 * 86400.0
    rule_s: float = 14 * 86400.0
    objections_max: int = 2

    def of(self, timer: Timer) -> timedelta:
        return timedelta(seconds=getattr(self, f"{timer.value}_s"))


@dataclass(frozen=True, slots=True)
class OrderView:
    """What the table knows of an order; `until` is the deadline of its state's one timer (STATE_TIMERS).

    In a dispute `resume` is where the order would be, and `left_s` the seconds that its stopped timer had left;
    `is_return_accepted`: the merchant said that the parcel may come back, and it has not yet.
    """

    state: OrderState
    objections: int = 0
    until: datetime | None = None
    resume: OrderState | None = None
    left_s: float | None = None
    is_return_accepted: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """One cell of the table: the next state and what to do. `keeps_timer` leaves a running deadline as it is."""

    to: OrderState
    effects: tuple[Effect, ...] = ()
    keeps_timer: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """All states' answers to one event; `moves`, `ignored`, `refused` and `shadowed` share out every state."""

    moves: Mapping[OrderState, Move]
    ignored: frozenset[OrderState] = frozenset()
    refused: frozenset[OrderState] = frozenset()
    shadowed: frozenset[OrderState] = frozenset()
    """States (DISPUTED) in which the fact is kept for afterwards: it moves `resume`, and carries out no effect."""


class StepRefusedError(Exception):
    """This event may not happen in this state; `state` and `event` choose the sentence that the person reads."""

    def __init__(self, state: OrderState, event: OrderEvent) -> None:
        super().__init__(f"order: {event.value} is not possible while {state.value}")
        self.state, self.event = state, event


def _each(states: frozenset[OrderState], to: OrderState, *effects: Effect) -> dict[OrderState, Move]:
    return {state: Move(to, effects) for state in states}


_DISPUTED = frozenset({S.DISPUTED})
_UNPLEDGED = (F.REFUND, F.RETURN_STOCK, F.DROP_PARCEL)
"""The shop never heard of a pledged piece: money and stock go back at once."""
_UNPAID_ENDS = {S.UNPAID: Move(S.CANCELLED, (F.GIVE_BACK_STOCK,))}

TABLE: dict[OrderEvent, Row] = {
    # A second success of one order is a double charge: that payment alone goes back.
    E.PAYMENT_SUCCEEDED: Row(
        {S.UNPAID: Move(S.PAID, (F.TAKE_STOCK, F.ORDER_LABEL))}
        | {state: Move(state, (F.REFUND_PAYMENT,), keeps_timer=True) for state in ALL - {S.UNPAID}}
    ),
    E.PAYMENT_RETAKEN: Row({S.EXPIRED: Move(S.PAID, (F.RETAKE_STOCK, F.ORDER_LABEL))}, refused=ALL - {S.EXPIRED}),
    E.PAYMENT_PLEDGED: Row({S.UNPAID: Move(S.PLEDGED, (F.TAKE_STOCK,))}, refused=ALL - {S.UNPAID}),
    # Its group closed, or its own time to pay was over, while the shopper paid.
    E.PAYMENT_TOO_LATE: Row(
        {S.UNPAID: Move(S.CANCELLED, (F.GIVE_BACK_STOCK, F.REFUND_PAYMENT))}
        | {state: Move(state, (F.REFUND_PAYMENT,), keeps_timer=True) for state in (S.EXPIRED, S.CANCELLED)},
        refused=ALL - {S.UNPAID, S.EXPIRED, S.CANCELLED},
    ),
    # Who has not paid when the group ends is not in it any more; that payment, should it come, is too late.
    E.GROUP_SUCCEEDED: Row(
        {S.PLEDGED: Move(S.PAID, (F.ORDER_LABEL,))} | _UNPAID_ENDS, ignored=ALL - {S.PLEDGED, S.UNPAID}
    ),
    E.GROUP_FAILED: Row({S.PLEDGED: Move(S.CANCELLED, _UNPLEDGED)} | _UNPAID_ENDS, ignored=ALL - {S.PLEDGED, S.UNPAID}),
    E.PLEDGE_LEFT: Row(
        {S.PLEDGED: Move(S.CANCELLED, _UNPLEDGED)} | _UNPAID_ENDS,
        ignored=UNDONE,
        refused=ALL - {S.PLEDGED, S.UNPAID} - UNDONE,
    ),
    E.PAYMENT_FAILED: Row({S.UNPAID: Move(S.UNPAID, keeps_timer=True)}, ignored=ALL - {S.UNPAID}),
    E.PAY_DUE: Row({S.UNPAID: Move(S.EXPIRED, (F.GIVE_BACK_STOCK,))}, ignored=ALL - {S.UNPAID}),
    E.CANCEL_ASKED: Row(
        _UNPAID_ENDS | {S.PLEDGED: Move(S.CANCELLED, _UNPLEDGED)} | _each(AT_SHOP, S.CANCELLING, F.CANCEL_PARCEL),
        ignored=frozenset({S.CANCELLING, S.CANCELLED}),
        refused=ON_ITS_WAY | _DISPUTED | {S.RELEASED, S.EXPIRED, S.REFUNDED, S.CHARGED_BACK},
    ),
    E.CANCEL_DONE: Row(
        {
            S.CANCELLING: Move(S.CANCELLED, (F.REFUND, F.RETURN_STOCK)),
            S.DISPUTED: Move(S.CANCELLED, (F.CLOSE_DISPUTE, F.REFUND, F.RETURN_STOCK)),
            # Refunded already, by a ruling or the provider: the shop's answer only frees the piece.
            S.REFUNDED: Move(S.REFUNDED, (F.RETURN_STOCK,)),
            S.CHARGED_BACK: Move(S.CHARGED_BACK, (F.RETURN_STOCK,)),
        },
        ignored=ALL - {S.CANCELLING, S.DISPUTED, S.REFUNDED, S.CHARGED_BACK},
    ),
    E.CANCEL_REFUSED: Row(
        {S.CANCELLING: Move(S.HANDED_OVER)}, ignored=ALL - {S.CANCELLING, S.DISPUTED}, shadowed=_DISPUTED
    ),
    E.CANCEL_FAILED: Row({S.CANCELLING: Move(S.DISPUTED, (F.OPEN_DISPUTE,))}, ignored=ALL - {S.CANCELLING}),
    E.CANCEL_DUE: Row({S.CANCELLING: Move(S.DISPUTED, (F.OPEN_DISPUTE,))}, ignored=ALL - {S.CANCELLING}),
    # A newer photo (label replaced at the bench) asks again, with a fresh window.
    E.PHOTOGRAPHED: Row(_each(AT_SHOP, S.PHOTO_OFFERED), ignored=ALL - AT_SHOP - _DISPUTED, shadowed=_DISPUTED),
    E.PHOTO_CONFIRMED: Row(
        {S.PHOTO_OFFERED: Move(S.CONFIRMED, (F.ANSWER_CONFIRMED,))},
        ignored=frozenset({S.CONFIRMED}),
        refused=ALL - {S.PHOTO_OFFERED, S.CONFIRMED},
    ),
    E.PHOTO_OBJECTED: Row(
        {S.PHOTO_OFFERED: Move(S.PAID, (F.ANSWER_OBJECTED, F.ORDER_NEXT_LABEL))}, refused=ALL - {S.PHOTO_OFFERED}
    ),
    E.PHOTO_DUE: Row({S.PHOTO_OFFERED: Move(S.CONFIRMED, (F.ANSWER_SILENT,))}, ignored=ALL - {S.PHOTO_OFFERED}),
    E.PIECE_GONE: Row(
        {S.UNPAID: Move(S.CANCELLED), S.DISPUTED: Move(S.REFUNDED, (F.CLOSE_DISPUTE, F.REFUND))}
        | {S.PLEDGED: Move(S.REFUNDED, (F.REFUND, F.DROP_PARCEL))}  # its group goes on without it
        | _each(AT_SHOP | {S.CANCELLING}, S.REFUNDED, F.REFUND),
        ignored=ON_ITS_WAY | FINAL,
    ),
    E.SHIP_DUE: Row(
        _each(frozenset({S.PAID, S.CONFIRMED}), S.DISPUTED, F.OPEN_DISPUTE), ignored=ALL - {S.PAID, S.CONFIRMED}
    ),
    # A shop hands over only what was confirmed; had a cancel crossed with it, the fact still counts.
    E.HANDED_OVER: Row(
        _each(AT_SHOP | {S.CANCELLING}, S.HANDED_OVER),
        ignored=ON_ITS_WAY | FINAL | {S.UNPAID, S.PLEDGED},
        shadowed=_DISPUTED,
    ),
    # Taken at the pick-up point with the right code: handed over and delivered in one.
    E.COLLECTED: Row(
        _each(AT_SHOP | {S.CANCELLING}, S.DELIVERED),
        ignored=ON_ITS_WAY | FINAL | {S.UNPAID, S.PLEDGED},
        shadowed=_DISPUTED,
    ),
    # Nobody came for it: back to stock, and the money back, once the shop says that it is.
    E.COLLECT_DUE: Row({S.CONFIRMED: Move(S.CANCELLING, (F.CANCEL_PARCEL,))}, ignored=ALL - {S.CONFIRMED}),
    E.DELIVERED: Row({S.HANDED_OVER: Move(S.DELIVERED)}, ignored=ALL - {S.HANDED_OVER, S.DISPUTED}, shadowed=_DISPUTED),
    E.ARRIVE_DUE: Row({S.HANDED_OVER: Move(S.DISPUTED, (F.OPEN_DISPUTE,))}, ignored=ALL - {S.HANDED_OVER}),
    E.RECEIPT: Row(
        _each(ON_ITS_WAY, S.RELEASED, F.RELEASE_MONEY),
        ignored=frozenset({S.RELEASED}),
        refused=ALL - ON_ITS_WAY - {S.RELEASED},
    ),
    E.RELEASE_DUE: Row({S.DELIVERED: Move(S.RELEASED, (F.RELEASE_MONEY,))}, ignored=ALL - {S.DELIVERED}),
    E.DISPUTE_OPENED: Row(
        _each(AT_SHOP | ON_ITS_WAY | {S.CANCELLING}, S.DISPUTED, F.OPEN_DISPUTE),
        ignored=_DISPUTED,
        refused=FINAL | {S.UNPAID, S.PLEDGED},
    ),
    E.DISPUTE_WITHDRAWN: Row({S.DISPUTED: Move(S.DISPUTED, (F.CLOSE_DISPUTE,))}, refused=ALL - _DISPUTED),
    E.RULED_REFUND: Row({S.DISPUTED: Move(S.REFUNDED, (F.CLOSE_DISPUTE, F.REFUND))}, refused=ALL - _DISPUTED),
    E.RULED_RELEASE: Row({S.DISPUTED: Move(S.RELEASED, (F.CLOSE_DISPUTE, F.RELEASE_MONEY))}, refused=ALL - _DISPUTED),
    E.RULED_SPLIT: Row({S.DISPUTED: Move(S.RELEASED, (F.CLOSE_DISPUTE, F.SPLIT_MONEY))}, refused=ALL - _DISPUTED),
    E.RULE_DUE: Row({S.DISPUTED: Move(S.REFUNDED, (F.CLOSE_DISPUTE, F.REFUND))}, ignored=ALL - _DISPUTED),
    # The parcel may be on its way back: no clock gives the money to either side, and operators are called again.
    E.OPERATOR_CALLED: Row({S.DISPUTED: Move(S.DISPUTED, (F.CALL_OPERATOR,))}, ignored=ALL - _DISPUTED),
    # The shopper's bank took the money back: from the hold while there is one, else from the merchant, else a loss.
    E.CHARGED_BACK: Row(
        _each(AT_SHOP, S.CHARGED_BACK, F.CHARGE_BACK, F.CANCEL_PARCEL)
        | _each(ON_ITS_WAY | {S.CANCELLING, S.RELEASED}, S.CHARGED_BACK, F.CHARGE_BACK)
        | {S.DISPUTED: Move(S.CHARGED_BACK, (F.CLOSE_DISPUTE, F.CHARGE_BACK))}
        | {S.PLEDGED: Move(S.CHARGED_BACK, (F.CHARGE_BACK, F.RETURN_STOCK, F.DROP_PARCEL))}
        | {state: Move(state, (F.CHARGE_BACK,)) for state in UNDONE},
        ignored=frozenset({S.UNPAID}),
    ),
}


def due_event(view: OrderView, now: datetime) -> OrderEvent | None:
    """Return the event of the state's timer if its moment is reached (`now` at or after it), else None."""
    if view.until is None or now < view.until:
        return None
    if view.state is OrderState.DISPUTED and view.is_return_accepted:
        return OrderEvent.OPERATOR_CALLED
    return TIMER_EVENTS[STATE_TIMERS[view.state]]


def is_ignored(view: OrderView, event: OrderEvent) -> bool:
    """Return whether `event` says nothing new in this state: no effect, no line in the timeline."""
    return view.state in TABLE[event].ignored


def step(view: OrderView, event: OrderEvent, now: datetime, terms: Terms) -> tuple[OrderView, tuple[Effect, ...]]:
    """Return the order after `event` and the effects to carry out; the same view and none when it is ignored.

    Raises StepRefusedError when the event may not happen now.
    """
    event = _resolve(view, event)
    row = TABLE[event]
    if view.state in row.shadowed:
        return _shadow(view, event, now, terms), ()
    if view.state in row.ignored:
        return view, ()
    if view.state in row.refused:
        raise StepRefusedError(view.state, event)
    move = row.moves[view.state]
    if event is OrderEvent.DISPUTE_WITHDRAWN:
        return _resumed(view, now), move.effects
    if event is OrderEvent.OPERATOR_CALLED:
        return replace(view, until=now + terms.of(Timer.RULE)), move.effects
    if event is OrderEvent.PHOTO_OBJECTED:
        return _objected(view, move, now, terms)
    return _moved(view, move, now, terms), move.effects + _also(view, event)


def _resolve(view: OrderView, event: OrderEvent) -> OrderEvent:
    """A dispute that nobody rules on in time ends for the merchant if the parcel arrived, else for the shopper."""
    if event is OrderEvent.RULE_DUE and view.state is OrderState.DISPUTED and view.resume is OrderState.DELIVERED:
        return OrderEvent.RULED_RELEASE
    if event in (OrderEvent.RULED_RELEASE, OrderEvent.RULED_SPLIT) and view.resume not in ON_ITS_WAY:
        raise StepRefusedError(view.state, event)
    return event


def _also(view: OrderView, event: OrderEvent) -> tuple[Effect, ...]:
    """What a ruling adds while the parcel is still at the shop: its work stops."""
    stops = event in (OrderEvent.RULED_REFUND, OrderEvent.RULE_DUE, OrderEvent.CHARGED_BACK)
    is_at_shop = view.state is OrderState.DISPUTED and view.resume in AT_SHOP
    return (Effect.CANCEL_PARCEL,) if stops and is_at_shop else ()


def _moved(view: OrderView, move: Move, now: datetime, terms: Terms) -> OrderView:
    if move.to is view.state and move.keeps_timer:
        return view
    timer = STATE_TIMERS.get(move.to)
    until = now + terms.of(timer) if timer else None
    if move.to is not OrderState.DISPUTED:
        return replace(view, state=move.to, until=until, resume=None, left_s=None, is_return_accepted=False)
    left_s = max(0.0, (view.until - now).total_seconds()) if view.until else None
    return replace(view, state=move.to, until=until, resume=view.state, left_s=left_s)


def _objected(view: OrderView, move: Move, now: datetime, terms: Terms) -> tuple[OrderView, tuple[Effect, ...]]:
    if view.objections < terms.objections_max:
        return replace(_moved(view, move, now, terms), objections=view.objections + 1), move.effects
    ended = Move(OrderState.CANCELLING, (Effect.ANSWER_OBJECTED, Effect.CANCEL_PARCEL))
    return replace(_moved(view, ended, now, terms), objections=view.objections + 1), ended.effects


def _shadow(view: OrderView, event: OrderEvent, now: datetime, terms: Terms) -> OrderView:
    """Keep a fact that came in a dispute: where the order goes on, with the full time of its timer."""
    assert view.resume is not None
    inner, _ = step(OrderView(view.resume, view.objections), event, now, terms)
    if inner.until is None:
        return view
    return replace(view, resume=inner.state, left_s=(inner.until - now).total_seconds())


def _resumed(view: OrderView, now: datetime) -> OrderView:
    """After a withdrawn dispute the stopped timer runs on with the time that it had left."""
    assert view.resume is not None
    until = None if view.left_s is None else now + timedelta(seconds=view.left_s)
    return replace(view, state=view.resume, until=until, resume=None, left_s=None, is_return_accepted=False)
